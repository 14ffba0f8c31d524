"""A lane of one machine as a replica serves it: bytes in, bytes out. Knows nothing of Ray.

Cancelling a call cancels the work behind it, down to the worker process or the sandboxed program.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from itertools import accumulate, pairwise
from time import perf_counter
from typing import TYPE_CHECKING

from jurist.services.judge import together
from jurist.services.lanes import parcel
from jurist.services.models.counts import Told

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from jurist.services.judge import Chunk
    from jurist.services.lanes import Lane, RulesLane

__all__ = ["LaneReplica", "RulesReplica"]


class LaneReplica:
    """Serves any lane that answers questions. `told` says what a front's metrics have not heard of yet."""

    def __init__(self, lane: Lane, told: Callable[[], Told] = Told) -> None:
        self._lane = lane
        self._told = told

    async def start(self) -> None:
        """Take up work.

        Raises:
            ConfigurationError: the lane cannot.
        """
        await self._lane.start()

    async def stop(self) -> None:
        """Give up all work."""
        await self._lane.stop()

    async def answer(self, request: bytes) -> bytes:
        """Answer questions, all at the same time: the lane has its own bounds."""
        start = perf_counter()
        async with asyncio.TaskGroup() as tasks:
            asked = [tasks.create_task(self._lane.answer(question)) for question in parcel.unpacked(request)]
        replies = [task.result() for task in asked]
        return parcel.packed(parcel.Answered(replies, perf_counter() - start, self._told()))


class RulesReplica(LaneReplica):
    """Serves the rules lane. `replaced` says how many of its workers were replaced since the start."""

    def __init__(self, lane: RulesLane, replaced: Callable[[], int] = int) -> None:
        super().__init__(lane)
        self._rules = lane
        self._replaced = replaced
        self._replaced_told = 0

    async def judge(self, request: bytes) -> bytes:
        """Judge a chunk, shared by the lane's workers."""
        async with asyncio.TaskGroup() as tasks:
            parts = [
                tasks.create_task(self._rules.judge(part))
                for part in _parts(parcel.chunk_of(request), self._rules.packing.slots)
            ]
        judged = together([part.result() for part in parts])
        replaced = self._replaced()
        judged, self._replaced_told = replace(judged, replaced=replaced - self._replaced_told), replaced
        return parcel.packed(judged)


def _parts(chunk: Chunk, count: int) -> Iterator[Chunk]:
    """Cut a chunk of whole groups into at most `count` of about the same size."""
    total = sum(map(len, chunk.payloads))
    shares = [end * count // (total + 1) for end in accumulate(map(len, chunk.payloads))]
    cuts = [0, *(at for at in range(1, len(shares)) if shares[at] > shares[at - 1]), len(shares)]
    return (chunk.part(start, end) for start, end in pairwise(cuts))
