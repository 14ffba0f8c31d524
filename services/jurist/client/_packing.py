"""Packs groups into messages: by bytes and by count, in order."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from jurist.client._errors import InvalidInputError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from jurist.v1 import reward_pb2

__all__ = ["Pack", "pack", "shifted"]

PACK_BYTES = 2 << 20  # 1 to 4 MB moves fastest: 3x one message of 67 MB, 5x messages of 17 kB
PACK_ROLLOUTS = 4096  # half of what the server takes in one call
MESSAGE_BYTES = (64 << 20) - (64 << 10)  # the server's limit, less room for what surrounds the groups


class Pack(NamedTuple):
    """Neighbouring groups that travel together, from index `start` on."""

    start: int
    groups: Sequence[reward_pb2.RolloutGroup]


def pack(groups: Sequence[reward_pb2.RolloutGroup]) -> Iterator[Pack]:
    """Pack groups, in order; one that is large travels alone.

    Raises:
        InvalidInputError: a group is larger than any message may be.
    """
    start = size = rollouts = 0
    for index, group in enumerate(groups):
        group_bytes, group_rollouts = group.ByteSize(), len(group.rollouts)
        if group_bytes > MESSAGE_BYTES:
            text = f"groups[{index}]: {group_bytes} bytes; a message holds at most {MESSAGE_BYTES}"
            raise InvalidInputError(text)
        if index > start and (size + group_bytes > PACK_BYTES or rollouts + group_rollouts > PACK_ROLLOUTS):
            yield Pack(start, groups[start:index])
            start, size, rollouts = index, 0, 0
        size += group_bytes
        rollouts += group_rollouts
    if start < len(groups):
        yield Pack(start, groups[start:])


def shifted(text: str, start: int) -> str:
    """Count the groups that an error names from the caller's first, not from the message's."""
    return re.sub(r"\bgroups\[(\d+)\]", lambda found: f"groups[{int(found[1]) + start}]", text)
