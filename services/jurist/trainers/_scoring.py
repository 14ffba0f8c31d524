"""From samples to rewards: what every adapter does between its trainer's call and its answer."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from jurist.client import ClientError, InvalidInputError, abstentions
from jurist.trainers._samples import grouped
from jurist.trainers._settings import client
from jurist.v1 import reward_pb2

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from concurrent.futures import Future

    from jurist.trainers._samples import Sample
    from jurist.trainers._settings import Settings

__all__ = [
    "NoRewardError",
    "Outcome",
    "ascore",
    "ascore_one",
    "component_scores",
    "instead",
    "number_of",
    "reward_of",
    "score",
    "score_one",
]

Outcome = reward_pb2.RolloutScore | ClientError

log = logging.getLogger("jurist.trainers")


class NoRewardError(Exception):
    """Raised when a sample has no reward, through no fault of its own, and the settings say to raise then."""


async def ascore(
    settings: Settings, samples: Sequence[Sample | InvalidInputError], policy_step: int | None = None
) -> list[Outcome]:
    """Score samples in as few calls as there can be; where one cannot be scored, it alone gets the error instead."""
    groups, places = grouped(samples)
    try:
        scores = await client(settings).ascore_each(groups, policy_step=policy_step)
    except ClientError as error:
        return [error] * len(samples)
    return _apart(scores, places)


def score(
    settings: Settings, samples: Sequence[Sample | InvalidInputError], policy_step: int | None = None
) -> list[Outcome]:
    """Score samples as `ascore` does, and wait."""
    groups, places = grouped(samples)
    try:
        scores = client(settings).score_each(groups, policy_step=policy_step)
    except ClientError as error:
        return [error] * len(samples)
    return _apart(scores, places)


def _apart(
    scores: Sequence[reward_pb2.GroupScores | ClientError], places: Sequence[tuple[int, int] | InvalidInputError]
) -> list[Outcome]:
    """Return each sample's own; what is wrong with one says which."""
    outcomes: list[Outcome] = []
    for index, place in enumerate(places):
        if isinstance(place, ClientError):
            outcomes.append(_of_sample(index, place))
            continue
        found = scores[place[0]]
        outcomes.append(_of_sample(index, found) if isinstance(found, ClientError) else found.rollouts[place[1]])
    return outcomes


def _of_sample(index: int, error: ClientError) -> ClientError:
    return InvalidInputError(f"samples[{index}].{error}", error.code) if isinstance(error, InvalidInputError) else error


async def ascore_one(settings: Settings, sample: Sample | InvalidInputError, policy_step: int | None = None) -> Outcome:
    """Score one sample; those that come within a moment travel together."""
    try:
        return (await asyncio.wrap_future(_submitted(settings, sample, policy_step))).rollouts[0]
    except ClientError as error:
        return error


def score_one(settings: Settings, sample: Sample | InvalidInputError, policy_step: int | None = None) -> Outcome:
    """Score one sample as `ascore_one` does, and wait; calls from many threads travel together."""
    try:
        return _submitted(settings, sample, policy_step).result().rollouts[0]
    except ClientError as error:
        return error


def _submitted(
    settings: Settings, sample: Sample | InvalidInputError, policy_step: int | None
) -> Future[reward_pb2.GroupScores]:
    """Hand a sample in.

    Raises:
        ClientError: it cannot be.
    """
    groups, (place,) = grouped([sample])
    if isinstance(place, ClientError):
        raise place
    together = "" if isinstance(sample, ClientError) else sample.together
    return client(settings).submit(groups[0], policy_step=policy_step, together=together)


def reward_of(settings: Settings, outcome: Outcome) -> float | None:
    """Return a reward, or what the settings put in its place; always finite.

    Raises:
        NoRewardError: there is none, and the settings say to raise then; so is the service's own error.
    """
    if isinstance(outcome, ClientError) or not outcome.HasField("reward"):
        return instead(settings, outcome)
    return outcome.reward


def number_of(settings: Settings, outcome: Outcome) -> float:
    """Return a reward as `reward_of` does, for trainers that need a number.

    Raises:
        NoRewardError, ClientError: there is none, and no number stands in its place.
    """
    reward = reward_of(settings, outcome)
    if reward is None:
        raise NoRewardError("on_error is none, and this trainer needs a number")
    return reward


def instead(settings: Settings, outcome: Outcome) -> float | None:
    """Return what the settings put in the place of a missing reward or component.

    Raises:
        NoRewardError, ClientError: they say to raise.
    """
    why = str(outcome) if isinstance(outcome, ClientError) else abstentions(outcome)
    if settings.on_error == "raise":
        raise outcome if isinstance(outcome, ClientError) else NoRewardError(why)
    log.warning("no reward: %s", why)
    return None if settings.on_error == "none" else float(settings.on_error)


def component_scores(outcome: Outcome) -> Mapping[str, float | None]:
    """Return every component's score, None for one that abstained; nothing where the service failed."""
    if isinstance(outcome, ClientError):
        return {}
    return {
        component.name: component.score if component.HasField("score") else None for component in outcome.components
    }
