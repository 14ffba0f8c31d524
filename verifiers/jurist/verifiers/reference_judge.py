"""Whether a language model finds that the answer gives the reference answer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from pydantic import Field

from jurist.verifiers._judge.canaries import canary_for
from jurist.verifiers._judge.candidates import Cap, View, admitted, question_of
from jurist.verifiers._judge.numbers import by_number
from jurist.verifiers._judge.opinions import Opinion, opinion
from jurist.verifiers._judge.options import JudgeOptions
from jurist.verifiers._judge.rendering import first_turn, template
from jurist.verifiers._thought import answer_of
from jurist.verifiers._values import Abstain, Ask, Cause, FinishReason, Score

if TYPE_CHECKING:
    from collections.abc import Sequence

    from jurist.verifiers._judge.candidates import Candidate
    from jurist.verifiers._prompts import Prompt
    from jurist.verifiers._values import Reply, Sample, Verdict

__all__ = ["ReferenceJudge"]

MOST_REFERENCES = 64
"""That are shown: a task with more has a rule, not answers."""
EVEN = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class ReferenceJudge(JudgeOptions):
    """1.0 where the judge finds the answer correct, 0.0 where it finds it incorrect or invalid.

    Two things never reach the judge: an answer that says nothing (blanks, signs, stock openers, a judge's verdict) is
    incorrect, and where reference and answer are numbers they are compared by rule. Details: `verdict` (correct,
    incorrect, invalid), `decided_by` (gate, rule, judge), `probability` of correct, `mass` of the labels or `verdicts`
    and `unread` of the draws, `judge`, `template`, `truncated`; `canary` (accepted, rejected, unread) where one was
    asked.
    """

    version: ClassVar[str] = "1"

    template: Annotated[
        Literal["reference_letters", "deepseek_r1_v3_judge", "same_number"],
        Field(
            description="the prompt: A, B or C read from the next token; DeepSeek-R1's own, a JSON object after an "
            "analysis; the one of the small judge that ships, which knows numbers alone"
        ),
    ] = "reference_letters"
    view: View = "answer"
    most_characters: Cap = 2_000
    measure: Annotated[
        Literal["decision", "probability"],
        Field(description="1.0 or 0.0, or the probability of correct (with draws: its share of the verdicts)"),
    ] = "decision"
    numbers: Annotated[
        Literal["rule", "judge"],
        Field(description="who compares an answer that is a number with a reference that is one"),
    ] = "rule"
    canary_share: Annotated[
        float,
        Field(
            ge=0.0, le=1.0, description="the share of tasks whose judge is also asked about an answer known to be wrong"
        ),
    ] = 0.0

    def verdict(self, sample: Sample, replies: Sequence[Reply] = ()) -> Verdict | Ask:
        """Settle what needs no judge, and ask one about the rest."""
        references = tuple(answer for answer in sample.task.answers if answer.strip())[:MOST_REFERENCES]
        if not references:
            return Abstain(Cause.INVALID_REFERENCE, "the task has no reference answer")
        candidate = admitted(sample.completion, self.view, self.most_characters, _joined(references))
        if isinstance(candidate, Score):
            return _settled("incorrect", "gate", candidate.reason)
        ruled = self._by_rule(sample, candidate, references)
        if ruled is not None:
            return ruled
        if not replies:
            return Ask(self._questions(sample, candidate, references))
        return self._judged(candidate, references, replies)

    def _by_rule(self, sample: Sample, candidate: Candidate, references: Sequence[str]) -> Score | None:
        cut = sample.finish_reason is FinishReason.LENGTH
        if self.numbers == "rule":
            answer = first_turn(answer_of(sample.completion) or "")
            found = [by_number(reference, answer, cut=cut) for reference in references]
            if True in found:
                return _settled("correct", "rule", "the number is the reference's")
            if not any(equal is None for equal in found):
                return _settled("incorrect", "rule", "the number is not the reference's")
        if template(self.template).numbers_only and not any(char.isdigit() for char in candidate.text):
            return _settled("incorrect", "gate", "no digit in it")
        return None

    def _questions(self, sample: Sample, candidate: Candidate, references: Sequence[str]) -> tuple[Prompt, ...]:
        """Ask about the candidate, once for all references or once for each, and then about the canary."""
        asked = [self._prompt(sample, reference, candidate.text) for reference in self._shown(references)]
        if canary := self._canary(sample, references):
            asked.append(self._prompt(sample, self._shown(references)[0], canary))
        return tuple(asked)

    def _shown(self, references: Sequence[str]) -> Sequence[str]:
        return references if template(self.template).one_reference else [_joined(references)]

    def _canary(self, sample: Sample, references: Sequence[str]) -> str:
        return canary_for(question_of(sample.task), references[0], self.canary_share)

    def _prompt(self, sample: Sample, reference: str, candidate: str) -> Prompt:
        values = {"question": question_of(sample.task), "reference": reference, "candidate": candidate}
        return self.prompt(template(self.template), values)

    def _judged(self, candidate: Candidate, references: Sequence[str], replies: Sequence[Reply]) -> Verdict:
        count = len(self._shown(references))
        opinions = [opinion(reply, template(self.template)) for reply in replies[:count]]
        extra = {"decided_by": "judge", "truncated": candidate.truncated} | self._canary_found(replies[count:])
        held = [found for found in opinions if isinstance(found, Opinion)]
        best = max(held, key=self._correct, default=None)
        # One reference that is met settles it; that none is can only be said when all were judged.
        if best is None or (self._correct(best) <= EVEN and len(held) < count):
            failed = next(found for found in opinions if isinstance(found, Abstain))
            return Abstain(failed.cause, failed.reason, {**failed.details, **extra})
        share = self._correct(best)
        details = {**best.details, **extra, "probability": share}
        if self.measure == "probability":
            meaning = template(self.template).labels[best.likeliest]
            return Score(share, f"the judge holds {share:.3f} for correct", {**details, "verdict": meaning})
        if share == EVEN:
            return Abstain(Cause.UNDECIDED, "the judge holds as much for correct as against it", details)
        meaning = "correct" if share > EVEN else self._against(best)
        return Score(
            float(share > EVEN),
            f"the judge finds it {meaning} ({share:.3f} for correct)",
            {**details, "verdict": meaning},
        )

    def _correct(self, held: Opinion) -> float:
        return min(1.0, held.share("correct", template(self.template)))

    def _against(self, held: Opinion) -> str:
        """Name what is likeliest but for correct."""
        chosen = template(self.template)
        return max(
            (meaning for meaning in chosen.labels.values() if meaning != "correct"),
            key=lambda meaning: held.share(meaning, chosen),
        )

    def _canary_found(self, replies: Sequence[Reply]) -> dict[str, object]:
        if not replies:
            return {}
        found = opinion(replies[0], template(self.template))
        if isinstance(found, Abstain):
            return {"canary": "unread"}
        return {"canary": "accepted" if self._correct(found) > EVEN else "rejected"}


def _settled(verdict: str, by: str, why: str) -> Score:
    return Score(float(verdict == "correct"), f"{verdict}: {why}", {"verdict": verdict, "decided_by": by})


def _joined(references: Sequence[str]) -> str:
    """Show several references as what they are: any one of them will do."""
    if len(references) == 1:
        return references[0]
    return "Any one of these:\n" + "\n".join(f"- {reference}" for reference in references)
