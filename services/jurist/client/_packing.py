"""Packs groups into messages: by bytes and by count, in order."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jurist.client._errors import InvalidInputError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from jurist.v1 import reward_pb2

__all__ = ["MESSAGE_BYTES", "PACK_BYTES", "PACK_ROLLOUTS", "check_size", "packs"]

PACK_BYTES = 4 << 20  # 1 to 4 MB moves fastest: 3x one message of 67 MB, 5x messages of 17 kB
PACK_ROLLOUTS = 4096  # half of what the server takes in one call
MESSAGE_BYTES = (64 << 20) - (64 << 10)  # the server's limit, less room for what surrounds the groups
MESSAGE_ROLLOUTS = 8192  # the contract's limit


def check_size(group: reward_pb2.RolloutGroup, path: str) -> tuple[int, int]:
    """Return a group's size: bytes and rollouts.

    Raises:
        InvalidInputError: it is larger than any message may be; `path` names it.
    """
    size, rollouts = group.ByteSize(), len(group.rollouts)
    if size > MESSAGE_BYTES:
        raise InvalidInputError(f"{path}: {size} bytes; a message holds at most {MESSAGE_BYTES}")
    if rollouts > MESSAGE_ROLLOUTS:
        raise InvalidInputError(f"{path}.rollouts: {rollouts} of them; a message holds at most {MESSAGE_ROLLOUTS}")
    return size, rollouts


def packs(sizes: Sequence[tuple[int, int]]) -> Iterator[range]:
    """Yield the indices of groups that travel together, in order; a group that is large travels alone.

    `sizes` are each group's bytes and rollouts.
    """
    start = total_bytes = total_rollouts = 0
    for index, (size, rollouts) in enumerate(sizes):
        if index > start and (total_bytes + size > PACK_BYTES or total_rollouts + rollouts > PACK_ROLLOUTS):
            yield range(start, index)
            start, total_bytes, total_rollouts = index, 0, 0
        total_bytes += size
        total_rollouts += rollouts
    if start < len(sizes):
        yield range(start, len(sizes))
