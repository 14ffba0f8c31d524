"""The supervisor's end of one box: starts it, hands it runs, watches their time, and replaces it when it dies.

Theory of operation. Everything happens on the caller's event loop. A run costs one wakeup in the common case: stdin is
a sealed file in memory, stdout and stderr are files in memory that are read once the process tree is dead (a survivor
that writes later does not exist), the job goes down a socket, and the only thing awaited is the fork server's report.
Time limits are timers here, with the process's CPU clock read from outside; they decide when to kill. What the verdict
is decided from are the CPU and wall times in the report, which do not depend on how busy this loop is. A box that does
not report within a second of a kill is destroyed.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import time
from typing import TYPE_CHECKING, Any, Final

from jurist.sandbox._activity import Activity, Outcome, Stop, file_in_memory, read_whole, received
from jurist.sandbox._box import wire

if TYPE_CHECKING:
    from collections.abc import Iterable

    from jurist.sandbox._cgroup import ControlGroup
    from jurist.sandbox._standing import Launch, Standing
    from jurist.sandbox._values import Limits

CORES: Final = os.cpu_count() or 1
KILL_GRACE_S: Final = 0.5
"""From a kill to the report; then the box goes."""
SOONEST_CHECK_S: Final = 0.01
STDERR_BYTES: Final = 8_192
"""What is kept of stderr."""
UNCOUNTED_S: Final = 0.1
"""CPU time beyond what the kernel reports of a run that must be its descendants', not the fork server's."""
CROWD: Final = 8
"""Processes of one run that keep each other waiting, whatever else the machine does."""
OWN_PROCESSES: Final = 3
"""The fork server and those that wait for it: one, and one more where we are root."""


class BoxDiedError(Exception):
    """Raised when the fork server is gone; `stopped` is what its run was being killed for, if it was.

    `overflowed`: the run had written more than it might, which not every kernel forbids it.
    """

    def __init__(
        self, name: str, *, stopped: Stop | None = None, out_of_memory: bool = False, overflowed: bool = False
    ) -> None:
        super().__init__(name)
        self.stopped = stopped
        self.out_of_memory = out_of_memory
        self.overflowed = overflowed


def _close(descriptors: Iterable[int]) -> None:
    for descriptor in descriptors:
        os.close(descriptor)


def _streams(stdin: bytes) -> tuple[int, int, int]:
    """Make the files of standard input, output and error; all or none."""
    made: list[int] = []
    try:
        for name, content in (("stdin", stdin), ("stdout", None), ("stderr", None)):
            made.append(file_in_memory(name, content))
    except OSError:
        _close(made)
        raise
    return made[0], made[1], made[2]


class ForkServer:
    """One box. `start` before the first run; one run at a time.

    `counted` is the latest box's: whether its memory limit holds for all processes of a run together.
    """

    def __init__(self, name: str, launch: Launch) -> None:
        self.name = name
        self.counted = True
        self._launch = launch
        self._box: Standing | None = None
        self._control: socket.socket | None = None
        self._activity: Activity | None = None

    @property
    def ready(self) -> bool:
        """Whether a run can be handed over."""
        return self._control is not None and not self.box.spent

    @property
    def box(self) -> Standing:
        """The box as it was last started."""
        assert self._box is not None  # noqa: S101  start comes first
        return self._box

    @property
    def _group(self) -> ControlGroup | None:
        return self._box.group if self._box is not None else None

    async def start(self) -> None:
        """Build the box.

        Raises:
            SandboxUnavailableError: this host lacks something; the message says what and how to get it.
        """
        self._box = await self._launch(self.name)
        self.counted = self._box.counted
        self._control = self._box.control
        asyncio.get_running_loop().add_reader(self._control, self._on_control)

    def _on_control(self) -> None:
        assert self._control is not None  # noqa: S101  the reader is removed with the socket
        try:
            packet = self._control.recv(wire.PACKET_BYTES)
        except BlockingIOError:
            return
        except OSError:
            packet = b""
        activity = self._activity
        if not packet:
            self._destroy()
        elif activity is not None and not activity.report.done():
            activity.report.set_result(packet)

    def _destroy(self) -> None:
        """Kill the box, run and all, at once; `start` makes a new one."""
        if self._control is not None:
            asyncio.get_running_loop().remove_reader(self._control)
            self._control.close()
            self._control = None
        if self._box is not None:
            self._box.kill()
        if self._activity is not None and not self._activity.report.done():
            activity = self._activity
            written = max(os.fstat(stream).st_size for stream in activity.streams[1:])
            dead = BoxDiedError(
                self.name,
                stopped=activity.stopped,
                out_of_memory=self._out_of_memory_since(activity.kills),
                overflowed=written > activity.limits.output_bytes,
            )
            activity.report.set_exception(dead)

    async def stop(self) -> None:
        """Kill the box and wait until nothing of it is left."""
        self._destroy()
        box, self._box = self._box, None
        if box is not None:
            await box.gone()

    def kill(self, reason: Stop) -> None:
        """Kill the run in progress, if there is one."""
        activity = self._activity
        if activity is None or activity.stopped is not None or activity.report.done():
            return
        if reason is Stop.WALL and not (self._group and self._group.processes() > OWN_PROCESSES + CROWD):
            # What a process waited for its own descendants is its own doing.
            activity.look_at_waiting(self._tree_cpu_s(activity.group_cpu_s) - activity.cpu_s())
        activity.stopped = reason
        if self._control is not None:
            with contextlib.suppress(OSError):
                self._control.send(wire.KILL)
        activity.timer = asyncio.get_running_loop().call_later(KILL_GRACE_S, self._destroy)

    def _check(self) -> None:
        """Kill the run if its time is over, else come again when it may be."""
        activity = self._activity
        if activity is None or activity.report.done() or activity.stopped is not None:
            return
        wall_left = activity.limits.wall_s - (time.monotonic() - activity.started)
        cpu_left = activity.limits.cpu_s - self._case_cpu_s(activity)
        if cpu_left <= 0:
            self.kill(Stop.CPU)
        elif wall_left <= 0:
            self.kill(Stop.WALL)
        else:
            self._check_later(activity, min(wall_left, cpu_left / CORES))

    def _case_cpu_s(self, activity: Activity) -> float:
        own_s = activity.cpu_s() - activity.started_cpu_s
        return max(own_s, self._tree_cpu_s(activity.case_group_cpu_s))

    def _tree_cpu_s(self, since_s: float) -> float:
        """Give the CPU time of all processes since the group's clock showed `since_s`; 0.0 where nobody counts it."""
        return self._group.cpu_s() - since_s if self._group else 0.0

    def _check_later(self, activity: Activity, delay_s: float) -> None:
        loop = asyncio.get_running_loop()
        activity.timer = loop.call_later(max(delay_s, SOONEST_CHECK_S), self._check)

    def restart_clock(self) -> None:
        """Begin a new case in the same run: its limits count from now."""
        activity = self._activity
        if activity is None or activity.stopped is not None:
            return
        if activity.timer is not None:
            activity.timer.cancel()
        activity.started, activity.started_cpu_s = time.monotonic(), activity.cpu_s()
        activity.case_group_cpu_s = self._tree_cpu_s(0.0)
        self._check_later(activity, min(activity.limits.wall_s, activity.limits.cpu_s / CORES))

    def cpu_s(self) -> float:
        """Give the CPU seconds that the box has used since it started; 0.0 where nobody counts."""
        return self._tree_cpu_s(0.0)

    def clocks(self) -> tuple[float, float]:
        """CPU and wall seconds of the case in progress."""
        activity = self._activity
        if activity is None:
            return 0.0, 0.0
        return max(activity.cpu_s() - activity.started_cpu_s, 0.0), time.monotonic() - activity.started

    async def begin(
        self,
        job: dict[str, Any],
        limits: Limits,
        *,
        stdin: bytes = b"",
        pipes: tuple[int, int] | None = None,
        peer: int | None = None,
    ) -> None:
        """Hand over a run; `pipes` are its standard input and output, if those are no files; `peer` its descriptor 4.

        Raises:
            BoxDiedError: the box is gone.
            OSError: this process has no descriptors or memory left; nothing has begun.
        """
        if self._control is None:
            raise BoxDiedError(self.name)
        await self.box.limit(limits.memory_bytes + limits.output_bytes, limits.processes + OWN_PROCESSES)
        streams = _streams(stdin)
        try:
            ours, theirs = socket.socketpair()
        except OSError:
            _close(streams)
            raise
        ours.setblocking(False)  # noqa: FBT003  socket's own
        if self.box.pids_shown:
            ours.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
        loop = asyncio.get_running_loop()
        group_cpu_s = self._tree_cpu_s(0.0)
        self._activity = Activity(
            channel=ours,
            streams=streams,
            limits=limits,
            report=loop.create_future(),
            started=time.monotonic(),
            kills=self._group.kills() if self._group else 0,
            group_cpu_s=group_cpu_s,
            case_group_cpu_s=group_cpu_s,
        )
        descriptors = [*(pipes or streams[:2]), streams[2], theirs.fileno(), *([] if peer is None else [peer])]
        with theirs:
            self._check_later(self._activity, min(limits.wall_s, limits.cpu_s / CORES))
            try:
                socket.send_fds(self._control, [wire.RUN], descriptors)
            except OSError:
                self._destroy()  # which the run's end tells
                return
            # A run that ended before it had read its job reports all the same.
            with contextlib.suppress(OSError):
                await loop.sock_sendall(ours, wire.plain(job))

    async def asked(self, peer: int, word: bytes) -> bytes | None:
        """Send a word and a descriptor to a run that stands, and give its answer; None where it died first.

        The limits of the run hold for each answer; between two the clock stands still.
        """
        activity = self._activity
        assert activity is not None  # noqa: S101  begin comes first
        loop = asyncio.get_running_loop()
        if not activity.conversing:
            activity.conversing = True
            activity.note += await loop.sock_recv(activity.channel, len(wire.READY))
        self.restart_clock()
        try:
            with contextlib.suppress(OSError):  # what it said before it died can still be read
                socket.send_fds(activity.channel, [word], [peer])
            (length,) = wire.LENGTH.unpack(await received(activity.channel, wire.LENGTH.size))
            if length <= wire.PACKET_BYTES:
                return await received(activity.channel, length)
            self.kill(Stop.CANCELLED)
            return None  # noqa: TRY300  the other way out is above
        except (EOFError, OSError):
            return None
        finally:
            if activity.timer is not None and activity.stopped is None:
                activity.timer.cancel()

    async def ended(self) -> Outcome:
        """Wait for the run's end.

        Raises:
            BoxDiedError: the box went with it.
        """
        activity = self._activity
        assert activity is not None  # noqa: S101  begin comes first
        try:
            packet = await activity.report
            return self._outcome(activity, packet)
        finally:
            if activity.timer is not None:
                activity.timer.cancel()
            self._activity = None
            activity.channel.close()
            _close(activity.streams)

    async def abandoned(self) -> None:
        """Wait until a run that has been killed is gone, if one has begun; whatever became of it."""
        if self._activity is not None:
            with contextlib.suppress(BoxDiedError):
                await self.ended()

    def _outcome(self, activity: Activity, packet: bytes) -> Outcome:
        activity.read_note()
        if len(packet) != wire.REPORT.size:
            status, cpu_s, wall_s, resident_bytes = 0, 0.0, 0.0, 0
            activity.note = wire.NOT_STARTED + packet
        else:
            status, cpu_s, wall_s, resident_bytes = wire.REPORT.unpack(packet)
        # Those that died with the run's first process are in nobody's resource usage.
        tree_cpu_s = self._tree_cpu_s(activity.group_cpu_s)
        if tree_cpu_s > cpu_s + UNCOUNTED_S:
            cpu_s = tree_cpu_s
        told = activity.note[1 : 1 + len(wire.ENDED) + wire.STATUS.size]
        if activity.note[:1] == wire.READY and told[:1] == wire.ENDED and status == 0:
            status, resident_bytes = wire.STATUS.unpack(told[1:])
        most = activity.limits.output_bytes
        stdout, stdout_bytes = read_whole(activity.streams[1], most)
        stderr, stderr_bytes = read_whole(activity.streams[2], STDERR_BYTES)
        return Outcome(
            status=status,
            cpu_s=cpu_s,
            wall_s=wall_s,
            resident_bytes=resident_bytes,
            peak_bytes=self._group.peak_bytes() if self._group else 0,
            stdout=stdout,
            stdout_bytes=stdout_bytes,
            stderr=stderr,
            stderr_bytes=stderr_bytes,
            note=activity.note,
            stopped=activity.stopped,
            out_of_memory=status != 0 and self._out_of_memory_since(activity.kills),
            waited_s=activity.waited_s,
        )

    def _out_of_memory_since(self, kills_before: int) -> bool:
        """Whether the kernel has killed for want of memory since."""
        return self._group is not None and self._group.kills() > kills_before
