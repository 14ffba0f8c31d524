"""What a verifier is given and what it answers: frozen values, no I/O.

A verifier is a function of a `Sample`. It answers with a `Verdict`, or it asks the world a question (`Ask`) and is
called again with the replies, in the order of its questions. "No score" is a type of its own (`Abstain`): a reward is
never a made-up 0.0, NaN or None.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, ClassVar, Protocol, runtime_checkable

from jurist.sandbox import Program, Run
from jurist.verifiers._prompts import Dialogue, Message, Prompt, Rating, Reading

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from jurist.verifiers._tests import ProgramTests

__all__ = [
    "Abstain",
    "Ask",
    "Cause",
    "Criterion",
    "Decision",
    "Equality",
    "FinishReason",
    "GroupVerifier",
    "NoReply",
    "Question",
    "Reply",
    "Sample",
    "Score",
    "Task",
    "Verdict",
    "Verifier",
]


class Cause(StrEnum):
    """Why there is no score. Never the completion's fault."""

    INVALID_REFERENCE = "INVALID_REFERENCE"
    """The task's reference is missing or cannot be used."""
    UNDECIDED = "UNDECIDED"
    """The question could not be decided either way."""
    LIMIT = "LIMIT"
    """Judging this rollout would have cost more CPU time, memory or steps than it may."""
    TIMEOUT = "TIMEOUT"
    """A deadline of ours passed first."""
    UNAVAILABLE = "UNAVAILABLE"
    """What the verifier needs (a sandbox, a judge, a toolchain) is not there."""
    INTERNAL = "INTERNAL"
    """A fault in Jurist or in a verifier."""
    NOT_APPLICABLE = "NOT_APPLICABLE"
    """The verifier has nothing to measure here, or its term is not active yet."""


class FinishReason(StrEnum):
    """Why the model stopped writing."""

    UNKNOWN = "UNKNOWN"
    STOP = "STOP"
    LENGTH = "LENGTH"


@dataclass(frozen=True, slots=True)
class Score:
    """A verdict on the completion.

    `value` lies in [0.0, 1.0], 1.0 is best. `reason` is one line for a person; it is not stable. `details` is JSON for
    machines, documented by the verifier.

    Raises:
        ValueError: the value is not a finite number in [0, 1].
    """

    value: float
    reason: str
    details: Mapping[str, object] = field(default_factory=dict[str, object])

    def __post_init__(self) -> None:
        if not (math.isfinite(self.value) and 0.0 <= self.value <= 1.0):
            message = f"a score lies in [0, 1], not {self.value!r}"
            raise ValueError(message)


@dataclass(frozen=True, slots=True)
class Abstain:
    """No verdict, through no fault of the completion."""

    cause: Cause
    reason: str
    details: Mapping[str, object] = field(default_factory=dict[str, object])


Verdict = Score | Abstain


@dataclass(frozen=True, slots=True, kw_only=True)
class Equality:
    """Asks whether two answers in LaTeX are mathematically equal; for what is too dear to decide inline.

    It is decided by `jurist.verifiers.decide_equality` in a worker that can be killed, under a CPU limit.
    """

    reference: str
    answer: str


Question = Equality | Program | Prompt | Dialogue


@dataclass(frozen=True, slots=True)
class Decision:
    """The reply to an `Equality`; `equal` is None where it could not be decided."""

    equal: bool | None
    reason: str


@dataclass(frozen=True, slots=True)
class NoReply:
    """A question that got no answer: its worker was killed at a limit, or nobody here can answer it."""

    cause: Cause
    reason: str


Reply = Decision | Run | Reading | Rating | NoReply


@dataclass(frozen=True, slots=True)
class Ask:
    """A verifier's questions; it is called again with `known` and then one reply for each, in this order.

    A verifier keeps nothing between its calls. One of several rounds, which needs the replies of the rounds before,
    gives them as `known` and gets them back.
    """

    questions: tuple[Question, ...]
    known: tuple[Reply, ...] = ()


@dataclass(frozen=True, slots=True)
class Criterion:
    """One yes-or-no criterion of a rubric; `weight` is finite, below 0 for what must not hold."""

    text: str
    weight: float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """What the model was asked, and what a right answer is; shared by all rollouts of a group.

    `prompt` is what was asked as one text, `messages` the same as a chat, none when it was not one. `answers` are the
    accepted references, any one of them will do; `choices` the options of a multiple-choice question, A first; `tests`
    those of a programming problem; `rubric` what a rubric judge looks for; `language` an IETF tag ("en", "zh") of the
    language wanted, "" when not stated; `extra` the user's own fields.
    """

    prompt: str = ""
    messages: tuple[Message, ...] = ()
    answers: tuple[str, ...] = ()
    choices: tuple[str, ...] = ()
    tests: ProgramTests | None = None
    rubric: tuple[Criterion, ...] = ()
    language: str = ""
    extra: Mapping[str, object] = field(default_factory=dict[str, object])


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One completion and its task.

    `completion_tokens` is the completion's length in tokens, None when the trainer did not say.
    """

    task: Task
    completion: str
    finish_reason: FinishReason = FinishReason.UNKNOWN
    completion_tokens: int | None = None


@runtime_checkable
class Verifier(Protocol):
    """A frozen dataclass whose fields are its options.

    `verdict` is pure and total: the same sample, options and replies give the same verdict, on any text, in bounded
    time. `version` changes whenever a verdict may.
    """

    version: ClassVar[str]

    def verdict(self, sample: Sample, replies: Sequence[Reply] = ()) -> Verdict | Ask:
        """Judge one completion, or ask what must be known first."""
        ...


@runtime_checkable
class GroupVerifier(Protocol):
    """A verifier that compares the completions of a group with each other; otherwise as a `Verifier`.

    It is given the group's distinct completions, at least one, all with the same task, and answers with a verdict for
    each, in their order.
    """

    version: ClassVar[str]

    def verdicts(self, samples: Sequence[Sample], replies: Sequence[Reply] = ()) -> Sequence[Verdict] | Ask:
        """Judge the completions of one group, or ask what must be known first."""
        ...
