"""One ScoreStream: a group a message in, its scores out as soon as they are known."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from jurist.services import codec
from jurist.services.errors import BadInputError, OverloadedError
from jurist.services.values import Batch
from jurist.v1 import reward_pb2

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from jurist.services.codec import Decoder
    from jurist.services.cookbook import BoundRecipe
    from jurist.services.engine import Engine
    from jurist.services.values import Group, GroupReward

__all__ = ["Stream"]

ROLLOUTS_A_BATCH = 256  # what is scored in one go when more waits
BATCHES_AHEAD = 4  # batches of one stream at a time; past it groups wait, then gRPC's flow control slows the sender


class Stream:
    """Groups that wait together are scored together: a small group alone costs more to send around than to judge."""

    def __init__(self, engine: Engine, decoder: Decoder, write: Callable[[bytes], Awaitable[None]]) -> None:
        self._engine = engine
        self._decoder = decoder
        self._write = write
        self._answers: asyncio.Queue[reward_pb2.ScoreStreamResponse | None] = asyncio.Queue()
        self._waiting: list[Group] = []
        self._ids: set[str] = set()
        self._slots = asyncio.Semaphore(BATCHES_AHEAD)
        self._request_id = ""

    async def run(self, requests: AsyncIterator[bytes]) -> None:
        """Answer every message until there are no more.

        Raises:
            BadInputError: a message is no ScoreStreamRequest.
            StoppingError: the service is shutting down.
        """
        async with asyncio.TaskGroup() as writing:
            writing.create_task(self._write_answers())
            async with asyncio.TaskGroup() as scoring:
                await self._read(requests, scoring)
            self._answers.put_nowait(None)

    async def _read(self, requests: AsyncIterator[bytes], scoring: asyncio.TaskGroup) -> None:
        recipe: BoundRecipe | None = None
        async for data in requests:
            message = codec.parse(reward_pb2.ScoreStreamRequest, data)
            self._request_id = self._request_id or message.request_id
            try:
                recipe = self._decoder.recipe(message.recipe) if message.HasField("recipe") else recipe
                self._accept(self._decoder.group(message.group, recipe, codec.policy_step(message)))
            except BadInputError as error:
                refusal = reward_pb2.Refusal(group_id=message.group.group_id, field=error.field, message=error.message)
                self._answers.put_nowait(reward_pb2.ScoreStreamResponse(refusal=refusal))
                continue
            if not self._slots.locked():
                await self._dispatch(scoring)
            elif sum(len(group.rollout_ids) for group in self._waiting) >= ROLLOUTS_A_BATCH:
                await self._dispatch(scoring)  # waits for a slot: nothing more is read until there is one

    def _accept(self, group: Group) -> None:
        if group.group_id in self._ids:
            raise BadInputError("group_id", f"{group.group_id!r} is still being scored on this stream")
        self._ids.add(group.group_id)
        self._waiting.append(group)

    async def _dispatch(self, scoring: asyncio.TaskGroup) -> None:
        await self._slots.acquire()
        if not self._waiting:  # a batch that ended meanwhile took them along
            self._slots.release()
            return
        batch = Batch(request_id=self._request_id, groups=self._waiting)
        self._waiting = []
        scoring.create_task(self._score(batch, scoring))

    async def _score(self, batch: Batch, scoring: asyncio.TaskGroup) -> None:
        try:
            while True:
                try:
                    await self._engine.score(batch, self._deliver)
                except OverloadedError as error:  # a stream can wait: its sender is slowed down meanwhile
                    await asyncio.sleep(error.retry_after_s)
                else:
                    break
        finally:
            self._slots.release()
        if self._waiting:
            await self._dispatch(scoring)

    def _deliver(self, _: int, reward: GroupReward) -> None:
        self._ids.discard(reward.group.group_id)
        self._answers.put_nowait(reward_pb2.ScoreStreamResponse(scores=codec.encode_group(reward)))

    async def _write_answers(self) -> None:
        while (answer := await self._answers.get()) is not None:
            await self._write(answer.SerializeToString())
