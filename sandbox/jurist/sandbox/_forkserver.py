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
import json
import os
import secrets
import shutil
import socket
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any, Final

from jurist.sandbox import _cgroup
from jurist.sandbox._activity import Activity, Outcome, Stop, file_in_memory, read_whole, received
from jurist.sandbox._box import wire
from jurist.sandbox._doctor import explained
from jurist.sandbox._host import SYSTEM_PATHS, Options, first_user, source_root
from jurist.sandbox._values import Isolation, Limits, SandboxUnavailableError

START_S: Final = 30.0
"""For an interpreter to start and build its box; 0.2 s when nothing else runs."""
KILL_GRACE_S: Final = 1.0
"""From a kill to the report; then the box goes."""
SOONEST_CHECK_S: Final = 0.01
STDERR_BYTES: Final = 8_192
"""What is kept of stderr."""
UNCOUNTED_S: Final = 0.1
"""CPU time beyond what the kernel reports of a run that must be its descendants', not the fork server's."""
OWN_PROCESSES: Final = 3
"""The fork server and those that wait for it: one, and one more where we are root."""


class BoxDiedError(Exception):
    """Raised when the fork server is gone; `stopped` is what its run was being killed for, if it was."""

    def __init__(self, name: str, *, stopped: Stop | None = None, out_of_memory: bool = False) -> None:
        super().__init__(name)
        self.stopped = stopped
        self.out_of_memory = out_of_memory


class ForkServer:
    """One box. `start` before the first run; one run at a time."""

    def __init__(self, name: str, options: Options) -> None:
        self.name = name
        self.isolation = Isolation.NAMESPACES_AND_CGROUP
        self._options = options
        self._group: _cgroup.ControlGroup | None = None
        self._keeper: subprocess.Popen[bytes] | None = None
        self._control: socket.socket | None = None
        self._activity: Activity | None = None

    @property
    def alive(self) -> bool:
        """Whether a run can be handed over."""
        return self._control is not None

    async def start(self) -> None:
        """Build the box.

        Raises:
            SandboxUnavailableError: this host lacks something; the message says what and how to get it.
        """
        try:
            self._group = _cgroup.make(f"{self.name}-{secrets.token_hex(4)}", self._options.cores)
        except SandboxUnavailableError:
            if not self._options.weaker:
                raise
            self.isolation = Isolation.NAMESPACES
        root = tempfile.mkdtemp(prefix="jurist-box-")
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        loop = asyncio.get_running_loop()
        try:
            self._keeper = self._launched(theirs)
            theirs.close()  # so that its death shows as the end of what it says
            ours.setblocking(False)  # noqa: FBT003  socket's own
            await loop.sock_sendall(ours, json.dumps(self._configuration(root)).encode())
            answer = await asyncio.wait_for(loop.sock_recv(ours, wire.PACKET_BYTES), START_S)
        except (TimeoutError, OSError) as error:
            answer = wire.FAILED + str(error).encode()
        finally:
            theirs.close()
            shutil.rmtree(root, ignore_errors=True)
        if answer[:1] != wire.SERVING:
            ours.close()
            await self.stop()
            raise SandboxUnavailableError(explained(answer[1:].decode(errors="replace")))
        self._control = ours
        loop.add_reader(ours, self._on_control)
        if self._group is not None:
            self._group.measure_baseline()

    def _launched(self, control: socket.socket) -> subprocess.Popen[bytes]:
        # Appended: what is beside us in site-packages must not shadow the standard library.
        code = f"import sys; sys.path.append({source_root()!r}); from jurist.sandbox._box import launch; launch.main()"
        return subprocess.Popen(  # noqa: S603  our own interpreter
            [self._options.python, "-s", "-S", "-P", "-B", "-X", "utf8", "-c", code, str(control.fileno())],
            pass_fds=[control.fileno()],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd="/",
            start_new_session=True,
            # Hashes must not differ from run to run: the same program gets the same verdict.
            env={"PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": "/tmp", "LANG": "C.UTF-8", "PYTHONHASHSEED": "0"},  # noqa: S108
        )

    def _configuration(self, root: str) -> dict[str, object]:
        ours = source_root()
        prefix = str(Path(self._options.python).resolve().parent.parent)
        return {
            "cgroups": list(self._group.directories) if self._group else [],
            "root": root,
            "readable": [
                *SYSTEM_PATHS,
                *self._options.readable,
                *self._options.packages,
                prefix,
                f"{ours}/jurist/sandbox",
            ],
            "first_user": first_user(),
            "hidden": [ours],
            "packages": list(self._options.packages),
        }

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
        if self._keeper is not None:
            self._keeper.kill()
        if self._activity is not None and not self._activity.report.done():
            activity = self._activity
            dead = BoxDiedError(
                self.name, stopped=activity.stopped, out_of_memory=self._out_of_memory_since(activity.kills)
            )
            activity.report.set_exception(dead)

    async def stop(self) -> None:
        """Kill the box and wait until nothing of it is left."""
        self._destroy()
        if self._keeper is not None:
            await asyncio.to_thread(self._keeper.wait)
            self._keeper = None
        group, self._group = self._group, None
        if group is not None:
            group.close()
            for _ in range(200):
                if group.remove():
                    return
                await asyncio.sleep(0.01)

    def kill(self, reason: Stop) -> None:
        """Kill the run in progress, if there is one."""
        activity = self._activity
        if activity is None or activity.stopped is not None or activity.report.done():
            return
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
            self._check_later(activity, min(wall_left, cpu_left / (os.cpu_count() or 1)))

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
        self._check_later(activity, min(activity.limits.wall_s, activity.limits.cpu_s / (os.cpu_count() or 1)))

    def cpu_s(self) -> float:
        """Give the CPU seconds that the box has used since it started; 0.0 where nobody counts."""
        return self._tree_cpu_s(0.0)

    def clocks(self) -> tuple[float, float]:
        """CPU and wall seconds of the case in progress."""
        activity = self._activity
        if activity is None:
            return 0.0, 0.0
        return max(activity.cpu_s() - activity.started_cpu_s, 0.0), time.monotonic() - activity.started

    async def begin(self, job: dict[str, Any], limits: Limits, *, stdin: bytes = b"", peer: int | None = None) -> None:
        """Hand over a run; `peer` becomes its descriptor 4.

        Raises:
            BoxDiedError: the box is gone.
        """
        if self._control is None:
            raise BoxDiedError(self.name)
        if self._group is not None:
            self._group.limit(limits.memory_bytes + limits.output_bytes, limits.processes + OWN_PROCESSES)
        streams = (file_in_memory("stdin", stdin), file_in_memory("stdout"), file_in_memory("stderr"))
        ours, theirs = socket.socketpair()
        ours.setblocking(False)  # noqa: FBT003  socket's own
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
        descriptors = [*streams, theirs.fileno(), *([] if peer is None else [peer])]
        try:
            socket.send_fds(self._control, [wire.RUN], descriptors)
            self._check_later(self._activity, min(limits.wall_s, limits.cpu_s / (os.cpu_count() or 1)))
            await loop.sock_sendall(ours, wire.packed(job))
        except OSError:
            # A run that ended before it had read its job reports all the same; a box that is gone shows itself there.
            pass
        finally:
            theirs.close()

    async def asked(self, peer: int) -> bytes | None:
        """Send a descriptor to a run that stands, and give its answer; None where it died first.

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
                socket.send_fds(activity.channel, [wire.RUN], [peer])
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
            for descriptor in activity.streams:
                os.close(descriptor)

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
