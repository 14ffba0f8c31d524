"""Packs groups into chunks: what one worker does in one go."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from jurist.services.judge import Chunk

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from jurist.services.values import Group, PlannedTerm

__all__ = ["Packing", "Piece", "plan"]

Terms = tuple["PlannedTerm", ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Packing:
    """What suits a lane: `slots` pieces of work at a time, chunks of at most `rollouts` and `size_bytes`.

    Sharing a batch among the slots makes no chunk that costs less than `worth_s` seconds of judging: where sending it
    around costs much. None costs more than `most_s`, as far as is known: one that is lost should cost little. A larger
    group is a chunk of its own.
    """

    slots: int
    rollouts: int
    size_bytes: int
    worth_s: float = 0.0
    most_s: float = 5.0


@dataclass(frozen=True, slots=True)
class Piece:
    """Groups of one batch that are judged together, by their indices, and the chunk that they make."""

    indices: tuple[int, ...]
    chunk: Chunk


def plan(groups: Sequence[Group], packing: Packing, cost_s: Callable[[Terms], float]) -> Iterator[Piece]:
    """Pack whole groups, in order, neighbours of the same recipe together, so that the lane's slots share them.

    `cost_s` tells what judging one rollout costs, in seconds.
    """
    share = -(-sum(len(group.rollout_ids) for group in groups) // packing.slots)
    held: list[int] = []
    rollouts = size = most = 0
    for index, group in enumerate(groups):
        more, bytes_more = len(group.rollout_ids), len(group.payload)
        full = rollouts + more > most or size + bytes_more > packing.size_bytes
        if held and (full or groups[held[-1]].terms is not group.terms):
            yield _piece(groups, held)
            held, rollouts, size = [], 0, 0
        if not held:
            most = _most(packing, share, cost_s(group.terms))
        held.append(index)
        rollouts += more
        size += bytes_more
    if held:
        yield _piece(groups, held)


def _most(packing: Packing, share: int, cost_s: float) -> int:
    """Return how many rollouts a chunk should hold at most."""
    wanted = max(share, int(packing.worth_s / cost_s))
    return min(wanted, packing.rollouts, max(1, int(packing.most_s / cost_s)))


def _piece(groups: Sequence[Group], indices: Sequence[int]) -> Piece:
    return Piece(
        indices=tuple(indices),
        chunk=Chunk(
            terms=groups[indices[0]].terms,
            payloads=tuple(groups[index].payload for index in indices),
        ),
    )
