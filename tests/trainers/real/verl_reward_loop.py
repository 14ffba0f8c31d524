"""verl's own RewardLoopManager with two Ray workers on samples made here; prints scores and extras, as JSON.

Run with the trainer's interpreter: `verl_reward_loop.py MANAGER FOLDER`, MANAGER one of naive, dapo, remote, jurist;
FOLDER holds a tokenizer. Settings come from `JURIST_CLIENT_*`.
"""

from __future__ import annotations

import json
import os
import sys
from typing import Any

import numpy as np
import ray
import torch
from omegaconf import OmegaConf
from tensordict import TensorDict
from tokenizers import Tokenizer, models, pre_tokenizers
from tokenizers.decoders import ByteLevel
from transformers import PreTrainedTokenizerFast
from verl import DataProto
from verl.experimental.reward_loop.reward_loop import RewardLoopManager

LENGTH = 64
SAMPLES = [
    ("<think>six times seven</think> <answer>42</answer>", "42"),
    ("It is 42.", "42"),
    ("It is 41.", "42"),
    ("Wer weiss?", "42"),
]


def tokenizer(folder: str) -> PreTrainedTokenizerFast:
    """Make one of a token a byte."""
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    words = {word: index for index, word in enumerate(["<pad>", "<eos>", *alphabet])}
    made = Tokenizer(models.BPE(vocab=words, merges=[]))
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = ByteLevel()
    fast = PreTrainedTokenizerFast(tokenizer_object=made, pad_token="<pad>", eos_token="<eos>")
    fast.save_pretrained(folder)
    return fast


def data(words: PreTrainedTokenizerFast) -> DataProto:
    """Lay the samples out as verl's rollouts are."""
    prompts = torch.zeros(len(SAMPLES), 4, dtype=torch.long)
    responses = torch.zeros(len(SAMPLES), LENGTH, dtype=torch.long)
    mask = torch.ones(len(SAMPLES), 4 + LENGTH, dtype=torch.long)
    for row, (text, _) in enumerate(SAMPLES):
        ids = words(text)["input_ids"]
        responses[row, : len(ids)] = torch.tensor(ids)
        mask[row, 4 + len(ids) :] = 0
    rows: dict[str, Any] = {
        "data_source": ["gsm8k"] * len(SAMPLES),
        "reward_model": [{"ground_truth": truth, "style": "rule"} for _, truth in SAMPLES],
        "extra_info": [{"index": row} for row in range(len(SAMPLES))],
        "raw_prompt": [[{"role": "user", "content": "What is 6 times 7?"}] for _ in SAMPLES],
        "uid": ["a"] * len(SAMPLES),
    }
    batch = TensorDict({"prompts": prompts, "responses": responses, "attention_mask": mask}, batch_size=len(SAMPLES))
    return DataProto(batch=batch, non_tensor_batch={name: np.array(row, dtype=object) for name, row in rows.items()})


def main() -> None:
    """Score and print."""
    manager, folder = sys.argv[1], sys.argv[2]
    words = tokenizer(folder)
    function = "compute_score_sync" if manager == "remote" else "compute_score"
    chosen: dict[str, Any] = {"source": "register", "name": manager, "module": None}
    if manager == "jurist":
        chosen = {
            "source": "importlib",
            "name": "JuristRewardManager",
            "module": {"path": "pkg://jurist.trainers.verl_manager", "name": None},
        }
    config = OmegaConf.create(
        {
            "actor_rollout_ref": {"model": {"path": folder, "tokenizer_path": folder}},
            "data": {"max_response_length": LENGTH},
            "reward": {
                "num_workers": 2,
                "reward_model": {"enable": False},
                "custom_reward_function": {"path": "pkg://jurist.trainers.verl", "name": function, "reward_kwargs": {}},
                "reward_manager": chosen,
                "reward_kwargs": {},
            },
        }
    )
    environment = {name: value for name, value in os.environ.items() if name.startswith("JURIST_CLIENT_")}
    ray.init(num_cpus=64, include_dashboard=False, runtime_env={"env_vars": environment}, log_to_driver=False)
    try:
        scored = RewardLoopManager(config).compute_rm_score(data(words))
        rewards = scored.batch["rm_scores"].sum(-1).tolist()
        extras = {key: scored.non_tensor_batch[key].tolist() for key in scored.meta_info["reward_extra_keys"]}
        print("scored " + json.dumps({"rewards": rewards, "extras": extras}), flush=True)
    finally:
        ray.shutdown()


if __name__ == "__main__":
    main()
