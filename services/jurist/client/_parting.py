"""How a message that failed for what is in it is parted, so that nobody pays for a neighbour.

A group that the server names is asked for alone, and all others together; where it names none, or has named many, the
message is halved. What is alone and fails is at fault.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import grpc

from jurist.client._errors import InvalidInputError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from jurist.client._errors import ClientError

__all__ = ["NAMED", "is_of_call", "parts"]

NAMED = 8  # times that a message is sent again for the sake of one name; where more is at fault, halves are fewer bytes
FAULTS = {grpc.StatusCode.INTERNAL, grpc.StatusCode.UNKNOWN}  # what a server that trips over one group may answer
GROUP = re.compile(r"^groups\[(\d+)\]")
CALL = re.compile(r"^(recipe|policy_step|request_id)[.:\[]")


def is_of_call(error: ClientError) -> bool:
    """Whether what is at fault is said once for all groups of a message."""
    return isinstance(error, InvalidInputError) and CALL.match(str(error)) is not None


def parts(error: ClientError, places: Sequence[int], named: int) -> tuple[list[int], list[int]] | None:
    """Return the two parts to send again, as indices of `places`; None where that would not help.

    `places` are the groups of the message in which its parts travelled, and `named` says how often a name still counts.
    """
    ours = isinstance(error, InvalidInputError) or error.code in FAULTS
    if len(places) < 2 or not ours or is_of_call(error):  # noqa: PLR2004  # one cannot be parted
        return None
    found = GROUP.match(str(error)) if named else None
    if found is not None:
        at_fault = [index for index, place in enumerate(places) if place == int(found[1])]
        others = [index for index, place in enumerate(places) if place != int(found[1])]
        if at_fault and others:
            return at_fault, others
    half = len(places) // 2
    return list(range(half)), list(range(half, len(places)))
