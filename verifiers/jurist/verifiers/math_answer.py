"""Whether the completion's final answer is mathematically equal to a reference answer.

The answer is looked for after the last `</think>`: the last box, an answer tag, `####`, the last cue ("the answer
is"), a closing statement. It is read by a bounded parser into a tree and compared by shape: exactly, modulo primes,
numerically. No text is ever evaluated as code. What none of this settles is asked as one `Equality`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

import pydantic

from jurist.verifiers._handover import handed_over
from jurist.verifiers._math.answers import Judgement, judge, usable
from jurist.verifiers._math.extraction import Extraction, extract
from jurist.verifiers._math.rules import Rules
from jurist.verifiers._options import HeldOptions, build
from jurist.verifiers._values import (
    Abstain,
    Ask,
    Cause,
    Decision,
    Equality,
    FinishReason,
    NoReply,
    Reply,
    Sample,
    Score,
    Verdict,
)
from jurist.verifiers.choice_answer import ChoiceAnswer

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["MathAnswer"]

SHOWN_CHARACTERS = 120
"""Of an answer, in a reason."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MathAnswer:
    """Whether the completion's final answer is mathematically equal to a reference answer: 1.0 or 0.0.

    A wrong, missing, unreadable or cut-off answer is 0.0. A reference that cannot be read, and a pair that cannot be
    decided, are abstained from. Details: `stage`, where the answer stood; `extracted`, its text; `read_as` and
    `reference_read_as`, the canonical forms that were compared; `decided_by`, what told them equal or different.
    """

    version: ClassVar[str] = "1"

    extract: Annotated[
        Literal["boxed", "cue", "lenient"],
        pydantic.Field(
            description="where an answer may stand: in a box alone; also in answer tags, after #### or a cue; also "
            "in a bare closing statement"
        ),
    ] = "lenient"
    significant_digits: Annotated[
        int,
        pydantic.Field(
            ge=1, le=50, description="digits from which on a decimal equals the exact value that it is a rounding of"
        ),
    ] = 6
    percent: Annotated[
        Literal["lenient", "value"],
        pydantic.Field(description="whether 10% equals a bare 10 besides 0.1, or 0.1 alone"),
    ] = "lenient"
    units: Annotated[
        Literal["ignore", "require"],
        pydantic.Field(description="whether a unit that one side alone has is ignored, or makes the answer wrong"),
    ] = "ignore"
    labels: Annotated[
        Literal["drop", "require"],
        pydantic.Field(description="whether a label (`x =`) that one side alone has is dropped, or makes it wrong"),
    ] = "drop"
    relations: Annotated[
        Literal["coerce", "strict"],
        pydantic.Field(description="whether an inequality is accepted for the set that it describes"),
    ] = "coerce"
    variables: Annotated[
        Literal["named", "renamed"],
        pydantic.Field(description="whether the name of a single variable counts"),
    ] = "named"
    order: Annotated[
        Literal["free", "kept"],
        pydantic.Field(description="whether the members of a list may stand in any order; tuples always keep theirs"),
    ] = "free"
    reduced: Annotated[bool, pydantic.Field(description="whether a fraction of integers must be in lowest terms")] = (
        False
    )
    undecided: Annotated[
        str,
        pydantic.Field(
            description="the verifier, with its defaults, that is asked about an answer whose equality cannot be "
            "settled, and about no other; none when empty"
        ),
    ] = ""

    def __post_init__(self) -> None:
        if self.undecided:
            try:
                build(self.undecided, HeldOptions())
            except ValueError as error:
                raise ValueError(f"undecided: {error}") from None

    def verdict(self, sample: Sample, replies: Sequence[Reply] = ()) -> Verdict | Ask:
        """Judge one completion against the task's answers, any one of which will do."""
        if not self.undecided:
            return self._by_rule(sample, replies)
        judge = build(self.undecided, HeldOptions())
        return handed_over(
            lambda told: self._by_rule(sample, told),
            lambda told: judge.verdict(self._bare(sample), told),
            replies,
        )

    def _bare(self, sample: Sample) -> Sample:
        """Leave of a completion its answer alone: shorter to judge, and with no prose that could sway a judge."""
        answer = extract(sample.completion, self.extract).text
        return replace(sample, completion=f"\\boxed{{{answer}}}", completion_tokens=None)

    def _by_rule(self, sample: Sample, replies: Sequence[Reply]) -> Verdict | Ask:
        if sample.task.choices and all(map(_is_choice, sample.task.answers)):
            return ChoiceAnswer().verdict(sample)
        rules = _rules(self)
        references = sample.task.answers
        readable = [reference for reference in references if usable(reference)]
        if not readable:
            return Abstain(Cause.INVALID_REFERENCE, _invalid(references))
        truncated = sample.finish_reason is FinishReason.LENGTH
        found = extract(sample.completion, self.extract, truncated=truncated)
        if found.fault:
            return Score(0.0, f"no answer: {found.fault}", {"stage": found.stage})
        best = _best(found, readable, rules)
        if best.equal is not None:
            return _score(best, found)
        if not replies:
            return Ask((Equality(reference=best.reference, answer=best.answer),))
        return _settled(best, found, replies[0])


_CHOICES = re.compile(r"\W*(?:text)?\W*[A-Z](?:\W+(?:and\W+)?[A-Z])*\W*")


def _is_choice(reference: str) -> bool:
    """Tell whether a reference names options by their letters, in a task that has options."""
    return _CHOICES.fullmatch(reference) is not None


@lru_cache(maxsize=256)
def _rules(options: MathAnswer) -> Rules:
    return Rules(
        significant_digits=options.significant_digits,
        percent=options.percent,
        units=options.units,
        labels=options.labels,
        relations=options.relations,
        variables=options.variables,
        order=options.order,
        reduced=options.reduced,
    )


def _invalid(references: Sequence[str]) -> str:
    if not references:
        return "the task has no answer to compare with"
    return f"the reference {_shown(references[0])} cannot be read as an answer"


def _best(found: Extraction, references: Sequence[str], rules: Rules) -> Judgement:
    """Judge against every reference; the first that is equal, else one that is undecided, else the first."""
    judgements = [judge(reference, found.text, found.joined, rules) for reference in references]
    for wanted in (True, None):
        for judgement in judgements:
            if judgement.equal is wanted:
                return judgement
    return judgements[0]


def _score(judgement: Judgement, found: Extraction) -> Score:
    reason, details = _told(judgement, found.stage)
    return Score(1.0 if judgement.equal else 0.0, reason, dict(details))


@lru_cache(maxsize=16_384)
def _told(judgement: Judgement, stage: str) -> tuple[str, Mapping[str, object]]:
    """Say how a judgement came about; remembered, since the rollouts of a group repeat their answers."""
    relation = "equals" if judgement.equal else "is not"
    answer, form = judgement.answer, judgement.answer_form
    given = _shown(answer) if form in {"", answer.strip()} else f"{_shown(answer)} (read as {_shown(form)})"
    reason = f"{stage}: {given} {relation} {_shown(judgement.reference)}: {judgement.how}"
    return reason, _details(judgement, stage)


def _details(judgement: Judgement, stage: str) -> Mapping[str, object]:
    return {
        "stage": stage,
        "extracted": _shown(judgement.answer),
        "read_as": _shown(judgement.answer_form),
        "reference_read_as": _shown(judgement.reference_form),
        "decided_by": judgement.how,
    }


def _settled(judgement: Judgement, found: Extraction, reply: Reply) -> Verdict:
    """Turn the reply to the one question into a verdict."""
    pair, details = f"{_shown(judgement.answer)} and {_shown(judgement.reference)}", _details(judgement, found.stage)
    if isinstance(reply, NoReply):
        return Abstain(reply.cause, f"{found.stage}: {pair}: {reply.reason}", details)
    if not isinstance(reply, Decision):
        return Abstain(Cause.INTERNAL, f"{found.stage}: {pair}: a reply to another question")
    if reply.equal is None:
        return Abstain(Cause.UNDECIDED, f"{found.stage}: {pair}: {reply.reason}", details)
    return _score(judgement._replace(equal=reply.equal, how=reply.reason), found)


def _shown(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= SHOWN_CHARACTERS else f"{line[:SHOWN_CHARACTERS]}..."
