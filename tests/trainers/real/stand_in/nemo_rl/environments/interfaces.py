"""A stand-in for `nemo_rl/environments/interfaces.py` of NVIDIA-NeMo/RL, commit 0b8a793a."""

from __future__ import annotations

import abc
from typing import Any, NamedTuple


class EnvironmentReturn(NamedTuple):
    """What a step gives."""

    observations: list[dict[str, str]]
    metadata: list[Any]
    next_stop_strings: list[Any]
    rewards: Any
    terminateds: Any
    answers: list[str | None] | None = None


class EnvironmentInterface(abc.ABC):
    """What an environment is."""

    @abc.abstractmethod
    def step(self, message_log_batch: Any, metadata: Any) -> EnvironmentReturn:
        """Score a batch."""

    @abc.abstractmethod
    def global_post_process_and_metrics(self, batch: Any) -> Any:
        """Report on a batch."""
