"""Boxes that stand in Docker containers, and the warm pool that they are taken from.

Theory of operation. A container is started with one program: the launcher (`_box.contained`), which builds a box and
becomes its fork server. Two directories are mounted into it, read-only: Jurist's sandbox and one with a Unix socket, at
which the supervisor waits. Over that one connection go all runs and their descriptors, as to a box of this host, so
nothing of a run passes through the engine. When the supervisor dies the connection ends, the fork server with it, then
the container, which the engine removes.

Two ways of shutting in a run inside:

- *user namespaces*, the default: the container has no capability at all and no user but an unprivileged one. Its
  seccomp profile lets the fork server make namespaces and mounts, as any user of a host may; programs may not, since
  each run has the filter of `_box.seccomp` on top.
- *capabilities*, for kernels that are the container's own (gVisor), and elsewhere where `weaker` allows it: the fork
  server is root in its container with the five capabilities that namespaces, mounts and a change of user take. Runs
  hold none of them.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import os
import secrets
import shutil
import socket
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from jurist.sandbox import _cgroup
from jurist.sandbox._box import seccomp
from jurist.sandbox._doctor import explained
from jurist.sandbox._engine import GVISOR
from jurist.sandbox._host import source_root
from jurist.sandbox._standing import ENVIRONMENT, INTERPRETER_FLAGS, START_S, answered, importing
from jurist.sandbox._values import Isolation, SandboxUnavailableError
from jurist.sandbox.languages import LANGUAGES, Toolchain

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from jurist.sandbox._engine import Engine

SOURCE: Final = "/jurist/source"
SOCKET: Final = "/jurist/socket"
CONTROL: Final = "control"
LABEL: Final = "org.jurist.sandbox.supervisor"
"""Its value tells whose a container is, as `supervisor` has it."""
MIB: Final = 1 << 20
START_BYTES: Final = 256 * MIB
"""Of memory, until the first run brings its own limit."""
PROCESSES: Final = 1_024
"""Of all in a container; a run's own limit is below."""
USERS: Final = range(60_706, 61_184)
"""A container takes a user that hosts give to nobody: kernels before 5.14 count a user's processes of all the host.

systemd gives those below to homes and containers, those above to services."""
_users = itertools.cycle(secrets.SystemRandom().sample(USERS, len(USERS)))  # so few that they are taken by turns
CAPABILITIES: Final = ("KILL", "SETGID", "SETPCAP", "SETUID", "SYS_ADMIN")
UNSET: Final = ("PYTHONPATH", "PYTHONOPTIMIZE")
"""What an image may not tell the launcher: to find its modules before the standard library's, or to assert nothing."""
TOO_OLD: Final = "Unknown option: -P"
"""What an interpreter before Python 3.11 says of `INTERPRETER_FLAGS`, and then how it is used."""
SAID_CHARACTERS: Final = 500
"""Of what a container that did not start wrote."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mould:
    """What the containers of one image have in common; `image` is the engine's id of it, `search` its PYTHONPATH."""

    engine: Engine
    image: str
    search: str
    name: str
    runtime: str
    weaker: bool
    recycle_runs: int
    cores: float = 1.0

    @property
    def gvisor(self) -> bool:
        """Whether the container has a kernel of its own."""
        return self.runtime.startswith(GVISOR)

    @property
    def capable(self) -> bool:
        """Whether the fork server holds capabilities instead of a user namespace."""
        return self.gvisor or self.weaker

    @property
    def isolation(self) -> Isolation:
        """How runs are shut in."""
        if self.gvisor:
            return Isolation.GVISOR
        return Isolation.CONTAINER if self.weaker else Isolation.CONTAINER_AND_NAMESPACES


def _told_apart() -> str:
    """Give what the pids that we see are good for: this boot, this pid namespace, and this user of it.

    Where /proc hides the processes of others (hidepid), those of another user seem to be dead.
    """
    boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    return f"{boot}:{Path('/proc/self/ns/pid').stat().st_ino}:{os.geteuid()}"


def _process(pid: str) -> str:
    """Tell a process apart from others that had its pid, or will: by when it started.

    Raises:
        OSError: there is none.
    """
    stat = Path("/proc", pid, "stat").read_text(errors="replace")
    # Behind the command, which may hold anything. The pid is the one by which this /proc knows it.
    return f"{stat.split()[0]}:{stat.rpartition(')')[2].split()[19]}"


def supervisor() -> str:
    """Tell this process apart from all others that may have containers of the same engine."""
    return f"{_told_apart()}:{_process('self')}"


def _lives(process: str) -> bool:
    try:
        return _process(process.partition(":")[0]) == process
    except OSError:
        return False


def left_by_the_dead(engine: Engine) -> Sequence[str]:
    """Find containers of supervisors that were killed between making and starting one; others end with theirs.

    Those of a supervisor whose pid means nothing here are left alone: it may live.
    """
    here = f"{_told_apart()}:"
    return [
        container
        for container, owner in engine.labelled(LABEL).items()
        if owner.startswith(here) and not _lives(owner.removeprefix(here))
    ]


def profile() -> dict[str, Any]:
    """Give the container's seccomp profile: what `_box.seccomp` refuses to programs, less what building boxes takes."""
    denied = [name for name in seccomp.DENIED if name not in seccomp.BUILDERS]
    return {
        "defaultAction": "SCMP_ACT_ALLOW",
        "architectures": ["SCMP_ARCH_X86_64", "SCMP_ARCH_AARCH64"],
        "syscalls": [{"names": denied, "action": "SCMP_ACT_ERRNO", "errnoRet": 1}],
    }


def configuration(mould: Mould, user: int, directory: str) -> dict[str, Any]:
    """Describe a container as the engine's API has it."""
    command = f"{importing(SOURCE)}; from jurist.sandbox._box import contained; contained.main()"
    options = ["no-new-privileges", f"seccomp={json.dumps(profile())}"]
    if mould.engine.has_apparmor:
        options.append("apparmor=unconfined")  # Docker's own profile permits no mount
    return {
        "Image": mould.image,
        "Entrypoint": ["python3"],
        "Cmd": [*INTERPRETER_FLAGS, "-c", command, f"{SOCKET}/{CONTROL}"],
        "User": "0:0" if mould.capable else f"{user}:{user}",
        "WorkingDir": "/",
        "Hostname": "box",  # else its identity, which no two runs should tell apart
        "Env": [*(f"{name}={value}" for name, value in ENVIRONMENT.items() if name != "PATH"), *UNSET],
        "Labels": {LABEL: supervisor()},
        "AttachStdout": True,
        "AttachStderr": True,
        "HostConfig": {
            "AutoRemove": True,
            "Runtime": mould.runtime,
            "NetworkMode": "none",
            "IpcMode": "private",
            "ReadonlyRootfs": True,
            "Init": False,
            "CapDrop": ["ALL"],
            "CapAdd": list(CAPABILITIES) if mould.capable else [],
            "SecurityOpt": options,
            # A new /proc may be mounted in a user namespace only where a whole one is in sight.
            "MaskedPaths": [],
            "ReadonlyPaths": [],
            "Memory": START_BYTES,
            "MemorySwap": START_BYTES,
            "PidsLimit": PROCESSES,
            "NanoCpus": int(mould.cores * 1e9),
            # Where the box's own root is mounted; each run mounts its own scratch space there.
            "Tmpfs": {"/tmp": "rw,nosuid,nodev,noexec,size=64k,mode=1777"},  # noqa: S108  the container's
            "Mounts": [
                _mounted(f"{source_root()}/jurist/sandbox", f"{SOURCE}/jurist/sandbox"),
                _mounted(directory, SOCKET),
            ],
            "LogConfig": {"Type": "none"},
        },
    }


def _mounted(source: str, target: str) -> dict[str, Any]:
    return {"Type": "bind", "Source": source, "Target": target, "ReadOnly": True}


class Container:
    """A container whose fork server answers."""

    counted = True

    def __init__(self, mould: Mould, identity: str, control: socket.socket) -> None:
        self._mould = mould
        self.identity = identity
        self.control = control
        self.group: _cgroup.ControlGroup | None = None
        self.tools: Mapping[str, Toolchain | None] = {}
        self.isolation = mould.isolation
        # Processes of another kernel have no pid here.
        self.pids_shown = not mould.gvisor
        self._runs = 0
        self._limited_bytes = START_BYTES
        self._by_engine = False

    @property
    def spent(self) -> bool:
        """Whether the next run should get a new one: after so many runs, and after one that ran out of memory."""
        return self._runs >= self._mould.recycle_runs or (self.group is not None and self.group.kills() > 0)

    @property
    def alive(self) -> bool:
        """Whether the fork server is still there, as far as it can be seen without asking."""
        try:
            return bool(self.control.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT))
        except BlockingIOError:
            return True
        except OSError:
            return False

    async def limit(self, memory_bytes: int, processes: int) -> None:
        """Bound what the next run may use beside the fork server: in the control group if we may, else by the engine.

        Without the first, its processes are bounded by RLIMIT_NPROC alone.
        """
        self._runs += 1
        group = self.group
        if group is None:
            return
        if self._mould.gvisor:
            processes = PROCESSES  # the threads of its kernel are counted, the program's processes are not
        if not self._by_engine:
            try:
                group.limit(memory_bytes, processes)
            except PermissionError:
                if self._mould.gvisor:
                    message = "gVisor's memory limit is ours to change, not the engine's: run the service as root"
                    raise SandboxUnavailableError(message) from None
                self._by_engine = True
            except OSError as error:
                # What earlier runs left is more than this one may have.
                self._runs = self._mould.recycle_runs
                raise SandboxUnavailableError(f"a container's memory cannot be limited: {error}") from None
            else:
                return
        group.reset_peak()
        wanted = group.baseline_bytes + memory_bytes
        if wanted != self._limited_bytes:
            try:
                await asyncio.to_thread(self._mould.engine.limit_memory, self.identity, wanted)
            except SandboxUnavailableError:
                self._runs = self._mould.recycle_runs  # as above
                raise
            self._limited_bytes = wanted

    def kill(self) -> None:
        """Hang up; the fork server ends, and with it the container."""
        self.control.close()

    async def gone(self) -> None:
        """Kill the container, whatever its fork server does, and remove it."""
        self.control.close()
        if self.group is not None:
            self.group.close()
        with contextlib.suppress(SandboxUnavailableError):  # an engine that is gone has no containers to look after
            await asyncio.to_thread(self._mould.engine.remove, self.identity)


async def _written(output: socket.socket) -> str:
    """Read what a container writes until its end."""
    loop = asyncio.get_running_loop()
    text = b""
    while part := await loop.sock_recv(output, 1 << 16):
        text = (text + part)[-(1 << 16) :]
    # Each part has a head of eight bytes: the stream, three zeros, the length.
    lines = [line for line in text.decode(errors="replace").replace("\0", "").splitlines() if line.strip()]
    if any(line.endswith(TOO_OLD) for line in lines):
        return "its python3 is too old, the image needs Python 3.11 or later"
    return lines[-1][-SAID_CHARACTERS:] if lines else "it ended without a word"


async def _connected(listener: socket.socket, output: socket.socket) -> socket.socket:
    """Wait until the launcher connects.

    Raises:
        SandboxUnavailableError: the container ended before, or took too long.
    """
    accepted = asyncio.ensure_future(asyncio.get_running_loop().sock_accept(listener))
    written = asyncio.ensure_future(_written(output))
    try:
        await asyncio.wait((accepted, written), timeout=START_S, return_when=asyncio.FIRST_COMPLETED)
        if accepted.done():
            return accepted.result()[0]
        raise SandboxUnavailableError(written.result() if written.done() else f"nothing happened for {START_S:g} s")
    finally:
        for task in (accepted, written):
            task.cancel()
        await asyncio.gather(accepted, written, return_exceptions=True)


def _listen(listener: socket.socket, directory: str) -> None:
    """Wait at a socket that the container's user may connect to; the directory around is ours alone."""
    Path(directory).mkdir()
    Path(directory).chmod(0o755)  # whatever the service's umask
    path = Path(directory, CONTROL)
    listener.bind(str(path))
    path.chmod(0o666)
    listener.listen(1)
    listener.setblocking(False)  # noqa: FBT003  socket's own


async def started(mould: Mould) -> Container:
    """Start a container and wait until its fork server answers.

    Raises:
        SandboxUnavailableError: it does not; the message says why.
    """
    user = next(_users)
    try:
        outer = tempfile.mkdtemp(prefix="jurist-container-")
    except OSError as error:
        raise SandboxUnavailableError(explained(str(error))) from None
    directory = f"{outer}/socket"
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    identity = ""
    container: Container | None = None
    try:
        _listen(listener, directory)
        identity = await asyncio.to_thread(mould.engine.create, configuration(mould, user, directory))
        with await asyncio.to_thread(mould.engine.attach, identity) as output:
            output.setblocking(False)  # noqa: FBT003  socket's own
            pid = await asyncio.to_thread(mould.engine.start, identity)
            container = Container(mould, identity, await _connected(listener, output))
        found = await answered(container.control, _wanted(mould, user))
        container.tools = _toolchains(found)
        container.group = _group_of(container, pid, cpu=not mould.gvisor)  # what gVisor's kernel uses is no program's
    except BaseException as error:
        if container is not None:
            await container.gone()
        elif identity:
            with contextlib.suppress(SandboxUnavailableError):
                await asyncio.to_thread(mould.engine.remove, identity)
        if isinstance(error, SandboxUnavailableError | OSError):
            raise SandboxUnavailableError(f"a container of {mould.name}: {error}") from None
        raise
    finally:
        listener.close()
        shutil.rmtree(outer, ignore_errors=True)
    return container


def _wanted(mould: Mould, user: int) -> dict[str, object]:
    return {
        "capable": mould.capable,
        "runner": user,
        "root": "/tmp",  # noqa: S108  the container's
        "hidden": [SOURCE],
        "shown": [f"{SOURCE}/jurist/sandbox"],
        "cgroups": [],
        "packages": [],
        "search": mould.search,
    }


def _toolchains(found: Mapping[str, Any]) -> Mapping[str, Toolchain | None]:
    paths: Mapping[str, list[str] | None] = found["toolchains"]
    return {
        name: Toolchain(language=language, paths=tuple(tools), readable=())
        for name, language in LANGUAGES.items()
        if (tools := paths.get(name)) is not None
    }


def _group_of(container: Container, pid: int, *, cpu: bool) -> _cgroup.ControlGroup:
    """Find a container's control group.

    Raises:
        SandboxUnavailableError: it cannot be seen from here, or the container is gone.
    """
    try:
        group = _cgroup.of_process(pid, cpu=cpu)
        group.measure_baseline()
    except (KeyError, OSError) as error:
        if not container.alive:
            raise SandboxUnavailableError("it ended as soon as it had started") from None
        raise SandboxUnavailableError(
            f"its control group cannot be read ({error}): run the service on the engine's host, outside of containers"
        ) from None
    return group


class Fleet:
    """Gives out containers, and keeps one warm that nobody has yet."""

    def __init__(self, mould: Mould) -> None:
        self._mould = mould
        self._spare: asyncio.Task[Container] | None = None
        self._starts: set[asyncio.Task[Container]] = set()
        """Of containers that nobody has yet. Each goes on when whoever waits for it is cancelled: the engine would."""

    def _start(self) -> asyncio.Task[Container]:
        start = asyncio.create_task(started(self._mould))
        self._starts.add(start)
        return start

    async def _taken(self, start: asyncio.Task[Container]) -> Container:
        """Wait for a container, which is the caller's from then on.

        Raises:
            SandboxUnavailableError: it did not start.
        """
        await asyncio.wait((start,))
        self._starts.discard(start)
        return start.result()

    async def tools(self) -> Mapping[str, Toolchain | None]:
        """Start the first container and tell which toolchains its image has.

        Raises:
            SandboxUnavailableError: the engine gives none.
        """
        self._spare = self._start()
        await asyncio.wait((self._spare,))
        return self._spare.result().tools

    async def launch(self, _name: str) -> Container:
        """Give a container, warm if there is one.

        Raises:
            SandboxUnavailableError: the engine gives none.
        """
        spare, self._spare = self._spare, None
        container = await self._warm(spare) or await self._taken(self._start())
        if self._spare is None:
            self._spare = self._start()
        return container

    async def _warm(self, spare: asyncio.Task[Container] | None) -> Container | None:
        """Wait for the spare one; None where it failed to start or has died since."""
        if spare is None:
            return None
        try:
            container = await self._taken(spare)
        except SandboxUnavailableError:
            return None
        if container.alive:
            return container
        await container.gone()
        return None

    async def disband(self) -> None:
        """Remove the containers that nobody has."""
        self._spare = None
        while self._starts:
            with contextlib.suppress(SandboxUnavailableError):
                await (await self._taken(next(iter(self._starts)))).gone()
