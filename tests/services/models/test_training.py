"""Made-up pairs, and the judge that ships: it was examined on pairs like these."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from jurist.services.models.training.pairs import Kind, pairs

if TYPE_CHECKING:
    from pathlib import Path

MANY = 4000
DRESSED = "0123456789.,-"


def number(text: str) -> float:
    """Return the last number in a text."""
    kept = "".join(letter if letter in DRESSED else " " for letter in text).split()
    return float(next(word for word in reversed(kept) if any(map(str.isdigit, word))).strip(".,").replace(",", ""))


def test_the_same_seed_makes_the_same_pairs() -> None:
    assert list(islice(pairs(3), 50)) == list(islice(pairs(3), 50))
    assert list(islice(pairs(3), 50)) != list(islice(pairs(4), 50))


def test_half_the_pairs_are_right_and_a_third_are_near_misses() -> None:
    kinds = [pair.kind for pair in islice(pairs(0), MANY)]

    assert abs(kinds.count(Kind.RIGHT) / MANY - 0.5) < 0.03
    assert abs(kinds.count(Kind.NEAR_MISS) / MANY - 0.36) < 0.03


@given(st.integers(0, 1000))
def test_a_right_candidate_gives_the_reference_and_a_near_miss_another_number(seed: int) -> None:
    for pair in islice(pairs(seed), 40):
        if pair.kind is not Kind.HOSTILE:
            assert (number(pair.candidate) == float(pair.reference)) == (pair.kind is Kind.RIGHT), pair


def test_references_that_are_held_out_are_never_trained_on() -> None:
    def digits(seed: int, *, held_out: bool) -> set[str]:
        return {pair.reference.strip("-").replace(".", "") for pair in islice(pairs(seed, held_out=held_out), MANY)}

    assert not digits(0, held_out=True) & digits(1, held_out=False)


def test_easy_pairs_are_bare_numbers() -> None:
    for pair in islice(pairs(0, 2, plain=1.0), 200):
        assert pair.kind is not Kind.HOSTILE
        assert len([letter for letter in pair.reference if letter.isdigit()]) <= 2
        assert float(pair.candidate) is not None


def test_the_card_of_the_shipped_judge_says_how_good_it_is(shipped: Path) -> None:
    card = (shipped / "README.md").read_text(encoding="utf-8")

    assert "jurist train-judge --seed" in card
    assert "fresh pairs" in card
    assert (shipped / "model.safetensors").stat().st_size < 700_000
