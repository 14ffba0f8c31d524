"""A stand-in for NeMo-RL, none of which PyPI has, around the adapter's own actor in a real Ray.

`calculated` stands for `calculate_rewards` and for what `run_multi_turn_rollout` does with its answer in
`nemo_rl/experience/rollouts.py` of NVIDIA-NeMo/RL (commit 00617d3d), `evaluated` for that in `nemo_rl/evals/eval.py`
(05056d09). Asynchronous rollouts call with one chat each.
"""

from __future__ import annotations

import os
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import ray
import torch
from answering import answer, name_of

STAND_IN = Path(__file__).with_name("stand_in")
sys.path.insert(0, str(STAND_IN))
os.environ["PYTHONPATH"] = os.pathsep.join([str(STAND_IN), os.environ.get("PYTHONPATH", "")])  # for Ray's workers

from jurist.trainers.nemo_rl import JuristActor  # noqa: E402


def calculated(env: Any, logs: list[list[dict[str, str]]], info: list[dict[str, Any]]) -> list[float]:
    """Score chats in one call, and read the answer as a rollout does."""
    observations, metadata, stops, rewards, terminateds, answers = ray.get([env.step.remote(logs, info)])[0]
    answers = [None] * len(rewards) if answers is None else answers
    total = torch.zeros(len(logs), dtype=torch.float32)
    total[torch.arange(len(logs))] += torch.stack([rewards[place] for place in range(len(logs))])
    done = torch.tensor([terminateds[place] for place in range(len(logs))]).bool()
    assert done.all()
    assert {(each["role"], each["content"]) for each in observations} == {("environment", "")}
    assert [*metadata] == info
    assert [*stops] == [*answers] == [None] * len(logs)
    return total.tolist()


def evaluated(env: Any, logs: list[list[dict[str, str]]], info: list[dict[str, Any]]) -> list[float]:
    """Score chats as an evaluation does, which asks for extracted answers too and then ends the environment."""
    made = ray.get(env.step.remote(logs, info, True))  # noqa: FBT003  # as NeMo-RL writes it
    rewards = made.rewards.tolist()
    ray.get(env.shutdown.remote())
    return rewards


def scored(settings: dict[str, object], samples: list[tuple[str, str]], *, single: bool = False) -> dict[str, Any]:
    """Score samples in one call, or in one each, side by side."""
    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False, ignore_reinit_error=True)
    env = JuristActor.options(num_cpus=0).remote(settings)
    logs = [
        [{"role": "user", "content": "What is 6 times 7?"}, {"role": "assistant", "content": text}]
        for text, _ in samples
    ]
    info = [{"ground_truth": truth} for _, truth in samples]
    try:
        if single:
            with ThreadPoolExecutor(len(logs)) as threads:
                calls = [threads.submit(calculated, env, [log], [row]) for log, row in zip(logs, info, strict=True)]
                rewards = [call.result()[0] for call in calls]
        else:
            rewards = calculated(env, logs, info)
            assert evaluated(env, logs, info) == rewards
    except Exception as error:  # noqa: BLE001  # what ends a step is what is looked at
        return {"outcomes": [name_of(error)] * len(samples)}
    finally:
        ray.kill(env)
    return {"outcomes": rewards}


if __name__ == "__main__":
    answer(scored)
