"""The way of a batch: plan -> lanes -> combine. Knows neither gRPC nor protobuf's messages.

Chunks run side by side; the groups of one are delivered as soon as nothing is left to ask about them. A verifier's
question goes to the lane that answers its kind; equal questions are asked once, whoever asks.
"""

from __future__ import annotations

import asyncio
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from jurist.services.answers import Answers
from jurist.services.combine import combine
from jurist.services.errors import OverloadedError, StoppingError, first_of
from jurist.services.judge import Cell, findings_of, settled
from jurist.services.plan import plan
from jurist.verifiers import Abstain, Ask, Cause, NoReply

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Mapping, Sequence

    from jurist.services.judge import Chunk
    from jurist.services.lanes import Lane, RulesLane
    from jurist.services.metrics import Metrics
    from jurist.services.plan import Piece
    from jurist.services.values import Batch, Findings, Group, GroupReward
    from jurist.verifiers import Question, Reply

__all__ = ["Engine"]

ROUNDS = 4  # how often a verifier may ask about one completion before it is taken to be at fault
STILL_ASKS = Abstain(Cause.INTERNAL, f"the verifier still asked after {ROUNDS} rounds of replies")
CHUNKS_AHEAD = 2  # chunks of one batch in the lane for each of its slots: busy workers, yet no batch shuts out the next
RETRY_AFTER_S = 0.5


class Engine:
    """Scores batches in its lanes.

    `lanes` maps a kind of question to the lane that answers it. `queue_bytes` bounds the work that is taken in, bytes
    on the wire.
    """

    def __init__(
        self, rules: RulesLane, lanes: Mapping[type[Question], Lane], metrics: Metrics, queue_bytes: int
    ) -> None:
        self._rules = rules
        self._lanes = lanes
        self._metrics = metrics
        self._queue_bytes = queue_bytes
        self._held_bytes = 0
        self._freed = asyncio.Event()
        self._answers = Answers(self._answer)
        self._stopping = False

    async def start(self) -> None:
        """Start every lane.

        Raises:
            ConfigurationError: one cannot start.
        """
        for lane in {id(lane): lane for lane in (self._rules, *self._lanes.values())}.values():
            await lane.start()

    async def stop(self) -> None:
        """Stop every lane; work that still runs ends with StoppingError."""
        self._stopping = True
        for lane in {id(lane): lane for lane in (self._rules, *self._lanes.values())}.values():
            await lane.stop()

    async def score(self, batch: Batch, deliver: Callable[[int, GroupReward], None], *, wait: bool = False) -> None:
        """Score every group of a batch; `deliver` gets each group's index and rewards when they are known.

        Cancelling stops the work itself. With `wait` it waits for room instead of being refused.

        Raises:
            OverloadedError: too much work waits already.
            StoppingError: the service is shutting down.
        """
        while wait and self._full(batch):
            self._freed.clear()
            await self._freed.wait()
        with self._admitted(batch):
            ahead = asyncio.Semaphore(CHUNKS_AHEAD * self._rules.slots)

            async def one(piece: Piece) -> None:
                async with ahead:
                    await self._score(piece, batch.groups, deliver)

            try:
                async with asyncio.TaskGroup() as tasks:
                    for piece in plan(batch.groups, self._rules.slots):
                        tasks.create_task(one(piece))
            except ExceptionGroup as errors:
                raise first_of(errors) from None

    async def ask(self, question: Question) -> Reply:
        """Have a question answered that no verifier asked, by the lane of its kind.

        Raises:
            StoppingError: the service is shutting down.
        """
        if self._stopping:
            raise StoppingError("the service is shutting down")
        return await self._answers.get(question)

    def _full(self, batch: Batch) -> bool:
        """Whether a batch must wait; one by itself never must."""
        return self._held_bytes > 0 and self._held_bytes + batch.size_bytes > self._queue_bytes

    @contextmanager
    def _admitted(self, batch: Batch) -> Generator[None]:
        if self._stopping:
            raise StoppingError("the service is shutting down")
        size = batch.size_bytes
        if self._full(batch):
            raise OverloadedError(
                f"{self._held_bytes} bytes of rollouts wait already; at most {self._queue_bytes} may", RETRY_AFTER_S
            )
        self._held_bytes += size
        self._metrics.queue(batch.rollouts, size)
        try:
            yield
        finally:
            self._held_bytes -= size
            self._freed.set()
            self._metrics.queue(-batch.rollouts, -size)

    async def _score(self, piece: Piece, groups: Sequence[Group], deliver: Callable[[int, GroupReward], None]) -> None:
        with self._metrics.lane("rules"):
            judged = await self._rules.judge(piece.chunk)
        async with asyncio.TaskGroup() as tasks:
            for place, (index, found) in enumerate(zip(piece.indices, judged.groups, strict=True)):
                group = groups[index]
                findings = findings_of(found, group)
                if _questions(findings):
                    alone = replace(piece.chunk, payloads=piece.chunk.payloads[place : place + 1])
                    tasks.create_task(self._ask(index, group, alone, findings, deliver))
                else:
                    self._deliver(index, group, findings, deliver)

    async def _ask(
        self,
        index: int,
        group: Group,
        chunk: Chunk,
        findings: Findings,
        deliver: Callable[[int, GroupReward], None],
    ) -> None:
        """Have a group's questions answered, and its verifiers called again with the replies."""
        for _ in range(ROUNDS):
            asked = _questions(findings)
            if not asked:
                break
            unique = list(dict.fromkeys(question for ask in asked.values() for question in ask.questions))
            replies = dict(zip(unique, await asyncio.gather(*map(self._answers.get, unique)), strict=True))
            again = replace(
                chunk,
                replies={
                    cell: (*ask.known, *(replies[question] for question in ask.questions))
                    for cell, ask in asked.items()
                },
            )
            (found,) = (await self._rules.judge(again)).groups
            findings = findings_of(found, group, findings)
        self._deliver(index, group, settled(findings, group.terms, STILL_ASKS), deliver)

    def _deliver(
        self, index: int, group: Group, findings: Findings, deliver: Callable[[int, GroupReward], None]
    ) -> None:
        reward = combine(group, findings)
        self._metrics.group(reward)
        deliver(index, reward)

    async def _answer(self, question: Question) -> Reply:
        lane = self._lanes.get(type(question))
        if lane is None:
            return NoReply(Cause.UNAVAILABLE, f"nothing here answers a {type(question).__name__}")
        with self._metrics.lane(type(question).__name__):
            return await lane.answer(question)


def _questions(findings: Findings) -> dict[Cell, Ask]:
    return {
        Cell(0, row, term): outcome
        for row, outcomes in enumerate(findings.outcomes)
        for term, outcome in enumerate(outcomes)
        if isinstance(outcome, Ask)
    }
