"""Made-up pairs, and the judge that ships: it was examined on pairs like these."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, cast

from hypothesis import given
from hypothesis import strategies as st

from jurist.services.models.settings import Weights
from jurist.services.models.training.pairs import Kind, pairs
from jurist.verifiers import Ask, Sample, Score, Task
from jurist.verifiers.reference_judge import ReferenceJudge

if TYPE_CHECKING:
    from pathlib import Path

    from jurist.services.models.causal import Causal
    from jurist.verifiers import Prompt

MANY = 4000
FRESH = 12_345  # no seed that a judge was trained or examined with
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


def test_the_shipped_judge_behind_its_gates_is_right_on_fresh_pairs(shipped: Path) -> None:
    # Seconds of imports, for this test alone.
    from jurist.services.models.loading import load  # noqa: PLC0415
    from jurist.services.models.training.recipe import PASS  # noqa: PLC0415

    asks = ReferenceJudge(template="same_number", numbers="judge")
    model = load("judge", Weights(path=str(shipped), device="cpu", threads=2), lambda: False)
    fresh = list(islice(pairs(FRESH, held_out=True), MANY))
    samples = [Sample(task=Task(answers=(pair.reference,)), completion=pair.candidate) for pair in fresh]
    first = [asks.verdict(sample) for sample in samples]
    prompts = [cast("Prompt", asked.questions[0]) for asked in first if isinstance(asked, Ask)]
    answer = cast("Causal", model.answers).answer
    replies = (reply for at in range(0, len(prompts), 256) for reply in answer(prompts[at : at + 256]))
    verdicts = [
        asks.verdict(sample, (next(replies),)) if isinstance(asked, Ask) else asked
        for sample, asked in zip(samples, first, strict=True)
    ]

    accepted = [isinstance(verdict, Score) and verdict.value == 1.0 for verdict in verdicts]
    kinds = [pair.kind for pair in fresh]
    right = sum(found == (kind is Kind.RIGHT) for found, kind in zip(accepted, kinds, strict=True))
    assert right / MANY >= PASS
    fooled = [pair for pair, found in zip(fresh, accepted, strict=True) if found and pair.kind is Kind.HOSTILE]
    assert len(fooled) <= kinds.count(Kind.HOSTILE) / 100, fooled
