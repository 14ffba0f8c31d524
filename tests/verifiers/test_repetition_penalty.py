from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jurist.verifiers import Sample, Score, Task
from jurist.verifiers.repetition_penalty import RepetitionPenalty, _longest_repeat, _ngrams


def judged(completion: str, verifier: RepetitionPenalty | None = None) -> Score:
    verdict = (verifier or RepetitionPenalty(size=3)).verdict(Sample(task=Task(), completion=completion))
    assert isinstance(verdict, Score)
    return verdict


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("one two three four five", 1.0),
        ("one two three one two three", 3 / 4),
        ("Wait wait WAIT wait", 1 / 2),
        ("no no no no no no no no no no no no", 1 / 10),
        ("所以所以所以所以", 2 / 6),
        ("!!!!!!!!!!!!", 1 / 10),
        ("a" * 100, 1 / 98),
        ("haha" * 100, 2 / 398),
        ("sayitagain" * 100, 10 / 998),
        ("so " + "1" * 100, 2 / 99),
        ("Donaudampfschifffahrtsgesellschaftskapitän", 1.0),
        ("", 1.0),
        ("two words", 1.0),
    ],
)
def test_the_score_is_the_share_of_distinct_ngrams(text: str, expected: float) -> None:
    assert judged(text).value == pytest.approx(expected)


def test_repeats_within_the_free_share_cost_nothing() -> None:
    text = "one two three one two three"

    assert judged(text, RepetitionPenalty(size=3, free_share=0.25)).value == 1.0
    assert judged(text, RepetitionPenalty(size=3, free_share=0.2)).value == pytest.approx(1 - 0.05 / 0.8)


def test_only_the_part_asked_for_is_looked_at() -> None:
    text = "<think>so so so so so so</think>The answer is four."

    assert judged(text, RepetitionPenalty(size=3, part="answer")).value == 1.0
    assert judged(text, RepetitionPenalty(size=3, part="think")).value == pytest.approx(1 / 4)


@given(st.text(alphabet="ab ", max_size=60), st.integers(1, 5))
def test_saying_it_twice_never_scores_more(text: str, size: int) -> None:
    verifier = RepetitionPenalty(size=size)

    assert judged(f"{text} {text}", verifier).value <= judged(text, verifier).value


@given(st.lists(st.sampled_from("ab"), max_size=40), st.integers(1, 12))
def test_ngrams_are_equal_where_their_tokens_are(tokens: list[str], size: int) -> None:
    numbers = _ngrams(tokens, size)
    plain = [tuple(tokens[i : i + size]) for i in range(len(tokens) - size + 1)]

    assert [numbers.index(number) for number in numbers] == [plain.index(gram) for gram in plain]


@given(st.lists(st.sampled_from("abc"), max_size=30))
def test_the_longest_repeat_is_what_a_plain_search_finds(tokens: list[str]) -> None:
    def repeats(size: int) -> bool:
        spans = [tuple(tokens[i : i + size]) for i in range(len(tokens) - size + 1)]
        return len(set(spans)) < len(spans)

    assert _longest_repeat(tokens) == max((size for size in range(1, len(tokens)) if repeats(size)), default=0)


def test_a_long_span_that_stands_twice_lowers_the_score() -> None:
    text = "we now count all the ways to pick three balls; and again: we now count all the ways to pick three balls"

    verdict = judged(text, RepetitionPenalty(size=30, most_span=5))

    assert verdict.details["longest_span"] == 10
    assert verdict.value == pytest.approx(5 / 10)
    assert judged(text, RepetitionPenalty(size=30, most_span=10)).value == 1.0


@pytest.mark.parametrize(
    "text", ["so " * 100_000, "a b c d " * 30_000, "haha" * 50_000, " ".join(map(str, range(80_000)))]
)
def test_twice_the_text_takes_about_twice_the_time(text: str) -> None:
    def cost_s(text: str) -> float:
        best = 10.0
        for _ in range(3):
            started = time.process_time()
            judged(text, RepetitionPenalty(most_span=20))
            best = min(best, time.process_time() - started)
        return best

    assert cost_s(text) < 3.5 * max(cost_s(text[: len(text) // 2]), 0.02)
