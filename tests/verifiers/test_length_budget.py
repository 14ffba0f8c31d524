from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jurist.verifiers import Abstain, Cause, Sample, Score, Task
from jurist.verifiers.length_budget import LengthBudget


def score(verifier: LengthBudget, tokens: int) -> float:
    verdict = verifier.verdict(Sample(task=Task(), completion="", completion_tokens=tokens))
    assert isinstance(verdict, Score)
    return verdict.value


@pytest.mark.parametrize(
    ("tokens", "expected"), [(0, 1.0), (16_384, 1.0), (18_432, 0.5), (20_479, 1 / 4_096), (20_480, 0.0), (10**30, 0.0)]
)
def test_the_overlong_form_is_dapos_plus_one(tokens: int, expected: float) -> None:
    assert score(LengthBudget(), tokens) == pytest.approx(expected)


@pytest.mark.parametrize(("tokens", "expected"), [(0, 1.0), (500, 0.75), (1_000, 0.5), (1_001, 0.0), (10**30, 0.0)])
def test_the_cosine_form_falls_by_half_a_cosine_and_then_to_its_floor(tokens: int, expected: float) -> None:
    assert score(LengthBudget(form="cosine", max_tokens=1_000), tokens) == pytest.approx(expected)


def test_the_cosine_form_may_rise_so_that_wrong_answers_are_told_to_think_on() -> None:
    verifier = LengthBudget(form="cosine", max_tokens=1_000, score_at_zero=0.0, score_at_max=0.5)

    assert [score(verifier, tokens) for tokens in (0, 500, 1_000)] == pytest.approx([0.0, 0.25, 0.5])


def test_no_margin_is_a_step() -> None:
    verifier = LengthBudget(max_tokens=10, margin_tokens=0)

    assert [score(verifier, tokens) for tokens in (10, 11)] == [1.0, 0.0]


@given(st.integers(0, 30_000), st.integers(0, 30_000), st.sampled_from(["overlong", "cosine"]))
def test_a_longer_completion_never_scores_more(a: int, b: int, form: str) -> None:
    verifier = LengthBudget(form="cosine" if form == "cosine" else "overlong")

    assert score(verifier, min(a, b)) >= score(verifier, max(a, b))


@pytest.mark.parametrize("tokens", [None, -1])
def test_an_unknown_length_is_no_basis_for_a_score(tokens: int | None) -> None:
    verdict = LengthBudget().verdict(Sample(task=Task(), completion="x", completion_tokens=tokens))

    assert isinstance(verdict, Abstain)
    assert verdict.cause is Cause.NOT_APPLICABLE


def test_a_margin_wider_than_the_budget_is_refused() -> None:
    with pytest.raises(ValueError, match="margin_tokens"):
        LengthBudget(max_tokens=10, margin_tokens=11)
