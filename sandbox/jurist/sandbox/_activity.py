"""One run in progress and its outcome, as the supervisor sees them from outside."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
import socket
import struct
import time
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Final

from jurist.sandbox._box import wire

if TYPE_CHECKING:
    from jurist.sandbox._values import Limits

_CREDENTIALS = struct.Struct("3i")
_CLOCK_OF_PROCESS: Final = 2
"""CPUCLOCK_SCHED of linux/posix-timers.h: a process's CPU clock is (~pid << 3) | 2."""


class Stop(StrEnum):
    """Why the supervisor killed a run."""

    CPU = "cpu"
    WALL = "wall"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """A run as seen from outside; `note` is what the run's own process said before the program's first instruction."""

    status: int
    cpu_s: float
    wall_s: float
    resident_bytes: int
    peak_bytes: int
    stdout: bytes
    stdout_bytes: int
    stderr: bytes
    stderr_bytes: int
    note: bytes
    stopped: Stop | None
    out_of_memory: bool
    waited_s: float
    """Time that the process was ready and no core was free, as far as it was looked at."""


def file_in_memory(name: str, content: bytes | None = None, *, sealed: bool = True) -> int:
    """Make a file in memory; one with content can be read alone if it is sealed."""
    descriptor = os.memfd_create(name, os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    try:
        wire.write_all(descriptor, content or b"")
    except OSError:
        os.close(descriptor)
        raise
    if content is None or not sealed:
        # Two writers must not overwrite each other, as they would not in a pipe.
        fcntl.fcntl(descriptor, fcntl.F_SETFL, os.O_APPEND)
        return descriptor
    os.lseek(descriptor, 0, os.SEEK_SET)
    fcntl.fcntl(descriptor, fcntl.F_ADD_SEALS, fcntl.F_SEAL_WRITE | fcntl.F_SEAL_GROW | fcntl.F_SEAL_SHRINK)
    return descriptor


def read_whole(descriptor: int, most: int) -> tuple[bytes, int]:
    size = os.fstat(descriptor).st_size
    parts: list[bytes] = []
    offset = 0
    while offset < min(size, most):
        part = os.pread(descriptor, min(size, most) - offset, offset)
        if not part:
            break
        parts.append(part)
        offset += len(part)
    return b"".join(parts), size


@dataclass(slots=True)
class Activity:
    """A run in progress."""

    channel: socket.socket
    streams: tuple[int, int, int]
    limits: Limits
    report: asyncio.Future[bytes]
    started: float
    kills: int
    group_cpu_s: float = 0.0
    case_group_cpu_s: float = 0.0
    """The group's CPU clock when the run, and when its present case, began."""
    note: bytes = b""
    pid: int = 0
    stopped: Stop | None = None
    started_cpu_s: float = 0.0
    timer: asyncio.TimerHandle | None = None
    waited_s: float = 0.0
    conversing: bool = False
    """The channel carries more than a note, and is read elsewhere."""

    def read_note(self) -> None:
        """Read what the run's process has said so far, and learn its pid from the kernel."""
        while True:
            try:
                data, ancillary, _, _ = self.channel.recvmsg(wire.PACKET_BYTES, 128, socket.MSG_DONTWAIT)
            except (BlockingIOError, ConnectionError):
                return
            if not data:
                return
            for level, kind, content in ancillary:
                if level == socket.SOL_SOCKET and kind == socket.SCM_CREDENTIALS:
                    self.pid = _CREDENTIALS.unpack(content)[0]
            self.note += data

    def cpu_s(self) -> float:
        """Read the main process's CPU clock; 0.0 while its pid is not known or once it is gone."""
        if not (self.pid or self.conversing):
            self.read_note()
        if not self.pid:
            return 0.0
        try:
            return time.clock_gettime((~self.pid << 3) | _CLOCK_OF_PROCESS)
        except OSError:
            return 0.0

    def look_at_waiting(self, others_cpu_s: float) -> None:
        """Note how long the process has waited for a core beyond `others_cpu_s`; 0 where the kernel does not say."""
        with contextlib.suppress(OSError, IndexError, ValueError):
            waited_s = int(Path(f"/proc/{self.pid}/schedstat").read_text().split()[1]) / 1e9
            self.waited_s = max(waited_s - max(others_cpu_s, 0.0), 0.0)


async def received(channel: socket.socket, count: int) -> bytes:
    """Read so many bytes without blocking the loop.

    Raises:
        EOFError: the other side closed before.
    """
    loop = asyncio.get_running_loop()
    parts = bytearray()
    while len(parts) < count:
        part = await loop.sock_recv(channel, min(count - len(parts), 1 << 20))
        if not part:
            raise EOFError
        parts += part
    return bytes(parts)
