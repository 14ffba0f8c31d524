"""How well a response meets the task's rubric: weighted criteria, each decided by a language model."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from pydantic import Field

from jurist.verifiers._judge.candidates import Cap, View, admitted, question_of
from jurist.verifiers._judge.opinions import Opinion, opinion
from jurist.verifiers._judge.options import JudgeOptions
from jurist.verifiers._judge.rendering import template
from jurist.verifiers._values import Abstain, Ask, Cause, Score

if TYPE_CHECKING:
    from collections.abc import Sequence

    from jurist.verifiers._judge.candidates import Candidate
    from jurist.verifiers._prompts import Prompt
    from jurist.verifiers._values import Criterion, Reply, Sample, Verdict

__all__ = ["RubricJudge"]

MOST_CRITERIA = 128
"""Each is a question to the judge."""
EVEN = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class RubricJudge(JudgeOptions):
    """The weight of the criteria that are met over the weight of those that should be, within [0, 1].

    As HealthBench counts (arXiv 2505.08775): a criterion with a negative weight takes its weight off where it is met. A
    rubric of negative criteria alone begins at 1. Each criterion is asked by itself, with the response last, so that a
    group's rollouts share what comes before. Details: `criteria`, for each `text`, `weight`, `met` (its probability, or
    1 and 0); `judge`, `template`, `truncated`.
    """

    version: ClassVar[str] = "1"

    template: Annotated[
        Literal["rubric_criterion", "rubric_written"],
        Field(description="the prompt: Yes or No read from the next token, or a JSON object after an explanation"),
    ] = "rubric_criterion"
    view: View = "summary"
    most_characters: Cap = 20_000
    measure: Annotated[
        Literal["decision", "probability"],
        Field(description="count a criterion as met or not, or by the probability that it is"),
    ] = "probability"

    def verdict(self, sample: Sample, replies: Sequence[Reply] = ()) -> Verdict | Ask:
        """Ask about each criterion that has a weight."""
        rubric = [criterion for criterion in sample.task.rubric if criterion.weight and criterion.text.strip()]
        if not rubric:
            return Abstain(Cause.INVALID_REFERENCE, "the task has no rubric")
        if len(rubric) > MOST_CRITERIA:
            return Abstain(Cause.LIMIT, f"{len(rubric)} criteria; at most {MOST_CRITERIA}")
        candidate = admitted(sample.completion, self.view, self.most_characters)
        if isinstance(candidate, Score):
            return candidate
        if not replies:
            return Ask(tuple(self._prompt(sample, criterion, candidate) for criterion in rubric))
        return self._weighed(rubric, candidate, replies)

    def _prompt(self, sample: Sample, criterion: Criterion, candidate: Candidate) -> Prompt:
        values = {
            "question": question_of(sample.task),
            "criterion": criterion.text,
            "candidate": candidate.text,
        }
        return self.prompt(template(self.template), values)

    def _weighed(self, rubric: Sequence[Criterion], candidate: Candidate, replies: Sequence[Reply]) -> Verdict:
        chosen = template(self.template)
        met: list[float] = []
        for criterion, reply in zip(rubric, replies, strict=True):
            held = opinion(reply, chosen)
            if isinstance(held, Abstain):
                return Abstain(held.cause, f"{criterion.text[:80]!r}: {held.reason}", held.details)
            met.append(self._met(held))
        total = math.fsum(criterion.weight * share for criterion, share in zip(rubric, met, strict=True))
        wanted = math.fsum(max(0.0, criterion.weight) for criterion in rubric)
        unwanted = math.fsum(max(0.0, -criterion.weight) for criterion in rubric)
        value = total / wanted if wanted else 1.0 + total / unwanted
        told = [
            {"text": criterion.text, "weight": criterion.weight, "met": share}
            for criterion, share in zip(rubric, met, strict=True)
        ]
        details = {"criteria": told, "template": chosen.id, "truncated": candidate.truncated}
        return Score(min(1.0, max(0.0, value)), f"{math.fsum(met):.2f} of {len(rubric)} criteria are met", details)

    def _met(self, held: Opinion) -> float:
        share = min(1.0, held.share("met", template(self.template)))
        return share if self.measure == "probability" else float(share > EVEN)
