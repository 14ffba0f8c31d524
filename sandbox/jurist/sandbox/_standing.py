"""Where a box stands: what starts it, counts what it uses, and removes it. Here: as a process of this host's."""

from __future__ import annotations

import asyncio
import contextlib
import json
import secrets
import socket
import subprocess
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Final, Protocol

from jurist.sandbox import _cgroup
from jurist.sandbox._box import wire
from jurist.sandbox._doctor import explained
from jurist.sandbox._host import SYSTEM_PATHS, Options, first_user, source_root
from jurist.sandbox._values import Isolation, SandboxUnavailableError

START_S: Final = 30.0
"""For an interpreter to start and build its box; 0.2 s when nothing else runs."""
REMOVAL_S: Final = 2.0
"""For the kernel to let go of a killed box's control group."""
ENVIRONMENT: Final = {
    "PATH": "/usr/local/bin:/usr/bin:/bin",
    "HOME": "/tmp",  # noqa: S108  the run's own
    "LANG": "C.UTF-8",
    # Hashes must not differ from run to run: the same program gets the same verdict.
    "PYTHONHASHSEED": "0",
}
INTERPRETER_FLAGS: Final = ("-s", "-P", "-B", "-X", "utf8")


def importing(source: str) -> str:
    """Give the statements after which a box's interpreter finds what it runs, and imports nothing else of ours."""
    # Appended: what is beside us in site-packages must not shadow the standard library. The package's own module, with
    # the values that callers know, is passed by: it would be in the memory that the kernel copies for every run.
    return (
        f"import sys, types; sys.path.append({source!r}); package = types.ModuleType('jurist.sandbox'); "
        f"package.__path__ = [{source + '/jurist/sandbox'!r}]; sys.modules['jurist.sandbox'] = package; del package"
    )


class Standing(Protocol):
    """A box whose fork server answers at `control`, which belongs to whoever holds this.

    `group` counts what the box uses, None where nobody does; `counted` says whether its memory limit holds for all
    processes together. `pids_shown` is False where the kernel of the box tells us no pids of its processes.
    """

    control: socket.socket
    group: _cgroup.ControlGroup | None
    isolation: Isolation
    counted: bool
    pids_shown: bool

    @property
    def spent(self) -> bool:
        """Whether the next run should get a new box, though this one still answers."""
        ...

    async def limit(self, memory_bytes: int, processes: int) -> None:
        """Bound what the next run may use beside the fork server."""
        ...

    def kill(self) -> None:
        """Kill everything in the box, without waiting."""
        ...

    async def gone(self) -> None:
        """Kill what is left, wait until nothing is, and remove it."""
        ...


Launch = Callable[[str], Awaitable[Standing]]
"""Starts a box of that name; raises `SandboxUnavailableError` where it cannot."""


class LocalBox:
    """A box that is a process of ours, in a control group below our own."""

    pids_shown = True
    spent = False

    def __init__(
        self, keeper: subprocess.Popen[bytes], control: socket.socket, group: _cgroup.ControlGroup | None
    ) -> None:
        self.keeper = keeper
        self.control = control
        self.group = group
        self.counted = group is not None
        self.isolation = Isolation.NAMESPACES_AND_CGROUP if self.counted else Isolation.NAMESPACES

    async def limit(self, memory_bytes: int, processes: int) -> None:
        """Bound what the next run may use beside the fork server."""
        if self.group is not None:
            self.group.limit(memory_bytes, processes)

    def kill(self) -> None:
        """Kill the keeper; with it goes the box."""
        self.keeper.kill()

    async def gone(self) -> None:
        """Kill the box, wait for its end, and remove its control group."""
        self.control.close()
        self.keeper.kill()
        await asyncio.to_thread(self.keeper.wait)
        if self.group is not None:
            self.group.close()
            for _ in range(int(REMOVAL_S * 100)):
                if self.group.remove():
                    return
                await asyncio.sleep(0.01)


async def answered(control: socket.socket, configuration: dict[str, object]) -> dict[str, object]:
    """Tell a launcher what to build, and wait until it serves; what it found out.

    Raises:
        SandboxUnavailableError: it cannot, or did not in time.
    """
    loop = asyncio.get_running_loop()
    control.setblocking(False)  # noqa: FBT003  socket's own
    try:
        await loop.sock_sendall(control, json.dumps(configuration).encode())
        answer = await asyncio.wait_for(loop.sock_recv(control, wire.PACKET_BYTES), START_S)
    except (TimeoutError, OSError) as error:
        answer = wire.FAILED + str(error).encode()
    if answer[:1] != wire.SERVING:
        raise SandboxUnavailableError(explained(answer[1:].decode(errors="replace")))
    found: dict[str, object] = json.loads(answer[1:])
    return found


def local(options: Options) -> Launch:
    """Give what starts boxes on this host."""

    async def launch(name: str) -> LocalBox:
        return await _launched(name, options)

    return launch


async def _launched(name: str, options: Options) -> LocalBox:
    with contextlib.ExitStack() as held:
        try:
            root = held.enter_context(tempfile.TemporaryDirectory(prefix="jurist-box-", ignore_cleanup_errors=True))
            group = _group(name, options)
            box = _box(options, group)
        except OSError as error:
            raise SandboxUnavailableError(explained(str(error))) from None
        try:
            await answered(box.control, _configuration(options, group, root))
            if group is not None:
                group.measure_baseline()
        except OSError as error:
            await box.gone()
            raise SandboxUnavailableError(explained(str(error))) from None
        except BaseException:
            await box.gone()
            raise
    return box


def _group(name: str, options: Options) -> _cgroup.ControlGroup | None:
    try:
        return _cgroup.make(f"{name}-{secrets.token_hex(4)}", options.cores)
    except SandboxUnavailableError:
        if not options.weaker:
            raise
        return None


def _box(options: Options, group: _cgroup.ControlGroup | None) -> LocalBox:
    try:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            try:
                return LocalBox(_started(options, theirs), ours, group)
            except OSError:
                ours.close()
                raise
    except OSError:
        if group is not None:
            group.close()
            group.remove()
        raise


def _started(options: Options, control: socket.socket) -> subprocess.Popen[bytes]:
    code = f"{importing(source_root())}; from jurist.sandbox._box import launch; launch.main()"
    return subprocess.Popen(  # noqa: S603  our own interpreter
        [options.python, *INTERPRETER_FLAGS, "-S", "-c", code, str(control.fileno())],
        pass_fds=[control.fileno()],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd="/",
        start_new_session=True,
        env=ENVIRONMENT,
    )


def _configuration(options: Options, group: _cgroup.ControlGroup | None, root: str) -> dict[str, object]:
    ours = source_root()
    prefix = str(Path(options.python).resolve().parent.parent)
    return {
        "cgroups": list(group.directories) if group else [],
        "root": root,
        "readable": [*SYSTEM_PATHS, *options.readable, *options.packages, prefix, f"{ours}/jurist/sandbox"],
        "first_user": first_user(),
        "hidden": [ours],
        "packages": list(options.packages),
    }
