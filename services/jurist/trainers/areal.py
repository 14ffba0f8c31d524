"""AReaL: `reward_fn="jurist.trainers.areal.reward_fn"` of its RLVR workflow.

AReaL gives a call 15 s, then 15 s again, and after the fourth time trains on 0. So the whole of it, retries included,
ends here well before, with an error: AReaL raises those.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from jurist.client._eos import without_eos
from jurist.trainers._samples import Sample, task_of, text_of
from jurist.trainers._scoring import number_of, score_one
from jurist.trainers._settings import Settings

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["reward_fn"]

TIMEOUT_S = 10.0  # of AReaL's 15


def reward_fn(
    prompt: str,
    completions: str,
    prompt_ids: Sequence[int] | None = None,  # noqa: ARG001  # AReaL's own signature
    completion_ids: Sequence[int] | None = None,
    **columns: object,
) -> float:
    """Score one completion.

    Raises:
        NoRewardError, ClientError: it has no reward.
    """
    settings = _settings()
    sample = Sample(
        completion=without_eos(text_of(completions)),
        task=task_of(columns, prompt, settings),
        tokens=None if completion_ids is None else len(completion_ids),
    )
    return number_of(settings, score_one(settings, sample))


@lru_cache(maxsize=1)
def _settings() -> Settings:
    return Settings(timeout_s=TIMEOUT_S, patience_s=TIMEOUT_S).with_environment().for_numbers("AReaL")
