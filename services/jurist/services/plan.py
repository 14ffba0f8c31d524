"""Packs groups into chunks: what one worker does in one go."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from jurist.services.judge import Chunk

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from jurist.services.values import Group

__all__ = ["Piece", "plan"]

# A chunk costs its worker some 0.3 ms beside the judging; past these sizes that no longer shows, and a chunk that is
# lost or cancelled should cost little. A larger group is a chunk of its own.
CHUNK_BYTES = 1 << 20
CHUNK_ROLLOUTS = 256


@dataclass(frozen=True, slots=True)
class Piece:
    """Groups of one batch that are judged together, by their indices, and the chunk that they make."""

    indices: tuple[int, ...]
    chunk: Chunk


def plan(groups: Sequence[Group], slots: int) -> Iterator[Piece]:
    """Pack whole groups, in order, neighbours of the same recipe together, so that `slots` workers share them."""
    share = -(-sum(len(group.rollout_ids) for group in groups) // slots)
    most = min(CHUNK_ROLLOUTS, max(1, share))
    held: list[int] = []
    rollouts = size = 0
    for index, group in enumerate(groups):
        more, bytes_more = len(group.rollout_ids), len(group.payload)
        full = rollouts + more > most or size + bytes_more > CHUNK_BYTES
        if held and (full or groups[held[-1]].terms is not group.terms):
            yield _piece(groups, held)
            held, rollouts, size = [], 0, 0
        held.append(index)
        rollouts += more
        size += bytes_more
    if held:
        yield _piece(groups, held)


def _piece(groups: Sequence[Group], indices: Sequence[int]) -> Piece:
    return Piece(
        indices=tuple(indices),
        chunk=Chunk(
            terms=groups[indices[0]].terms,
            payloads=tuple(groups[index].payload for index in indices),
        ),
    )
