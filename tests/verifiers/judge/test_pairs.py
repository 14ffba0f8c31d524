"""Strengths from duels, and how far a score follows length."""

from __future__ import annotations

from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jurist.verifiers._judge.pairs import bradley_terry, correlation

RESULTS = st.integers(2, 7).flatmap(
    lambda count: st.tuples(
        st.just(count),
        st.fixed_dictionaries(
            {pair: st.sampled_from([0.0, 0.25, 0.5, 0.75, 1.0]) for pair in combinations(range(count), 2)}
        ),
    )
)


def test_strengths_are_those_that_make_the_results_likeliest() -> None:
    """Where the likelihood's slope is 0, a player's wins are the sum over its games of the chance to win each."""
    won, lost = bradley_terry(2, {(0, 1): 1.0})
    strengths = [chance / (1.0 - chance) for chance in (won, lost)]

    assert won + strengths[0] / sum(strengths) == pytest.approx(1.5)
    assert lost + strengths[1] / sum(strengths) == pytest.approx(0.5)
    assert won + lost == pytest.approx(1.0)


@given(RESULTS)
def test_whoever_wins_more_against_all_others_is_stronger(drawn: tuple[int, dict[tuple[int, int], float]]) -> None:
    count, results = drawn
    chances = bradley_terry(count, results)
    wins = [
        sum(value if i == player else 1.0 - value for (i, j), value in results.items() if player in (i, j))
        for player in range(count)
    ]

    assert all(0.0 < chance < 1.0 for chance in chances)
    for one, other in combinations(range(count), 2):
        if wins[one] > wins[other]:
            assert chances[one] > chances[other]
        elif wins[one] == wins[other]:
            assert chances[one] == pytest.approx(chances[other])


@given(RESULTS)
def test_the_order_of_players_does_not_matter(drawn: tuple[int, dict[tuple[int, int], float]]) -> None:
    count, results = drawn
    turned = {(count - 1 - i, count - 1 - j): value for (i, j), value in results.items()}

    assert bradley_terry(count, turned)[::-1] == pytest.approx(bradley_terry(count, results), abs=1e-9)


def test_a_player_who_beat_a_strong_one_is_stronger_than_one_who_beat_a_weak_one() -> None:
    """0 beats 1, 1 beats 2 and 3; 4 beats 3: both 0 and 4 won their only duel."""
    chances = bradley_terry(5, {(0, 1): 1.0, (1, 2): 1.0, (1, 3): 1.0, (4, 3): 1.0})

    assert chances[0] > chances[4]


def test_players_without_duels_are_middling() -> None:
    assert bradley_terry(3, {}) == [0.5, 0.5, 0.5]


@pytest.mark.parametrize(
    ("one", "other", "slope"),
    [
        ([1.0, 2.0, 3.0], [2.0, 4.0, 6.0], 1.0),
        ([1.0, 2.0, 3.0], [3.0, 2.0, 1.0], -1.0),
        ([1.0, 2.0, 1.0, 2.0], [1.0, 1.0, 2.0, 2.0], 0.0),
        ([1.0, 1.0], [1.0, 2.0], None),
        ([1.0], [1.0], None),
        ([], [], None),
    ],
)
def test_correlation_is_pearsons(one: list[float], other: list[float], slope: float | None) -> None:
    assert correlation(one, other) == (None if slope is None else pytest.approx(slope))
