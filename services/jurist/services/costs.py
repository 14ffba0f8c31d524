"""What judging a rollout has cost lately, by verifiers: chunks are cut by it, verdicts never depend on it."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jurist.services.values import PlannedTerm

__all__ = ["Costs"]

FIRST_S = 50e-6  # before anything is known: a short rollout judged by rules
LEAST_S = 1e-6
REMEMBERED = 1000  # sets of verifiers: whoever calls makes up recipes
WEIGHT = 0.2  # of the newest chunk: a dozen chunks forget what was


class Costs:
    """Seconds a rollout, a moving mean for each set of verifiers."""

    def __init__(self) -> None:
        self._mean_s: OrderedDict[tuple[type, ...], float] = OrderedDict()

    def of(self, terms: tuple[PlannedTerm, ...]) -> float:
        """Return what a rollout costs, seconds."""
        return self._mean_s.get(_key(terms), FIRST_S)

    def note(self, terms: tuple[PlannedTerm, ...], rollouts: int, elapsed_s: float) -> None:
        """Learn from a chunk."""
        newest = max(LEAST_S, elapsed_s / rollouts)
        key = _key(terms)
        last = self._mean_s.get(key, newest)
        self._mean_s[key] = last + WEIGHT * (newest - last)
        self._mean_s.move_to_end(key)
        if len(self._mean_s) > REMEMBERED:
            self._mean_s.popitem(last=False)


def _key(terms: tuple[PlannedTerm, ...]) -> tuple[type, ...]:
    return tuple(type(planned.verifier) for planned in terms if planned.active)
