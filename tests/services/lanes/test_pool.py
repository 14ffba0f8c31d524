"""The pool by itself: what befalls a worker befalls its own work alone."""

from __future__ import annotations

import asyncio
import os
import pickle
import signal
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from works import CELL, Echo, Work

from jurist.services.errors import StoppingError
from jurist.services.lanes.pool import WorkerDiedError, WorkerPool
from jurist.services.lanes.worker import Limits

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

LIMITS = Limits(cell_cpu_s=0.3, memory_bytes=1 << 30, recycle_bytes=768 << 20)


class Unsendable:
    """Work that pickle refuses."""

    def __init__(self) -> None:
        self.anything = lambda: None

    def run(self, *_: object) -> None: ...


@pytest.fixture
async def pool() -> AsyncIterator[WorkerPool]:
    started = WorkerPool(2, LIMITS, stall_s=1.0)
    await started.start()
    yield started
    await started.stop()


async def run(pool: WorkerPool, work: Any, *buffers: bytes) -> Any:
    return await asyncio.wait_for(pool.run(work, buffers), 30)


async def whole(pool: WorkerPool) -> None:
    """Wait until every worker that was lost has its successor."""
    async with asyncio.timeout(30):
        while len(pool.pids) < pool.size:  # noqa: ASYNC110  # the pool tells nobody, and need not
            await asyncio.sleep(0.02)
    assert len(pool.pids) == pool.size


async def test_buffers_reach_the_worker_whole_at_any_size(pool: WorkerPool) -> None:
    for size in (0, 1, 63, 4096, 5_000_000, 10):
        buffers = [bytes([index]) * size for index in range(3)]
        _, got = await run(pool, Echo(), *buffers)

        assert got == buffers


@pytest.mark.parametrize(
    ("what", "how", "at_limit"),
    [
        ("spin", "it used more CPU time than it may", True),
        ("sleep", "it made no progress for 1 s", True),
        ("exit", "its worker died (exit status 3)", False),
    ],
)
async def test_a_worker_that_dies_says_where_and_of_what(
    pool: WorkerPool,
    what: str,
    how: str,
    at_limit: bool,  # noqa: FBT001
) -> None:
    with pytest.raises(WorkerDiedError) as raised:
        await run(pool, Work(what))

    assert (raised.value.how, raised.value.cell, raised.value.at_limit) == (how, CELL, at_limit)
    assert await run(pool, Work("nothing")) == "nothing"


async def test_the_other_workers_go_on_and_a_dead_one_is_replaced(pool: WorkerPool) -> None:
    works = [pool.run(Work("exit" if index == 5 else "nap")) for index in range(20)]
    done = await asyncio.gather(*works, return_exceptions=True)

    assert [str(result) for result in done].count("nap") == 19
    assert isinstance(done[5], WorkerDiedError)
    await whole(pool)
    assert pool.replaced == 1


async def test_workers_that_died_while_idle_are_passed_over(pool: WorkerPool) -> None:
    for pid in pool.pids:
        os.kill(pid, signal.SIGKILL)
    await asyncio.sleep(0.3)

    assert await run(pool, Work("nothing")) == "nothing"


async def test_cancelling_while_a_death_is_looked_into_loses_no_worker(pool: WorkerPool) -> None:
    for delay_ms in range(0, 40, 2):
        running = asyncio.ensure_future(pool.run(Work("exit")))
        await asyncio.sleep(delay_ms / 1000)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)

    assert await asyncio.gather(*[run(pool, Work("nothing")) for _ in range(4)]) == ["nothing"] * 4
    await whole(pool)


async def test_work_that_cannot_be_sent_costs_no_worker(pool: WorkerPool) -> None:
    for _ in range(3):
        with pytest.raises((AttributeError, TypeError, pickle.PicklingError)):
            await run(pool, Unsendable())

    assert await run(pool, Work("nothing")) == "nothing"


async def test_what_uses_cpu_time_is_not_taken_for_stalled() -> None:
    pool = WorkerPool(1, LIMITS._replace(cell_cpu_s=1.5), stall_s=0.4)
    await pool.start()
    with pytest.raises(WorkerDiedError) as raised:
        await run(pool, Work("spin"))
    await pool.stop()

    assert raised.value.how == "it used more CPU time than it may"


async def test_cancelling_frees_the_worker_within_a_second() -> None:
    pool = WorkerPool(1, LIMITS, stall_s=60)
    await pool.start()
    running = asyncio.ensure_future(pool.run(Work("sleep")))
    await asyncio.sleep(0.1)
    (before,) = pool.pids
    running.cancel()
    start = time.monotonic()
    pid, _ = await run(pool, Echo())

    assert time.monotonic() - start < 1.0
    assert pid != before
    await pool.stop()
    async with asyncio.timeout(10):
        # Whoever inherits it from the zygote buries it.
        while Path(f"/proc/{before}").exists():  # noqa: ASYNC110, ASYNC240  # nothing tells
            await asyncio.sleep(0.01)


async def test_cancelling_what_is_nearly_done_keeps_the_worker() -> None:
    pool = WorkerPool(1, LIMITS, stall_s=60)
    await pool.start()
    (before,) = pool.pids
    running = asyncio.ensure_future(pool.run(Work("nap")))
    await asyncio.sleep(0.01)
    running.cancel()
    pid, _ = await run(pool, Echo())
    await pool.stop()

    assert pid == before


async def test_stopping_ends_what_runs_and_what_waits() -> None:
    pool = WorkerPool(1, LIMITS, stall_s=60)
    await pool.start()
    running = [asyncio.ensure_future(pool.run(Work("sleep"))) for _ in range(3)]
    await asyncio.sleep(0.1)
    await pool.stop()
    done = await asyncio.wait_for(asyncio.gather(*running, return_exceptions=True), 10)

    assert isinstance(done[0], WorkerDiedError)
    assert all(isinstance(error, StoppingError) for error in done[1:])
    with pytest.raises(StoppingError):
        await pool.run(Work("nothing"))


async def test_a_worker_that_grew_too_large_is_replaced_when_idle() -> None:
    pool = WorkerPool(1, LIMITS._replace(recycle_bytes=1), stall_s=60)
    await pool.start()
    pids = {(await run(pool, Echo()))[0] for _ in range(3)}
    await pool.stop()

    assert len(pids) == 3
