"""AReaL (1.0): `reward_fn="jurist.trainers.areal.reward_fn"` of its RLVR workflow, for rewards that are quick.

AReaL calls it in a few processes, one sample at a time, and gives a call 15 s, the wait for its turn included; after
the fourth time it trains on 0. So a call ends here well before, with an error, which AReaL raises; and while the server
is away or late no other call waits for it. Where judges take their time, `jurist.trainers.areal_workflow` is the form
that waits for no process and knows no 0.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from jurist.client import DeadlineError, UnreachableError
from jurist.client._eos import EOS
from jurist.trainers import _samples
from jurist.trainers._scoring import number_of, score_one
from jurist.trainers._settings import Settings

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from jurist.client import ClientError, InvalidInputError
    from jurist.trainers._samples import Sample

__all__ = ["reward_fn", "sample_of"]

TIMEOUT_S = 10.0  # of AReaL's 15
PAUSE_S = 10.0  # after a failure: whoever waited for his turn meanwhile has less than 5 s left


@dataclass(slots=True)
class _Outage:
    """The last failure of this process, and until when it stands for those of other calls."""

    error: ClientError | None = None
    until: float = 0.0


_outage = _Outage()


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
    sample = sample_of(settings, prompt, completions, completion_ids, columns)
    if _outage.error is not None and time.monotonic() < _outage.until:
        return number_of(settings, _outage.error)
    outcome = score_one(settings, sample)
    if isinstance(outcome, UnreachableError | DeadlineError):
        _outage.error, _outage.until = outcome, time.monotonic() + PAUSE_S
    return number_of(settings, outcome)


def sample_of(
    settings: Settings,
    prompt: str,
    completion: str,
    completion_ids: Sequence[int] | None,
    columns: Mapping[str, object],
) -> Sample | InvalidInputError:
    """Read what AReaL hands to a reward function."""
    tokens = None if completion_ids is None else len(completion_ids)
    return _samples.sample_of(settings, completion, columns, prompt, tokens=tokens, eos=EOS)


@lru_cache(maxsize=1)
def _settings() -> Settings:
    return Settings(timeout_s=TIMEOUT_S, patience_s=TIMEOUT_S).with_environment().for_numbers("AReaL")
