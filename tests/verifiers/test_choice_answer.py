from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jurist.verifiers import Abstain, Cause, Sample, Score, Task
from jurist.verifiers.choice_answer import ChoiceAnswer

CASES = [
    json.loads(line) for line in (Path(__file__).parents[1] / "cases/choice_answer.jsonl").read_text().splitlines()
]
TEXTS = ("granite", "basalt", "marble", "slate", "chalk")
FORMS = (
    "\\boxed{{{}}}",
    "The answer is {}.",
    "**Answer:** ({})",
    "So:\n{}",
    "答案是{}",
    "<answer>{}</answer>",
    "La respuesta es {}",
)


def judged(completion: str, answers: tuple[str, ...], choices: tuple[str, ...] = ()) -> Score:
    verdict = ChoiceAnswer().verdict(Sample(task=Task(answers=answers, choices=choices), completion=completion))
    assert isinstance(verdict, Score)
    return verdict


@pytest.mark.parametrize("case", CASES, ids=[case["id"] for case in CASES])
def test_a_completion_gets_the_score_that_its_case_states(case: dict[str, object]) -> None:
    answers, choices = case["answers"], case["choices"]
    assert isinstance(answers, list)
    assert isinstance(choices, list)

    verdict = judged(str(case["completion"]), tuple(answers), tuple(choices))

    assert verdict.value == case["score"], f"{case['why']}: {verdict.reason}"


@given(
    st.permutations(TEXTS),
    st.sampled_from(FORMS),
    st.sampled_from(TEXTS),
    st.sampled_from(TEXTS),
    st.sampled_from("lt"),
)
def test_the_order_of_the_options_does_not_matter(order: list[str], form: str, right: str, said: str, how: str) -> None:
    label = said if how == "t" else "ABCDE"[order.index(said)]
    verdict = judged(form.format(label), ("ABCDE"[order.index(right)],), tuple(order))

    assert verdict.value == float(said == right), verdict.reason


@pytest.mark.parametrize(
    ("completion", "chosen"),
    [
        ("The answer is B. Not A.", ["B"]),
        ("The answer is (B). Not (A).", ["B"]),
        ("The answer is basalt. Not granite.", ["B"]),
        ("The answer is B. Not correct.", None),
        ("The answer is B is not the answer: A", ["A"]),
        ("The answer is not A. Not B.", None),
        ("Answer: B. Not A, but C", ["B", "C"]),
    ],
)
def test_a_denial_right_before_an_option_is_about_that_one(completion: str, chosen: list[str] | None) -> None:
    assert judged(completion, ("B",), TEXTS).details["chosen"] == chosen


def test_given_labels_replace_the_letters() -> None:
    verifier = ChoiceAnswer(labels=("i", "ii", "iii"))
    task = Task(answers=("ii",), choices=TEXTS[:3])

    assert verifier.verdict(Sample(task=task, completion="The answer is (ii).")) == Score(
        1.0, "ii in '(ii).'", {"chosen": ["ii"], "stated": "(ii)."}
    )
    assert getattr(verifier.verdict(Sample(task=task, completion="The answer is (iii).")), "value", None) == 0.0


def test_any_of_several_references_will_do() -> None:
    assert judged("Answer: B", ("A", "B")).value == 1.0


@pytest.mark.parametrize("answers", [(), ("",), ("Z",), ("C", "granit")])
def test_a_reference_that_means_no_option_is_no_basis(answers: tuple[str, ...]) -> None:
    verdict = ChoiceAnswer().verdict(Sample(task=Task(answers=answers, choices=TEXTS), completion="Answer: C"))

    assert isinstance(verdict, Abstain)
    assert verdict.cause is Cause.INVALID_REFERENCE


def test_the_details_say_what_was_read() -> None:
    assert judged("Answer: A, C", ("B",)).details == {"chosen": ["A", "C"], "stated": "A, C"}
    assert judged("I do not know", ("B",)).details == {"chosen": None, "stated": None}
