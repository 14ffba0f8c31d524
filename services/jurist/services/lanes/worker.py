"""One worker: reads work from a socket, does it, writes the result; one thread, no event loop.

Large buffers of the work (the groups' texts) do not travel through the socket: the pool writes them once into memory
that both map, behind the worker's progress, and they are parsed where they lie. At 16 kB a rollout that took a fifth
off the front's CPU time.

Three bounds hold it. A timer of CPU time (`ITIMER_PROF`), wound for each cell or shortly before it, ends the process
by SIGPROF's default action, which no code can catch or delay. `RLIMIT_AS` turns a greedy allocation into a MemoryError.
And when the process that started it dies, the kernel kills it.
"""

from __future__ import annotations

import ctypes
import gc
import io
import mmap
import os
import pickle
import resource
import signal
import struct
import sys
from contextlib import ExitStack, contextmanager
from itertools import accumulate, pairwise
from time import monotonic
from typing import TYPE_CHECKING, NamedTuple

from jurist.services.judge import Cell

if TYPE_CHECKING:
    import socket
    from collections.abc import Generator, Sequence

    from jurist.services.judge import Work

__all__ = ["ARENA_START", "HEADER", "Limits", "read_progress", "serve"]

HEADER = struct.Struct("!Q")  # a message's length in bytes goes before it
_PROGRESS = struct.Struct("=qqqq")  # how often it was told, then the cell; group is -1 between jobs
ARENA_START = 64  # where buffers begin in the shared memory; before it, the progress
_PR_SET_PDEATHSIG = 1  # linux/prctl.h
RECV_BYTES = 1 << 20
SLACK = 0.05  # of a limit on CPU time


class Limits(NamedTuple):
    """What one worker may use: CPU seconds a cell, bytes of memory, bytes after which it is replaced when idle."""

    cell_cpu_s: float
    memory_bytes: int
    recycle_bytes: int


class _Arena:
    """The shared memory as a worker reads it. Mapped anew only when it grew: a mapping is faulted in page by page."""

    def __init__(self, file: int) -> None:
        self._file = file
        self._mapped = mmap.mmap(file, 0, access=mmap.ACCESS_READ)

    @contextmanager
    def buffers(self, sizes: Sequence[int]) -> Generator[list[memoryview]]:
        """Lend the buffers of a job, one after the other."""
        ends = list(accumulate(sizes, initial=ARENA_START))
        if ends[-1] > len(self._mapped):
            self._mapped.close()
            self._mapped = mmap.mmap(self._file, 0, access=mmap.ACCESS_READ)
        with ExitStack() as views:
            # Of bytes; pyright cannot tell what a mapped file holds.
            view: memoryview[int] = views.enter_context(memoryview(self._mapped))  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]
            yield [views.enter_context(view[start:end]) for start, end in pairwise(ends)]


class _Progress:
    """Shares the current cell with the pool, and winds the CPU timer.

    Winding it takes a third as long as judging a short completion, so it is wound for a little more than a cell may
    take, and again only when that little may be over: a cell has its limit, and at most `SLACK` of it more.
    """

    def __init__(self, shared: mmap.mmap, cpu_s: float) -> None:
        self._shared = shared
        self._cpu_s = cpu_s
        self._steps = 0
        self._wound_s = self._enough_until = 0.0

    def at(self, cell: Cell, cpu_s: float | None = None) -> None:
        self._steps += 1
        _PROGRESS.pack_into(self._shared, 0, self._steps, *cell)
        now, limit_s = monotonic(), cpu_s or self._cpu_s  # CPU time runs no faster: verifiers have one thread
        if limit_s != self._wound_s or now > self._enough_until:
            self._wound_s, self._enough_until = limit_s, now + SLACK * limit_s
            signal.setitimer(signal.ITIMER_PROF, (1 + SLACK) * limit_s)

    def rest(self) -> None:
        signal.setitimer(signal.ITIMER_PROF, 0)
        self._wound_s = 0.0
        _PROGRESS.pack_into(self._shared, 0, self._steps, -1, 0, 0)


def read_progress(shared: mmap.mmap) -> tuple[int, Cell | None]:
    """Return how many steps a worker has begun, and the cell it is in, None between jobs."""
    steps, group, row, term = _PROGRESS.unpack_from(shared, 0)
    return steps, None if group < 0 else Cell(group, row, term)


def serve(link: socket.socket, shared_file: int, limits: Limits) -> None:
    """Do one piece of work after the other until the link closes.

    A job is the sizes of its buffers and the work, pickled one after the other; the buffers lie in the shared file.
    """
    _die_with_parent()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)  # a terminal's Ctrl-C is the server's business: it drains
    signal.signal(signal.SIGPROF, signal.SIG_DFL)
    resource.setrlimit(resource.RLIMIT_AS, (limits.memory_bytes, limits.memory_bytes))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    gc.freeze()  # what was imported before the fork stays shared with the other workers
    progress = _Progress(mmap.mmap(shared_file, ARENA_START), limits.cell_cpu_s)
    progress.rest()
    arena = _Arena(shared_file)
    while (job := _receive(link)) is not None:
        reply = pickle.dumps((_do(job, arena, progress), _resident_bytes() > limits.recycle_bytes), protocol=5)
        link.sendall(HEADER.pack(len(reply)) + reply)


def _do(job: bytearray, arena: _Arena, progress: _Progress) -> object:
    stream = io.BytesIO(job)
    sizes: list[int] = pickle.load(stream)  # noqa: S301  # from the process that started this one, over its socket
    work: Work = pickle.load(stream)  # noqa: S301
    with arena.buffers(sizes) as buffers:
        result = work.run(progress, buffers)
    progress.rest()
    return result


def _receive(link: socket.socket) -> bytearray | None:
    head = _exactly(link, HEADER.size)
    return None if head is None else _exactly(link, HEADER.unpack(head)[0])


def _exactly(link: socket.socket, size: int) -> bytearray | None:
    data = bytearray(size)
    view, got = memoryview(data), 0
    while got < size:
        count = link.recv_into(view[got : got + RECV_BYTES])
        if not count:
            return None
        got += count
    return data


def _die_with_parent() -> None:
    if sys.platform == "linux":
        parent = os.getppid()
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:  # it died before the kernel was told
            os._exit(1)


def _resident_bytes() -> int:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss  # KiB on Linux, bytes on macOS
    return peak * 1024 if sys.platform == "linux" else peak
