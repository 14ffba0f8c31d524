"""OpenRLHF (0.11): the `.py` form of a reward function; the HTTP port's `/get_reward` is the other.

    --reward.remote_url $(python -m jurist.trainers.openrlhf)

OpenRLHF asks for one sample a call, from threads; calls that come within a moment travel together. An error is tried
again by OpenRLHF, then the sample stays without a reward.
"""

# pyright: basic, reportMissingImports=false
# torch is the trainer's, which is there only where it runs.

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

from jurist.client._eos import EOS
from jurist.trainers._samples import sample_of
from jurist.trainers._scoring import component_scores, number_of, score_one
from jurist.trainers._settings import Settings

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["reward_func"]


def reward_func(
    queries: Sequence[str], prompts: Sequence[str], labels: Sequence[object], **_: object
) -> dict[str, Any]:
    """Score queries, prompt and response in one text; returns tensors, as OpenRLHF wants them.

    Raises:
        NoRewardError, ClientError: a sample has no reward.
    """
    import torch  # noqa: PLC0415  # OpenRLHF has it

    settings = _settings()
    rewards: list[float] = []
    logs: dict[str, list[float]] = {}
    for query, prompt, label in zip(queries, prompts, labels, strict=True):
        completion = query.removeprefix(prompt)
        outcome = score_one(settings, sample_of(settings, completion, {"label": label}, prompt, eos=EOS))
        rewards.append(number_of(settings, outcome))
        for name, score in component_scores(outcome).items():
            logs.setdefault(name, []).append(score or 0.0)
    first = next(iter(logs.values()), None)  # without any, OpenRLHF takes the rewards
    return {
        "rewards": torch.tensor(rewards, dtype=torch.float32),
        "scores": None if first is None else torch.tensor(first, dtype=torch.float32),
        "extra_logs": {name: torch.tensor(scores, dtype=torch.float32) for name, scores in logs.items()},
    }


@lru_cache(maxsize=1)
def _settings() -> Settings:
    return Settings().with_environment().for_numbers("OpenRLHF")


if __name__ == "__main__":
    print(__file__)  # noqa: T201  # the path is what the flag wants
