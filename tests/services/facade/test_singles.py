"""Single samples that travel together: what is wrong with one is nothing to the others."""

from __future__ import annotations

import asyncio

from jurist.client import ClientError, group
from jurist.services.errors import BadInputError
from jurist.services.facade.singles import Settings, Singles
from jurist.v1 import reward_pb2

SETTINGS = Settings(recipe="math", timeout_s=10.0)


async def score(request: bytes) -> bytes:
    """Score 1.0, trip over one completion, and refuse another."""
    groups = reward_pb2.ScoreBatchRequest.FromString(request).groups
    written = {rollout.completion for each in groups for rollout in each.rollouts}
    if "trips" in written:
        raise RuntimeError
    if "refused" in written:
        raise BadInputError("groups[0].task", "is not for me")
    scored = [
        reward_pb2.GroupScores(rollouts=[reward_pb2.RolloutScore(reward=1.0) for _ in each.rollouts]) for each in groups
    ]
    return reward_pb2.ScoreBatchResponse(groups=scored).SerializeToString()


async def test_a_sample_that_fails_costs_its_neighbours_nothing() -> None:
    singles = Singles(score)
    completions = ["a", "trips", "b", "refused", "c", "d", "e"]

    outcomes = await asyncio.gather(
        *(singles.scores(group([each], answers="1"), SETTINGS) for each in completions), return_exceptions=True
    )

    failed = {
        each: type(outcome)
        for each, outcome in zip(completions, outcomes, strict=True)
        if isinstance(outcome, Exception)
    }
    assert failed.keys() == {"trips", "refused"}
    assert issubclass(failed["trips"], ClientError)
    assert issubclass(failed["refused"], BadInputError)
