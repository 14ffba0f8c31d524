"""Hands what one verifier cannot settle to another, as if each had run alone.

A verifier keeps nothing between its calls, and neither does a pair of them: every `Ask` takes all replies so far along
as `known`, so a call gets the whole history. It is played again: the first verifier is given its replies, round by
round, until it ends or asks what has no reply yet; where it ends unsettled, the rest are the second's. Each may ask in
as many rounds as the service allows for both.

The second may not overturn anything: a score, and an abstention that says the task is at fault or that something was
not there, are the first one's and final.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from jurist.verifiers._values import Abstain, Ask, Cause, Reply, Score, Verdict

__all__ = ["Turn", "handed_over"]

Turn = Callable[[Sequence[Reply]], Verdict | Ask]
"""A verifier at one sample: from the replies to its last questions to what it says."""

UNSETTLED = frozenset({Cause.UNDECIDED, Cause.LIMIT})
"""Causes that leave the question open, and would do so again: nothing was wrong, and nothing was away."""


def handed_over(first: Turn, second: Turn, replies: Sequence[Reply]) -> Verdict | Ask:
    """Ask `first`, and only where that leaves the question open `second`.

    `replies` are those that the caller was called with: none, or all since the beginning.
    """
    outcome, rest = _played(first, replies)
    if isinstance(outcome, Abstain) and outcome.cause in UNSETTLED:
        unsettled = outcome
        outcome, _ = _played(second, rest)
        if not isinstance(outcome, Ask):
            return _told(outcome, unsettled)
    return replace(outcome, known=tuple(replies)) if isinstance(outcome, Ask) else outcome


def _played(turn: Turn, replies: Sequence[Reply]) -> tuple[Verdict | Ask, Sequence[Reply]]:
    """Play a verifier's rounds: how it ends or what it asks next, and the replies that are not its own."""
    outcome = turn(())
    while isinstance(outcome, Ask) and outcome.questions and replies:
        count = len(outcome.questions)
        outcome, replies = turn((*outcome.known, *replies[:count])), replies[count:]
    return outcome, replies


def _told(verdict: Verdict, unsettled: Abstain) -> Verdict:
    """Say in the reason of the second verdict what it was asked for."""
    reason = f"{verdict.reason} (asked, since: {unsettled.reason})"
    details = {**verdict.details, "handed_over": unsettled.reason}
    match verdict:
        case Score(value):
            return Score(value, reason, details)
        case Abstain(cause):
            return Abstain(cause, reason, details)
