"""A grade on a scale of whole numbers, brought to [0, 1]."""

from __future__ import annotations

import pytest

from jurist.verifiers import Abstain, Ask, Cause, NoReply, Prompt, Reading, Sample, Score, Task
from jurist.verifiers.grade_judge import GradeJudge

SAMPLE = Sample(task=Task(prompt="Explain rainbows."), completion="<think>hm</think>Light is refracted in drops.")


def graded(judge: GradeJudge, *replies: Reading | NoReply, sample: Sample = SAMPLE) -> Score | Abstain:
    outcome = judge.verdict(sample, replies)
    assert not isinstance(outcome, Ask)
    return outcome


def digits(**shares: float) -> Reading:
    return Reading(probabilities=tuple(shares.get(f"d{digit}", 0.0) for digit in range(10)))


def test_every_digit_of_the_scale_is_offered() -> None:
    outcome = GradeJudge(lowest=1, highest=5).verdict(SAMPLE)

    assert isinstance(outcome, Ask)
    (prompt,) = outcome.questions
    assert isinstance(prompt, Prompt)
    assert prompt.labels == ("1", "2", "3", "4", "5")
    assert "Light is refracted" in prompt.messages[-1].content
    assert "hm" not in prompt.messages[-1].content
    assert "Reference answer" not in prompt.messages[-1].content


def test_a_reference_is_shown_where_there_is_one() -> None:
    sample = Sample(task=Task(prompt="?", answers=("refraction",)), completion="Drops.")
    outcome = GradeJudge().verdict(sample)

    assert isinstance(outcome, Ask)
    assert "refraction" in outcome.questions[0].messages[-1].content  # type: ignore[union-attr]  # a Prompt


def test_the_grade_is_the_expected_value_over_the_digits() -> None:
    found = graded(GradeJudge(), digits(d6=0.25, d9=0.75))

    assert isinstance(found, Score)
    assert found.details["grade"] == pytest.approx(8.25)
    assert found.value == pytest.approx(8.25 / 9)
    assert found.details["variance"] == pytest.approx(0.25 * 2.25**2 + 0.75 * 0.75**2)


@pytest.mark.parametrize(
    ("lowest", "highest", "digit", "value"), [(1, 5, 0, 0.0), (1, 5, 4, 1.0), (1, 5, 2, 0.5), (0, 1, 1, 1.0)]
)
def test_the_lowest_grade_is_0_and_the_highest_1(lowest: int, highest: int, digit: int, value: float) -> None:
    shares = [0.0] * (highest - lowest + 1)
    shares[digit] = 1.0
    found = graded(GradeJudge(lowest=lowest, highest=highest), Reading(probabilities=tuple(shares)))

    assert isinstance(found, Score)
    assert found.value == value


WRITTEN = GradeJudge(template="grade_written", lowest=1, highest=10, draws=4, temperature=0.7)


@pytest.mark.parametrize(
    ("texts", "grade"),
    [
        (("8/10", "Score: 8", '{"analysis": "5 of 6 parts", "score": 8}', "8 out of 10"), 8.0),
        (("2", "4", "nothing", "9"), 5.0),
    ],
)
def test_written_grades_are_averaged(texts: tuple[str, ...], grade: float) -> None:
    found = graded(WRITTEN, Reading(texts=texts))

    assert isinstance(found, Score)
    assert found.details["grade"] == pytest.approx(grade)
    assert found.value == pytest.approx((grade - 1) / 9)


@pytest.mark.parametrize(
    ("texts", "grade"), [(("1", "9", "9", "10"), 9.0), (("2", "4", "6", "10"), 5.0), (("7",) * 4, 7.0)]
)
def test_the_median_of_written_grades_heeds_no_outlier(texts: tuple[str, ...], grade: float) -> None:
    judge = GradeJudge(template="grade_written", lowest=1, highest=10, draws=4, temperature=0.7, average="median")
    found = graded(judge, Reading(texts=texts))

    assert isinstance(found, Score)
    assert found.details["grade"] == pytest.approx(grade)


def test_a_grade_beyond_the_scale_is_none() -> None:
    found = graded(WRITTEN, Reading(texts=("11", "0", "8.5", "80%")))

    assert isinstance(found, Abstain)
    assert found.cause is Cause.UNDECIDED


def test_what_says_nothing_has_the_lowest_grade_without_a_judge() -> None:
    found = graded(GradeJudge(), sample=Sample(task=SAMPLE.task, completion="Let me think step by step."))

    assert found == Score(0.0, "stock phrases alone", {"decided_by": "gate"})


def test_a_judge_that_is_down_abstains() -> None:
    found = graded(GradeJudge(), NoReply(Cause.UNAVAILABLE, "down"))

    assert isinstance(found, Abstain)
    assert found.cause is Cause.UNAVAILABLE


@pytest.mark.parametrize(("lowest", "highest"), [(5, 5), (9, 1)])
def test_a_scale_without_steps_is_refused(lowest: int, highest: int) -> None:
    with pytest.raises(ValueError, match="not above the lowest"):
        GradeJudge(lowest=lowest, highest=highest)


def test_a_grade_of_two_digits_cannot_be_read_as_one_token() -> None:
    with pytest.raises(ValueError, match="is no digit"):
        GradeJudge(highest=10)
    with pytest.raises(ValueError, match="says the same every time"):
        GradeJudge(draws=2)
