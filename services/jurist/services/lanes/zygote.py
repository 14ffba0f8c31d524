"""The process that workers are forked from: everything is imported once, a new worker costs a fork.

It speaks over one socket of whole packets (SOCK_SEQPACKET), JSON each. In: `["fork", limits]` with a worker's socket
and shared memory as descriptors, and `["kill", pid]`.
Out: `["born", pid]` or `["failed", errno]` for each fork, in order, and `["died", pid,
status]` as workers end. Only it signals workers: a pid is certain to be theirs until it has been reaped here. When the
socket closes it exits, and the kernel kills its workers. It is started fresh, not forked, so that it never holds a lock
or a thread of the server.

multiprocessing's forkserver was not fit: it imports the parent's `__main__` (the command line with gRPC) into every
worker.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import json
import os
import select
import signal
import socket
import subprocess
import sys
import tempfile
import traceback
from typing import BinaryIO, NamedTuple, cast

from jurist.services.allocator import keep_freed_memory
from jurist.services.lanes import worker

__all__ = ["Birth", "Zygote", "main"]

PACKET_BYTES = 4096
KILL_RETRY_S = 0.05
BOOT = (
    "import json, sys; sys.path[:] = json.loads(sys.argv[1]); "
    "from jurist.services.lanes.zygote import main; main(int(sys.argv[2]))"
)


class Birth(NamedTuple):
    """A new worker: its process, our end of its socket, the memory we share, and its exit status to come.

    The status is negative for a signal, None when the zygote died first.
    """

    pid: int
    link: socket.socket
    shared: BinaryIO
    status: asyncio.Future[int | None]


class Zygote:
    """The server's end. Starts the process when a worker is wanted and there is none."""

    def __init__(self, limits: worker.Limits) -> None:
        self._limits = limits
        self._process: subprocess.Popen[bytes] | None = None
        self._control: socket.socket | None = None
        self._born: asyncio.Future[int] | None = None
        self._deaths: dict[int, asyncio.Future[int | None]] = {}
        self._stopped = False
        self._reaping: list[asyncio.Future[int]] = []
        self._forking = asyncio.Lock()  # births are told in the order of the forks: one at a time

    async def fork(self) -> Birth:
        """Fork a worker.

        Raises:
            OSError: the zygote cannot be started, or died of it.
        """
        async with self._forking:
            if self._stopped:
                raise ConnectionResetError("it was stopped")
            loop = asyncio.get_running_loop()
            control = self._control or self._start(loop)
            with contextlib.ExitStack() as undo:
                ours, theirs = socket.socketpair()
                undo.enter_context(ours)
                shared = undo.enter_context(_shared_file())
                with theirs:
                    self._born = loop.create_future()
                    request = json.dumps(["fork", self._limits]).encode()
                    socket.send_fds(control, [request], [theirs.fileno(), shared.fileno()])
                    pid = await self._born
                undo.pop_all()
            ours.setblocking(False)  # noqa: FBT003  # its name says it
            self._deaths[pid] = status = loop.create_future()
            return Birth(pid, ours, shared, status)

    def kill(self, pid: int) -> None:
        """Kill a worker; nothing when it is dead already."""
        if self._control is None:
            return
        try:
            self._control.send(json.dumps(["kill", pid]).encode())
        except BlockingIOError:  # its socket is full: it will read on
            asyncio.get_running_loop().call_later(KILL_RETRY_S, self.kill, pid)
        except OSError:
            pass  # it is gone, and the worker with it

    async def stop(self) -> None:
        """End the zygote and with it every worker."""
        self._stopped = True
        self._lost()
        await asyncio.gather(*self._reaping)

    def _start(self, loop: asyncio.AbstractEventLoop) -> socket.socket:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            self._process = subprocess.Popen(  # noqa: S603  # our own interpreter and text
                [sys.executable, "-c", BOOT, json.dumps(sys.path), str(theirs.fileno())], pass_fds=[theirs.fileno()]
            )
        ours.setblocking(False)  # noqa: FBT003
        loop.add_reader(ours, self._listen)
        self._control = ours
        return ours

    def _listen(self) -> None:
        assert self._control is not None  # noqa: S101  # the reader is removed when it is closed
        try:
            packet = self._control.recv(PACKET_BYTES)
        except BlockingIOError:
            return
        except ConnectionError:
            packet = b""
        match json.loads(packet or "null"):
            case ["born", pid] if self._born is not None and not self._born.done():
                self._born.set_result(pid)
            case ["failed", number] if self._born is not None and not self._born.done():
                self._born.set_exception(OSError(number, os.strerror(number)))
            case ["died", pid, status] if pid in self._deaths:
                self._deaths.pop(pid).set_result(status)
            case None:  # its end of the socket is closed
                self._lost()
            case _:  # of a worker that nobody waits for any more
                pass

    def _lost(self) -> None:
        """Forget a zygote that is gone: its workers die with it, the next fork starts another."""
        if self._control is not None:
            asyncio.get_running_loop().remove_reader(self._control)
            self._control.close()
            self._control = None
        if self._process is not None:  # it has ended, or ends now that its socket is closed
            self._reaping.append(asyncio.ensure_future(asyncio.to_thread(self._process.wait)))
            self._process = None
        if self._born is not None and not self._born.done():
            self._born.set_exception(ConnectionResetError("the process that forks workers died"))
        for status in self._deaths.values():
            status.set_result(None)
        self._deaths.clear()


def _shared_file() -> BinaryIO:
    """Return memory as a file, where the system has such a thing; a worker's progress fits in it."""
    if hasattr(os, "memfd_create"):
        file = cast("BinaryIO", os.fdopen(os.memfd_create("jurist-worker"), "r+b", buffering=0))
    else:
        file = cast("BinaryIO", tempfile.TemporaryFile(buffering=0))  # noqa: SIM115  # the pool closes it
    file.truncate(worker.ARENA_START)
    return file


def main(control_file: int) -> None:
    """Fork workers on request until the control socket closes."""
    control = socket.socket(fileno=control_file)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)  # a terminal's Ctrl-C is the server's business
    wake_read, wake_write = os.pipe()
    os.set_blocking(wake_read, False)
    os.set_blocking(wake_write, False)
    signal.signal(signal.SIGCHLD, _noted)
    signal.set_wakeup_fd(wake_write, warn_on_full_buffer=False)
    keep_freed_memory()
    _import_all()
    gc.collect()
    gc.freeze()
    children: set[int] = set()
    with contextlib.suppress(ConnectionError):  # the server went while it was told something
        while _attend(control, wake_read, children):
            pass


def _attend(control: socket.socket, wake_read: int, children: set[int]) -> bool:
    """Wait for the next thing and see to it; False when the server is gone."""
    ready, _, _ = select.select([control.fileno(), wake_read], [], [])
    if wake_read in ready:
        os.read(wake_read, PACKET_BYTES)
        _report_dead(control, children)
    if control.fileno() in ready:
        packet, files, _, _ = socket.recv_fds(control, PACKET_BYTES, 2)
        match json.loads(packet or "null"):
            case ["fork", limits]:
                try:
                    children.add(pid := _fork(control, files, worker.Limits(*limits)))
                    control.send(json.dumps(["born", pid]).encode())
                except OSError as error:  # no memory or no process to be had; the other workers go on
                    control.send(json.dumps(["failed", error.errno]).encode())
            case ["kill", pid] if pid in children:
                os.kill(pid, signal.SIGKILL)
            case None:
                return False
            case _:  # to kill what is dead already
                pass
    return True


def _close(files: list[int]) -> None:
    for file in files:
        os.close(file)


def _noted(_: int, __: object) -> None:
    """Let a child's end write to the wake-up pipe; what needs doing is done in the loop."""


def _fork(control: socket.socket, files: list[int], limits: worker.Limits) -> int:
    try:
        pid = os.fork()
    except OSError:
        _close(files)
        raise
    if pid:
        _close(files)
        return pid
    status = 1
    try:  # the worker: it must never return into the zygote's loop
        control.close()
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        with socket.socket(fileno=files[0]) as link, contextlib.suppress(ConnectionError):
            worker.serve(link, files[1], limits)
            status = 0
    except BaseException:  # noqa: BLE001  # told, then the process ends whatever it was
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(status)


def _report_dead(control: socket.socket, children: set[int]) -> None:
    while children:
        pid, status = os.waitpid(-1, os.WNOHANG)
        if pid == 0:
            return
        children.discard(pid)
        control.send(json.dumps(["died", pid, os.waitstatus_to_exitcode(status)]).encode())


# One text a script: the first verdict of a kind loads tables (a second of CPU time for all Latin languages), which are
# loaded here once, shared by all workers, and on no rollout's account.
WARMING = (
    ("en", "<think>the sum of these numbers</think> <answer>1/2</answer>"),
    ("ru", "<think>сумма этих чисел</think> <answer>1/2</answer>"),
    ("zh", "<think>这些数的和</think> <answer>1/2</answer>"),
    ("ja", "<think>これらの数の和です</think> <answer>1/2</answer>"),
    ("ar", "<think>مجموع هذه الأعداد</think> <answer>1/2</answer>"),
)


def _import_all() -> None:
    """Load every verifier, and what its first verdict needs."""
    from jurist import verifiers  # noqa: PLC0415  # costs a second; the server's own process never needs them

    for name in verifiers.names():
        with contextlib.suppress(Exception):  # a broken plugin is told where it is named, not here
            found = verifiers.load(name)
            if not found.__module__.startswith("jurist.verifiers."):
                continue  # another package's may take its time; only ours are known not to
            for language, text in WARMING:
                task = verifiers.Task(answers=("1/2",), choices=("1/2", "2"), language=language)
                sample, verifier = verifiers.Sample(task=task, completion=text), found()
                if isinstance(verifier, verifiers.GroupVerifier):
                    verifier.verdicts([sample])
                else:
                    verifier.verdict(sample)
    with contextlib.suppress(Exception):  # SymPy and its LaTeX reader
        verifiers.decide_equality(verifiers.Equality(reference="x + 1", answer="1 + x"))
