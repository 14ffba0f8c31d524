"""One ScoreStream: a group a message in, its scores out as soon as they are known."""

from __future__ import annotations

import asyncio
import uuid
from typing import TYPE_CHECKING

from jurist.services import decode, encode
from jurist.services.errors import BadInputError, StoppingError
from jurist.services.values import Batch
from jurist.v1 import reward_pb2

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from jurist.services.cookbook import BoundRecipe
    from jurist.services.decode import Decoder
    from jurist.services.engine import Engine
    from jurist.services.values import Group, GroupReward

__all__ = ["Stream"]

ROLLOUTS_A_BATCH = 256  # what is scored in one go when more waits
BATCHES_AHEAD = 4  # batches of one stream at a time; past it groups wait, then gRPC's flow control slows the sender
ANSWERS_AHEAD = 256  # answers that wait to be read; past it nothing more is scored or read


class Stream:
    """Groups that wait together are scored together: a small group alone costs more to send around than to judge."""

    def __init__(self, engine: Engine, decoder: Decoder, write: Callable[[bytes], Awaitable[None]]) -> None:
        self._engine = engine
        self._decoder = decoder
        self._write = write
        self._answers: asyncio.Queue[bytes | None] = asyncio.Queue()
        self._written = asyncio.Event()
        self._waiting: list[Group] = []
        self._ids: set[str] = set()
        self._slots = asyncio.Semaphore(BATCHES_AHEAD)
        self._recipe: BoundRecipe | None = None
        self._request_id = ""
        self._reading: asyncio.Task[None] | None = None
        self._drained = False

    async def run(self, requests: AsyncIterator[bytes]) -> None:
        """Answer every message until there are no more.

        Raises:
            StoppingError: the service is shutting down; every group that was accepted has been answered.
        """
        async with asyncio.TaskGroup() as writing:
            writing.create_task(self._write_answers())
            async with asyncio.TaskGroup() as scoring:
                self._reading = scoring.create_task(self._read(requests, scoring))
            self._answers.put_nowait(None)
        if self._drained:
            raise StoppingError("the service is shutting down")

    def drain(self) -> None:
        """Read no more; answer what was accepted, then end."""
        self._drained = True
        if self._reading is not None:
            self._reading.cancel()

    async def _read(self, requests: AsyncIterator[bytes], scoring: asyncio.TaskGroup) -> None:
        async for data in requests:
            self._take(data)
            await self._room()
            if not self._slots.locked():
                await self._dispatch(scoring)
            elif sum(len(group.rollout_ids) for group in self._waiting) >= ROLLOUTS_A_BATCH:
                await self._dispatch(scoring)  # waits for a slot: nothing more is read until there is one

    def _take(self, data: bytes) -> None:
        """Accept a message's group, or answer with a refusal."""
        group_id = ""
        try:
            message = decode.parse(reward_pb2.ScoreStreamRequest, data)
            group_id = message.group.group_id
            if not self._request_id:
                decode.check_request_id(message.request_id)
                self._request_id = message.request_id or uuid.uuid4().hex
            if message.HasField("recipe"):
                self._recipe = None  # where it is refused, the one before must not stand in
                self._recipe = self._decoder.recipe(message.recipe)
            group = self._decoder.group(message.group, self._recipe, decode.policy_step(message))
            if group_id in self._ids:
                raise BadInputError("group_id", f"{group_id!r} is still being scored on this stream")  # noqa: TRY301
        except BadInputError as error:
            field = error.field.removeprefix("group.")  # what cannot be parsed is named from the message on
            refusal = reward_pb2.Refusal(group_id=group_id, field=field, message=error.message)
            self._answers.put_nowait(reward_pb2.ScoreStreamResponse(refusal=refusal).SerializeToString())
        else:
            self._ids.add(group_id)
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
            await self._engine.score(batch, self._deliver, wait=True)  # a stream can wait: its sender is slowed down
            await self._room()
        finally:
            self._slots.release()
        if self._waiting:
            await self._dispatch(scoring)

    def _deliver(self, _: int, reward: GroupReward) -> None:
        self._ids.discard(reward.group.group_id)
        self._answers.put_nowait(encode.stream_response(encode.group_scores(reward)))

    async def _room(self) -> None:
        """Wait until the client has read enough."""
        while self._answers.qsize() > ANSWERS_AHEAD:
            self._written.clear()
            await self._written.wait()

    async def _write_answers(self) -> None:
        while (answer := await self._answers.get()) is not None:
            await self._write(answer)
            self._written.set()
