"""OpenRLHF's own executor, which generates (here: from a list) and asks for a reward, at a URL or in a `.py`."""

from __future__ import annotations

import asyncio
import importlib.util
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

# Its package imports what only machines with GPUs have; the executor itself does not.
spec = importlib.util.find_spec("openrlhf")
assert spec is not None
assert spec.submodule_search_locations is not None
for name in ("openrlhf.utils", "openrlhf.trainer", "openrlhf.trainer.ppo_utils"):
    package = ModuleType(name)
    package.__path__ = [str(Path(spec.submodule_search_locations[0]).parent.joinpath(*name.split(".")))]
    sys.modules[name] = package

import torch  # noqa: E402
from answering import answer, configure, name_of, outcome_of  # noqa: E402
from byte_words import tokenizer  # noqa: E402
from openrlhf.trainer.ppo_utils.experience import Experience  # noqa: E402
from openrlhf.utils.agent import SingleTurnAgentExecutor  # noqa: E402

PROMPT = "What is 6 times 7?\n"
WORDS = tokenizer()


async def executed(executor: SingleTurnAgentExecutor, text: str, label: str) -> dict[str, Any]:
    """Have one sample generated and scored."""

    async def generate(*_: object, **__: object) -> SimpleNamespace:
        ids = WORDS(text)["input_ids"] + [WORDS.eos_token_id]
        return SimpleNamespace(outputs=[SimpleNamespace(token_ids=ids, finish_reason="stop", logprobs=None)])

    asked = SimpleNamespace(max_tokens=128, logprobs=None)
    return await executor.execute(PROMPT, label, asked, 512, WORDS, SimpleNamespace(generate=generate))


async def all_executed(endpoint: str, samples: list[tuple[str, str]]) -> list[dict[str, Any]]:
    """Have samples scored side by side, as OpenRLHF does."""
    executor = SingleTurnAgentExecutor(endpoint)
    return await asyncio.gather(*(executed(executor, text, label) for text, label in samples))


def scored(endpoint: str, settings: dict[str, object], samples: list[tuple[str, str]]) -> dict[str, Any]:
    """Score samples."""
    configure(settings)
    outputs = asyncio.run(all_executed(endpoint, samples))
    return {
        "outcomes": [outcome_of(output["reward"]) for output in outputs],
        "scores": [outcome_of(output["scores"]) for output in outputs],
        "logs": [{name: outcome_of(value) for name, value in output["extra_logs"].items()} for output in outputs],
    }


def merged(rewards: list[float | None]) -> Any:
    """Make a micro-batch of samples with these rewards; returns those that it has then."""
    samples = [
        Experience(
            sequences=torch.ones(1, 4, dtype=torch.long),
            rewards=None if reward is None else torch.tensor([reward]),
            prompts=[PROMPT],
            labels=["42"],
            info={},
        )
        for reward in rewards
    ]
    try:
        held = Experience.concat_experiences(samples, WORDS.pad_token_id).rewards
    except Exception as error:  # noqa: BLE001  # what ends a step is what is looked at
        return name_of(error)
    return None if held is None else held.tolist()


if __name__ == "__main__":
    answer(lambda **work: merged(**work) if "rewards" in work else scored(**work))
