"""A pool of worker processes that can be killed one at a time.

A piece of work runs in one worker. Cancelling it frees the worker: it may finish within a short grace, then it is
killed and replaced. A worker that dies, or makes no progress, fails its own piece of work alone, and `WorkerDiedError`
says which cell it was in. Why not a library: docs/decisions/002-worker-pool.md.
"""

from __future__ import annotations

import asyncio
import contextlib
import mmap
import pickle
import signal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import structlog

from jurist.services.errors import ConfigurationError, StoppingError
from jurist.services.lanes.worker import ARENA_START, HEADER, read_progress
from jurist.services.lanes.zygote import Birth, Zygote

if TYPE_CHECKING:
    from collections.abc import Awaitable, Coroutine, Sequence

    from jurist.services.judge import Cell, Work
    from jurist.services.lanes.worker import Limits

__all__ = ["WorkerDiedError", "WorkerPool"]

CANCEL_GRACE_S = 0.25  # most chunks end sooner, and a replacement costs a fork
STATUS_WAIT_S = 2.0  # a dead worker's exit status follows its socket's end by a moment
START_TIMEOUT_S = 60.0  # importing SymPy on a busy machine takes seconds
REPLACE_RETRY_S = 1.0

log = structlog.get_logger(__name__)


class WorkerDiedError(Exception):
    """Raised when a worker died under its work.

    `cell` is where it was, None when it had not begun; `at_limit` whether a bound of ours killed it, in which case
    trying again would end the same way.
    """

    def __init__(self, how: str, cell: Cell | None, *, at_limit: bool) -> None:
        super().__init__(how)
        self.how = how
        self.cell = cell
        self.at_limit = at_limit


class _Worker:
    """The pool's end of one worker."""

    def __init__(self, birth: Birth, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.pid = birth.pid
        self.status = birth.status
        self._file = birth.shared
        self.shared = mmap.mmap(self._file.fileno(), 0)
        self.stalled = False
        self.worn = False
        self._reader = reader
        self._writer = writer

    async def do(self, pickled: bytes, buffers: Sequence[bytes | memoryview]) -> object:
        job = pickle.dumps(self._share(buffers), protocol=5) + pickled
        self._writer.write(HEADER.pack(len(job)) + job)
        await self._writer.drain()
        (size,) = HEADER.unpack(await self._reader.readexactly(HEADER.size))
        result, self.worn = pickle.loads(await self._reader.readexactly(size))  # noqa: S301  # our own worker's
        return result

    def _share(self, buffers: Sequence[bytes | memoryview]) -> list[int]:
        """Write buffers where the worker will read them; returns their sizes."""
        sizes = [len(buffer) for buffer in buffers]
        need = ARENA_START + sum(sizes)
        if need > len(self.shared):
            self.shared.close()
            self._file.truncate(need)
            self.shared = mmap.mmap(self._file.fileno(), 0)
        at = ARENA_START
        for buffer, size in zip(buffers, sizes, strict=True):
            self.shared[at : at + size] = buffer
            at += size
        return sizes

    async def close(self) -> None:
        self._writer.transport.abort()
        with contextlib.suppress(OSError):  # it may have broken before
            await self._writer.wait_closed()
        self.shared.close()
        self._file.close()


class WorkerPool:
    """`size` workers, each held to `limits`.

    One that neither begins a cell nor uses CPU time for `stall_s` is killed, at the latest after twice that; seconds by
    the clock.
    """

    def __init__(self, size: int, limits: Limits, stall_s: float) -> None:
        self.size = size
        self.replaced = 0
        self._stall_s = stall_s
        self._zygote = Zygote(limits)
        self._workers: set[_Worker] = set()
        self._looks: dict[_Worker, asyncio.TimerHandle] = {}  # the next one at each worker that is at work
        self._idle: asyncio.Queue[_Worker | None] = asyncio.Queue()
        self._chores: set[asyncio.Task[None]] = set()
        self._stopping = False

    @property
    def pids(self) -> list[int]:
        """The workers' process ids."""
        return [worker.pid for worker in self._workers]

    async def start(self) -> None:
        """Start the workers.

        Raises:
            ConfigurationError: they do not start.
        """
        try:
            async with asyncio.timeout(START_TIMEOUT_S):
                for _ in range(self.size):
                    self._idle.put_nowait(await self._spawn())
        except (TimeoutError, OSError) as error:
            await self.stop()
            raise ConfigurationError(f"the workers do not start: {error or 'no answer in time'}") from error

    async def stop(self) -> None:
        """End every worker, whatever it is doing."""
        self._stopping = True
        await self._zygote.stop()
        await asyncio.gather(*self._chores)  # none is long: they see that the pool stops, or their fork fails
        for worker in list(self._workers):
            await worker.close()
        self._workers.clear()
        self._idle.put_nowait(None)

    async def run(self, work: Work, buffers: Sequence[bytes | memoryview] = ()) -> Any:  # noqa: ANN401  # each kind of work has its own result
        """Do a piece of work in the next free worker, which is given `buffers` without a copy through the socket.

        Raises:
            WorkerDiedError: the worker died under it.
            StoppingError: the pool is stopping.
        """
        if self._stopping:
            raise StoppingError("the workers are stopping")
        pickled = pickle.dumps(work, protocol=5)
        worker = await self._take()
        # A task of its own: whatever becomes of the caller, the worker is given back or replaced.
        doing = asyncio.ensure_future(self._attend(worker, pickled, buffers))
        try:
            return await asyncio.shield(doing)
        except asyncio.CancelledError:
            self._later(self._wind_down(doing))
            raise

    async def _take(self) -> _Worker:
        """Wait for a free worker that lives."""
        while True:
            worker = await self._idle.get()
            if worker is None:  # the pool stopped meanwhile; the next in line is to know it, too
                self._idle.put_nowait(None)
                raise StoppingError("the workers are stopping")
            if not worker.status.done():
                return worker
            self._later(self._replace(worker))

    async def _attend(self, worker: _Worker, pickled: bytes, buffers: Sequence[bytes | memoryview]) -> object:
        """Have a worker do one job, then give it back, or see to its successor."""
        try:
            result = await self._watched(worker, worker.do(pickled, buffers))
        except (EOFError, OSError):
            raise await self._autopsy(worker) from None
        except BaseException:  # cancelled, or a result that cannot be read: what it does now is not known
            self._later(self._replace(worker))
            raise
        if worker.worn:
            self._later(self._replace(worker))
        else:
            self._idle.put_nowait(worker)
        return result

    async def _spawn(self) -> _Worker:
        birth = await self._zygote.fork()
        reader, writer = await asyncio.open_connection(sock=birth.link)
        worker = _Worker(birth, reader, writer)
        self._workers.add(worker)
        return worker

    async def _watched(self, worker: _Worker, doing: Awaitable[object]) -> object:
        self._looks[worker] = asyncio.get_running_loop().call_later(self._stall_s, self._look, worker, None)
        try:
            return await doing
        finally:
            self._looks.pop(worker).cancel()

    def _look(self, worker: _Worker, before: tuple[int, int] | None) -> None:
        """Kill a worker that began no cell and used no CPU time since the look before; else look again."""
        now = (read_progress(worker.shared)[0], _cpu_ns(worker.pid))
        if now == before:
            worker.stalled = True
            self._zygote.kill(worker.pid)
        else:
            self._looks[worker] = asyncio.get_running_loop().call_later(self._stall_s, self._look, worker, now)

    async def _wind_down(self, doing: asyncio.Future[object]) -> None:
        """End work that nobody waits for any more: what is nearly done may finish, and the worker is kept."""
        await asyncio.wait([doing], timeout=CANCEL_GRACE_S)
        doing.cancel()
        await asyncio.gather(doing, return_exceptions=True)

    async def _autopsy(self, worker: _Worker) -> WorkerDiedError:
        """See to a dead worker's successor, and find out what it died of."""
        _, cell = read_progress(worker.shared)
        self._later(self._replace(worker))
        await asyncio.wait([worker.status], timeout=STATUS_WAIT_S)
        status = worker.status.result() if worker.status.done() else None
        if worker.stalled:
            how, at_limit = f"it made no progress for {self._stall_s:g} s", True
        elif status == -signal.SIGPROF:
            how, at_limit = "it used more CPU time than it may", True
        elif status is None:
            how, at_limit = "its worker was lost", False
        else:
            ended = signal.Signals(-status).name if status < 0 else f"exit status {status}"
            how, at_limit = f"its worker died ({ended})", False
        log.warning("worker died", pid=worker.pid, how=how, cell=cell)
        return WorkerDiedError(how, cell, at_limit=at_limit)

    async def _replace(self, worker: _Worker) -> None:
        """Put a fresh worker in the place of one that is dead, worn or still busy with what nobody wants."""
        self.replaced += 1
        self._zygote.kill(worker.pid)
        self._workers.discard(worker)
        await worker.close()
        while not self._stopping:
            try:
                self._idle.put_nowait(await self._spawn())
            except OSError as error:  # no memory to fork, or the zygote died: try again rather than shrink for good
                if not self._stopping:
                    log.warning("worker not replaced yet", error=str(error))
                    await asyncio.sleep(REPLACE_RETRY_S)
            else:
                return

    def _later(self, chore: Coroutine[Any, Any, None]) -> None:
        task = asyncio.ensure_future(chore)
        self._chores.add(task)
        task.add_done_callback(self._chores.discard)


def _cpu_ns(pid: int) -> int:
    """Return a process's CPU time, nanoseconds; 0 where the system does not tell."""
    try:
        return int(Path(f"/proc/{pid}/schedstat").read_text(encoding="ascii").split()[0])
    except (OSError, IndexError):
        return 0
