"""What is written by hand is what protobuf would have written."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from google.protobuf.json_format import MessageToDict
from google.protobuf.struct_pb2 import Struct
from hypothesis import given
from hypothesis import strategies as st

from jurist.services import encode
from jurist.services.values import Findings, Group, GroupReward, PlannedTerm, Recipe, Term
from jurist.v1 import reward_pb2
from jurist.verifiers import Abstain, Cause, Score, load

if TYPE_CHECKING:
    from jurist.verifiers import Verdict

EXACT = load("exact_answer")()
MAYBE = st.none() | st.floats(allow_nan=False, allow_infinity=False)
TEXT = st.text(max_size=300)


def planned(*, gate: bool = False, active: bool = True) -> PlannedTerm:
    term = Term(verifier="exact_answer", name="right", weight=0.25, gate=gate)
    return PlannedTerm(term=term, verifier=EXACT, active=active)


def component(verdict: Verdict, elapsed_ms: float = 1.5) -> reward_pb2.Component:
    wired = encode.component(encode.heading(planned()), verdict, elapsed_ms)
    (read,) = reward_pb2.RolloutScore.FromString(wired).components
    return read


@given(st.floats(0.0, 1.0), TEXT, st.floats(0.0, 1e6))
def test_a_score_is_written_with_its_reason_time_and_details(value: float, reason: str, elapsed_ms: float) -> None:
    details = Struct()
    details.update({"said": reason})

    assert component(Score(value, reason, {"said": reason}), elapsed_ms) == reward_pb2.Component(
        name="right",
        verifier="exact_answer",
        version=EXACT.version,
        score=value,
        weight=0.25,
        reason=reason,
        elapsed_ms=elapsed_ms,
        details=details,
    )


@pytest.mark.parametrize("cause", Cause)
def test_an_abstention_is_written_with_its_cause_and_without_a_score(cause: Cause) -> None:
    read = component(Abstain(cause, "who knows"))

    assert reward_pb2.Cause.Name(read.abstention.cause) == f"CAUSE_{cause}"
    assert not read.HasField("score")
    assert not read.HasField("details")
    assert read.reason == "who knows"


def test_a_score_of_nothing_is_a_score() -> None:
    assert component(Score(0.0, "")).HasField("score")


@pytest.mark.parametrize("idle", [planned(gate=True), planned(active=False)])
def test_a_gate_and_a_term_that_is_not_active_have_no_weight(idle: PlannedTerm) -> None:
    assert reward_pb2.Component.FromString(encode.heading(idle)).weight == 0.0


@given(st.lists(st.tuples(TEXT, st.integers(0, 1), MAYBE, MAYBE), max_size=6), MAYBE, MAYBE, st.booleans(), TEXT)
def test_a_groups_scores_are_in_the_order_of_its_rollouts(
    rollouts: list[tuple[str, int, float | None, float | None]],
    mean: float | None,
    std: float | None,
    zero_variance: bool,  # noqa: FBT001  # hypothesis' own
    name: str,
) -> None:
    rows: list[list[Verdict]] = [
        [Score(1.0, "first"), Abstain(Cause.LIMIT, "gone")],
        [Score(0.5, "second"), Score(0.0, "none")],
    ]
    wired = [[encode.component(encode.heading(planned()), verdict, 0.0) for verdict in row] for row in rows]
    reward = GroupReward(
        group=Group(
            group_id=name,
            rollout_ids=[rollout[0] for rollout in rollouts],
            recipe=Recipe(name=name),
            terms=(planned(),) * 2,
            payload=b"",
        ),
        findings=Findings([rollout[1] for rollout in rollouts], [], wired),
        rewards=[rollout[2] for rollout in rollouts],
        advantages=[rollout[3] for rollout in rollouts],
        mean=mean,
        std=std,
        zero_variance=zero_variance,
    )
    expected = reward_pb2.GroupScores(group_id=name, mean=mean, std=std, zero_variance=zero_variance, recipe=name)
    for rollout_id, row, gained, advantage in rollouts:
        components = [component(verdict, 0.0) for verdict in rows[row]]
        expected.rollouts.add(rollout_id=rollout_id, reward=gained, advantage=advantage, components=components)

    scores = encode.group_scores(reward)
    assert reward_pb2.GroupScores.FromString(scores) == expected
    assert reward_pb2.ScoreStreamResponse.FromString(encode.stream_response(scores)).scores == expected
    batch = reward_pb2.ScoreBatchResponse.FromString(encode.batch_response(name, [scores, scores]))
    assert batch == reward_pb2.ScoreBatchResponse(groups=[expected, expected], request_id=name)


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.integers(-(2**53), 2**53)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@given(st.dictionaries(st.text(), JSON, max_size=5))
def test_details_are_written_as_protobuf_writes_them(details: dict[str, Any]) -> None:
    expected = Struct()
    expected.update(details)

    assert component(Score(1.0, "", details)).details == expected


def test_a_text_among_the_details_is_cut_where_it_would_be_larger_than_what_was_asked() -> None:
    read = component(Score(1.0, "", {"answer": "x" * 100_000})).details

    assert read["answer"] == "x" * 8_192


@pytest.mark.parametrize("value", [float("nan"), float("inf"), b"bytes", object(), {1: 2}, {1, 2}])
def test_details_that_json_lacks_are_refused(value: object) -> None:
    with pytest.raises((TypeError, ValueError)):  # each has its own message
        component(Score(1.0, "", {"a": value}))


def test_what_the_wire_cannot_carry_is_replaced_wherever_it_is_quoted() -> None:
    read = component(Score(0.0, "said \ud800", {"\udfff": "\ud800", "tests": [{"reason": "a\ud800b"}, ["\ud800"]]}))

    assert read.reason == "said ?"
    assert MessageToDict(read.details) == {"?": "?", "tests": [{"reason": "a?b"}, ["?"]]}
