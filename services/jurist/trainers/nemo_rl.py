"""NeMo-RL: an environment that scores a batch of chats in one call.

    env = jurist.trainers.nemo_rl.JuristActor.remote({"recipe": "r1_zero"})

`register_env("jurist", "jurist.trainers.nemo_rl.JuristActor")` gives it a name for `env_name`, once
`ACTOR_ENVIRONMENT_REGISTRY` has a line for it. NeMo-RL's asynchronous rollouts hand over one chat a call: these run
side by side in the actor's threads and travel together.

The configuration holds `Settings`, over `JURIST_CLIENT_*`. An error fails the step; nothing is filled in.
"""

# pyright: basic, reportMissingImports=false, reportUntypedBaseClass=false
# The classes below are the trainer's, which is there only where it runs.

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import ray
import torch
from nemo_rl.environments.interfaces import (
    EnvironmentInterface,
    EnvironmentReturn,
)

from jurist.trainers._samples import sample_of
from jurist.trainers._scoring import number_of, score, score_one
from jurist.trainers._settings import Settings

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["JuristActor", "JuristEnvironment"]

CALLS = 256  # that one actor answers at once: in asynchronous rollouts a chat each


class JuristEnvironment(EnvironmentInterface):  # type: ignore[misc]
    """Scores each chat's last answer against its metadata; every chat ends there."""

    def __init__(self, cfg: Mapping[str, Any] | None = None) -> None:
        self._settings = Settings().with_environment().with_arguments(**dict(cfg or {})).for_numbers("NeMo-RL")

    def step(
        self,
        message_log_batch: Sequence[Sequence[Mapping[str, Any]]],
        metadata: Sequence[Mapping[str, Any]],
        *_: object,
    ) -> EnvironmentReturn:
        """Score a batch.

        Raises:
            NoRewardError, ClientError: a chat has no reward.
        """
        samples = [
            sample_of(self._settings, turns, row, [turn for turn in turns if turn.get("role") == "user"])
            for turns, row in zip(message_log_batch, metadata, strict=True)
        ]
        one = len(samples) == 1
        outcomes = [score_one(self._settings, samples[0])] if one else score(self._settings, samples)
        rewards = [number_of(self._settings, outcome) for outcome in outcomes]
        count = len(rewards)
        return EnvironmentReturn(
            observations=[{"role": "environment", "content": ""} for _ in range(count)],
            metadata=list(metadata),
            next_stop_strings=[None] * count,
            rewards=torch.tensor(rewards, dtype=torch.float32),
            terminateds=torch.ones(count),
            answers=None,
        )

    def global_post_process_and_metrics(self, batch: Any) -> tuple[Any, dict[str, float]]:  # noqa: ANN401  # NeMo-RL's
        """Report the mean reward."""
        rewards = batch.get("total_reward", torch.zeros(0))
        return batch, {"jurist/reward": rewards.float().mean().item() if len(rewards) else 0.0}

    def shutdown(self) -> None:
        """Do nothing: NeMo-RL's evaluation ends every environment by this before it prints what came out."""


JuristActor = ray.remote(max_concurrency=CALLS)(JuristEnvironment)  # type: ignore[call-overload]  # Ray's stubs lack it
