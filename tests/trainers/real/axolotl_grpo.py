"""axolotl's own GRPO strategy and trainers, which resolve `trl.reward_funcs` and train on a tiny model for a step."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

# Its packages import what only whole trainings need; the strategy and its trainers do not.
spec = importlib.util.find_spec("axolotl")
assert spec is not None
assert spec.submodule_search_locations is not None
for name in ("axolotl.core", "axolotl.core.trainers"):
    package = ModuleType(name)
    package.__path__ = [str(Path(spec.submodule_search_locations[0]).parent.joinpath(*name.split(".")))]
    sys.modules[name] = package

import tiny  # noqa: E402
import torch  # noqa: E402
import trl_grpo  # noqa: E402
from answering import answer, configure  # noqa: E402
from axolotl.core.trainers.grpo import GRPOStrategy  # noqa: E402
from axolotl.utils.dict import DictDefault  # noqa: E402


def scored(
    settings: dict[str, object],
    samples: list[tuple[str, str]],
    *,
    function: str = "jurist.trainers.trl.reward",
    producing: bool = False,
) -> dict[str, Any]:
    """Train for a step on samples, by the plain trainer, or by the one of `use_data_producer`."""
    configure(settings)
    torch.manual_seed(0)
    cfg = DictDefault({"trl": {"reward_funcs": [function]}})
    (functions,) = GRPOStrategy.set_trainer_args(cfg)
    tiny.GRPOTrainer = GRPOStrategy.get_trainer_class(async_grpo=producing)
    tiny.GRPOTrainer.use_liger_kernel = False  # as TRL 1.14 sets them, which axolotl pins
    tiny.GRPOTrainer.model_kwarg_keys = {"logits_to_keep"}
    tiny.GRPOConfig = GRPOStrategy.get_training_args_class(async_grpo=producing)
    own = {"use_data_producer": True} if producing else {}
    policy = tiny.model(trl_grpo.WORDS, width=32, layers=2, positions=256)
    return trl_grpo.one_step(policy, functions, samples, **own)


if __name__ == "__main__":
    answer(scored)
