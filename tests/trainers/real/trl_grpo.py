"""TRL's own GRPOTrainer on a tiny model that is made on the spot: on what it writes itself, or on given samples."""

from __future__ import annotations

import math
import os
import pickle
from typing import Any

import tiny
import torch
from answering import answer, configure, name_of
from byte_words import tokenizer
from transformers import TrainerCallback

from jurist.trainers import trl as adapter

WORDS = tokenizer()


class Steps(TrainerCallback):
    """Says when a step is done, so that a test can do something to the server then."""

    def on_step_end(self, args: object, state: object, control: object, **_: object) -> None:
        """Say it."""
        print(f"step {state.global_step}", flush=True)


def functions(form: str, names: list[str]) -> list[Any]:
    """Give reward functions as a user writes them, and as they arrive in another process."""
    forms = {
        "reward": lambda: [adapter.reward],
        "partial": lambda: [adapter.with_settings(recipe=os.environ["JURIST_CLIENT_RECIPE"])],
        "components": lambda: adapter.components(*names),
    }
    return pickle.loads(pickle.dumps(forms[form]()))


def scored(settings: dict[str, object], form: str = "reward", names: list[str] | None = None, **work: Any) -> Any:
    """Train: some `steps`, or one on `samples`."""
    configure(settings)
    torch.manual_seed(0)
    policy = tiny.model(WORDS, width=32, layers=2, positions=256)
    rewards = functions(form, names or [])
    return steps(policy, rewards, **work) if "steps" in work else one_step(policy, rewards, **work)


def steps(policy: Any, rewards: list[Any], steps: int) -> list[dict[str, Any]]:
    """Train on what the model writes; returns what was logged."""
    rows = [{"prompt": f"{n} + 1 = ", "answer": str(n + 1)} for n in range(16)]
    config = {
        "max_steps": steps,
        "per_device_train_batch_size": 8,
        "num_generations": 4,
        "max_completion_length": 24,
    }
    trainer = tiny.trained(policy, WORDS, rewards, rows, config, callbacks=[Steps()])
    return [row for row in trainer.state.log_history if "reward" in row]


def one_step(policy: Any, rewards: list[Any], samples: list[tuple[str, str]], **own: object) -> dict[str, Any]:
    """Train for one step on samples, two of each prompt; returns rewards, advantages, and whether a weight moved.

    `own` are further settings of a trainer that is built on TRL's.
    """
    rows = [{"prompt": f"{place}: ", "answer": label} for place, (_, label) in enumerate(samples[::2])]

    def rollout(_: object, __: object) -> dict[str, Any]:
        written = [[*WORDS(text)["input_ids"], WORDS.eos_token_id] for text, _ in samples]
        return {
            "prompt_ids": [WORDS(row["prompt"])["input_ids"] for row in rows for _ in range(2)],
            "completion_ids": written,
            "logprobs": [[0.0] * len(ids) for ids in written],
        }

    config = {
        "max_steps": 1,
        "per_device_train_batch_size": len(samples),
        "num_generations": 2,
        "max_completion_length": 128,
        "shuffle_dataset": False,
        "weight_decay": 0.0,
        "learning_rate": 1e-3,
        **own,
    }
    before = [weight.clone() for weight in policy.parameters()]
    try:
        trainer = tiny.trained(policy, WORDS, rewards, rows, config, rollout_func=rollout)
    except Exception as error:  # noqa: BLE001  # what ends a training is what is looked at
        outcomes: list[Any] = [name_of(error)] * len(samples)
        advantages = [0.0] * len(samples)
    else:
        columns = trainer._logs["rewards"].values()
        outcomes = [held(scores) for scores in zip(*columns, strict=True)]
        advantages = list(trainer._logs["advantages"])
    moved = any(not torch.equal(old, new) for old, new in zip(before, policy.parameters(), strict=True))
    return {"outcomes": outcomes, "advantages": advantages, "moved": moved}


def held(scores: tuple[float, ...]) -> float | str | None:
    """Sum up what every function said of a completion, as TRL does; None where none said anything."""
    said = [score for score in scores if not math.isnan(score)]
    if len(said) < len(scores):
        return "counted as 0" if said else None
    return sum(said)


if __name__ == "__main__":
    answer(scored)
