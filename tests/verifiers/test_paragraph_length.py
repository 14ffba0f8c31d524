from __future__ import annotations

import pytest

from jurist.verifiers import Sample, Score, Task
from jurist.verifiers.paragraph_length import ParagraphLength


def judged(completion: str, verifier: ParagraphLength) -> Score:
    verdict = verifier.verdict(Sample(task=Task(), completion=completion))
    assert isinstance(verdict, Score)
    return verdict


@pytest.mark.parametrize(
    ("text", "expected", "longest"),
    [
        ("", 1.0, 0),
        ("one two three", 1.0, 3),
        ("alpha beta\n\ngamma delta epsilon zeta eta theta iota kappa", 0.5, 8),
        ("alpha beta\r\n\r\ngamma delta epsilon zeta eta theta iota kappa", 0.5, 8),
        ("alpha beta\r\rgamma delta epsilon zeta eta theta iota kappa", 0.5, 8),
        ("alpha beta\n\u00a0\ngamma delta epsilon zeta eta theta iota kappa", 0.5, 8),
        ("alpha beta\r\n\u3000\t\r\ngamma delta epsilon zeta eta theta iota kappa", 0.5, 8),
        ("alpha beta gamma\r\ndelta epsilon zeta eta theta", 0.5, 8),
        ("alpha beta gamma\ndelta epsilon zeta eta theta", 0.5, 8),
        ("alpha `this is code and no prose at all, is it` beta", 1.0, 2),
        ("所以最后的答案是七所以最后的答案是七" * 2, 4 / (36 / 1.62), 22),
    ],
)
def test_the_longest_paragraph_decides(text: str, expected: float, longest: int) -> None:
    verdict = judged(text, ParagraphLength(most_words=4))

    assert verdict.value == pytest.approx(expected)
    assert verdict.details["longest_words"] == longest


def test_a_threshold_makes_it_a_filter() -> None:
    text = "alpha beta gamma delta epsilon zeta eta theta"

    assert judged(text, ParagraphLength(most_words=4, threshold=0.5)).value == 1.0
    assert judged(text, ParagraphLength(most_words=4, threshold=1.0)).value == 0.0
