"""Prime's verifiers (0.4) and prime-rl: a task's reward by import path.

    [env.task.rewards.jurist]
    fn = "jurist.trainers.verifiers_v1:score"

Settings are those of `JURIST_CLIENT_*`. A missing reward is an error, which verifiers tries again and never trains on.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from jurist.trainers._samples import sample_of
from jurist.trainers._scoring import ascore_one, number_of
from jurist.trainers._settings import Settings

__all__ = ["score"]


async def score(task: Any, trace: Any) -> float:  # noqa: ANN401  # verifiers' own classes
    """Score a trace's last reply against its task's data.

    Raises:
        NoRewardError, ClientError: it has no reward.
    """
    settings = _settings()
    row: dict[str, object] = task.model_dump() if hasattr(task, "model_dump") else {**vars(task)}
    sample = sample_of(settings, trace.last_reply, row, row.get("prompt", ""))
    return number_of(settings, await ascore_one(settings, sample))


@lru_cache(maxsize=1)
def _settings() -> Settings:
    return Settings().with_environment().for_numbers("verifiers")
