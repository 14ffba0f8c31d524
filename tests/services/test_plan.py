from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from jurist.services.plan import CHUNK_BYTES, CHUNK_ROLLOUTS, plan
from jurist.services.values import Group, PlannedTerm, Recipe, Term
from jurist.verifiers import load

TERM = (PlannedTerm(term=Term(verifier="format_tags"), verifier=load("format_tags")(), active=True),)
OTHER = (PlannedTerm(term=Term(verifier="exact_answer"), verifier=load("exact_answer")(), active=True),)


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
    pieces = list(plan(groups, slots))

    assert [index for piece in pieces for index in piece.indices] == list(range(len(groups)))
    for piece in pieces:
        held = [groups[index] for index in piece.indices]
        assert list(piece.chunk.payloads) == [each.payload for each in held]
        assert len({id(each.terms) for each in held}) == 1
        if len(held) > 1:
            assert sum(len(each.payload) for each in held) <= CHUNK_BYTES
            assert sum(len(each.rollout_ids) for each in held) <= CHUNK_ROLLOUTS


def test_a_small_batch_is_shared_by_all_workers() -> None:
    assert len(list(plan([group(16)] * 4, slots=2))) == 2
