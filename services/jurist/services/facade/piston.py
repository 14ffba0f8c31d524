"""Piston's `POST /api/v2/execute` (api/src/api/v2.js, api/src/job.js, docs/api-v2.md), as open-r1 sends it."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING, Literal

import msgspec

from jurist.sandbox import Ending
from jurist.sandbox.languages import named
from jurist.services.errors import BadInputError
from jurist.services.facade.programs import (
    TIMEOUT_S,
    MemoryBytes,
    Milliseconds,
    NoToolchainError,
    check_arguments,
    check_paths,
    from_base64,
    limits,
    ran,
    said,
    text,
)
from jurist.services.facade.versions import satisfies

if TYPE_CHECKING:
    from jurist.sandbox import CaseRun
    from jurist.services.facade.singles import Call

__all__ = ["Execute", "ExecuteAnswer", "execute"]

TIMEOUT_MS = TIMEOUT_S * 1e3
KILLING = {Ending.TIME_LIMIT: "TO", Ending.OUTPUT_LIMIT: "OL", Ending.MEMORY_LIMIT: "SG"}  # each by SIGKILL


class File(msgspec.Struct):
    """A file beside the program. Null is a field left out."""

    content: str
    name: str | None = ""
    encoding: Literal["utf8", "base64", "hex"] | None = "utf8"


class Execute(msgspec.Struct):
    """One program: timeouts in milliseconds, memory in bytes, -1 for the usual memory. Null is a field left out.

    `version` selects among what `GET /api/v2/runtimes` lists, as npm's ranges do: `*`, `3.x`, `^3.10`, `>=3.8 <4`.
    The first file in utf8 is the program, and the only one that is compiled; the others lie beside it. A compiler's
    memory and CPU time are not for the caller to choose: `compile_timeout` bounds both of its clocks.
    """

    language: str
    files: list[File]
    version: str | None = "*"
    stdin: str | None = ""
    args: list[str] | None = []
    compile_timeout: Milliseconds | None = TIMEOUT_MS
    run_timeout: Milliseconds | None = TIMEOUT_MS
    compile_cpu_time: Milliseconds | None = TIMEOUT_MS
    run_cpu_time: Milliseconds | None = TIMEOUT_MS
    compile_memory_limit: MemoryBytes | None = -1
    run_memory_limit: MemoryBytes | None = -1


class Stage(msgspec.Struct):
    """Compiling or running. `status`: RE, SG, TO, OL, or null; times in milliseconds, memory in bytes."""

    stdout: str
    stderr: str
    output: str
    code: int | None
    signal: str | None
    message: str | None
    status: str | None
    cpu_time: float
    wall_time: float
    memory: int


class ExecuteAnswer(msgspec.Struct, omit_defaults=True):
    """The language by its name and its toolchain's version.

    `compile` is there for languages that are compiled, and `run` is the same where that failed.
    """

    language: str
    version: str
    run: Stage
    compile: Stage | None = None


async def execute(body: Execute, call: Call) -> ExecuteAnswer:
    """Run a program, Piston's way.

    Raises:
        BadInputError: there is no program among the files, a file cannot be, or no such runtime is there.
        SandboxAwayError: it was not run.
    """
    main = next((index for index, file in enumerate(body.files) if (file.encoding or "utf8") == "utf8"), None)
    if main is None:
        raise BadInputError("files", "must include at least one utf8 encoded file")
    names = {index: file.name or f"file{index}.code" for index, file in enumerate(body.files) if index != main}
    check_paths({name: f"files[{index}].name" for index, name in names.items()})
    arguments = body.args or []
    check_arguments(arguments)
    files = {name: _content(index, body.files[index]) for index, name in names.items()}  # the last of a name counts
    version = await _version(body, call)
    run = await ran(
        call.ask,
        source=body.files[main].content,
        language=body.language,
        stdin=body.stdin or "",
        limits=limits(
            cpu_s=(body.run_cpu_time or TIMEOUT_MS) / 1e3,
            wall_s=(body.run_timeout or TIMEOUT_MS) / 1e3,
            memory_bytes=body.run_memory_limit or -1,
            compile_s=(body.compile_timeout or TIMEOUT_MS) / 1e3,
        ),
        arguments=tuple(arguments),
        files=tuple(files.items()),
    )
    compiled = None if run.compiled is None else _stage(run.compiled)
    return ExecuteAnswer(named(body.language), version, _stage(run.cases[0]), compiled)


async def _version(body: Execute, call: Call) -> str:
    """Return the version that a program will run with."""
    name, selector = named(body.language), body.version or "*"
    unknown = BadInputError("language", f"{body.language}-{selector} runtime is unknown")  # as Piston says it
    if not name:
        raise unknown
    try:
        version = await call.runtimes.version(name)
    except NoToolchainError:
        if await call.runtimes.lacks(name):
            raise unknown from None
        raise
    if not satisfies(version, selector):
        raise BadInputError("version", f"{unknown.message}; there is {version}")
    return version


def _content(index: int, file: File) -> bytes:
    field = f"files[{index}].content"
    match file.encoding:
        case "base64":
            return from_base64(file.content, field)
        case "hex":
            try:
                return bytes.fromhex(file.content)
            except ValueError as error:
                raise BadInputError(field, f"is not hex: {error}") from None
        case _:
            return file.content.encode()


def _stage(case: CaseRun) -> Stage:
    stdout, stderr = text(case.stdout), said(case)
    killed_by = signal.SIGKILL if case.ending in KILLING else case.signal
    failed = case.ending is not Ending.OK
    return Stage(
        stdout=stdout,
        stderr=stderr,
        output=stdout + stderr,
        code=None if killed_by else case.exit_status or int(failed),
        signal=signal.Signals(killed_by).name if killed_by else None,
        message=case.reason or None,
        status=KILLING.get(case.ending) or ("SG" if killed_by else "RE" if failed else None),
        cpu_time=round(case.cpu_s * 1e3, 3),
        wall_time=round(case.wall_s * 1e3, 3),
        memory=case.peak_memory_bytes,
    )
