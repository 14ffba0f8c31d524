from __future__ import annotations

import pytest

from jurist.verifiers import Sample, Score, Task
from jurist.verifiers.summary_present import SummaryPresent


@pytest.mark.parametrize(
    ("text", "strict", "share"),
    [
        ("<think>so</think>The answer is seven, since both sums agree.", 1.0, 1.0),
        ("<think>so</think>It is seven.", 0.0, 3 / 6),
        ("<think>so</think>", 0.0, 0.0),
        ("<think>so</think> <answer>4</answer>", 0.0, 0.0),
        ("<think>so</think>It is seven. <answer>7</answer>", 0.0, 3 / 6),
        ("<think>so", 0.0, 0.0),
        ("The answer is seven, since both sums agree.", 0.0, 0.0),
        ("<think>so</think>所以最后的答案是七。", 0.0, 9 / 1.62 / 6),
        ("<think>so</think>so far <think>The answer is seven, since both sums agree.", 0.0, 0.0),
    ],
)
def test_a_summary_of_enough_words_follows_the_thought(text: str, strict: float, share: float) -> None:
    sample = Sample(task=Task(), completion=text)

    verdict = SummaryPresent(fewest_words=6).verdict(sample)
    plain = SummaryPresent(fewest_words=6, threshold=None).verdict(sample)

    assert isinstance(verdict, Score)
    assert isinstance(plain, Score)
    assert verdict.value == strict
    assert plain.value == pytest.approx(share)
