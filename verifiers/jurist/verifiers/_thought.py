"""Splits a completion into its thought and its answer, and reads one of the two views."""

from __future__ import annotations

from typing import Literal

__all__ = ["View", "answer_of", "thought_of", "view"]

OPEN, CLOSE = "<think>", "</think>"

View = Literal["think", "answer", "all"]


def answer_of(completion: str) -> str | None:
    """Read what follows the last `</think>`; all of a completion without tags; None where the thought never ends."""
    _, closed, answer = completion.rpartition(CLOSE)
    return None if OPEN in answer else answer if closed else completion


def thought_of(completion: str) -> str:
    """Read the thought without its outer tags; all of a completion without tags, which is a thought and no more."""
    thought, closed, _ = completion.rpartition(CLOSE)
    if not closed:
        thought = completion
    before, opened, inside = thought.partition(OPEN)
    return inside if opened and not before.strip() else thought


def view(completion: str, which: View) -> str:
    """Read one part of a completion; an answer that is not there is empty."""
    if which == "think":
        return thought_of(completion)
    return (answer_of(completion) or "") if which == "answer" else completion
