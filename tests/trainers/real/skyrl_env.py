"""skyrl-gym's own environments, made by name and stepped from threads as SkyRL does; prints the steps, as JSON."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor

import skyrl_gym

import jurist.trainers.skyrl  # noqa: F401  # registers the environment

RIGHT = "<think>six times seven</think> <answer>42</answer>"
PROMPT = [{"role": "user", "content": "What is 6 times 7?"}]


def stepped(action: str) -> dict[str, object]:
    """Make an environment for a row, and step it once."""
    extras = {"reward_spec": {"method": "rule", "ground_truth": "42"}, "max_turns": 1}
    env = skyrl_gym.make("jurist", env_config={"recipe": "r1_zero"}, extras=extras)
    env.init(PROMPT)
    step = env.step(action)
    return {"reward": step["reward"], "done": step["done"], "metadata": step["metadata"]}


def main() -> None:
    """Step 32 environments at a time."""
    actions = [RIGHT, "It is 42.", "It is 41."] * 22
    with ThreadPoolExecutor(32) as threads:
        print("scored " + json.dumps(list(threads.map(stepped, actions))))


if __name__ == "__main__":
    main()
