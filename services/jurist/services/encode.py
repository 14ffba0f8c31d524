"""Values to the answer, in wire form.

A component is written where its verdict is found, in a worker; the front, whose one thread every request shares, joins
what the workers wrote and never reads it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from jurist.services import wire
from jurist.services.decode import ADVANTAGES
from jurist.v1 import reward_pb2
from jurist.verifiers import Cause, Score

if TYPE_CHECKING:
    from collections.abc import Iterable

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
SCORE = wire.tag(Component.SCORE_FIELD_NUMBER, wire.FIXED64)
REASON = wire.tag(Component.REASON_FIELD_NUMBER, wire.LENGTH)
ELAPSED_MS = wire.tag(Component.ELAPSED_MS_FIELD_NUMBER, wire.FIXED64)
DETAILS = wire.tag(Component.DETAILS_FIELD_NUMBER, wire.LENGTH)
ABSTENTIONS = {
    cause: Component(
        abstention=reward_pb2.Abstention(cause=getattr(reward_pb2, f"CAUSE_{cause.value}"))
    ).SerializeToString()
    for cause in Cause
}


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
        ValueError: the details are no JSON.
    """
    outcome = SCORE + wire.double(verdict.value) if isinstance(verdict, Score) else ABSTENTIONS[verdict.cause]
    reason = verdict.reason.encode("utf-8", "replace")  # it may quote a lone surrogate
    details = wire.field(DETAILS, wire.struct(verdict.details)) if verdict.details else b""
    elapsed = ELAPSED_MS + wire.double(elapsed_ms)
    return wire.field(COMPONENTS, b"".join((begun, outcome, wire.field(REASON, reason), elapsed, details)))


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
