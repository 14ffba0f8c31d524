"""Which of a batch's prompts are computed together: those that begin alike, so that their beginning is computed once.

>>> plan([(1, 2, 3, 4), (9, 9), (1, 2, 3, 5)], least=2)
[Share(members=(0, 2), tokens=3), Share(members=(1,), tokens=0)]
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["Share", "plan"]

LEAST = 16  # tokens; a shorter beginning is not worth a pass of its own


class Share(NamedTuple):
    """Prompts, by their places, that begin with the same `tokens` tokens; each has at least one more."""

    members: tuple[int, ...]
    tokens: int


def plan(rows: Sequence[Sequence[int]], least: int = LEAST) -> list[Share]:
    """Part rows so that as many tokens as can be need not be computed.

    Sorted, rows that begin alike stand together; the best parting of the sorted row into runs follows from the best
    partings of its beginnings. Rows that share nothing come last, in one share of no tokens.
    """
    order = sorted(range(len(rows)), key=lambda row: tuple(rows[row]))
    common = [_common(rows[one], rows[other]) for one, other in pairwise(order)]
    spared, starts = [0] * (len(rows) + 1), [0] * (len(rows) + 1)
    for end in range(1, len(rows) + 1):
        spared[end], starts[end] = spared[end - 1], end - 1
        alike = len(rows[order[end - 1]]) - 1
        for start in range(end - 2, -1, -1):
            alike = min(alike, common[start], len(rows[order[start]]) - 1)
            if alike < least:
                break
            saves = spared[start] + alike * (end - start - 1)
            if saves > spared[end]:
                spared[end], starts[end] = saves, start
    shares: list[Share] = []
    alone: list[int] = []
    end = len(rows)
    while end:
        members = order[starts[end] : end]
        if len(members) == 1:
            alone += members
        else:
            tokens = min(*common[starts[end] : end - 1], *(len(rows[member]) - 1 for member in members))
            shares.append(Share(tuple(sorted(members)), tokens))
        end = starts[end]
    shares.reverse()
    return [*shares, Share(tuple(sorted(alone)), 0)] if alone else shares


def _common(one: Sequence[int], other: Sequence[int]) -> int:
    """Return how many tokens two rows begin with alike."""
    shorter = min(len(one), len(other))
    if one[:shorter] == other[:shorter]:
        return shorter
    return next(place for place in range(shorter) if one[place] != other[place])
