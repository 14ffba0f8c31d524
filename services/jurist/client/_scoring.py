"""One call of `score`: many messages, a few of them on their way at a time, the scores in the caller's order."""

from __future__ import annotations

import asyncio
import itertools
import uuid
from collections.abc import Awaitable, Callable, Sequence
from typing import NamedTuple

from jurist.client._errors import ClientError, InvalidInputError, UnreachableError, within_group, within_list
from jurist.client._packing import packs
from jurist.client._parting import NAMED, is_of_call, parts
from jurist.v1 import reward_pb2

__all__ = ["Batch", "Send", "score", "score_each"]

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
            try:
                return (await send(_request(batch, places, f"{call_id}-{number}"), batch.deadline)).groups
            except InvalidInputError as error:
                raise within_list(error, places.start) from None

    try:
        async with asyncio.TaskGroup() as sending:
            sent = [sending.create_task(score_some(number, places)) for number, places in enumerate(packs(batch.sizes))]
    except BaseExceptionGroup as errors:
        raise errors.exceptions[0] from None
    return [scores for part in sent for scores in part.result()]


async def score_each(batch: Batch, send: Send) -> list[reward_pb2.GroupScores | ClientError]:
    """Send a batch in messages; what cannot be scored gets its error, and costs no other group its scores.

    Raises:
        InvalidInputError: the call's recipe or policy step is at fault, and so no group can be scored.
    """
    call_id, numbers = uuid.uuid4().hex, itertools.count()
    ahead = asyncio.Semaphore(CALLS_AHEAD)
    away: list[UnreachableError] = []
    outcomes: dict[int, reward_pb2.GroupScores | ClientError] = {}

    async def score_some(places: Sequence[int], named: int = NAMED) -> None:
        try:
            async with ahead:
                if away:  # patience was had once
                    raise away[0]
                request = _request(batch, places, f"{call_id}-{next(numbers)}")
                outcomes.update(zip(places, (await send(request, batch.deadline)).groups, strict=True))
        except ClientError as error:
            if is_of_call(error):
                raise
            if isinstance(error, UnreachableError):
                away.append(error)
            parted = parts(error, range(len(places)), named)
            if parted is None:
                outcomes.update(dict.fromkeys(places, within_group(error)))
            for part in parted or ():
                sending.create_task(score_some([places[index] for index in part], max(named - 1, 0)))

    try:
        async with asyncio.TaskGroup() as sending:
            for places in packs(batch.sizes):
                sending.create_task(score_some(places))
    except BaseExceptionGroup as errors:
        raise errors.exceptions[0] from None
    return [outcomes[place] for place in range(len(batch.groups))]


def _request(batch: Batch, places: Sequence[int], request_id: str) -> reward_pb2.ScoreBatchRequest:
    request = reward_pb2.ScoreBatchRequest(recipe=batch.recipe, policy_step=batch.policy_step, request_id=request_id)
    for place in places:
        request.groups.add().CopyFrom(batch.groups[place])  # the constructor refuses what is nested deeply
    return request
