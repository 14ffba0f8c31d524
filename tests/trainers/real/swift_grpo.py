"""ms-swift's own way from completions to advantages, with the plugin loaded as `--external_plugins` loads it."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import torch
from answering import answer, configure, name_of
from swift.rewards import orms
from swift.rl_core.advantage import compute_advantages
from swift.rl_core.data import GRPOSample
from swift.rl_core.grpo_algorithm import compute_rewards_per_func
from swift.utils import import_external_file

import jurist.trainers

import_external_file(str(Path(jurist.trainers.__file__).with_name("swift.py")))


def scored(settings: dict[str, object], samples: list[tuple[str, str]]) -> dict[str, Any]:
    """Score samples, two of each prompt; returns rewards and advantages."""
    configure(settings)
    rows = [
        GRPOSample(
            messages=[{"role": "user", "content": "What is 6 times 7?"}, {"role": "assistant", "content": text}],
            extra={"answer": label},
            prompt_id=str(place // 2),
            request_id=str(place),
            response_token_ids=[list(text.encode())],
        )
        for place, (text, label) in enumerate(samples)
    ]
    try:
        rewards = compute_rewards_per_func(rows, [orms["jurist"](args=None)], None, torch.device("cpu"))
    except Exception as error:  # noqa: BLE001  # what ends a training is what is looked at
        return {"outcomes": [name_of(error)] * len(samples)}
    return {"outcomes": [None if math.isnan(reward) else reward for reward in rewards[:, 0].tolist()]}


def advantages(rewards: list[float | None]) -> list[float]:
    """Give a group's advantages."""
    column = torch.tensor([[math.nan if reward is None else reward] for reward in rewards])
    return compute_advantages(column, torch.ones(1), len(rewards))[0].tolist()


if __name__ == "__main__":
    answer(lambda **work: advantages(**work) if "rewards" in work else scored(**work))
