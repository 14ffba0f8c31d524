"""Which prompts are computed together."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from jurist.services.models.prefixes import Share, plan

if TYPE_CHECKING:
    from collections.abc import Sequence

ROWS = st.lists(st.lists(st.integers(0, 2), min_size=1, max_size=8), min_size=1, max_size=9)


def test_rows_that_begin_alike_share_their_beginning() -> None:
    assert plan([(1, 2, 3, 4), (9, 9), (1, 2, 3, 5)], least=2) == [Share((0, 2), 3), Share((1,), 0)]


def test_equal_rows_keep_their_last_token_to_be_computed() -> None:
    assert plan([(1, 2, 3), (1, 2, 3)], least=1) == [Share((0, 1), 2)]


def test_two_groups_with_a_common_template_share_more_apart_than_together() -> None:
    template = [0] * 20
    first = [[*template, *[1] * 40, last] for last in range(4)]
    second = [[*template, *[2] * 40, last] for last in range(4)]

    assert plan([*first, *second]) == [Share((0, 1, 2, 3), 60), Share((4, 5, 6, 7), 60)]


def test_a_short_beginning_is_not_worth_sharing() -> None:
    assert plan([[1] * 15 + [2], [1] * 15 + [3]]) == [Share((0, 1), 0)]


@given(ROWS, st.integers(1, 3))
def test_every_row_has_one_place_and_begins_as_its_share_does(rows: list[list[int]], least: int) -> None:
    shares = plan(rows, least)

    assert sorted(member for share in shares for member in share.members) == list(range(len(rows)))
    for share in shares:
        assert share.tokens == 0 or share.tokens >= least
        assert len({tuple(rows[member][: share.tokens]) for member in share.members}) == 1
        assert all(len(rows[member]) > share.tokens for member in share.members)


@given(ROWS)
def test_no_other_parting_spares_more(rows: list[list[int]]) -> None:
    best = max(_spared(rows, starts) for starts in range(1 << (len(rows) - 1)))

    assert sum(share.tokens * (len(share.members) - 1) for share in plan(rows, 1)) == best


def _spared(rows: Sequence[Sequence[int]], starts: int) -> int:
    """Return the tokens spared when the sorted rows are cut where `starts` has a bit."""
    ordered = sorted(map(list, rows))
    runs: list[list[list[int]]] = [[ordered[0]]]
    for place, row in enumerate(ordered[1:]):
        if starts >> place & 1:
            runs.append([row])
        else:
            runs[-1].append(row)
    return sum(_common(run) * (len(run) - 1) for run in runs)


def _common(run: Sequence[Sequence[int]]) -> int:
    shortest = min(map(len, run)) - 1
    return next((end for end in range(shortest) if len({row[end] for row in run}) > 1), shortest)
