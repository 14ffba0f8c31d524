"""The way of a batch: plan -> lanes -> combine. Knows neither gRPC nor protobuf's messages.

Chunks run side by side; the groups of one are delivered as soon as nothing is left to ask about them. A verifier's
question goes to the lane that answers its kind; equal questions are asked once, whoever asks.
"""

from __future__ import annotations

import asyncio
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple

import structlog

from jurist.sandbox import Program
from jurist.services.answers import Answers
from jurist.services.combine import combine
from jurist.services.costs import Costs
from jurist.services.errors import OverloadedError, StoppingError, first_of
from jurist.services.judge import Cell, findings_of, settled
from jurist.services.plan import plan
from jurist.verifiers import Abstain, Ask, Cause, Dialogue, Equality, NoReply, Prompt

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Mapping, Sequence

    from jurist.services.judge import Chunk, Judged
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
WARMED: dict[str, type[Question]] = {"rules": Equality, "sandbox": Program, "model": Prompt}
LAST_S = 2.0  # of a call's time, kept for judging with the replies that came and for sending the scores, ..
LAST_SHARE = 0.1  # .. or so much of it, if that is less

log = structlog.get_logger(__name__)


class _Call(NamedTuple):
    """Where a call's groups go, and until when its questions may take, on the loop's clock."""

    deliver: Callable[[int, GroupReward], None]
    until: float | None


@dataclass(frozen=True, slots=True)
class Bounds:
    """How much work is taken in at a time: rollouts, and their bytes on the wire."""

    rollouts: int
    size_bytes: int


class Engine:
    """Scores batches in its lanes.

    `lanes` maps a kind of question to the lane that answers it. `bounds` are those of the work that waits or is done.
    """

    def __init__(
        self, rules: RulesLane, lanes: Mapping[type[Question], Lane], metrics: Metrics, bounds: Bounds
    ) -> None:
        self._rules = rules
        self._lanes = lanes
        self._metrics = metrics
        self._bounds = bounds
        self._held_rollouts = 0
        self._held_bytes = 0
        self._freed = asyncio.Event()
        self._costs = Costs()
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

    async def warm(self, rollouts: int, lanes: Sequence[str], ttl_s: float) -> None:
        """Have lanes ready for so many rollouts, for so long, seconds."""
        for name in lanes:
            lane = self._lanes.get(WARMED[name])
            if lane is not None:
                await lane.warm(rollouts, ttl_s)

    async def score(
        self,
        batch: Batch,
        deliver: Callable[[int, GroupReward], None],
        *,
        wait: bool = False,
        within_s: float | None = None,
    ) -> None:
        """Score every group of a batch; `deliver` gets each group's index and rewards when they are known.

        Cancelling stops the work itself. With `wait` it waits for room instead of being refused. Where the
        call ends in `within_s` seconds, what is not answered shortly before gets no reply, and the rest its scores.

        Raises:
            OverloadedError: too much work waits already.
            StoppingError: the service is shutting down.
        """
        while wait and self._full(batch):
            self._freed.clear()
            await self._freed.wait()
        with self._admitted(batch):
            until = None if within_s is None else _now() + within_s - min(LAST_S, LAST_SHARE * within_s)
            call = _Call(deliver, until)
            packing = self._rules.packing
            ahead = asyncio.Semaphore(CHUNKS_AHEAD * packing.slots)

            async def one(piece: Piece) -> None:
                async with ahead:
                    await self._score(piece, batch.groups, call)

            try:
                async with asyncio.TaskGroup() as tasks:
                    for piece in plan(batch.groups, packing, self._costs.of):
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
        return self._held_rollouts > 0 and (
            self._held_rollouts + batch.rollouts > self._bounds.rollouts
            or self._held_bytes + batch.size_bytes > self._bounds.size_bytes
        )

    @contextmanager
    def _admitted(self, batch: Batch) -> Generator[None]:
        if self._stopping:
            raise StoppingError("the service is shutting down")
        if self._full(batch):
            raise OverloadedError(
                f"{self._held_rollouts} rollouts of {self._held_bytes} bytes wait already; "
                f"at most {self._bounds.rollouts} of {self._bounds.size_bytes} bytes may",
                RETRY_AFTER_S,
            )
        self._hold(batch.rollouts, batch.size_bytes)
        try:
            yield
        finally:
            self._hold(-batch.rollouts, -batch.size_bytes)
            self._freed.set()

    def _hold(self, rollouts: int, size_bytes: int) -> None:
        self._held_rollouts += rollouts
        self._held_bytes += size_bytes
        self._metrics.queue(rollouts, size_bytes)

    async def _score(self, piece: Piece, groups: Sequence[Group], call: _Call) -> None:
        judged = await self._judge(piece.chunk)
        firsts = [groups[index] for index in piece.indices]
        self._costs.note(firsts[0].terms, sum(len(group.rollout_ids) for group in firsts), judged.elapsed_s)
        async with asyncio.TaskGroup() as tasks:
            for place, (index, found) in enumerate(zip(piece.indices, judged.groups, strict=True)):
                group = groups[index]
                findings = findings_of(found, group)
                if _questions(findings):
                    alone = replace(piece.chunk, payloads=piece.chunk.payloads[place : place + 1])
                    tasks.create_task(self._ask(index, group, alone, findings, call))
                else:
                    self._deliver(index, group, findings, call)

    async def _judge(self, chunk: Chunk) -> Judged:
        with self._metrics.lane("rules"):
            judged = await self._rules.judge(chunk)
        for traceback in judged.faults:
            log.error("verifier failed", traceback=traceback)
        return judged

    async def _ask(self, index: int, group: Group, chunk: Chunk, findings: Findings, call: _Call) -> None:
        """Have a group's questions answered, and its verifiers called again with the replies."""
        for _ in range(ROUNDS):
            asked = _questions(findings)
            if not asked:
                break
            unique = list(dict.fromkeys(question for ask in asked.values() for question in ask.questions))
            replies = dict(
                zip(unique, await asyncio.gather(*(self._reply(one, call.until) for one in unique)), strict=True)
            )
            again = replace(
                chunk,
                replies={
                    cell: (*ask.known, *(replies[question] for question in ask.questions))
                    for cell, ask in asked.items()
                },
            )
            (found,) = (await self._judge(again)).groups
            findings = findings_of(found, group, findings)
        self._deliver(index, group, settled(findings, group.terms, STILL_ASKS), call)

    def _deliver(self, index: int, group: Group, findings: Findings, call: _Call) -> None:
        reward = combine(group, findings)
        self._metrics.group(reward)
        call.deliver(index, reward)

    async def _reply(self, question: Question, until: float | None) -> Reply:
        """Have a question answered by a time on the loop's clock."""
        try:
            async with asyncio.timeout_at(until):
                return await self._answers.get(question)
        except TimeoutError:
            # A judge that is late is as good as none.
            late = Cause.UNAVAILABLE if isinstance(question, Prompt | Dialogue) else Cause.TIMEOUT
            return NoReply(late, "the call's deadline came first")

    async def _answer(self, question: Question) -> Reply:
        lane = self._lanes.get(type(question))
        if lane is None:
            return NoReply(Cause.UNAVAILABLE, f"nothing here answers a {type(question).__name__}")
        with self._metrics.lane(type(question).__name__):
            return await lane.answer(question)


def _now() -> float:
    return asyncio.get_running_loop().time()


def _questions(findings: Findings) -> dict[Cell, Ask]:
    return {
        Cell(0, row, term): outcome
        for row, outcomes in enumerate(findings.outcomes)
        for term, outcome in enumerate(outcomes)
        if isinstance(outcome, Ask)
    }
