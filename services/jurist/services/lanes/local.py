"""The rules lane on this machine: a pool of worker processes."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from jurist.services.judge import Decide, Judged, together
from jurist.services.lanes.pool import WorkerDiedError, WorkerPool
from jurist.services.plan import Packing
from jurist.verifiers import Abstain, Cause, Equality, NoReply

if TYPE_CHECKING:
    from collections.abc import Sequence

    from jurist.services.judge import Cell, Chunk, Work
    from jurist.services.lanes.worker import Limits
    from jurist.verifiers import Question, Reply

__all__ = ["LocalRules"]

# How often the same cell may take its worker down before it is given up. Once may be an accident (the kernel short of
# memory, an operator's kill -9). A bound of ours would only fire again.
TRIES = 2
# A chunk costs some 0.4 ms beside the judging. Past this much judging, or past these sizes, that no longer shows.
WORTH_S = 0.004
CHUNK_BYTES = 4 << 20
CHUNK_ROLLOUTS = 512
UNBEGUN_TRIES = 3  # more than there are workers: all of them may have been killed while idle


class LocalRules:
    """Judges chunks and decides equalities in `size` processes.

    `equality_cpu_s` bounds one equality, seconds of CPU time; `stall_s` any one step, seconds by the clock.
    """

    def __init__(self, size: int, limits: Limits, equality_cpu_s: float, stall_s: float) -> None:
        self.pool = WorkerPool(size, limits, stall_s)
        self._equality_cpu_s = equality_cpu_s

    @property
    def packing(self) -> Packing:
        """What chunks suit it."""
        return Packing(slots=self.pool.size, rollouts=CHUNK_ROLLOUTS, size_bytes=CHUNK_BYTES, worth_s=WORTH_S)

    async def start(self) -> None:
        """Start the processes.

        Raises:
            ConfigurationError: they do not start.
        """
        await self.pool.start()

    async def stop(self) -> None:
        """Kill the processes."""
        await self.pool.stop()

    async def warm(self, rollouts: int, ttl_s: float) -> None:
        """Do nothing: the processes stand."""

    async def judge(self, chunk: Chunk) -> Judged:
        """Judge a chunk; a cell that takes its worker down abstains with LIMIT, the others are judged without it."""
        done: list[Judged] = []
        rest = chunk
        while rest.payloads:
            try:
                done.append(await self._try(rest))
                break
            except WorkerDiedError as died:
                # The groups before the one it died in are judged again, that one by itself, and the rest anew.
                at = died.cell.group if died.cell is not None else 0
                done += [await self.judge(rest.part(0, at)), await self._group(rest.part(at, at + 1), died)]
                rest = rest.part(at + 1, len(rest.payloads))
        return together(done)

    async def _group(self, chunk: Chunk, died: WorkerDiedError) -> Judged:
        """Judge the one group that a worker died in, without the cells that are to blame."""
        settled = dict(chunk.settled)
        deaths: Counter[Cell] = Counter()
        while True:
            if died.cell is None:  # it never began, however often: nothing that a rollout could cause
                return Judged(groups=[Abstain(Cause.INTERNAL, f"judging failed: {died.how}")])
            cell = died.cell._replace(group=0)
            deaths[cell] += 1
            if died.at_limit or deaths[cell] == TRIES:
                settled[cell] = Abstain(Cause.LIMIT, f"judging this completion was given up: {died.how}")
            try:
                return await self._try(replace(chunk, settled=settled))
            except WorkerDiedError as again:
                died = again

    async def _try(self, chunk: Chunk) -> Judged:
        judged: Judged = await self._run(replace(chunk, payloads=()), chunk.payloads)
        return judged

    async def _run(self, work: Work, buffers: Sequence[bytes | memoryview] = ()) -> Any:  # noqa: ANN401  # as the pool's
        """Run work; a worker that dies before it begins has nothing to do with it, and the next one is tried.

        Raises:
            WorkerDiedError: it died at work, or none ever began.
        """
        tries = self.pool.size + UNBEGUN_TRIES
        while True:
            tries -= 1
            try:
                return await self.pool.run(work, buffers)
            except WorkerDiedError as died:
                if died.cell is not None or not tries:
                    raise

    async def answer(self, question: Question) -> Reply:
        """Decide an equality; one that takes its worker down gets no reply."""
        if not isinstance(question, Equality):
            return NoReply(Cause.UNAVAILABLE, f"the rules lane does not answer a {type(question).__name__}")
        for tries in range(1, TRIES + 1):
            try:
                reply: Reply = await self._run(Decide(question=question, cpu_s=self._equality_cpu_s))
            except WorkerDiedError as died:
                if died.cell is None:
                    return NoReply(Cause.UNAVAILABLE, f"no worker lives long enough: {died.how}")
                if died.at_limit or tries == TRIES:
                    return NoReply(Cause.LIMIT, f"deciding this was given up: {died.how}")
            else:
                return reply
        raise AssertionError  # the last try returns
