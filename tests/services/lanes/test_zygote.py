"""The process that workers are forked from: a fork that fails is told, and costs nothing that lives."""

from __future__ import annotations

import asyncio
import os
import signal

import pytest
from works import Work

from jurist.services.errors import ConfigurationError
from jurist.services.lanes import zygote
from jurist.services.lanes.pool import WorkerPool
from jurist.services.lanes.worker import Limits

LIMITS = Limits(cell_cpu_s=2.0, memory_bytes=1 << 30, recycle_bytes=768 << 20)
SIZE = 2


@pytest.fixture
def failing(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
    """Have some of the zygote's forks fail, counted from 0, as they do when there are no processes left."""
    monkeypatch.setattr(
        zygote,
        "BOOT",
        f"""
import errno, itertools, os
fork, count = os.fork, itertools.count()
def failing():
    if next(count) in {request.param}:
        raise OSError(errno.EAGAIN, os.strerror(errno.EAGAIN))
    return fork()
os.fork = failing
{zygote.BOOT}""",
    )


@pytest.mark.parametrize("failing", [{SIZE, SIZE + 1}], indirect=True)
@pytest.mark.usefixtures("failing")
async def test_a_successor_that_cannot_be_forked_is_tried_again_and_the_others_work_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("jurist.services.lanes.pool.REPLACE_RETRY_S", 0.01)
    pool = WorkerPool(SIZE, LIMITS, stall_s=30)
    await pool.start()
    lost, kept = pool.pids
    os.kill(lost, signal.SIGKILL)
    async with asyncio.timeout(30):
        done = await asyncio.gather(*[pool.run(Work("nothing")) for _ in range(8)], return_exceptions=True)
        while len(pool.pids) < SIZE:  # noqa: ASYNC110  # the pool tells nobody, and need not
            await asyncio.sleep(0.02)
    pids = pool.pids
    await pool.stop()

    assert done.count("nothing") >= len(done) - 1  # the one that went to the worker before it was known to be dead
    assert kept in pids
    assert lost not in pids


@pytest.mark.parametrize("failing", [{SIZE - 1}], indirect=True)
@pytest.mark.usefixtures("failing")
async def test_a_pool_whose_workers_cannot_be_forked_says_why_it_does_not_start() -> None:
    pool = WorkerPool(SIZE, LIMITS, stall_s=30)
    with pytest.raises(ConfigurationError, match=f"do not start.*{os.strerror(11)}"):
        await pool.start()

    assert pool.pids == []
