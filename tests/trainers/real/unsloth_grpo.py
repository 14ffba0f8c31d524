"""unsloth's own GRPOTrainer, which it writes anew from TRL's, on a tiny model for a step; without a GPU."""

from __future__ import annotations

import os
import tempfile
from types import MethodType
from typing import Any

os.environ["UNSLOTH_ALLOW_CPU"] = "1"  # unsloth's own, for tests
os.environ["UNSLOTH_COMPILE_LOCATION"] = tempfile.mkdtemp()  # where it writes its trainers
os.environ["TORCHDYNAMO_DISABLE"] = "1"  # compiling takes longer than the step

import unsloth  # noqa: F401  # before TRL, which it patches
from unsloth.models.rl import patch_trl_rl_trainers

patch_trl_rl_trainers()  # which PatchFastRL does where there is a GPU

import tiny  # noqa: E402
import torch  # noqa: E402
import trl_grpo  # noqa: E402
from answering import answer, configure  # noqa: E402

from jurist.trainers import trl as adapter  # noqa: E402


def trained(policy: Any, **_: object) -> Any:
    """Stand for what unsloth's loaders, which want a GPU, give to a model: make it ready for training."""
    return policy.train()


def asked(policy: Any) -> Any:
    """Make it ready for generation."""
    return policy.eval()


def scored(settings: dict[str, object], samples: list[tuple[str, str]]) -> dict[str, Any]:
    """Train for a step on samples; says which class did, too."""
    configure(settings)
    torch.manual_seed(0)
    policy = tiny.model(trl_grpo.WORDS, width=32, layers=2, positions=256)
    policy.for_training, policy.for_inference = MethodType(trained, policy), MethodType(asked, policy)
    own = {"optim": "adamw_torch", "gradient_accumulation_steps": 1, "lr_scheduler_type": "constant", "warmup_steps": 0}
    made = trl_grpo.one_step(policy, [adapter.reward], samples, **own)
    return {**made, "trainer": tiny.GRPOTrainer.__name__}


if __name__ == "__main__":
    answer(scored)
