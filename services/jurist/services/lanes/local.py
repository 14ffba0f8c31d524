"""The rules lane on this machine: a pool of worker processes."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING

import structlog

from jurist.services.judge import Decide, Judged
from jurist.services.lanes.pool import WorkerDiedError, WorkerPool
from jurist.verifiers import Abstain, Cause, Equality, NoReply

if TYPE_CHECKING:
    from jurist.services.judge import Cell, Chunk
    from jurist.services.lanes.worker import Limits
    from jurist.verifiers import Question, Reply

__all__ = ["LocalRules"]

# How often the same cell may take its worker down before it is given up. Once may be an accident (the kernel short of
# memory, an operator's kill -9). A bound of ours would only fire again.
TRIES = 2

log = structlog.get_logger(__name__)


class LocalRules:
    """Judges chunks and decides equalities in `size` processes.

    `equality_cpu_s` bounds one equality, seconds of CPU time; `stall_s` any one step, seconds by the clock.
    """

    def __init__(self, size: int, limits: Limits, equality_cpu_s: float, stall_s: float) -> None:
        self.pool = WorkerPool(size, limits, stall_s)
        self._equality_cpu_s = equality_cpu_s

    @property
    def slots(self) -> int:
        """How many processes there are."""
        return self.pool.size

    async def start(self) -> None:
        """Start the processes.

        Raises:
            ConfigurationError: they do not start.
        """
        await self.pool.start()

    async def stop(self) -> None:
        """Kill the processes."""
        await self.pool.stop()

    async def judge(self, chunk: Chunk) -> Judged:
        """Judge a chunk; a cell that takes its worker down abstains with LIMIT, the others are judged without it."""
        settled = dict(chunk.settled)
        deaths: Counter[Cell | None] = Counter()
        while True:
            try:
                judged: Judged = await self.pool.run(replace(chunk, settled=settled, payloads=()), chunk.payloads)
            except WorkerDiedError as died:
                deaths[died.cell] += 1
                if deaths[died.cell] < TRIES and not died.at_limit:
                    continue
                if died.cell is None:  # it dies before it begins: nothing that a single rollout could cause
                    fault = Abstain(Cause.INTERNAL, f"judging failed: {died.how}")
                    return Judged(groups=[fault] * len(chunk.payloads))
                settled[died.cell] = Abstain(Cause.LIMIT, f"judging this completion was given up: {died.how}")
            else:
                for traceback in judged.faults:
                    log.error("verifier failed", traceback=traceback)
                return judged

    async def answer(self, question: Question) -> Reply:
        """Decide an equality; one that takes its worker down gets no reply."""
        if not isinstance(question, Equality):
            return NoReply(Cause.UNAVAILABLE, f"the rules lane does not answer a {type(question).__name__}")
        tries = 0
        while True:
            try:
                reply: Reply = await self.pool.run(Decide(question=question, cpu_s=self._equality_cpu_s))
            except WorkerDiedError as died:
                tries += 1
                if died.at_limit or tries == TRIES:
                    return NoReply(Cause.LIMIT, f"deciding this was given up: {died.how}")
            else:
                return reply
