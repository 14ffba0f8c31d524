"""A rule first; a judge for what it leaves open, and for nothing else."""

from __future__ import annotations

import pickle

import pytest

from jurist.verifiers import (
    Abstain,
    Ask,
    Cause,
    Decision,
    Equality,
    NoReply,
    Prompt,
    Reading,
    Reply,
    Sample,
    Score,
    Task,
)
from jurist.verifiers.hybrid import Hybrid

# Equal or not by a theorem that no rule here knows.
OPEN = Sample(task=Task(prompt="?", answers=(r"\int_0^1 x^x dx",)), completion=r"\boxed{-\sum_{n=1}^\infty (-n)^{-n}}")
PARIS = Task(prompt="The capital of France?", answers=("Paris",))
TEXT = Hybrid(rule="exact_answer", hands_over="unaccepted")
CORRECT, INCORRECT = Reading(probabilities=(1.0, 0.0, 0.0)), Reading(probabilities=(0.0, 1.0, 0.0))


def settled(hybrid: Hybrid, sample: Sample, *replies: Reply) -> Score | Abstain:
    outcome = hybrid.verdict(sample, replies)
    assert not isinstance(outcome, Ask), outcome
    return outcome


@pytest.mark.parametrize(
    ("completion", "value"), [(r"\boxed{42}", 1.0), (r"\boxed{41}", 0.0), ("Trust me, it is right.", 0.0)]
)
def test_what_the_rule_decides_never_reaches_the_judge(completion: str, value: float) -> None:
    found = settled(Hybrid(), Sample(task=Task(answers=("42",)), completion=completion))

    assert isinstance(found, Score)
    assert found.value == value
    assert found.details["rule"] == "math_answer@1" or str(found.details["rule"]).startswith("math_answer@")


def test_what_the_rule_leaves_undecided_goes_to_the_judge() -> None:
    undecided = Decision(equal=None, reason="neither could be shown")
    first = Hybrid().verdict(OPEN)
    assert isinstance(first, Ask)
    assert isinstance(first.questions[0], Equality)
    second = Hybrid().verdict(OPEN, [undecided])
    assert isinstance(second, Ask)
    assert isinstance(second.questions[0], Prompt)
    found = settled(Hybrid(), OPEN, *second.known, CORRECT)

    assert isinstance(found, Score)
    assert found.value == 1.0
    assert found.details["handed_over"]
    assert str(found.details["judge"]).startswith("reference_judge@")


def test_a_rule_that_could_not_be_asked_is_not_handed_over() -> None:
    found = settled(Hybrid(), OPEN, NoReply(Cause.UNAVAILABLE, "no worker"))

    assert isinstance(found, Abstain)
    assert found.cause is Cause.UNAVAILABLE


def test_a_mismatch_of_texts_proves_nothing_and_may_go_to_the_judge() -> None:
    same = settled(TEXT, Sample(task=PARIS, completion="Paris"))
    outcome = TEXT.verdict(Sample(task=PARIS, completion="the French capital, Lutetia of old"))
    wrong = settled(TEXT, Sample(task=PARIS, completion="the French capital, Lutetia of old"), INCORRECT)

    assert isinstance(same, Score)
    assert same.value == 1.0
    assert isinstance(outcome, Ask)
    assert isinstance(wrong, Score)
    assert wrong.value == 0.0


def test_a_judge_that_is_down_leaves_those_cells_alone_without_a_score() -> None:
    lost = settled(TEXT, Sample(task=PARIS, completion="Lutetia"), NoReply(Cause.UNAVAILABLE, "down"))

    assert isinstance(lost, Abstain)
    assert lost.cause is Cause.UNAVAILABLE
    assert isinstance(settled(TEXT, Sample(task=PARIS, completion="Paris")), Score)


def test_both_sides_take_options() -> None:
    hybrid = Hybrid(
        rule="exact_answer",
        rule_options={"extraction": "whole"},
        judge="reference_judge",
        judge_options={"template": "deepseek_r1_v3_judge", "write_tokens": 512},
        hands_over="unaccepted",
    )
    outcome = hybrid.verdict(Sample(task=PARIS, completion="Lutetia"))

    assert isinstance(outcome, Ask)
    assert isinstance(outcome.questions[0], Prompt)
    assert outcome.questions[0].write_tokens == 512
    assert pickle.loads(pickle.dumps(hybrid)) == hybrid  # noqa: S301  # our own bytes


@pytest.mark.parametrize(
    ("options", "fault"),
    [
        ({"rule": "no_such"}, "rule: unknown verifier 'no_such'"),
        ({"judge": "tournament"}, "judge: tournament judges whole groups"),
        ({"rule_options": {"nope": 1}}, "rule: math_answer has no option 'nope'"),
        ({"judge_options": {"template": "nope"}}, "judge: reference_judge: template: "),
        ({"judge_options": {"draws": "2"}}, "judge: reference_judge: draws: "),
        ({"judge_options": {"draws": 2}}, "judge: draws: asked more than once"),
    ],
)
def test_wrong_options_are_refused_when_it_is_made(options: dict[str, object], fault: str) -> None:
    with pytest.raises(ValueError, match=fault):
        Hybrid(**options)  # type: ignore[arg-type]  # wrong on purpose
