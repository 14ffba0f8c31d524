from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jurist.verifiers import Abstain, Cause, Sample, Score, Task
from jurist.verifiers.exact_answer import ExactAnswer


def score(completion: str, *answers: str, verifier: ExactAnswer | None = None) -> float:
    verdict = (verifier or ExactAnswer()).verdict(Sample(task=Task(answers=answers), completion=completion))
    assert isinstance(verdict, Score)
    return verdict.value


@pytest.mark.parametrize(
    ("completion", "answer", "expected"),
    [
        ("The answer is Paris.", "paris", 1.0),
        ("<think>Lyon?</think>\\boxed{The  Paris}", "Paris", 1.0),
        ("<answer>**1,000**</answer>", "1000", 1.0),
        ("Answer: Paris. It lies on the Seine.", "Paris", 1.0),
        ("Answer: Paris. London.", "London", 0.0),
        ("Answer: Paris\nLondon", "London", 0.0),
        ("I think it was\nMarie Curie", "Marie Curie", 1.0),
        ("答案\uff1a東京", "東京", 1.0),
        ("Answer: \uff30\uff41\uff52\uff49\uff53\u200b", "Paris", 1.0),
        ("The", "the", 1.0),
        ("x", "!", 0.0),
        ("", "x", 0.0),
        ("<think>Answer: Paris", "Paris", 0.0),
        ("The answer is not Paris.", "Paris", 0.0),
        ("Answer: Paris\nAnswer: London", "Paris", 0.0),
        ("\\boxed{London}\nParis", "Paris", 0.0),
        ("Suppose the answer is Paris.\nThe answer is London.", "Paris", 0.0),
        ("The answer is London. Many think the answer is Paris.", "London", 1.0),
        ("Answer: Obama", "Barack Obama", 0.0),
        ("Answer: STRASSE", "Stra\u00dfe", 1.0),
        ("Answer: cafe", "caf\u00e9", 0.0),
    ],
)
def test_an_answer_is_compared_after_normalisation(completion: str, answer: str, expected: float) -> None:
    assert score(completion, answer) == expected


@pytest.mark.parametrize(
    ("completion", "answer", "expected"),
    [
        ("the Eiffel Tower in Paris", "Eiffel Tower", 2 / 3),
        ("Paris", "London", 0.0),
        ("东京都", "东京", 4 / 5),
    ],
)
def test_f1_is_the_harmonic_mean_of_word_precision_and_recall(completion: str, answer: str, expected: float) -> None:
    verifier = ExactAnswer(measure="f1", extraction="whole")

    assert score(completion, answer, verifier=verifier) == pytest.approx(expected)


def test_the_best_of_several_references_counts() -> None:
    assert score("Answer: New York", "NYC", "New York") == 1.0


def test_articles_count_when_told_to() -> None:
    assert score("Answer: The Hague", "Hague", verifier=ExactAnswer(articles=True)) == 0.0


@given(st.text(max_size=40), st.text(max_size=40))
def test_f1_is_symmetric_and_one_for_equals(left: str, right: str) -> None:
    verifier = ExactAnswer(measure="f1", extraction="whole")
    forth = verifier.verdict(Sample(task=Task(answers=(right,)), completion=left))
    back = verifier.verdict(Sample(task=Task(answers=(left,)), completion=right))

    if isinstance(forth, Score) and isinstance(back, Score) and "<" not in left + right:
        assert forth.value == pytest.approx(back.value)
        assert left != right or forth.value == 1.0


@pytest.mark.parametrize("answers", [(), ("",), ("  ",)])
def test_a_missing_reference_is_no_basis_for_a_score(answers: tuple[str, ...]) -> None:
    verdict = ExactAnswer().verdict(Sample(task=Task(answers=answers), completion="x"))

    assert isinstance(verdict, Abstain)
    assert verdict.cause is Cause.INVALID_REFERENCE
