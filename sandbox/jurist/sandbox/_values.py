"""What the sandbox is given and what it answers: frozen values that import nothing but the standard library."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import PurePosixPath
from typing import Final

__all__ = [
    "Asserts",
    "CaseRun",
    "Ending",
    "Finding",
    "Functions",
    "Interactive",
    "Isolation",
    "Limits",
    "Program",
    "Run",
    "SandboxUnavailableError",
    "Stdio",
]

MIB: Final = 1 << 20
PAGE_BYTES: Final = 4096
"""What a file takes beside its content."""


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
    anything else is the checker's own failure, unless it accepts the expected output (or, where that is empty, rejects
    it): then it rejects. `expected` has a text for each of `stdins` then.
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
    in the program, and `entry_point` always. `__sharing__(function)(..)` changes the arguments as the function does. Of
    a program that has changed others, or was given such as the code changes later, the code must hold with this in its
    sight and without.

    With `in_process` the code runs in the program's own process, after it: for tests that must have the program's own
    objects in hand. Programs can then patch what they are tested with; the run says so.
    """

    code: str
    entry_point: str = ""
    prelude: str = ""
    in_process: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Interactive:
    """Lets the program converse with an interactor of the task's, once for each of `inputs`.

    The interactor is a Python program in a box of its own: its standard output is the program's standard input, and the
    other way round. It gets three arguments, as testlib's do: the paths of the case's input, of a file it may write,
    and of the case's answer (empty where `answers` has none). Status 0 accepts, 1 and 2 reject with a reason on stderr,
    as does an exception like those of reading what is no number; anything else is its own failure. A program that says
    more than `limits.output_bytes` to it is rejected.
    """

    interactor: str
    inputs: tuple[str, ...]
    answers: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.answers and len(self.answers) != len(self.inputs):
            message = f"{len(self.inputs)} inputs and {len(self.answers)} answers"
            raise ValueError(message)


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """A program, what to try it with, and what it may use: equal programs have equal runs.

    `language` is "python" or a key of `jurist.sandbox.languages.LANGUAGES`, which know `Stdio` and `Interactive` alone;
    `image` names the container image to run in, for backends that have images; "" is the backend's own.
    `stop_at_failure` skips the cases after one that did not end well (an answer that is merely wrong is not known
    here). `arguments` follow the program's name, `environment` is added to the box's own, and `files` (path and
    content) lie in the program's directory when it begins, and when it is compiled. The files that `fetch` names are
    looked for there when a run over `Stdio` has ended by itself.

    Raises:
        ValueError: a file's path leaves the directory, or it holds more than `limits.scratch_bytes`.
    """

    source: str
    tests: Stdio | Functions | Asserts | Interactive
    language: str = "python"
    image: str = ""
    limits: Limits = field(default_factory=Limits)
    stop_at_failure: bool = False
    arguments: tuple[str, ...] = ()
    environment: tuple[tuple[str, str], ...] = ()
    files: tuple[tuple[str, bytes], ...] = ()
    fetch: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for name in (*(name for name, _ in self.files), *self.fetch):
            path = PurePosixPath(name)
            if "\0" in name or path.is_absolute() or ".." in path.parts or not path.name:
                message = f"{name!r} is no path below the program's directory"
                raise ValueError(message)
        if any("\0" in text or "=" in name for name, value in self.environment for text in (name, value)):
            message = "an environment variable's name holds no =, and neither it nor its value a NUL"
            raise ValueError(message)
        if any("\0" in argument for argument in self.arguments):
            message = "an argument holds no NUL"
            raise ValueError(message)
        size = len(self.source.encode(errors="surrogatepass")) + sum(
            PAGE_BYTES + len(content) for _, content in self.files
        )
        if size > self.limits.scratch_bytes:
            message = f"source and files of {size} bytes, where {self.limits.scratch_bytes} may be used"
            raise ValueError(message)


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseRun:
    """One case's end.

    `reason` is one line for a person. `stdout` is whole, up to the limit; `stderr` its head. `returned` is the value
    of a function call in `codec`'s form, None where there was none. `exit_status` is 0 to 255, `signal` the number of
    the signal that ended it; None where neither applies. `cpu_s` counts the process and its children. `files` are those
    of `Program.fetch` that the program left, path and content, all together up to `limits.output_bytes`.
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
    files: tuple[tuple[str, bytes], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """What became of a program: one entry for each case, in order; a single one where it did not compile.

    `compiled` is what the compiler did, whether for this run or for an earlier one of the same program; None where
    nothing is compiled. `in_process` marks assertions that the program could reach.
    """

    cases: tuple[CaseRun, ...]
    isolation: Isolation
    compiled: CaseRun | None = None
    in_process: bool = False

    @property
    def compile_s(self) -> float:
        """Seconds by the clock that compiling took; 0.0 where nothing is compiled."""
        return self.compiled.wall_s if self.compiled is not None else 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that a sandbox needs of this host: whether it is there, and how to get it."""

    name: str
    present: bool
    needed: bool
    detail: str
    remedy: str = ""
