"""Lanes whose work is done elsewhere, in replicas: what travels together, and who is to blame when replicas die.

Work is pure, so it may be done twice; its result is set once, by the one who waits for it here. A chunk that two
replicas died of may hold what killed them: it is cut in half, down to the one cell that dies alone and abstains with
LIMIT, while all others are judged. The same holds for questions.
"""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from jurist.services import encode
from jurist.services.errors import UnreachableError
from jurist.services.judge import Cell, Found, Judged
from jurist.services.lanes import parcel
from jurist.services.lanes.calls import DEATHS, Calls, ReplicaDiedError
from jurist.services.plan import Packing
from jurist.verifiers import Abstain, Cause, NoReply

if TYPE_CHECKING:
    from collections.abc import Sequence

    from jurist.services.judge import Chunk
    from jurist.services.values import Outcome
    from jurist.verifiers import Question, Reply

__all__ = ["RemoteLane", "RemoteRules"]

# A call costs its two ends 2 to 5 ms of CPU time, so it should carry some 50 times as much work.
WORTH_S = 0.2
MOST_S = 5.0
CHUNK_ROLLOUTS = 256
CHUNK_BYTES = 8 << 20
QUESTIONS = 64  # in one call
QUESTION_S = 0.02  # what one costs before anything is known
QUESTION_WEIGHT = 0.2  # of the newest call in the moving mean

GIVEN_UP = f"given up: {DEATHS} replicas died of it"


class _Letter(NamedTuple):
    """A question that waits, and who waits for it."""

    question: Question
    reply: asyncio.Future[Reply]


class RemoteLane:
    """Answers questions through `calls`, at most `most` of them at a time.

    Questions that arrive together, or while every call is taken, travel together.
    """

    def __init__(self, calls: Calls, most: int) -> None:
        self._calls = calls
        self._free = most
        self._letters: deque[_Letter] = deque()
        self._question_s = QUESTION_S
        self._posting: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        """Connect.

        Raises:
            ConfigurationError: it cannot.
        """
        await self._calls.start()

    async def stop(self) -> None:
        """Cancel what is under way, and disconnect."""
        await self._calls.stop()
        await asyncio.gather(*self._posting, return_exceptions=True)

    async def warm(self, rollouts: int, ttl_s: float) -> None:
        """Have replicas ready for so many rollouts, for so long, seconds."""
        await self._calls.warm(rollouts, ttl_s)

    async def answer(self, question: Question) -> Reply:
        """Answer one question.

        Raises:
            StoppingError: the lane is stopping.
        """
        loop = asyncio.get_running_loop()
        letter = _Letter(question, loop.create_future())
        self._letters.append(letter)
        loop.call_soon(self._post)  # not at once: those who ask in the same turn of the loop share a call
        return await letter.reply

    def _post(self) -> None:
        """Send what waits, as far as calls are free."""
        while self._free and self._letters:
            worth, most = (max(1, int(seconds / self._question_s)) for seconds in (WORTH_S, MOST_S))
            count = min(max(-(-len(self._letters) // self._free), worth), most, QUESTIONS, len(self._letters))
            letters = [self._letters.popleft() for _ in range(count)]
            letters = [letter for letter in letters if not letter.reply.done()]
            if letters:
                self._free -= 1
                posting = asyncio.ensure_future(self._deliver(letters))
                self._posting.add(posting)
                posting.add_done_callback(self._posted)
                _cancel_with(letters, posting)

    def _posted(self, posting: asyncio.Task[None]) -> None:
        self._posting.discard(posting)
        self._free += 1
        self._post()

    async def _deliver(self, letters: Sequence[_Letter]) -> None:
        try:
            replies = await self._replies([letter.question for letter in letters])
        except Exception as error:  # noqa: BLE001  # handed to those who wait
            for letter in letters:
                if not letter.reply.done():
                    letter.reply.set_exception(error)
        else:
            for letter, reply in zip(letters, replies, strict=True):
                if not letter.reply.done():
                    letter.reply.set_result(reply)

    async def _replies(self, questions: Sequence[Question]) -> Sequence[Reply]:
        try:
            answer = await self._calls.send("answer", parcel.packed(questions))
        except UnreachableError as error:
            return [NoReply(Cause.UNAVAILABLE, str(error))] * len(questions)
        except ReplicaDiedError:
            if len(questions) == 1:
                return [NoReply(Cause.LIMIT, f"answering this was {GIVEN_UP}")]
            half = len(questions) // 2
            first, second = await asyncio.gather(self._replies(questions[:half]), self._replies(questions[half:]))
            return [*first, *second]
        answered: parcel.Answered = parcel.unpacked(answer)
        newest = max(1e-4, answered.elapsed_s / len(questions))
        self._question_s += QUESTION_WEIGHT * (newest - self._question_s)
        return answered.replies


class RemoteRules(RemoteLane):
    """The rules lane; `slots` is how many workers there may be over all replicas."""

    def __init__(self, calls: Calls, most: int, slots: int) -> None:
        super().__init__(calls, most)
        self._packing = Packing(
            slots=slots, rollouts=CHUNK_ROLLOUTS, size_bytes=CHUNK_BYTES, worth_s=WORTH_S, most_s=MOST_S
        )

    @property
    def packing(self) -> Packing:
        """What chunks it wants."""
        return self._packing

    async def judge(self, chunk: Chunk) -> Judged:
        """Judge a chunk.

        Raises:
            UnreachableError: no replica could be reached for a minute.
            StoppingError: the lane is stopping.
        """
        try:
            return await self._send(chunk)
        except ReplicaDiedError:
            if len(chunk.payloads) == 1:
                return Judged(groups=[await self._by_cell(chunk)])
            half = len(chunk.payloads) // 2
            halves = (chunk.payloads[:half], chunk.payloads[half:])
            first, second = await asyncio.gather(*(self.judge(replace(chunk, payloads=part)) for part in halves))
            return Judged(
                groups=[*first.groups, *second.groups],
                faults=[*first.faults, *second.faults],
                elapsed_s=first.elapsed_s + second.elapsed_s,
            )

    async def _send(self, chunk: Chunk) -> Judged:
        judged: Judged = parcel.unpacked(await self._calls.send("judge", parcel.packed_chunk(chunk)))
        return judged

    async def _by_cell(self, chunk: Chunk) -> Found | Abstain:
        """Judge a group that replicas died of: all its cells but those that are to blame."""
        try:
            decoded = await self._send(replace(chunk, replies={}))
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
        try:
            judged = await self._send(replace(chunk, replies={cell: chunk.replies[cell] for cell in cells}))
        except ReplicaDiedError:
            if len(cells) == 1:
                verdict = Abstain(Cause.LIMIT, f"judging this completion was {GIVEN_UP}")
                heading = encode.heading(chunk.terms[cells[0].term])
                return {cells[0]: (verdict.cause, encode.component(heading, verdict, 0.0))}
            half = len(cells) // 2
            first, second = await asyncio.gather(self._cells(chunk, cells[:half]), self._cells(chunk, cells[half:]))
            return first | second
        (group,) = judged.groups
        assert not isinstance(group, Abstain)  # noqa: S101  # it was decoded before
        return {cell: (group.outcomes[cell.row][cell.term], group.components[cell.row][cell.term]) for cell in cells}


def _cancel_with(letters: Sequence[_Letter], posting: asyncio.Task[None]) -> None:
    """Cancel a call when nobody waits for any of its replies any more."""
    waiting = len(letters)

    def left(reply: asyncio.Future[Reply]) -> None:
        nonlocal waiting
        waiting -= 1
        if not waiting and reply.cancelled():
            posting.cancel()

    for letter in letters:
        letter.reply.add_done_callback(left)
