"""Splits a completion into its thought and its answer, and reads one of the two views.

The views are as written, DeepSeek-R1's tags and all. Who takes an answer for what it says reads `response_of`; who
counts words counts those of `untagged` text.
"""

from __future__ import annotations

import re
from typing import Literal

__all__ = ["View", "answer_of", "response_of", "thought_of", "untagged", "view"]

OPEN, CLOSE = "<think>", "</think>"
ANSWER, ANSWER_END = "<answer>", "</answer>"

_TAG = re.compile(r"</?(?:think|answer)>")

View = Literal["think", "answer", "all"]


def answer_of(completion: str) -> str | None:
    """Read what follows the last `</think>`; all of a completion without tags; None where the thought never ends."""
    _, closed, answer = completion.rpartition(CLOSE)
    return None if OPEN in answer else answer if closed else completion


def response_of(completion: str) -> str | None:
    """Read the answer, inside of the last `<answer>` where that is there; None where either never ends.

    A tag begins a line, or its closing ends the text; another is one that the answer talks about.
    """
    answer = answer_of(completion)
    if answer is None:
        return None
    before, opened, rest = answer.rpartition(ANSWER)
    body, closed, after = rest.partition(ANSWER_END)
    leads = opened and not before.rpartition("\n")[2].strip()
    if leads and not closed:
        return None
    return body if leads or (opened and closed and not after.strip()) else answer


def untagged(text: str) -> str:
    """Put a line break in the place of every tag: its name is no word, whether it is used or talked about."""
    return _TAG.sub("\n", text)


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
