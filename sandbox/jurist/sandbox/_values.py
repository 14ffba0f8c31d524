"""What the sandbox is given and what it answers: frozen values that import nothing but the standard library."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

__all__ = [
    "Asserts",
    "CaseRun",
    "Ending",
    "Finding",
    "Functions",
    "Isolation",
    "Limits",
    "Program",
    "Run",
    "SandboxUnavailableError",
    "Stdio",
]

MIB: Final = 1 << 20


class SandboxUnavailableError(RuntimeError):
    """Raised when this host cannot give the isolation asked for; the message says what is missing and how to get it."""


class Isolation(StrEnum):
    """How a program was shut in; every run carries it."""

    NAMESPACES_AND_CGROUP = "namespaces+cgroup"
    """Namespaces, seccomp, resource limits, and a control group that counts memory and processes of the whole tree."""
    NAMESPACES = "namespaces"
    """As above without the control group: memory is limited for each process, not for all together."""
    CONTAINER_AND_NAMESPACES = "container+namespaces"
    """All of these, in a container without capabilities that successive runs share."""
    CONTAINER = "container"
    """As above, but what starts the runs holds capabilities in its container, though runs do not."""
    GVISOR = "gvisor"
    """As `container`, under a kernel in user space: what a program asks for does not reach the host's kernel."""


class Ending(StrEnum):
    """How a case ended. What it printed or returned may still be wrong: comparing is the caller's."""

    OK = "ok"
    """The program ended by itself with status 0, the call returned, or every assertion held."""
    WRONG_ANSWER = "wrong_answer"
    """An assertion did not hold, or what was returned is no plain value."""
    TIME_LIMIT = "time_limit"
    MEMORY_LIMIT = "memory_limit"
    OUTPUT_LIMIT = "output_limit"
    RUNTIME_ERROR = "runtime_error"
    """A status other than 0, a signal, or an exception that nobody caught."""
    COMPILE_ERROR = "compile_error"
    TEST_ERROR = "test_error"
    """The test code itself is broken: the task's fault."""
    SKIPPED = "skipped"
    """Not run, since an earlier case failed."""
    SANDBOX_ERROR = "sandbox_error"
    """Ours; nothing is known about the program."""
    UNAVAILABLE = "unavailable"
    """The toolchain, the image or the engine that it needs is not there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What one case may use.

    For function calls `cpu_s` and `wall_s` hold for each call, for assertions for all of them together.
    `memory_bytes` counts the whole process tree, its files and its shared memory; `output_bytes` stdout and stderr
    apart, and every file written. `compile_s` is CPU time, and half of what a compiler may take by the clock.

    Raises:
        ValueError: a limit is not positive.
    """

    cpu_s: float = 10.0
    wall_s: float = 20.0
    memory_bytes: int = 512 * MIB
    output_bytes: int = 16 * MIB
    processes: int = 64
    scratch_bytes: int = 64 * MIB
    compile_s: float = 10.0

    def __post_init__(self) -> None:
        for name in ("cpu_s", "wall_s", "memory_bytes", "output_bytes", "processes", "scratch_bytes", "compile_s"):
            if not getattr(self, name) > 0:
                message = f"limits.{name} must be positive, not {getattr(self, name)!r}"
                raise ValueError(message)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stdio:
    """Runs the program once for each text, given on standard input.

    `checker`, if there is one, is a Python program of the task's that decides on each output. It runs in a box of its
    own with three arguments, the paths of input, expected and actual output; status 0 accepts, 1 and 2 reject, and
    anything else is the checker's own failure. `expected` has a text for each of `stdins` then.
    """

    stdins: tuple[str, ...]
    expected: tuple[str, ...] = ()
    checker: str = ""

    def __post_init__(self) -> None:
        if self.checker and len(self.expected) != len(self.stdins):
            message = f"{len(self.stdins)} inputs and {len(self.expected)} expected outputs"
            raise ValueError(message)


@dataclass(frozen=True, slots=True, kw_only=True)
class Functions:
    """Calls a function of the program; each of `arguments` is a list as `codec.packed` writes it."""

    entry_point: str
    arguments: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Asserts:
    """Runs test code in a process apart, which reaches the program's functions by name, as plain values.

    `code` is Python; it fails by raising. `prelude` is the task's own code to run before it: the imports and helper
    functions of a prompt, whose definitions a program cannot replace. Names that neither of them defines are looked up
    in the program, and `entry_point` always.
    """

    code: str
    entry_point: str = ""
    prelude: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """A program, what to try it with, and what it may use: equal programs have equal runs.

    `image` names the container image to run in, for backends that have images; "" is the backend's own.
    `language` is "python" or a key of `jurist.sandbox.languages.LANGUAGES`, which know `Stdio` alone;
    `stop_at_failure` skips the cases after one that did not end well (an answer that is merely wrong is not known
    here).
    """

    source: str
    tests: Stdio | Functions | Asserts
    language: str = "python"
    image: str = ""
    limits: Limits = field(default_factory=Limits)
    stop_at_failure: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseRun:
    """One case's end.

    `reason` is one line for a person. `stdout` is whole, up to the limit; `stderr` its head. `returned` is the value
    of a function call in `codec`'s form, None where there was none. `exit_status` is 0 to 255, `signal` the number of
    the signal that ended it; None where neither applies. `cpu_s` counts the process and its children.
    """

    ending: Ending
    reason: str = ""
    stdout: bytes = b""
    stderr: bytes = b""
    returned: str | None = None
    exit_status: int | None = None
    signal: int | None = None
    cpu_s: float = 0.0
    wall_s: float = 0.0
    peak_memory_bytes: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """What became of a program: one entry for each case, in order; a single one where it did not compile."""

    cases: tuple[CaseRun, ...]
    isolation: Isolation
    compile_s: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that a sandbox needs of this host: whether it is there, and how to get it."""

    name: str
    present: bool
    needed: bool
    detail: str
    remedy: str = ""
