"""A circuit breaker: a model that fails again and again is left alone for a while, and its questions fail at once."""

from __future__ import annotations

from enum import StrEnum
from time import monotonic
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Circuit", "State"]

FAILURES = 5  # in a row; fewer may be one restart seen by several requests
FIRST_REST_S = 1.0
LONGEST_REST_S = 30.0


class State(StrEnum):
    """Whether questions are let through."""

    CLOSED = "closed"
    """All are."""
    OPEN = "open"
    """None is."""
    TRYING = "trying"
    """One is, to see."""


class Circuit:
    """Opens after `failures` failures in a row; whenever the trial afterwards fails, it rests twice as long."""

    def __init__(self, failures: int = FAILURES, clock: Callable[[], float] = monotonic) -> None:
        self.last_failure = ""
        self._failures = failures
        self._clock = clock
        self._failed = 0
        self._rest_s = FIRST_REST_S
        self._until: float | None = None
        self._trying = False

    @property
    def state(self) -> State:
        """Whether questions are let through now."""
        if self._until is None:
            return State.CLOSED
        return State.TRYING if self._trying or self._clock() >= self._until else State.OPEN

    def admits(self) -> bool:
        """Whether a question may be tried; who is told so reports how it went, or that it was given up."""
        if self._until is None:
            return True
        if self._trying or self._clock() < self._until:
            return False
        self._trying = True
        return True

    def succeeded(self) -> None:
        """Take note that the model answered."""
        self._failed = 0
        self._rest_s = FIRST_REST_S
        self._until = None
        self._trying = False

    def failed(self, reason: str) -> None:
        """Take note that it did not."""
        self.last_failure = reason
        self._failed += 1
        if self._trying:
            self._rest_s = min(LONGEST_REST_S, 2 * self._rest_s)
        if self._trying or self._failed >= self._failures:
            self._until = self._clock() + self._rest_s
        self._trying = False

    def given_up(self) -> None:
        """Take note that nobody waited for the answer: the next question is the trial."""
        self._trying = False
