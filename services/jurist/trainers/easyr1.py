"""EasyR1: `worker.reward.reward_function=$(python -m jurist.trainers.easyr1):compute_score`.

The whole batch comes in one call and goes in one. Settings are keyword arguments, over `JURIST_CLIENT_*`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from jurist.client import ClientError
from jurist.trainers._samples import sample_of
from jurist.trainers._scoring import Outcome, component_scores, number_of, score
from jurist.trainers._settings import Settings

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["REWARD_NAME", "REWARD_TYPE", "compute_score"]

REWARD_NAME = "jurist"
REWARD_TYPE = "batch"


def compute_score(reward_inputs: Sequence[Mapping[str, Any]], **given: object) -> list[dict[str, float]]:
    """Score a batch: `overall`, and every component under its name.

    Every answer has the same names: EasyR1 makes a list of each name's values and reads it beside the samples.

    Raises:
        NoRewardError, ClientError: a sample has no reward.
    """
    settings = Settings().with_environment().with_arguments(**given).for_numbers("EasyR1")
    samples = [
        sample_of(
            settings,
            row["response"],
            {"ground_truth": row["ground_truth"]},
            row.get("prompt", ""),
            tokens=row.get("response_length"),
        )
        for row in reward_inputs
    ]
    outcomes = score(settings, samples)
    overall = [number_of(settings, outcome) for outcome in outcomes]
    scores = [component_scores(outcome) for outcome in outcomes]
    names = dict.fromkeys(name for each in scores for name in each)
    return [
        {name: _filled(each.get(name), outcome, reward) for name in names} | {"overall": reward}
        for each, outcome, reward in zip(scores, outcomes, overall, strict=True)
    ]


def _filled(score: float | None, outcome: Outcome, reward: float) -> float:
    """Return a component's score; where there is none, `on_error`'s number if there is no reward either, else 0.0."""
    if score is not None:
        return score
    rewarded = not isinstance(outcome, ClientError) and outcome.HasField("reward")
    return 0.0 if rewarded else reward


if __name__ == "__main__":
    print(__file__)  # noqa: T201  # the path is what the flag wants
