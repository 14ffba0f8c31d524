from __future__ import annotations

import math
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jurist.services.combine import advantages, combine, deviation
from jurist.services.values import Advantage, Findings, Group, Outcome, PlannedTerm, Recipe, Term
from jurist.verifiers import Ask, Cause, Equality, load

EXACT = load("exact_answer")()


def group(*terms: Term, rollouts: int = 1, active: bool = True, advantage: Advantage = Advantage.NONE) -> Group:
    return Group(
        group_id="g",
        rollout_ids=[str(index) for index in range(rollouts)],
        recipe=Recipe(name="r", terms=terms, advantage=advantage),
        terms=tuple(PlannedTerm(term=term, verifier=EXACT, active=active) for term in terms),
        payload=b"",
    )


def found(*rows: list[Outcome]) -> Findings:
    return Findings(range(len(rows)), rows, [[b"told"] * len(row) for row in rows])


def reward(terms: tuple[Term, ...], *outcomes: Outcome) -> float | None:
    return combine(group(*terms), found(list(outcomes))).rewards[0]


def adds(weight: float = 1.0, on_abstain: float | None = None) -> Term:
    return Term(verifier="exact_answer", weight=weight, on_abstain=on_abstain)


GATE = Term(verifier="exact_answer", gate=True)


def test_a_reward_is_the_weighted_sum_of_its_scores() -> None:
    assert reward((adds(2.0), adds(-0.5)), 1.0, 0.5) == 1.75


def test_a_gate_multiplies_the_sum() -> None:
    assert reward((adds(2.0), GATE), 1.0, 0.5) == 1.0
    assert reward((adds(2.0), GATE), 1.0, 0.0) == 0.0


def test_gates_alone_are_their_product() -> None:
    assert reward((GATE, GATE), 0.5, 0.5) == 0.25


def test_an_abstention_masks_the_rollout_unless_the_recipe_states_a_value() -> None:
    assert reward((adds(), adds()), 1.0, Cause.UNDECIDED) is None
    assert reward((adds(), adds(on_abstain=0.25)), 1.0, Cause.UNDECIDED) == 1.25
    assert reward((adds(), GATE), 1.0, Cause.UNDECIDED) is None


def test_a_term_that_is_not_active_takes_no_part() -> None:
    term = adds()
    planned = PlannedTerm(term=term, verifier=EXACT, active=False)
    waiting = Group(
        group_id="g",
        rollout_ids=["0"],
        recipe=Recipe(terms=(term, term)),
        terms=(PlannedTerm(term=term, verifier=EXACT, active=True), planned),
        payload=b"",
    )
    assert combine(waiting, found([0.5, Cause.NOT_APPLICABLE])).rewards == [0.5]


def test_while_no_term_of_the_sum_is_active_there_is_nothing_to_gain() -> None:
    term = adds()
    waiting = Group(
        group_id="g",
        rollout_ids=["0"],
        recipe=Recipe(terms=(term, GATE)),
        terms=(
            PlannedTerm(term=term, verifier=EXACT, active=False),
            PlannedTerm(term=GATE, verifier=EXACT, active=True),
        ),
        payload=b"",
    )
    assert combine(waiting, found([Cause.NOT_APPLICABLE, 1.0])).rewards == [0.0]


def test_a_question_that_nobody_answered_gives_no_reward() -> None:
    assert reward((adds(),), Ask((Equality(reference="1", answer="1"),))) is None


def test_equal_completions_share_their_reward() -> None:
    scored = combine(group(adds(), rollouts=3), Findings([0, 1, 0], [[1.0], [0.5]], [[b""], [b""]]))

    assert scored.rewards == [1.0, 0.5, 1.0]


def test_masked_rollouts_are_left_out_of_the_statistics() -> None:
    masked = group(adds(), rollouts=3, advantage=Advantage.MEAN_ONLY)
    scored = combine(masked, found([1.0], [Cause.UNDECIDED], [0.0]))

    assert scored.mean == 0.5
    assert scored.std == pytest.approx(math.sqrt(0.5))
    assert scored.advantages == [0.5, None, -0.5]
    assert not scored.zero_variance


def test_a_group_without_any_reward_has_no_statistics() -> None:
    scored = combine(group(adds(), advantage=Advantage.GRPO), found([Cause.UNDECIDED]))

    assert (scored.mean, scored.std, scored.zero_variance) == (None, None, True)
    assert scored.advantages == [None]


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        (Advantage.NONE, [None, None, None]),
        (Advantage.GRPO, [(1 - 0.5) / (0.5 + 1e-6), 0.0, (0 - 0.5) / (0.5 + 1e-6)]),
        (Advantage.MEAN_ONLY, [0.5, 0.0, -0.5]),
        (Advantage.LEAVE_ONE_OUT, [1 - 0.25, 0.5 - 0.5, 0 - 0.75]),
    ],
)
def test_advantages_are_the_papers(kind: Advantage, expected: list[float | None]) -> None:
    assert advantages(kind, [1.0, 0.5, 0.0]) == pytest.approx(expected)


@pytest.mark.parametrize("kind", [Advantage.GRPO, Advantage.MEAN_ONLY, Advantage.LEAVE_ONE_OUT])
def test_equal_rewards_teach_nothing(kind: Advantage) -> None:
    assert advantages(kind, [0.1, None, 0.1, 0.1]) == [0.0, None, 0.0, 0.0]
    assert advantages(kind, [0.7]) == [0.0]


@given(
    st.lists(st.none() | st.floats(-1e6, 1e6), min_size=1, max_size=32),
    st.sampled_from([Advantage.GRPO, Advantage.MEAN_ONLY, Advantage.LEAVE_ONE_OUT]),
)
def test_advantages_are_finite_sum_to_zero_and_keep_the_order(rewards: list[float | None], kind: Advantage) -> None:
    given_out = advantages(kind, rewards)
    known = [(reward, gain) for reward, gain in zip(rewards, given_out, strict=True) if reward is not None]

    assert [gain is None for gain in given_out] == [reward is None for reward in rewards]
    assert all(gain is not None and math.isfinite(gain) for _, gain in known)
    scale = max((abs(gain) for _, gain in known if gain is not None), default=0.0)
    assert abs(math.fsum(gain for _, gain in known if gain is not None)) <= 1e-9 * max(1.0, scale) * len(rewards)
    ranked = sorted((reward, gain) for reward, gain in known if gain is not None)
    assert all(low[1] <= high[1] + 1e-9 * scale for low, high in pairwise(ranked))


def test_the_deviation_has_bessels_correction() -> None:
    assert deviation([1.0, 0.0]) == pytest.approx(math.sqrt(0.5))
    assert deviation([0.1] * 3) == 0.0
    assert deviation([5.0]) == 0.0
