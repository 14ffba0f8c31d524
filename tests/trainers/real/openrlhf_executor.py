"""OpenRLHF's own executor, which generates (here: from a list) and asks for a reward; prints what it got, as JSON.

Run with the trainer's interpreter: `openrlhf_executor.py ENDPOINT FOLDER`, ENDPOINT a URL or the path of a `.py`.
"""

from __future__ import annotations

import asyncio
import importlib.util
import json
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

# Its package imports what only machines with GPUs have; the executor itself does not.
spec = importlib.util.find_spec("openrlhf")
assert spec is not None
assert spec.submodule_search_locations is not None
utils = ModuleType("openrlhf.utils")
utils.__path__ = [str(Path(spec.submodule_search_locations[0]) / "utils")]
sys.modules["openrlhf.utils"] = utils

from openrlhf.utils.agent import SingleTurnAgentExecutor  # noqa: E402
from verl_reward_loop import SAMPLES, tokenizer  # noqa: E402

PROMPT = "What is 6 times 7?\n"


async def executed(executor: SingleTurnAgentExecutor, words: Any, text: str, label: str) -> dict[str, Any]:
    """Have one sample generated and scored."""

    async def generate(*_: object, **__: object) -> SimpleNamespace:
        ids = words(text)["input_ids"] + [words.eos_token_id]
        return SimpleNamespace(outputs=[SimpleNamespace(token_ids=ids, finish_reason="stop", logprobs=None)])

    output = await executor.execute(
        PROMPT, label, SimpleNamespace(max_tokens=64, logprobs=None), 512, words, SimpleNamespace(generate=generate)
    )
    plain = {
        name: value.tolist() if hasattr(value, "tolist") else value for name, value in output["extra_logs"].items()
    }
    reward, scores = (
        value.tolist() if hasattr(value, "tolist") else value for value in (output["reward"], output["scores"])
    )
    return {"reward": reward, "scores": scores, "extra_logs": plain}


async def main() -> None:
    """Score every sample, side by side as OpenRLHF does."""
    endpoint, folder = sys.argv[1:]
    words = tokenizer(folder)
    executor = SingleTurnAgentExecutor(endpoint)
    outputs = await asyncio.gather(*(executed(executor, words, text, label) for text, label in SAMPLES))
    print("scored " + json.dumps(outputs))


if __name__ == "__main__":
    asyncio.run(main())
