"""SkyRL's own generator, which makes environments, generates (here: from a list) and steps them."""

from __future__ import annotations

import asyncio
import importlib.util
import sys
import typing
from pathlib import Path
from types import ModuleType
from typing import Any

import typing_extensions

typing.TypedDict = typing_extensions.TypedDict  # type: ignore[assignment]  # its Python is 3.12, where they are equal

# Its packages import what only machines with GPUs have; the generator itself does not.
spec = importlib.util.find_spec("skyrl")
assert spec is not None
assert spec.submodule_search_locations is not None
TRAIN = "skyrl.backends.skyrl_train"
for name in ("skyrl.backends", TRAIN, f"{TRAIN}.inference_servers", f"{TRAIN}.utils", "skyrl.train"):
    package = ModuleType(name)
    package.__path__ = [str(Path(spec.submodule_search_locations[0]).parent.joinpath(*name.split(".")))]
    sys.modules[name] = package

from answering import answer, configure, name_of  # noqa: E402
from byte_words import tokenizer  # noqa: E402
from skyrl.train.config import GeneratorConfig, SkyRLGymConfig  # noqa: E402
from skyrl.train.generators.skyrl_gym_generator import SkyRLGymGenerator  # noqa: E402

import jurist.trainers.skyrl  # noqa: E402, F401  # registers the environment

WORDS = tokenizer()
WORDS.chat_template = "{% for turn in messages %}{{ turn['content'] }}<eos>{% endfor %}"


class Engine:
    """Gives the text whose place a prompt states."""

    def __init__(self, texts: list[str]) -> None:
        self._texts = texts

    async def generate(self, asked: Any, model: str | None = None) -> dict[str, Any]:
        """Answer every prompt of one call."""
        places = [int(WORDS.decode(ids).partition(":")[0]) for ids in asked["prompt_token_ids"]]
        texts = [self._texts[place] for place in places]
        ids = [[*WORDS(text)["input_ids"], WORDS.eos_token_id] for text in texts]
        return {"responses": texts, "response_ids": ids, "stop_reasons": ["stop"] * len(texts)}

    async def finish_session(self, session: str) -> None:
        """Do nothing."""


def scored(settings: dict[str, object], samples: list[tuple[str, str]], *, batched: bool = False) -> dict[str, Any]:
    """Generate a trajectory for each sample, by an agent's loop or all at once; returns what each is trained on."""
    configure(settings)
    generator = SkyRLGymGenerator(
        generator_cfg=GeneratorConfig(batched=batched, max_turns=1, max_input_length=512),
        skyrl_gym_cfg=SkyRLGymConfig(),
        inference_engine_client=Engine([text for text, _ in samples]),
        tokenizer=WORDS,
    )
    rows = {
        "prompts": [[{"role": "user", "content": f"{place}: 6 * 7?"}] for place in range(len(samples))],
        "env_classes": ["jurist"] * len(samples),
        "env_extras": [{"reward_spec": {"method": "rule", "ground_truth": truth}} for _, truth in samples],
    }
    try:
        output = asyncio.run(generator.generate(rows, disable_tqdm=True))
    except Exception as error:  # noqa: BLE001  # what ends a step is what is looked at
        return {"outcomes": [name_of(error)] * len(samples)}
    rewards = [sum(reward) if isinstance(reward, list) else reward for reward in output["rewards"]]
    return {"outcomes": rewards, "tokens": [len(ids) for ids in output["response_ids"]]}


if __name__ == "__main__":
    answer(scored)
