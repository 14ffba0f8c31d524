"""Control groups, version 1 or 2: one for each box, made below the supervisor's own.

The fork server lives in the box's group, so that a run is counted from its first instruction and nobody has to be
moved (moving costs milliseconds: it waits for every core). What the fork server itself uses is measured once and added
to each limit.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, Self

from jurist.sandbox._values import SandboxUnavailableError

if TYPE_CHECKING:
    from collections.abc import Sequence

MOUNT: Final = Path("/sys/fs/cgroup")
REMEDY: Final = (
    "give the process a writable control group (systemd: Delegate=yes; containers: --cgroupns=private and a writable "
    "/sys/fs/cgroup), or allow weaker isolation"
)
PREFIX: Final = "jurist-"
"""Of a group's name; the supervisor's pid follows, and what tells its groups apart."""
CPU_PERIOD_US: Final = 100_000


@dataclass(frozen=True, slots=True)
class _Names:
    """Files of one version."""

    memory: str
    memory_and_swap: str
    peak: str
    usage: str
    events: str
    processes: str


V1: Final = _Names(
    "memory.limit_in_bytes",
    "memory.memsw.limit_in_bytes",
    "memory.max_usage_in_bytes",
    "memory.usage_in_bytes",
    "memory.oom_control",
    "pids.max",
)
V2: Final = _Names("memory.max", "", "memory.peak", "memory.current", "memory.events", "pids.max")


def _paths(process: str = "self") -> dict[str, str]:
    """Controller -> a process's group in it; "" is version 2."""
    paths: dict[str, str] = {}
    for line in Path("/proc", process, "cgroup").read_text().splitlines():
        _, controllers, path = line.split(":", 2)
        for controller in controllers.split(","):
            paths[controller] = path
    return paths


def _base(mount: Path, path: str) -> Path:
    """Find a group's directory; in a container the path may be one of the host's."""
    own = mount / path.lstrip("/")
    return own if own.is_dir() else mount


class _Number:
    """A file of one number that is read or written at every run, hence kept open."""

    def __init__(self, path: Path, flags: int = os.O_RDONLY) -> None:
        self._descriptor = os.open(path, flags | os.O_CLOEXEC)
        self._latest = os.pread(self._descriptor, 4096, 0)

    def read(self) -> bytes:
        # A group that its owner has removed keeps its last numbers.
        with contextlib.suppress(OSError):
            self._latest = os.pread(self._descriptor, 4096, 0)
        return self._latest

    def write(self, value: int) -> None:
        os.pwrite(self._descriptor, b"%d" % value, 0)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._descriptor)


Made = tuple[_Names, Mapping[str, Path]]
"""The names of a version's files, and a new group's directory by controller."""


class ControlGroup:
    """The group of one box."""

    def __init__(self, names: _Names, directories: Mapping[str, Path]) -> None:
        self._names = names
        self._directories = directories
        self._memory = directories["memory"]
        self._processes = directories["pids"]
        self._baseline_bytes = 0
        self._set: tuple[int, int] | None = None
        with contextlib.ExitStack() as opened:
            self._events = opened.enter_context(_Number(self._memory / names.events))
            self._cpu = opened.enter_context(_Number(self._cpu_file)) if self._cpu_file else None
            self._peak = self._resettable(names.peak)
            if self._peak is not None:
                opened.enter_context(self._peak)
            self._opened = opened.pop_all()

    @property
    def directories(self) -> Sequence[str]:
        """Where a process is entered."""
        return sorted({str(path) for path in self._directories.values()})

    @property
    def baseline_bytes(self) -> int:
        """What the fork server takes for itself."""
        return self._baseline_bytes

    def usage_bytes(self) -> int:
        """Give the memory in use now."""
        return int((self._memory / self._names.usage).read_text())

    def measure_baseline(self) -> None:
        """Take what is in use now as the fork server's own."""
        self._baseline_bytes = self.usage_bytes()

    def limit(self, memory_bytes: int, processes: int) -> None:
        """Bound what the next run may use beside the fork server."""
        if self._set != (memory_bytes, processes):
            self._limit_memory(str(self._baseline_bytes + memory_bytes))
            (self._processes / self._names.processes).write_text(str(processes))
            self._set = (memory_bytes, processes)
        self.reset_peak()

    def _limit_memory(self, limit: str) -> None:
        """Bound memory, and on version 1 memory and swap together, which may at no time be the smaller of the two."""
        files = [self._memory / name for name in (self._names.memory, self._names.memory_and_swap) if name]
        files = [path for path in files if path.exists()]
        try:
            for path in files:
                path.write_text(limit)
        except OSError:
            for path in reversed(files):
                path.write_text(limit)

    def reset_peak(self) -> None:
        """Forget the most that was in use so far."""
        if self._peak is not None:
            self._peak.write(0)

    def peak_bytes(self) -> int:
        """Give the most that was in use beside the fork server since then; 0 where unknown."""
        return max(int(self._peak.read()) - self._baseline_bytes, 0) if self._peak is not None else 0

    def _resettable(self, name: str) -> _Number | None:
        """Open the peak for reading and resetting, which version 2 knows since Linux 6.12 alone."""
        with contextlib.suppress(OSError), contextlib.ExitStack() as opened:
            number = opened.enter_context(_Number(self._memory / name, os.O_RDWR))
            number.write(0)
            opened.pop_all()
            return number
        return None

    @property
    def _cpu_file(self) -> Path | None:
        directory = self._directories.get("cpuacct")
        if directory is None:
            return None
        return directory / ("cpuacct.usage" if self._names is V1 else "cpu.stat")

    def cpu_s(self) -> float:
        """Give the CPU time that all of the group have ever used, the dead included; 0.0 where unknown."""
        if self._cpu is None:
            return 0.0
        content = self._cpu.read()
        return int(content) / 1e9 if self._names is V1 else int(content.split(None, 2)[1]) / 1e6

    def processes(self) -> int:
        """Count those that live in the group, the fork server's own among them; 0 where it cannot be read now."""
        try:
            return len((self._memory / "cgroup.procs").read_bytes().split())
        except OSError:
            return 0

    def kills(self) -> int:
        """Count the processes killed for want of memory, ever."""
        _, _, rest = self._events.read().partition(b"oom_kill ")
        return int(rest.split()[0]) if rest else 0

    def close(self) -> None:
        """Close what was kept open."""
        self._opened.close()

    def remove(self) -> bool:
        """Remove the group; False while something still lives in it."""
        done = True
        for directory in self.directories:
            try:
                Path(directory).rmdir()
            except FileNotFoundError:
                continue
            except OSError:
                done = False
        return done


def _sweep(parent: Path) -> None:
    """Remove the empty groups of supervisors that were killed before they could."""
    for directory in parent.glob(f"{PREFIX}*"):
        pid = directory.name.removeprefix(PREFIX).partition("-")[0]
        if pid.isdigit() and not Path("/proc", pid).exists():
            with contextlib.suppress(OSError):
                directory.rmdir()


def _make_v1(name: str, cores: float) -> Made:
    paths = _paths()
    made: dict[str, Path] = {}
    for controller in ("memory", "pids", "cpuacct", "cpu"):
        try:
            base = _base(MOUNT / controller, paths[controller])
            _sweep(base)
            directory = base / name
            directory.mkdir(exist_ok=directory in made.values())
            made[controller] = directory
            if controller == "cpu":
                (directory / "cpu.cfs_period_us").write_text(str(CPU_PERIOD_US))
                (directory / "cpu.cfs_quota_us").write_text(str(int(cores * CPU_PERIOD_US)))
        except (KeyError, OSError) as error:
            if controller in {"memory", "pids"}:
                for directory in made.values():
                    directory.rmdir()
                message = f"no writable {controller} control group ({error}); {REMEDY}"
                raise SandboxUnavailableError(message) from error
    return V1, made


def _make_v2(name: str, cores: float) -> Made:
    mount = MOUNT if (MOUNT / "cgroup.controllers").exists() else MOUNT / "unified"
    own = _base(mount, _paths().get("", "/"))
    for parent in (own, *own.parents):
        if mount not in (parent, *parent.parents):
            break
        # A group with processes of its own can hand nothing down; its parent often can.
        with contextlib.suppress(OSError):
            (parent / "cgroup.subtree_control").write_text("+memory +pids +cpu")
        _sweep(parent)
        directory = parent / name
        try:
            directory.mkdir()
        except OSError:
            continue
        if (directory / "memory.max").exists() and (directory / "pids.max").exists():
            with contextlib.suppress(OSError):
                (directory / "cpu.max").write_text(f"{int(cores * CPU_PERIOD_US)} {CPU_PERIOD_US}")
            with contextlib.suppress(OSError):
                (directory / "memory.swap.max").write_text("0")
            return V2, dict.fromkeys(("memory", "pids", "cpuacct"), directory)
        directory.rmdir()
    message = f"no writable control group with memory and pids; {REMEDY}"
    raise SandboxUnavailableError(message)


def make(label: str, cores: float) -> ControlGroup:
    """Make a group below our own that may use so many cores.

    Raises:
        SandboxUnavailableError: there is none that we may write.
        OSError: this process can open no more files.
    """
    name = f"{PREFIX}{os.getpid()}-{label}"
    names, directories = _make_v1(name, cores) if (MOUNT / "memory").is_dir() else _make_v2(name, cores)
    try:
        return ControlGroup(names, directories)
    except OSError:
        for directory in set(directories.values()):
            directory.rmdir()
        raise


def of_process(pid: int, *, cpu: bool) -> ControlGroup:
    """Find the group that somebody else put a process into; `cpu` says whether to count its CPU time.

    Raises:
        KeyError: it has none that limits memory and processes.
        OSError: it cannot be read here.
    """
    paths = _paths(str(pid))
    if (MOUNT / "memory").is_dir():
        controllers = ("memory", "pids", "cpuacct") if cpu else ("memory", "pids")
        return ControlGroup(V1, {name: MOUNT / name / paths[name].lstrip("/") for name in controllers})
    directory = MOUNT / paths[""].lstrip("/")
    return ControlGroup(V2, dict.fromkeys(("memory", "pids", "cpuacct") if cpu else ("memory", "pids"), directory))
