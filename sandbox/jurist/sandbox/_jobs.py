"""What boxes are told to do: pure. A job is a dictionary of plain values that `_box.harness` reads."""

from __future__ import annotations

import dataclasses
import math
import resource
from typing import TYPE_CHECKING, Any, Final

from jurist.sandbox._box import wire
from jurist.sandbox._values import Asserts, Limits, Program, Stdio
from jurist.sandbox.languages import MAIN, Toolchain

if TYPE_CHECKING:
    from collections.abc import Mapping

SCRATCH: Final = "/tmp"  # noqa: S108  a run's own
SCRATCH_FILES: Final = 4_096
OPEN_FILES: Final = 256
STACK_BYTES: Final = 256 << 20
ADDRESS_SPACE_SLACK: Final = 64 << 20
"""The interpreter's own, where memory is limited by address space for want of a control group."""
ADDRESS_SPACE_BYTES: Final = 1 << 44
"""Where a control group counts memory: no limit, but one that a program cannot raise."""
TEST_CPU_S, TEST_WALL_SLACK_S = 10.0, 5.0
"""What test code may use beside the program it waits for."""
TEST_MEMORY_BYTES: Final = 512 << 20
COMPILE_MEMORY_BYTES: Final = 1 << 30
COMPILE_FILE_BYTES: Final = 64 << 20
COMPILE_SCRATCH_BYTES: Final = 256 << 20
ENVIRONMENT: Final = {
    "PATH": "/usr/local/bin:/usr/bin:/bin",
    "HOME": SCRATCH,
    "LANG": "C.UTF-8",
    "GOCACHE": f"{SCRATCH}/go",
    "GOPATH": f"{SCRATCH}/gopath",
    "GOFLAGS": "-mod=mod",
    "GO111MODULE": "off",
}
PROC_WORDS: Final = ("/proc", "/dev/", "psutil", "multiprocessing", "subprocess")
"""A Python program that names none of these gets an empty /proc, which saves a fifth of a short run."""

Job = dict[str, Any]


def _rlimits(limits: Limits, cases: int = 1, *, counted: bool) -> list[tuple[int, int, bool]]:
    hard = [
        (resource.RLIMIT_CPU, math.ceil(limits.cpu_s * cases) + 1),
        (resource.RLIMIT_FSIZE, limits.output_bytes + 1),
        (resource.RLIMIT_NOFILE, OPEN_FILES),
        (resource.RLIMIT_NPROC, limits.processes),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_MEMLOCK, 0),
        (resource.RLIMIT_MSGQUEUE, 0),
        (resource.RLIMIT_AS, ADDRESS_SPACE_BYTES if counted else limits.memory_bytes + ADDRESS_SPACE_SLACK),
    ]
    # Programs raise this one, most often to no limit at all; where memory is counted it is no loss.
    stack = (resource.RLIMIT_STACK, min(limits.memory_bytes, STACK_BYTES), counted)
    return [stack, *((number, value, False) for number, value in hard)]


def _job(kind: str, program: Program, limits: Limits, cases: int = 1, *, counted: bool) -> Job:
    return {
        "kind": kind,
        "scratch_bytes": limits.scratch_bytes,
        "scratch_files": SCRATCH_FILES,
        "proc": any(word in program.source for word in PROC_WORDS),
        "limits": _rlimits(limits, cases, counted=counted),
        "files": [(f"{SCRATCH}/{name}", content) for name, content in program.files],
        "fetch": program.fetch if isinstance(program.tests, Stdio) else (),
    }


def python_job(kind: str, program: Program, cases: int = 1, *, counted: bool) -> Job:
    """Run a Python program: a "script" to its end; to "serve" calls of its functions; "together" with its tests."""
    return _job(kind, program, program.limits, cases, counted=counted) | {
        "source": program.source,
        "arguments": program.arguments,
        "environment": program.environment,
        "code": b"",
        "keeps_code": False,
        "piped": False,
        "hears_bytes": 0,
        "objects": isinstance(program.tests, Asserts),
    }


def task_job(source: str, limits: Limits, files: Mapping[str, bytes], *, counted: bool) -> Job:
    """Run a program of the task's, whose arguments are the paths of the files that it is given."""
    program = Program(source=source, tests=Stdio(stdins=()), limits=limits)
    return python_job("script", program, counted=counted) | {
        "arguments": tuple(files),
        "files": list(files.items()),
    }


def tests_job(tests: Asserts, limits: Limits, *, shares: bool, counted: bool) -> Job:
    """Run test code against a program in another box."""
    return _job("test", Program(source="", tests=tests, limits=limits), limits, counted=counted) | {
        "code": tests.code,
        "prelude": tests.prelude,
        "entry_point": tests.entry_point,
        "shares": shares,
    }


def command_job(kind: str, program: Program, tools: Toolchain, limits: Limits, *, counted: bool) -> Job:
    """Compile a program, or execute one that is compiled or need not be."""
    language = tools.language
    compiles = kind == "compile"
    needs_source = compiles or not language.compile
    job = _job(kind, program, limits, counted=counted)
    argv = tools.command(language.compile if compiles else language.run, program.source, program.limits.memory_bytes)
    own = [(tools.source_file(program.source), program.source.encode(errors="surrogatepass"))] if needs_source else []
    return job | {
        "proc": wire.REQUIRED if language.proc else job["proc"],
        "files": [*job["files"], *own],
        "argv": argv if compiles else [*argv, *program.arguments],
        "artifact": language.artifact if compiles else "" if needs_source else MAIN,
        "environment": ENVIRONMENT | dict(program.environment),
    }


def compile_limits(limits: Limits, tools: Toolchain) -> Limits:
    """Give what a compiler may use."""
    return Limits(
        cpu_s=limits.compile_s,
        wall_s=2 * limits.compile_s,
        memory_bytes=COMPILE_MEMORY_BYTES,
        output_bytes=COMPILE_FILE_BYTES,
        processes=max(limits.processes, tools.language.processes),
        scratch_bytes=COMPILE_SCRATCH_BYTES,
    )


def task_limits(limits: Limits, wall_s: float) -> Limits:
    """Give what a checker or an interactor may use."""
    return Limits(
        cpu_s=TEST_CPU_S,
        wall_s=wall_s,
        memory_bytes=TEST_MEMORY_BYTES,
        scratch_bytes=limits.scratch_bytes + 2 * limits.output_bytes,
    )


def tests_limits(limits: Limits) -> Limits:
    """Give what test code may use, which waits for the program."""
    return dataclasses.replace(
        limits,
        cpu_s=max(TEST_CPU_S, limits.cpu_s),
        wall_s=limits.wall_s + TEST_WALL_SLACK_S,
        memory_bytes=TEST_MEMORY_BYTES,
    )
