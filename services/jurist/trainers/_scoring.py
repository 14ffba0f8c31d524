"""From samples to rewards: what every adapter does between its trainer's call and its answer."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from jurist.client import ClientError, abstentions
from jurist.trainers._samples import grouped
from jurist.trainers._settings import client

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from jurist.trainers._samples import Sample
    from jurist.trainers._settings import Settings
    from jurist.v1 import reward_pb2

__all__ = [
    "NoRewardError",
    "ascore",
    "ascore_one",
    "component_scores",
    "instead",
    "number_of",
    "reward_of",
    "score",
    "score_one",
]

log = logging.getLogger("jurist.trainers")


class NoRewardError(Exception):
    """Raised when a sample has no reward, through no fault of its own, and the settings say to raise then."""


async def ascore(
    settings: Settings, samples: Sequence[Sample], policy_step: int | None = None
) -> list[reward_pb2.RolloutScore | ClientError]:
    """Score samples in as few calls as there can be; where the service failed, each gets the error instead."""
    groups, places = grouped(samples)
    try:
        scores = await client(settings).ascore(groups, policy_step=policy_step)
    except ClientError as error:
        return [error] * len(samples)
    return [scores[group].rollouts[rollout] for group, rollout in places]


def score(
    settings: Settings, samples: Sequence[Sample], policy_step: int | None = None
) -> list[reward_pb2.RolloutScore | ClientError]:
    """Score samples as `ascore` does, and wait."""
    groups, places = grouped(samples)
    try:
        scores = client(settings).score(groups, policy_step=policy_step)
    except ClientError as error:
        return [error] * len(samples)
    return [scores[group].rollouts[rollout] for group, rollout in places]


async def ascore_one(
    settings: Settings, sample: Sample, policy_step: int | None = None
) -> reward_pb2.RolloutScore | ClientError:
    """Score one sample; those that come within a moment travel together."""
    (group,), _ = grouped([sample])
    try:
        scores = await asyncio.wrap_future(client(settings).submit(group, policy_step=policy_step))
    except ClientError as error:
        return error
    return scores.rollouts[0]


def score_one(
    settings: Settings, sample: Sample, policy_step: int | None = None
) -> reward_pb2.RolloutScore | ClientError:
    """Score one sample as `ascore_one` does, and wait; calls from many threads travel together."""
    (group,), _ = grouped([sample])
    try:
        return client(settings).submit(group, policy_step=policy_step).result().rollouts[0]
    except ClientError as error:
        return error


def reward_of(settings: Settings, outcome: reward_pb2.RolloutScore | ClientError) -> float | None:
    """Return a reward, or what the settings put in its place; always finite.

    Raises:
        NoRewardError: there is none, and the settings say to raise then; so is the service's own error.
    """
    if isinstance(outcome, ClientError) or not outcome.HasField("reward"):
        return instead(settings, outcome)
    return outcome.reward


def number_of(settings: Settings, outcome: reward_pb2.RolloutScore | ClientError) -> float:
    """Return a reward as `reward_of` does, for trainers that need a number.

    Raises:
        NoRewardError, ClientError: there is none, and no number stands in its place.
    """
    reward = reward_of(settings, outcome)
    if reward is None:
        raise NoRewardError("on_error is none, and this trainer needs a number")
    return reward


def instead(settings: Settings, outcome: reward_pb2.RolloutScore | ClientError) -> float | None:
    """Return what the settings put in the place of a missing reward or component.

    Raises:
        NoRewardError, ClientError: they say to raise.
    """
    why = str(outcome) if isinstance(outcome, ClientError) else abstentions(outcome)
    if settings.on_error == "raise":
        raise outcome if isinstance(outcome, ClientError) else NoRewardError(why)
    log.warning("no reward: %s", why)
    return None if settings.on_error == "none" else float(settings.on_error)


def component_scores(outcome: reward_pb2.RolloutScore | ClientError) -> Mapping[str, float | None]:
    """Return every component's score, None for one that abstained; nothing where the service failed."""
    if isinstance(outcome, ClientError):
        return {}
    return {
        component.name: component.score if component.HasField("score") else None for component in outcome.components
    }
