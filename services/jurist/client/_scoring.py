"""One call of `score`: many messages, a few of them on their way at a time, the scores in the caller's order."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Awaitable, Callable, Sequence
from typing import NamedTuple

from jurist.client._errors import InvalidInputError, within_list
from jurist.client._packing import packs
from jurist.v1 import reward_pb2

__all__ = ["Batch", "Send", "score"]

CALLS_AHEAD = 8  # messages of one call on their way at a time: keeps a server busy, holds few copies in memory

Send = Callable[[reward_pb2.ScoreBatchRequest, float], Awaitable[reward_pb2.ScoreBatchResponse]]


class Batch(NamedTuple):
    """Groups to score, with each one's bytes and rollouts, what they are scored by and until when."""

    groups: Sequence[reward_pb2.RolloutGroup]
    sizes: Sequence[tuple[int, int]]
    recipe: reward_pb2.Recipe | None
    policy_step: int | None
    deadline: float


async def score(batch: Batch, send: Send) -> list[reward_pb2.GroupScores]:
    """Send a batch in messages.

    Raises:
        ClientError: the first failure of a message; the others are given up.
    """
    call_id = uuid.uuid4().hex
    ahead = asyncio.Semaphore(CALLS_AHEAD)

    async def score_some(number: int, places: range) -> Sequence[reward_pb2.GroupScores]:
        async with ahead:
            request = reward_pb2.ScoreBatchRequest(
                recipe=batch.recipe, policy_step=batch.policy_step, request_id=f"{call_id}-{number}"
            )
            for place in places:
                request.groups.add().CopyFrom(batch.groups[place])  # the constructor refuses what is nested deeply
            try:
                return (await send(request, batch.deadline)).groups
            except InvalidInputError as error:
                raise within_list(error, places.start) from None

    try:
        async with asyncio.TaskGroup() as sending:
            parts = [
                sending.create_task(score_some(number, places)) for number, places in enumerate(packs(batch.sizes))
            ]
    except BaseExceptionGroup as errors:
        raise errors.exceptions[0] from None
    return [scores for part in parts for scores in part.result()]
