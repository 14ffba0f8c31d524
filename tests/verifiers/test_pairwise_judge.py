"""A response against a reference or a baseline, in both orders."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from jurist.verifiers import Abstain, Ask, Cause, NoReply, Prompt, Reading, Sample, Score, Task
from jurist.verifiers.pairwise_judge import PairwiseJudge

if TYPE_CHECKING:
    from jurist.verifiers import Reply

TASK = Task(prompt="Rain?", answers=("Yes, take an umbrella.",), extra={"baseline": "Perhaps."})


def level(place: int) -> Reading:
    """Hold for one of the five levels, much better first."""
    return Reading(probabilities=tuple(float(place == other) for other in range(5)), model="judge@1")


def compared(judge: PairwiseJudge, *replies: Reply, completion: str = "It will rain.") -> Score | Abstain:
    outcome = judge.verdict(Sample(task=TASK, completion=completion), replies)
    assert not isinstance(outcome, Ask)
    return outcome


def test_both_orders_are_asked_and_the_thought_is_not_shown() -> None:
    outcome = PairwiseJudge().verdict(Sample(task=TASK, completion="<think>hm</think>It will rain."))

    assert isinstance(outcome, Ask)
    ahead, behind = outcome.questions
    assert isinstance(ahead, Prompt)
    assert isinstance(behind, Prompt)
    assert ahead.messages[-1].content.index("It will rain.") < ahead.messages[-1].content.index("umbrella")
    assert behind.messages[-1].content.index("It will rain.") > behind.messages[-1].content.index("umbrella")
    assert "hm" not in ahead.messages[-1].content


def test_a_baseline_of_the_users_own_may_stand_in_for_the_reference() -> None:
    outcome = PairwiseJudge(against="baseline").verdict(Sample(task=TASK, completion="It will rain."))

    assert isinstance(outcome, Ask)
    assert "Perhaps." in outcome.questions[0].messages[-1].content  # type: ignore[union-attr]  # a Prompt


@pytest.mark.parametrize(
    ("first", "second", "value", "gap"),
    [
        (0, 4, 1.0, 0.0),
        (1, 3, 0.75, 0.0),
        (2, 2, 0.5, 0.0),
        (4, 0, 0.0, 0.0),
        (0, 2, 0.75, 0.5),
        (0, 3, 0.875, 0.25),
    ],
)
def test_the_orders_that_agree_are_averaged(first: int, second: int, value: float, gap: float) -> None:
    found = compared(PairwiseJudge(), level(first), level(second))

    assert isinstance(found, Score)
    assert found.value == pytest.approx(value)
    assert found.details["position_gap"] == pytest.approx(gap)
    assert found.details["orders_agree"] is True


def test_orders_that_disagree_are_a_tie_and_told_or_their_mean() -> None:
    tie, mean = (compared(PairwiseJudge(disagreement=how), level(0), level(1)) for how in ("tie", "mean"))

    assert isinstance(tie, Score)
    assert isinstance(mean, Score)
    assert (tie.value, mean.value) == (0.5, 0.625)
    assert tie.details["position_gap"] == pytest.approx(0.75)
    assert tie.details["orders_agree"] is mean.details["orders_agree"] is False


def test_r1s_form_is_four_queries_in_two_orders() -> None:
    judge = PairwiseJudge(template="arena_hard", draws=2, temperature=0.7)
    outcome = judge.verdict(Sample(task=TASK, completion="It will rain."))
    found = compared(
        judge,
        Reading(texts=("The format is [[A=B]].\nMy final verdict is: [[A>>B]]", "[[A>B]]")),
        Reading(texts=("[[B>>A]]", "My final verdict is tie: [[A=B]]")),
    )

    assert isinstance(outcome, Ask)
    assert [question.draws for question in outcome.questions if isinstance(question, Prompt)] == [2, 2]
    assert isinstance(found, Score)
    assert found.value == pytest.approx((1.0 + 0.75 + 1.0 + 0.5) / 4)


def test_one_order_without_a_verdict_leaves_no_score() -> None:
    found = compared(PairwiseJudge(), level(0), NoReply(Cause.UNAVAILABLE, "down"))

    assert isinstance(found, Abstain)
    assert found.cause is Cause.UNAVAILABLE


def test_lengths_are_told_so_that_a_taste_for_length_shows() -> None:
    found = compared(PairwiseJudge(), level(0), level(4))

    assert isinstance(found, Score)
    assert (found.details["characters"], found.details["characters_of_other"]) == (13, 22)


def test_without_something_to_compare_with_it_abstains() -> None:
    for judge in (PairwiseJudge(), PairwiseJudge(against="baseline")):
        found = judge.verdict(Sample(task=Task(prompt="Rain?"), completion="It will rain."))
        assert isinstance(found, Abstain)
        assert found.cause is Cause.INVALID_REFERENCE


@pytest.mark.parametrize(
    ("completion", "value"), [("Yes, take an umbrella.", 0.5), ("Let me think.", 0.0), ("", 0.0), ("<think>so", 0.0)]
)
def test_equal_texts_are_even_and_what_says_nothing_loses_unasked(completion: str, value: float) -> None:
    found = compared(PairwiseJudge(), completion=completion)

    assert isinstance(found, Score)
    assert found.value == value
