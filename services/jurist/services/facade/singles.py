"""One completion a request: what comes within a moment is scored together.

It is the client's own way of coalescing, with the service itself where the client has a connection. Single completions
of one task become one group there, so equal ones are judged once.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import grpc
import structlog

from jurist.client import InvalidInputError, abstentions
from jurist.client._coalescing import Coalescer, Submission
from jurist.client._errors import ServerError
from jurist.client._packing import check_size
from jurist.services.errors import BadInputError, JuristError, UnknownNameError, first_of
from jurist.v1 import reward_pb2

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from jurist.services.facade.programs import Asking
    from jurist.services.facade.runtimes import Runtimes

__all__ = ["Call", "NoRewardError", "Settings", "Singles", "reward"]

log = structlog.get_logger(__name__)
INVALID, NOT_FOUND = grpc.StatusCode.INVALID_ARGUMENT, grpc.StatusCode.NOT_FOUND


class NoRewardError(Exception):
    """Raised when a completion has no reward, through no fault of its own; the message says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How a request wants its completions scored; from the query of its address, since the body is the trainer's.

    `eos` are the texts of special tokens that are taken off a completion's end.
    """

    recipe: str
    policy_step: int | None = None
    timeout_s: float
    eos: Sequence[str] = ()


class Singles:
    """Scores groups of one call or of many together, by `score`, which takes and gives messages in wire form."""

    def __init__(self, score: Callable[[bytes], Awaitable[bytes]]) -> None:
        self._score = score
        self._coalescer = Coalescer(self._send)

    async def scores(self, group: reward_pb2.RolloutGroup, settings: Settings) -> reward_pb2.GroupScores:
        """Score a group together with others that come now.

        Raises:
            BadInputError: it cannot be scored.
        """
        group.recipe.CopyFrom(reward_pb2.Recipe(name=settings.recipe))
        deadline = time.monotonic() + settings.timeout_s
        try:
            size = check_size(group, "body")
            return await self._coalescer.score(
                Submission(group, size, settings.policy_step, settings.timeout_s, deadline)
            )
        except InvalidInputError as error:
            raise _refusal(error) from None

    async def _send(self, request: reward_pb2.ScoreBatchRequest, _: float) -> reward_pb2.ScoreBatchResponse:
        try:
            return reward_pb2.ScoreBatchResponse.FromString(await self._score(request.SerializeToString()))
        except BadInputError as error:  # the coalescer knows how to part those
            raise InvalidInputError(str(error), NOT_FOUND if isinstance(error, UnknownNameError) else INVALID) from None
        except JuristError:
            raise
        except Exception as error:
            log.exception("scoring failed", exc_info=first_of(error))
            raise ServerError(type(first_of(error)).__name__, grpc.StatusCode.INTERNAL) from None  # parted, too


class Call(NamedTuple):
    """One request: how it wants its completions scored, what scores them, and what runs its programs, with what."""

    settings: Settings
    singles: Singles
    ask: Asking
    runtimes: Runtimes


def _refusal(error: InvalidInputError) -> BadInputError:
    kind = UnknownNameError if error.code is NOT_FOUND else BadInputError
    field, colon, message = str(error).partition(": ")
    return kind(field, message) if colon else kind("", field)


def reward(rollout: reward_pb2.RolloutScore, reference: str) -> float:
    """Return a rollout's reward; `reference` is the field that its reference came in.

    Raises:
        BadInputError: it has none, and the reference alone is to blame: trying again would not help.
        NoRewardError: it has none for another reason.
    """
    if rollout.HasField("reward"):
        return rollout.reward
    causes = {part.abstention.cause for part in rollout.components if part.HasField("abstention")}
    if causes == {reward_pb2.CAUSE_INVALID_REFERENCE}:
        raise BadInputError(reference, abstentions(rollout))
    raise NoRewardError(abstentions(rollout))
