from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from jurist.services.plan import Packing, plan
from jurist.services.values import Group, PlannedTerm, Recipe, Term
from jurist.verifiers import load

TERM = (PlannedTerm(term=Term(verifier="format_tags"), verifier=load("format_tags")(), active=True),)
OTHER = (PlannedTerm(term=Term(verifier="exact_answer"), verifier=load("exact_answer")(), active=True),)


COST_S = 1e-3


def packing(slots: int, worth_s: float = 0.0) -> Packing:
    return Packing(slots=slots, rollouts=256, size_bytes=1 << 20, worth_s=worth_s)


def cost_s(_: object) -> float:
    return COST_S


def group(rollouts: int, size: int = 100, term: tuple[PlannedTerm, ...] = TERM) -> Group:
    return Group(group_id="g", rollout_ids=["r"] * rollouts, recipe=Recipe(), terms=term, payload=b"x" * size)


@given(
    st.lists(st.tuples(st.integers(1, 600), st.integers(1, 2 << 20), st.booleans()), min_size=1, max_size=40),
    st.integers(1, 8),
)
def test_every_group_is_in_one_chunk_in_order_and_chunks_are_bounded(
    sizes: list[tuple[int, int, bool]], slots: int
) -> None:
    groups = [group(rollouts, size, TERM if first else OTHER) for rollouts, size, first in sizes]
    bounds = packing(slots)
    pieces = list(plan(groups, bounds, cost_s))

    assert [index for piece in pieces for index in piece.indices] == list(range(len(groups)))
    for piece in pieces:
        held = [groups[index] for index in piece.indices]
        assert list(piece.chunk.payloads) == [each.payload for each in held]
        assert len({id(each.terms) for each in held}) == 1
        if len(held) > 1:
            assert sum(len(each.payload) for each in held) <= bounds.size_bytes
            assert sum(len(each.rollout_ids) for each in held) <= bounds.rollouts


def test_a_small_batch_is_shared_by_all_workers() -> None:
    assert len(list(plan([group(16)] * 4, packing(2), cost_s))) == 2


def test_cheap_work_is_not_cut_finer_than_a_call_is_worth() -> None:
    assert [len(piece.indices) for piece in plan([group(16)] * 64, packing(64, worth_s=0.2), cost_s)] == [12] * 5 + [4]


def test_dear_work_is_cut_finer_so_that_little_is_lost() -> None:
    assert [len(piece.indices) for piece in plan([group(16)] * 10, packing(1), lambda _: 0.1)] == [3, 3, 3, 1]
