"""Whether a language model prefers the response to the task's reference answer or to a baseline."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from pydantic import Field

from jurist.verifiers._judge.candidates import Cap, View, admitted, question_of, shown
from jurist.verifiers._judge.pairs import Duel, PairOptions
from jurist.verifiers._judge.rendering import template
from jurist.verifiers._tag_scan import trim
from jurist.verifiers._values import Abstain, Ask, Cause, Score

if TYPE_CHECKING:
    from collections.abc import Sequence

    from jurist.verifiers._values import Reply, Sample, Task, Verdict

__all__ = ["PairwiseJudge"]


@dataclass(frozen=True, slots=True, kw_only=True)
class PairwiseJudge(PairOptions):
    """1.0 where the response is much better, 0.5 where both are even, 0.0 where it is much worse.

    Both orders are asked. DeepSeek-R1's own form is the template `arena_hard` with `draws` 2 and a temperature: four
    queries, their mean. Details: `position_gap` in [-1, 1] (how much better a response fares for standing first),
    `orders_agree`, `characters` and `characters_of_other` (a reward that follows length shows here), `judge`,
    `template`, `truncated`.
    """

    version: ClassVar[str] = "1"

    against: Annotated[
        Literal["reference", "baseline"],
        Field(description="compare with the task's first answer, or with the text `baseline` of its `extra`"),
    ] = "reference"
    view: View = "summary"
    most_characters: Cap = 20_000

    def verdict(self, sample: Sample, replies: Sequence[Reply] = ()) -> Verdict | Ask:
        """Ask which is better, in both orders."""
        rival = shown(opponent(sample.task, self.against), "summary", self.most_characters)
        if rival is None or not rival.text:
            return Abstain(Cause.INVALID_REFERENCE, f"the task has no {self.against} to compare with")
        candidate = admitted(sample.completion, self.view, self.most_characters, rival.text)
        if isinstance(candidate, Score):
            return candidate
        if candidate.text == rival.text:
            return Score(0.5, "the same text", {"decided_by": "rule"})
        if not replies:
            return Ask(self.duel_prompts(question_of(sample.task), candidate.text, rival.text))
        ended = self.duel(replies)
        if isinstance(ended, Abstain):
            return ended
        details = {
            "position_gap": ended.position_gap,
            "orders_agree": ended.agreed,
            "characters": len(candidate.text),
            "characters_of_other": len(rival.text),
            "template": template(self.template).id,
            "judge": ended.judge,
            "truncated": candidate.truncated or rival.truncated,
        }
        return Score(ended.value, _told(ended), details)


def opponent(task: Task, against: Literal["reference", "baseline"]) -> str:
    """Find the text that responses are compared with, "" where there is none."""
    if against == "reference":
        return trim(task.answers[0]) if task.answers else ""
    baseline = task.extra.get("baseline")
    return trim(baseline) if isinstance(baseline, str) else ""


def _told(ended: Duel) -> str:
    if not ended.agreed:
        return f"the judge prefers whichever stands first or last (gap {ended.position_gap:+.2f})"
    side = "better" if ended.value > 0.5 else "worse" if ended.value < 0.5 else "even"  # noqa: PLR2004  # even is half
    return f"{side} ({ended.value:.3f}; position gap {ended.position_gap:+.2f})"
