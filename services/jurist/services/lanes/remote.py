"""Lanes whose work is done elsewhere, in replicas: what travels together, and who is to blame when replicas die.

Work is pure, so it may be done twice; its result is set once, by the one who waits for it here. A chunk that two
replicas died of may hold what killed them: it is cut in half, down to the one cell that dies alone and abstains with
LIMIT, while all others are judged. The same holds for questions.

Whatever shares a replica with a killer dies, too. So suspects are tried one after the other, and nothing is given up
that was not alone in the lane when a replica died of it.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar

from jurist.services import encode
from jurist.services.errors import StoppingError, UnreachableError
from jurist.services.judge import Cell, Found, Judged, joined, together
from jurist.services.lanes import parcel
from jurist.services.lanes.calls import DEATHS, ReplicaDiedError
from jurist.services.lanes.post import Post
from jurist.services.plan import Packing
from jurist.verifiers import Abstain, Cause, NoReply

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from jurist.services.judge import Chunk
    from jurist.services.lanes.calls import Calls
    from jurist.services.models.counts import Told
    from jurist.services.values import Outcome
    from jurist.verifiers import Question, Reply

__all__ = ["RemoteLane", "RemoteRules"]

T = TypeVar("T")

# A call costs its two ends 2 to 5 ms of CPU time, so it should carry some 50 times as much work.
WORTH_S = 0.2
MOST_S = 5.0
CHUNK_ROLLOUTS = 1024
CHUNK_BYTES = 8 << 20
QUESTIONS = 64  # in one call: their texts may be large
GROUPS = 64  # judged again in one call

GIVEN_UP = f"given up: {DEATHS} replicas died of it"


class RemoteLane:
    """Answers questions through `calls`, at most `most` of them at a time.

    `hear` is told what replicas tell beside their answers.
    """

    def __init__(self, calls: Calls, most: int, hear: Callable[[Told], None] = lambda _: None) -> None:
        self._calls = calls
        self._hear = hear
        self._questions = Post(self._asked, calls=most, most=QUESTIONS, worth_s=WORTH_S, most_s=MOST_S)
        self._trial = asyncio.Lock()
        self._stopping = False

    async def start(self) -> None:
        """Connect.

        Raises:
            ConfigurationError: it cannot.
        """
        await self._calls.start()

    async def stop(self) -> None:
        """Cancel what is under way, and disconnect."""
        self._stopping = True
        await self._calls.stop()
        await self._questions.stop()

    async def warm(self, rollouts: int, ttl_s: float) -> None:
        """Have replicas ready for so many rollouts, for so long, seconds."""
        await self._calls.warm(rollouts, ttl_s)

    async def answer(self, question: Question) -> Reply:
        """Answer one question.

        Raises:
            StoppingError: the lane is stopping.
        """
        if self._stopping:
            raise StoppingError("the lane is stopping")
        return await self._questions.get(question)

    async def _asked(self, questions: Sequence[Question], *, suspect: bool = False) -> tuple[Sequence[Reply], float]:
        single = len(questions) == 1
        try:
            sent = await self._send("answer", parcel.packed(questions), suspect=suspect, alone=single)
        except UnreachableError as error:
            return [NoReply(Cause.UNAVAILABLE, str(error))] * len(questions), 0.0
        except ReplicaDiedError:
            if suspect and single:
                return [NoReply(Cause.LIMIT, f"answering this was {GIVEN_UP}")], 0.0
            parts = await asyncio.gather(*(self._asked(part, suspect=True) for part in _halves(questions)))
            return [reply for replies, _ in parts for reply in replies], sum(elapsed_s for _, elapsed_s in parts)
        answered: parcel.Answered = parcel.unpacked(sent)
        self._hear(answered.told)
        return answered.replies, answered.elapsed_s

    async def _send(self, method: str, request: bytes, *, suspect: bool, alone: bool) -> bytes:
        """Make a call. Suspects wait for each other, and those that could be given up for everything else, too."""
        if not suspect:
            return await self._calls.send(method, request)
        async with self._trial:
            return await self._calls.send(method, request, alone=alone)


class RemoteRules(RemoteLane):
    """The rules lane; `slots` is how many workers there may be over all replicas.

    `replaced` counts the workers whose replacement replicas told of with an answer.
    """

    def __init__(self, calls: Calls, most: int, slots: int) -> None:
        super().__init__(calls, most)
        self.replaced = 0
        self._again = Post(self._judged_again, calls=most, most=GROUPS, worth_s=WORTH_S, most_s=MOST_S)
        self._packing = Packing(
            slots=slots, rollouts=CHUNK_ROLLOUTS, size_bytes=CHUNK_BYTES, worth_s=WORTH_S, most_s=MOST_S
        )

    @property
    def packing(self) -> Packing:
        """What chunks suit it."""
        return self._packing

    async def stop(self) -> None:
        """Cancel what is under way, and disconnect."""
        await super().stop()
        await self._again.stop()

    async def judge(self, chunk: Chunk) -> Judged:
        """Judge a chunk. Groups that come with replies, one by one, travel together.

        Raises:
            UnreachableError: no replica could be reached for a minute.
            StoppingError: the lane is stopping.
        """
        if chunk.replies is not None and not self._stopping:
            return await self._again.get(chunk)
        return await self._judged(chunk)

    async def _judged(self, chunk: Chunk, *, suspect: bool = False) -> Judged:
        try:
            return await self._sent(chunk, suspect=suspect)
        except ReplicaDiedError:
            if len(chunk.payloads) == 1:
                return Judged(groups=[await self._by_cell(chunk)])
            half = len(chunk.payloads) // 2
            halves = (chunk.part(0, half), chunk.part(half, len(chunk.payloads)))
            return together(await asyncio.gather(*(self._judged(part, suspect=True) for part in halves)))

    async def _sent(self, chunk: Chunk, *, suspect: bool = True, alone: bool = False) -> Judged:
        sent = await self._send("judge", parcel.packed_chunk(chunk), suspect=suspect, alone=alone)
        judged: Judged = parcel.unpacked(sent)
        self.replaced += judged.replaced
        return judged

    async def _judged_again(self, chunks: Sequence[Chunk]) -> tuple[Sequence[Judged], float]:
        """Judge chunks of a group each, those of the same terms together."""
        alike: dict[int, list[Chunk]] = {}
        for chunk in chunks:
            alike.setdefault(id(chunk.terms), []).append(chunk)
        done = await asyncio.gather(*(self._judged(joined(part)) for part in alike.values()))
        each = {
            id(chunk): Judged(groups=[group], elapsed_s=judged.elapsed_s / len(part))
            for part, judged in zip(alike.values(), done, strict=True)
            for chunk, group in zip(part, judged.groups, strict=True)
        }
        for part, judged in zip(alike.values(), done, strict=True):
            each[id(part[0])] = replace(each[id(part[0])], faults=judged.faults)  # to be told once, no matter whose
        return [each[id(chunk)] for chunk in chunks], sum(judged.elapsed_s for judged in done)

    async def _by_cell(self, chunk: Chunk) -> Found | Abstain:
        """Judge a group that replicas died of: all its cells but those that are to blame."""
        try:
            decoded = await self._sent(replace(chunk, replies={}), alone=True)
        except ReplicaDiedError:
            return Abstain(Cause.LIMIT, f"decoding this group was {GIVEN_UP}")
        (group,) = decoded.groups
        if isinstance(group, Abstain):
            return group
        cells = [Cell(0, row, term) for row in range(len(group.outcomes)) for term in range(len(chunk.terms))]
        replies = dict.fromkeys(cells, ()) if chunk.replies is None else dict(chunk.replies)
        outcomes, components = [list(row) for row in group.outcomes], [list(row) for row in group.components]
        for cell, (outcome, component) in (await self._cells(replace(chunk, replies=replies), list(replies))).items():
            outcomes[cell.row][cell.term] = outcome
            components[cell.row][cell.term] = component
        return Found(group.distinct, outcomes, components)

    async def _cells(self, chunk: Chunk, cells: Sequence[Cell]) -> dict[Cell, tuple[Outcome | None, bytes]]:
        """Judge some cells of a group; one that replicas die of is given up."""
        assert chunk.replies is not None  # noqa: S101  # it names the cells
        part = replace(chunk, replies={cell: chunk.replies[cell] for cell in cells})
        try:
            judged = await self._sent(part, alone=len(cells) == 1)
        except ReplicaDiedError:
            if len(cells) == 1:
                verdict = Abstain(Cause.LIMIT, f"judging this completion was {GIVEN_UP}")
                heading = encode.heading(chunk.terms[cells[0].term])
                return {cells[0]: (verdict.cause, encode.component(heading, verdict, 0.0))}
            first, second = await asyncio.gather(*(self._cells(chunk, half) for half in _halves(cells)))
            return first | second
        (group,) = judged.groups
        assert not isinstance(group, Abstain)  # noqa: S101  # it was decoded before
        return {cell: (group.outcomes[cell.row][cell.term], group.components[cell.row][cell.term]) for cell in cells}


def _halves(items: Sequence[T]) -> tuple[Sequence[T], ...]:
    """Return both halves, of a single thing that thing."""
    half = len(items) // 2
    return (items[:half], items[half:]) if half else (items,)
