"""Values to the answer, in wire form.

A component is written where its verdict is found, in a worker; the front, whose one thread every request shares, joins
what the workers wrote and never reads it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, cast

from google.protobuf.struct_pb2 import NULL_VALUE

from jurist.services import wire
from jurist.services.decode import ADVANTAGES
from jurist.v1 import reward_pb2
from jurist.verifiers import Cause, Score

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from google.protobuf.struct_pb2 import Struct, Value

    from jurist.services.values import GroupReward, PlannedTerm, Recipe
    from jurist.verifiers import Verdict

__all__ = ["batch_response", "component", "group_scores", "heading", "recipe", "stream_response"]

Component, RolloutScore, GroupScores = reward_pb2.Component, reward_pb2.RolloutScore, reward_pb2.GroupScores
BATCH_GROUPS = wire.tag(reward_pb2.ScoreBatchResponse.GROUPS_FIELD_NUMBER, wire.LENGTH)
STREAM_SCORES = wire.tag(reward_pb2.ScoreStreamResponse.SCORES_FIELD_NUMBER, wire.LENGTH)
ROLLOUTS = wire.tag(GroupScores.ROLLOUTS_FIELD_NUMBER, wire.LENGTH)
ROLLOUT_ID = wire.tag(RolloutScore.ROLLOUT_ID_FIELD_NUMBER, wire.LENGTH)
REWARD = wire.tag(RolloutScore.REWARD_FIELD_NUMBER, wire.FIXED64)
ADVANTAGE = wire.tag(RolloutScore.ADVANTAGE_FIELD_NUMBER, wire.FIXED64)
COMPONENTS = wire.tag(RolloutScore.COMPONENTS_FIELD_NUMBER, wire.LENGTH)
DETAIL_CHARACTERS = 8_192  # of a text among the details: an answer must not be larger than what was asked
CAUSES = {cause: reward_pb2.Cause.Value(f"CAUSE_{cause}") for cause in Cause}


def heading(planned: PlannedTerm) -> bytes:
    """Return what all components of a term begin with."""
    term = planned.term
    return Component(
        name=term.label,
        verifier=term.verifier,
        version=planned.verifier.version,
        weight=0.0 if term.gate or not planned.active else term.weight,
    ).SerializeToString()


def component(begun: bytes, verdict: Verdict, elapsed_ms: float) -> bytes:
    """Return a component, begun with its term's heading, as a field of the rollout's score.

    Raises:
        TypeError, ValueError: the details are no JSON.
    """
    message = Component()
    if isinstance(verdict, Score):
        message.score = verdict.value
    else:
        message.abstention.cause = CAUSES[verdict.cause]
    message.reason = _utf8(verdict.reason)
    message.elapsed_ms = elapsed_ms
    if verdict.details:
        _write_struct(verdict.details, message.details)
    return wire.field(COMPONENTS, begun + message.SerializeToString())


def _utf8(text: str) -> str:
    """Replace what the wire cannot carry: what is quoted of a program or a completion may hold a lone surrogate.

    Raises:
        TypeError: it is no text.
    """
    return text if str.isascii(text) else text.encode("utf-8", "replace").decode("utf-8")


def _write_struct(values: Mapping[str, object], struct: Struct) -> None:
    """Do what `Struct.update` does, in half the time."""
    fields = struct.fields
    for name, value in values.items():
        _write_value(value, fields[_utf8(name)])


def _write_value(value: object, into: Value) -> None:
    match value:
        case str():
            into.string_value = _utf8(value[:DETAIL_CHARACTERS])
        case None:
            into.null_value = NULL_VALUE
        case bool():
            into.bool_value = value
        case int() | float() if math.isfinite(value):
            into.number_value = value
        case list() | tuple():
            into.list_value.SetInParent()
            for item in cast("Sequence[object]", value):
                _write_value(item, into.list_value.values.add())
        case Mapping():
            into.struct_value.SetInParent()
            _write_struct(cast("Mapping[str, object]", value), into.struct_value)
        case _:
            raise ValueError(f"JSON has no {value!r}")


def group_scores(reward: GroupReward) -> bytes:
    """Return a GroupScores."""
    group, findings = reward.group, reward.findings
    rows = [b"".join(row) for row in findings.components]
    statistics = GroupScores(
        group_id=group.group_id,
        mean=reward.mean,
        std=reward.std,
        zero_variance=reward.zero_variance,
        recipe=group.recipe.name,
    )
    parts = [statistics.SerializeToString()]
    for rollout_id, row, gained, advantage in zip(
        group.rollout_ids, findings.distinct, reward.rewards, reward.advantages, strict=True
    ):
        score = wire.field(ROLLOUT_ID, rollout_id.encode())
        if gained is not None:
            score += REWARD + wire.double(gained)
        if advantage is not None:
            score += ADVANTAGE + wire.double(advantage)
        parts.append(wire.field(ROLLOUTS, score + rows[row]))
    return b"".join(parts)


def batch_response(request_id: str, groups: Iterable[bytes]) -> bytes:
    """Return a ScoreBatchResponse of groups in wire form."""
    named = reward_pb2.ScoreBatchResponse(request_id=request_id).SerializeToString()
    return b"".join([*(wire.field(BATCH_GROUPS, group) for group in groups), named])


def stream_response(group: bytes) -> bytes:
    """Return a ScoreStreamResponse with a group in wire form."""
    return wire.field(STREAM_SCORES, group)


def recipe(bound: Recipe) -> reward_pb2.Recipe:
    """Return a recipe with every default filled in."""
    wired = {advantage: number for number, advantage in ADVANTAGES.items()}
    message = reward_pb2.Recipe(name=bound.name, advantage=wired[bound.advantage])
    for term in bound.terms:
        added = message.terms.add(
            name=term.label,
            verifier=term.verifier,
            weight=term.weight,
            gate=term.gate,
            from_step=term.from_step,
            on_abstain=term.on_abstain,
        )
        added.options.update(cast("Any", term.options))
    return message
