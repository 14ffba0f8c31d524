from __future__ import annotations

import pytest

from jurist.verifiers import Abstain, Cause, Sample, Score, Task
from jurist.verifiers.language_share import LanguageShare


def share(text: str, language: str) -> float | None:
    verdict = LanguageShare().verdict(Sample(task=Task(language=language), completion=text))
    assert isinstance(verdict, Score | Abstain)
    return verdict.value if isinstance(verdict, Score) else None


@pytest.mark.parametrize(
    ("language", "text", "expected"),
    [
        ("en", "So the final answer is seven.", 1.0),
        ("zh", "So the final answer is seven.", 0.0),
        ("zh-Hans", "所以最后的答案是七。 $\\text{area} = 7$", 1.0),
        ("en", "The answer is `sorted(x)` see https://example.org/wiki/Quick_sort", 1.0),
        ("ko", "함수의 take the derivative 하면", 0.4),
    ],
)
def test_the_score_is_the_share_of_target_words(language: str, text: str, expected: float) -> None:
    assert share(text, language) == pytest.approx(expected)


@pytest.mark.parametrize("text", ["", "1 + 1 = 2", "$$x$$ \u200b", "<think></think>So it is seven."])
def test_a_thought_without_words_gets_no_score(text: str) -> None:
    verdict = LanguageShare().verdict(Sample(task=Task(language="en"), completion=text))

    assert isinstance(verdict, Abstain)
    assert verdict.cause is Cause.NOT_APPLICABLE
