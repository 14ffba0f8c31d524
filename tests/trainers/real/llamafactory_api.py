"""LLaMA-Factory's own call of a reward model by API."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

# Its package imports what only a whole training needs; the call itself does not.
spec = importlib.util.find_spec("llamafactory")
assert spec is not None
assert spec.origin is not None
for name in ("llamafactory", "llamafactory.train", "llamafactory.train.ppo"):
    package = ModuleType(name)
    package.__path__ = [str(Path(spec.origin).parents[1].joinpath(*name.split(".")))]
    sys.modules[name] = package

from answering import answer, name_of  # noqa: E402
from llamafactory.train.ppo.ppo_utils import get_rewards_from_server  # noqa: E402


def scored(endpoint: str, settings: dict[str, object], samples: list[tuple[str, str]]) -> dict[str, Any]:
    """Score texts, which bring no reference."""
    try:
        rewards = get_rewards_from_server(endpoint, [text for text, _ in samples])
    except Exception as error:  # noqa: BLE001  # what ends a training is what is looked at
        return {"outcomes": [name_of(error)] * len(samples)}
    return {"outcomes": rewards.tolist()}


if __name__ == "__main__":
    answer(scored)
