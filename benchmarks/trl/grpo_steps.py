"""Steps of TRL's own GRPOTrainer, timed; prints the seconds of each step and of the rewards in it, as JSON.

Run with TRL's interpreter, examples/r1_zero on its path: `grpo_steps.py TARGET STEPS`.
"""

from __future__ import annotations

import json
import sys
import time
from typing import Any

import problems
import tiny
import torch
import train
from transformers import TrainerCallback

from jurist.trainers import trl


class Clock(TrainerCallback):
    """Times steps, and a reward function within them."""

    def __init__(self, score: Any) -> None:  # noqa: ANN401  # any of TRL's reward functions
        self._score = score
        self._start = 0.0
        self.rewards: list[float] = []
        self.steps: list[float] = []

    async def score(self, **batch: Any) -> list[float | None]:  # noqa: ANN401  # TRL's
        """Score a batch."""
        start = time.perf_counter()
        rewards: list[float | None] = await self._score(**batch)
        self.rewards.append(time.perf_counter() - start)
        return rewards

    def on_step_begin(self, *_: object, **__: object) -> None:
        """Start the clock."""
        self._start = time.perf_counter()

    def on_step_end(self, *_: object, **__: object) -> None:
        """Stop it."""
        self.steps.append(time.perf_counter() - self._start)


def main() -> None:
    """Train and print."""
    target, steps = sys.argv[1], int(sys.argv[2])
    torch.manual_seed(0)
    torch.set_num_threads(1)
    words = train.tokenizer()
    clock = Clock(trl.with_settings(target=target, recipe="r1_zero"))
    rows = [{"prompt": one.prompt, "answer": one.answer} for one in problems.problems()[0]]
    config = {
        "max_steps": steps,
        "per_device_train_batch_size": 128,
        "num_generations": 8,
        "max_completion_length": train.COMPLETION_TOKENS,
    }
    policy = tiny.model(words, width=64, layers=3, positions=64)
    tiny.trained(policy, words, [clock.score], rows, config, callbacks=[clock])
    print(json.dumps({"rewards": clock.rewards, "steps": clock.steps}))


if __name__ == "__main__":
    main()
