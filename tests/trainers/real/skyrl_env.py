"""skyrl-gym's own environments, made by name and stepped from threads as SkyRL does."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import skyrl_gym
from answering import answer, name_of

import jurist.trainers.skyrl  # noqa: F401  # registers the environment

PROMPT = [{"role": "user", "content": "What is 6 times 7?"}]


def stepped(settings: dict[str, object], sample: tuple[str, str]) -> tuple[Any, Any, Any]:
    """Make an environment for a row, and step it once: its reward, whether it is done, and its metadata."""
    action, truth = sample
    extras = {"reward_spec": {"method": "rule", "ground_truth": truth}, "max_turns": 1}
    env = skyrl_gym.make("jurist", env_config=settings, extras=extras)
    env.init(PROMPT)
    try:
        step = env.step(action)
    except Exception as error:  # noqa: BLE001  # what reaches SkyRL is what is looked at
        return name_of(error), None, None
    return step["reward"], step["done"], step["metadata"]


def scored(settings: dict[str, object], samples: list[tuple[str, str]]) -> dict[str, Any]:
    """Step an environment for each sample, 32 at a time."""
    with ThreadPoolExecutor(32) as threads:
        rewards, done, metadata = zip(*threads.map(partial(stepped, settings), samples), strict=True)
    return {"outcomes": rewards, "done": done, "metadata": metadata}


if __name__ == "__main__":
    answer(scored)
