"""verl's own reward managers in its own worker: here, or in Ray's by the whole RewardLoopManager."""

from __future__ import annotations

import tempfile
from typing import Any

import numpy as np
import ray
import torch
from answering import answer, name_of
from byte_words import tokenizer
from omegaconf import OmegaConf
from tensordict import TensorDict
from verl import DataProto
from verl.experimental.reward_loop.reward_loop import RewardLoopManager, RewardLoopWorker

LENGTH = 64
WORDS = tokenizer()
FOLDER = tempfile.mkdtemp()
WORDS.save_pretrained(FOLDER)


def data(samples: list[tuple[str, str]]) -> DataProto:
    """Lay samples out as verl's rollouts are."""
    count = len(samples)
    prompts = torch.zeros(count, 4, dtype=torch.long)
    responses = torch.zeros(count, LENGTH, dtype=torch.long)
    mask = torch.ones(count, 4 + LENGTH, dtype=torch.long)
    for row, (text, _) in enumerate(samples):
        ids = WORDS(text)["input_ids"]
        responses[row, : len(ids)] = torch.tensor(ids)
        mask[row, 4 + len(ids) :] = 0
    rows: dict[str, Any] = {
        "data_source": ["gsm8k"] * count,
        "reward_model": [{"ground_truth": truth, "style": "rule"} for _, truth in samples],
        "extra_info": [{"index": row} for row in range(count)],
        "raw_prompt": [[{"role": "user", "content": "What is 6 times 7?"}] for _ in samples],
        "uid": ["a"] * count,
    }
    batch = TensorDict({"prompts": prompts, "responses": responses, "attention_mask": mask}, batch_size=count)
    return DataProto(batch=batch, non_tensor_batch={name: np.array(row, dtype=object) for name, row in rows.items()})


def config(manager: str, settings: dict[str, object]) -> Any:
    """Write what a run's configuration says of rewards."""
    chosen: dict[str, Any] = {"source": "register", "name": manager, "module": None}
    if manager == "jurist":
        chosen = {
            "source": "importlib",
            "name": "JuristRewardManager",
            "module": {"path": "pkg://jurist.trainers.verl_manager", "name": None},
        }
    function = {
        "path": "pkg://jurist.trainers.verl",
        "name": "compute_score_sync" if manager == "remote" else "compute_score",
        "reward_kwargs": settings,
    }
    return OmegaConf.create(
        {
            "actor_rollout_ref": {"model": {"path": FOLDER, "tokenizer_path": FOLDER}},
            "data": {"max_response_length": LENGTH},
            "trainer": {"experiment_name": "test"},
            "reward": {
                "num_workers": 2,
                "reward_model": {"enable": False},
                "custom_reward_function": function,
                "reward_manager": chosen,
                "reward_kwargs": settings if manager == "jurist" else {},
            },
        }
    )


def scored(
    manager: str, settings: dict[str, object], samples: list[tuple[str, str]], workers: str = "none"
) -> dict[str, Any]:
    """Score samples by one manager, here or in "ray"'s workers."""
    try:
        if workers == "ray" or manager == "remote":
            ray.init(num_cpus=64, include_dashboard=False, log_to_driver=False, ignore_reinit_error=True)
        if workers == "ray":
            loop = RewardLoopManager(config(manager, settings))
            try:
                answer = loop.compute_rm_score(data(samples))
            finally:
                for worker in loop.reward_loop_workers:
                    ray.kill(worker)  # the next ones have the same names
            rewards = answer.batch["rm_scores"].sum(-1).tolist()
            extras = {key: answer.non_tensor_batch[key].tolist() for key in answer.meta_info["reward_extra_keys"]}
        else:
            worker = RewardLoopWorker(config(manager, settings))
            answers = worker.loop.run_until_complete(worker.compute_score_batch(data(samples)))
            rewards = [float(answer["reward_score"]) for answer in answers]
            extras = {key: [answer["reward_extra_info"].get(key) for answer in answers]
                      for key in answers[0]["reward_extra_info"]}  # fmt: skip
    except Exception as error:  # noqa: BLE001  # what ends a step is what is looked at
        return {"outcomes": [name_of(error)] * len(samples)}
    return {"outcomes": rewards, "extras": extras}


if __name__ == "__main__":
    answer(scored)
