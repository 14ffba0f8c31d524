"""The grade that a language model gives to a response, on a scale of whole numbers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from pydantic import Field

from jurist.verifiers._judge.candidates import Cap, View, admitted, question_of
from jurist.verifiers._judge.opinions import opinion
from jurist.verifiers._judge.options import JudgeOptions
from jurist.verifiers._judge.rendering import template
from jurist.verifiers._values import Abstain, Ask, Score

if TYPE_CHECKING:
    from collections.abc import Sequence

    from jurist.verifiers._values import Reply, Sample, Verdict

__all__ = ["GradeJudge"]

LARGEST_DIGIT = 9


@dataclass(frozen=True, slots=True, kw_only=True)
class GradeJudge(JudgeOptions):
    """Where the grade lies between the lowest, 0.0, and the highest, 1.0.

    With the template `grade_digits` it is the expected grade over the probabilities of the digits, which tells good
    from very good where the likeliest digit is the same; with `grade_written` the mean or median of what was written. A
    reference answer is shown where the task has one. Details: `grade`, `variance`, `mass` or `verdicts` and `unread`,
    `judge`, `template`, `truncated`.
    """

    version: ClassVar[str] = "1"

    template: Annotated[
        Literal["grade_digits", "grade_written"],
        Field(description="the prompt: a digit read from the next token, or a JSON object after an analysis"),
    ] = "grade_digits"
    view: View = "summary"
    most_characters: Cap = 20_000
    lowest: Annotated[int, Field(ge=0, le=100, description="the worst grade")] = 0
    highest: Annotated[int, Field(ge=1, le=100, description="the best grade; 9 at most where a digit is read")] = 9
    criteria: Annotated[str, Field(max_length=20_000, description="what is graded, as the judge is told")] = (
        "What counts is how well the response serves the user: that it is correct, that it does what was asked, and "
        "that it is clear."
    )
    average: Annotated[
        Literal["mean", "median"], Field(description="of the grades, by their probability or number")
    ] = "mean"

    def __post_init__(self) -> None:
        super(GradeJudge, self).__post_init__()  # with slots the class is made anew
        if self.lowest >= self.highest:
            raise ValueError(f"highest: {self.highest} is not above the lowest grade, {self.lowest}")
        if self.template == "grade_digits" and self.highest > LARGEST_DIGIT:
            raise ValueError(f"highest: {self.highest} is no digit; `grade_written` takes larger grades")

    def verdict(self, sample: Sample, replies: Sequence[Reply] = ()) -> Verdict | Ask:
        """Ask for a grade, unless the response says nothing."""
        candidate = admitted(sample.completion, self.view, self.most_characters)
        if isinstance(candidate, Score):
            return candidate
        labels = tuple(str(grade) for grade in range(self.lowest, self.highest + 1))
        chosen = template(self.template)
        if not replies:
            values = {
                "question": question_of(sample.task),
                "reference": sample.task.answers[0] if sample.task.answers else "",
                "candidate": candidate.text,
                "criteria": self.criteria,
                "low": labels[0],
                "high": labels[-1],
            }
            return Ask((self.prompt(chosen, values, labels),))
        held = opinion(replies[0], chosen, labels)
        if isinstance(held, Abstain):
            return held
        grade = held.mean() if self.average == "mean" else held.median()
        value = min(1.0, max(0.0, (grade - self.lowest) / (self.highest - self.lowest)))
        details = {**held.details, "grade": grade, "variance": held.variance(), "truncated": candidate.truncated}
        return Score(value, f"grade {grade:.2f} from {self.lowest} to {self.highest}", details)
