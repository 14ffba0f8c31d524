"""Running one program: what SandboxFusion's way of asking for it and Piston's have in common.

A program runs in the same sandbox as those that tests judge. What the sandbox could not do is an error of the server,
never an exit status of the program.
"""

from __future__ import annotations

import base64
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Annotated, Any, cast

from msgspec import Meta

from jurist.sandbox import Ending, Limits, Program, Run, Stdio
from jurist.sandbox.languages import TAGS, named
from jurist.services.errors import BadInputError
from jurist.verifiers import NoReply, Question, Reply

if TYPE_CHECKING:
    from jurist.sandbox import CaseRun

__all__ = [
    "MEMORY_BYTES",
    "TIMEOUT_S",
    "Asking",
    "MemoryBytes",
    "MemoryMib",
    "Milliseconds",
    "NoToolchainError",
    "SandboxAwayError",
    "Seconds",
    "check_arguments",
    "check_paths",
    "from_base64",
    "limits",
    "ran",
    "said",
    "text",
]

Asking = Callable[[Question], Awaitable[Reply]]

TIMEOUT_S = 10.0  # both services' default is of this size
MEMORY_BYTES = 512 << 20
LONGEST_S = 86_400  # a day: longer than any request waits
MOST_MEMORY_BYTES = 1 << 40  # more than a host has
PATH_BYTES = 1024  # of a file's path, with those of the directory before it below Linux' 4096
NAME_BYTES = 255  # Linux' own limit for each part of a path
ARGUMENT_BYTES = (128 << 10) - 1  # Linux' own limit for each argument
ARGUMENTS_BYTES = 1 << 20  # of all together; Linux takes a quarter of the stack's limit
OURS = frozenset({Ending.SANDBOX_ERROR, Ending.UNAVAILABLE, Ending.TEST_ERROR})

Seconds = Annotated[float, Meta(gt=0, le=LONGEST_S)]
Milliseconds = Annotated[float, Meta(gt=0, le=LONGEST_S * 1000)]
MemoryMib = Annotated[int, Meta(le=MOST_MEMORY_BYTES >> 20)]
MemoryBytes = Annotated[int, Meta(le=MOST_MEMORY_BYTES)]


class SandboxAwayError(Exception):
    """Raised when a program was not run, or nothing is known of it; the message says why."""


class NoToolchainError(SandboxAwayError):
    """Raised when what a program needs is not there."""


async def ran(ask: Asking, *, source: str, language: str, stdin: str, **given: Any) -> Run:  # noqa: ANN401  # Program's
    """Run a program once; `given` are further fields of `Program`.

    Raises:
        BadInputError: there is no such language, or the files are too large.
        NoToolchainError: the language's toolchain is not there.
        SandboxAwayError: it was not run.
    """
    name = named(language)
    if not name:
        raise BadInputError("language", f"no language is called {language!r}; there are {', '.join(TAGS)}")
    try:
        program = Program(source=source, language=name, tests=Stdio(stdins=(stdin,)), **given)
    except ValueError as error:
        raise BadInputError("files", str(error)) from None
    reply = await ask(program)
    if isinstance(reply, NoReply):
        raise SandboxAwayError(f"{reply.cause}: {reply.reason}")
    run = cast("Run", reply)
    (case,) = run.cases
    if case.ending in OURS:
        away = NoToolchainError if case.ending is Ending.UNAVAILABLE else SandboxAwayError
        raise away(case.reason or str(case.ending))
    return run


def limits(*, cpu_s: float, wall_s: float, memory_bytes: int, compile_s: float) -> Limits:
    """Limit a run and its compiler; memory that is not positive is the usual."""
    memory_bytes = memory_bytes if memory_bytes > 0 else MEMORY_BYTES
    return Limits(cpu_s=cpu_s, wall_s=wall_s, memory_bytes=memory_bytes, compile_s=compile_s)


def check_paths(paths: Mapping[str, str]) -> None:
    """Check the paths of files that are to lie together; each has the field that it is from.

    Raises:
        BadInputError: one leads out of the program's directory, is too long, or lies below another file.
    """
    for name, field in paths.items():
        path = PurePosixPath(name)
        if "\0" in name or path.is_absolute() or ".." in path.parts or not path.name:
            raise BadInputError(field, f"{name!r} is no path below the program's directory")
        if len(name.encode()) > PATH_BYTES or any(len(part.encode()) > NAME_BYTES for part in path.parts):
            raise BadInputError(field, f"a path has at most {PATH_BYTES} bytes, and a name in it {NAME_BYTES}")
        above = next((str(parent) for parent in path.parents if str(parent) in paths), None)
        if above is not None:
            raise BadInputError(field, f"{name!r} lies below {above!r}, which is a file")


def check_arguments(arguments: Sequence[str]) -> None:
    """Check the arguments of a program.

    Raises:
        BadInputError: one holds a NUL, or they are too long.
    """
    for index, argument in enumerate(arguments):
        if "\0" in argument:
            raise BadInputError(f"args[{index}]", "an argument holds no NUL")
        if len(argument.encode()) > ARGUMENT_BYTES:
            raise BadInputError(f"args[{index}]", f"an argument has at most {ARGUMENT_BYTES} bytes")
    if sum(len(argument.encode()) for argument in arguments) > ARGUMENTS_BYTES:
        raise BadInputError("args", f"all together have at most {ARGUMENTS_BYTES} bytes")


def from_base64(coded: str, field: str) -> bytes:
    """Decode base64, with or without line breaks.

    Raises:
        BadInputError: it is none.
    """
    try:
        return base64.b64decode("".join(coded.split()), validate=True)
    except ValueError as error:
        raise BadInputError(field, f"is not base64: {error}") from None


def text(output: bytes) -> str:
    """Read what a program wrote."""
    return output.decode("utf-8", "replace")


def said(case: CaseRun) -> str:
    """Return what a program wrote to stderr, or, where it had no time to, why it ended."""
    return text(case.stderr) or ("" if case.ending is Ending.OK else case.reason)
