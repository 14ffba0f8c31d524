"""Weighted criteria, each decided by a judge."""

from __future__ import annotations

import pytest

from jurist.verifiers import Abstain, Ask, Cause, Criterion, NoReply, Prompt, Reading, Reply, Sample, Score, Task
from jurist.verifiers.rubric_judge import RubricJudge

YES, NO = Reading(probabilities=(1.0, 0.0)), Reading(probabilities=(0.0, 1.0))


def sample(*rubric: tuple[str, float], completion: str = "Take an umbrella.") -> Sample:
    criteria = tuple(Criterion(text, weight) for text, weight in rubric)
    return Sample(task=Task(prompt="Rain?", rubric=criteria), completion=completion)


def scored(judge: RubricJudge, what: Sample, *replies: Reply) -> Score | Abstain:
    outcome = judge.verdict(what, replies)
    assert not isinstance(outcome, Ask)
    return outcome


def test_each_criterion_is_asked_with_the_response_last() -> None:
    outcome = RubricJudge().verdict(sample(("is short", 1.0), ("is rude", -1.0), ("counts nothing", 0.0)))

    assert isinstance(outcome, Ask)
    assert len(outcome.questions) == 2
    for question, text in zip(outcome.questions, ("is short", "is rude"), strict=True):
        assert isinstance(question, Prompt)
        content = question.messages[-1].content
        assert question.labels == ("Yes", "No")
        assert content.index("Rain?") < content.index(text) < content.index("umbrella")


@pytest.mark.parametrize(
    ("weights", "met", "value"),
    [
        ((1.0, 1.0), (True, False), 0.5),
        ((3.0, 1.0), (True, False), 0.75),
        ((2.0, -1.0), (True, False), 1.0),
        ((2.0, -1.0), (True, True), 0.5),
        ((1.0, -5.0), (True, True), 0.0),
        ((1.0, -5.0), (False, False), 0.0),
        ((-1.0, -3.0), (False, False), 1.0),
        ((-1.0, -3.0), (True, False), 0.75),
        ((-1.0, -3.0), (True, True), 0.0),
    ],
)
def test_weights_add_up_over_what_could_be_had(
    weights: tuple[float, float], met: tuple[bool, bool], value: float
) -> None:
    what = sample(("first", weights[0]), ("second", weights[1]))
    found = scored(RubricJudge(), what, *(YES if holds else NO for holds in met))

    assert isinstance(found, Score)
    assert found.value == pytest.approx(value)


def test_probabilities_weigh_unless_decisions_are_asked_for() -> None:
    what = sample(("first", 1.0), ("second", 1.0))
    replies = Reading(probabilities=(0.8, 0.2)), Reading(probabilities=(0.4, 0.6))
    soft, hard = scored(RubricJudge(), what, *replies), scored(RubricJudge(measure="decision"), what, *replies)

    assert isinstance(soft, Score)
    assert isinstance(hard, Score)
    assert soft.value == pytest.approx(0.6)
    assert hard.value == 0.5
    assert soft.details["criteria"] == [
        {"text": "first", "weight": 1.0, "met": 0.8},
        {"text": "second", "weight": 1.0, "met": 0.4},
    ]


def test_a_written_verdict_is_read() -> None:
    judge = RubricJudge(template="rubric_written")
    found = scored(
        judge, sample(("is short", 1.0)), Reading(texts=('{"explanation": "No doubt", "criterion_met": "yes"}',))
    )

    assert isinstance(found, Score)
    assert found.value == 1.0


def test_a_criterion_without_a_verdict_leaves_no_score() -> None:
    what = sample(("first", 1.0), ("second", 1.0))
    lost = scored(RubricJudge(), what, YES, NoReply(Cause.UNAVAILABLE, "down"))
    astray = scored(RubricJudge(), what, YES, Reading(probabilities=(1.0, 0.0), mass=0.2))

    assert isinstance(lost, Abstain)
    assert isinstance(astray, Abstain)
    assert (lost.cause, astray.cause) == (Cause.UNAVAILABLE, Cause.UNDECIDED)
    assert "'second'" in lost.reason


def test_without_a_usable_rubric_it_abstains() -> None:
    for what in (sample(), sample(("nothing", 0.0)), sample((" ", 1.0))):
        found = scored(RubricJudge(), what)
        assert isinstance(found, Abstain)
        assert found.cause is Cause.INVALID_REFERENCE
    long = scored(RubricJudge(), sample(*[("one of many", 1.0)] * 129))
    assert isinstance(long, Abstain)
    assert long.cause is Cause.LIMIT


def test_what_says_nothing_meets_nothing() -> None:
    assert scored(RubricJudge(), sample(("is polite", 1.0), completion=" ... ")) == Score(
        0.0, "no letter and no digit in it", {"decided_by": "gate"}
    )
