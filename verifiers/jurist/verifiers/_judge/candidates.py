"""What a judge is shown of a rollout and its task."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal, NamedTuple

from pydantic import Field

from jurist.verifiers._commitment import commitments
from jurist.verifiers._judge.gates import empty_because
from jurist.verifiers._math.extraction import extract
from jurist.verifiers._tag_scan import trim
from jurist.verifiers._thought import answer_of
from jurist.verifiers._values import Score

if TYPE_CHECKING:
    from jurist.verifiers._values import Task

__all__ = ["Candidate", "Cap", "Shown", "View", "admitted", "question_of", "shown"]

Shown = Literal["answer", "summary", "all"]
View = Annotated[
    Shown,
    Field(
        description="what the judge sees: the answer alone, where one is marked, announced or stated at the end; all "
        "that follows the thought; or the thought, too"
    ),
]
Cap = Annotated[
    int,
    Field(
        ge=100,
        le=1_000_000,
        description="characters that the judge is shown; of a longer text the first and last halves, and "
        "`truncated` in the details says so",
    ),
]

SHORT_CHARACTERS = 400
"""A closing statement that is longer is no answer but prose."""


class Candidate(NamedTuple):
    """What is shown, and whether its middle was left out."""

    text: str
    truncated: bool


def shown(completion: str, view: Shown, most_characters: int) -> Candidate | None:
    """Take what a judge is to see; None where the thought never ends, so that there is no answer."""
    if view == "all":
        return _capped(completion, most_characters)
    summary = answer_of(completion)
    if summary is None:
        return None
    return _capped(_answer(completion, summary) if view == "answer" else summary, most_characters)


def admitted(completion: str, view: Shown, most_characters: int, reference: str = "") -> Candidate | Score:
    """Take what a judge is to see, or score 0.0 what says nothing; `reference` is what may be said after all."""
    candidate = shown(completion, view, most_characters)
    why = "the thought never ends" if candidate is None else empty_because(candidate.text, reference)
    return candidate if candidate is not None and not why else Score(0.0, why, {"decided_by": "gate"})


def _answer(completion: str, summary: str) -> str:
    """Take the answer out of a text: what is marked or announced, else what closes it, else all of it."""
    places = commitments(completion)
    if places and places[0].kind != "line":
        stated = trim(places[0].text)
        if stated:
            return stated
    closing = extract(completion)
    if not closing.fault and closing.stage == "last line" and len(closing.text) <= SHORT_CHARACTERS:
        return closing.text
    return summary


def _capped(text: str, most_characters: int) -> Candidate:
    text = trim(text)
    if len(text) <= most_characters:
        return Candidate(text, truncated=False)
    half = most_characters // 2
    left_out = len(text) - 2 * half
    return Candidate(f"{text[:half]}\n[{left_out} characters left out]\n{text[-half:]}", truncated=True)


def question_of(task: Task) -> str:
    """Write down what was asked: the prompt, or a chat with who said what."""
    if len(task.messages) > 1:
        return "\n\n".join(f"[{message.role}]\n{message.content}" for message in task.messages)
    return task.messages[0].content if task.messages else task.prompt
