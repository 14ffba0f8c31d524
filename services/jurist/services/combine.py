"""Verdicts become rewards, rewards become advantages. Pure arithmetic.

    reward = (sum of weight * score) * (product of the gates' scores)

The sum is 1 when every term of the recipe is a gate. A term that abstains gives its `on_abstain` score, or masks the
rollout: no reward, no advantage, no part in the group's statistics. A term that is not active yet takes no part at all.
"""

from __future__ import annotations

import math
from statistics import fmean
from typing import TYPE_CHECKING

from jurist.services.values import Advantage, GroupReward
from jurist.verifiers import Ask, Cause

if TYPE_CHECKING:
    from collections.abc import Sequence

    from jurist.services.values import Findings, Group, Outcome, PlannedTerm

__all__ = ["advantages", "combine", "deviation"]

STD_FLOOR = 1e-6  # what verl adds to a group's deviation; TRL adds 1e-4


def combine(group: Group, findings: Findings) -> GroupReward:
    """Give each rollout of a group its reward and advantage."""
    row_rewards = [_reward(group.terms, outcomes) for outcomes in findings.outcomes]
    rewards = [row_rewards[row] for row in findings.distinct]
    known = [reward for reward in rewards if reward is not None]
    return GroupReward(
        group=group,
        findings=findings,
        rewards=rewards,
        advantages=advantages(group.recipe.advantage, rewards),
        mean=fmean(known) if known else None,
        std=deviation(known) if known else None,
        zero_variance=not known or min(known) == max(known),
    )


def _reward(terms: Sequence[PlannedTerm], outcomes: Sequence[Outcome]) -> float | None:
    total = 1.0 if all(planned.term.gate for planned in terms) else 0.0
    factor = 1.0
    for planned, outcome in zip(terms, outcomes, strict=True):
        if not planned.active:
            continue
        term = planned.term
        value = term.on_abstain if isinstance(outcome, Cause | Ask) else outcome
        if value is None:
            return None
        if term.gate:
            factor *= value
        else:
            total += term.weight * value
    return total * factor


def deviation(rewards: Sequence[float]) -> float:
    """Return the standard deviation with Bessel's correction; exactly 0 when the rewards are equal or alone."""
    if len(rewards) < 2 or min(rewards) == max(rewards):  # noqa: PLR2004  # one reward deviates from nothing
        return 0.0
    mean = fmean(rewards)
    return math.sqrt(math.fsum((reward - mean) ** 2 for reward in rewards) / (len(rewards) - 1))


def advantages(kind: Advantage, rewards: Sequence[float | None]) -> list[float | None]:
    """Return each rollout's advantage within its group; None where it has no reward, or none are asked for."""
    known = [reward for reward in rewards if reward is not None]
    if kind is Advantage.NONE or not known:
        return [None] * len(rewards)
    if min(known) == max(known):
        return [None if reward is None else 0.0 for reward in rewards]
    mean = fmean(known)
    match kind:
        case Advantage.GRPO:
            scale = 1.0 / (deviation(known) + STD_FLOOR)
        case Advantage.MEAN_ONLY:
            scale = 1.0
        case Advantage.LEAVE_ONE_OUT:  # r - (sum - r) / (n - 1) = (r - mean) * n / (n - 1)
            scale = len(known) / (len(known) - 1)
    return [None if reward is None else (reward - mean) * scale for reward in rewards]
