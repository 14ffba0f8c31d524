"""EasyR1: `worker.reward.reward_function=$(python -m jurist.trainers.easyr1):compute_score`.

The whole batch comes in one call and goes in one. Settings are keyword arguments, over `JURIST_CLIENT_*`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from jurist.trainers._samples import sample_of
from jurist.trainers._scoring import component_scores, number_of, score
from jurist.trainers._settings import Settings

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["REWARD_NAME", "REWARD_TYPE", "compute_score"]

REWARD_NAME = "jurist"
REWARD_TYPE = "batch"


def compute_score(reward_inputs: Sequence[Mapping[str, Any]], **given: object) -> list[dict[str, float]]:
    """Score a batch: `overall`, and every component under its name.

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
    answers: list[dict[str, float]] = []
    for outcome in score(settings, samples):
        components = {name: value or 0.0 for name, value in component_scores(outcome).items()}
        answers.append({"overall": number_of(settings, outcome)} | components)
    return answers


if __name__ == "__main__":
    print(__file__)  # noqa: T201  # the path is what the flag wants
