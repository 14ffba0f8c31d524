"""Piston's `POST /api/v2/execute` (api/src/api/v2.js, api/src/job.js), as open-r1 sends it."""

from __future__ import annotations

import base64
import binascii
import signal
from typing import TYPE_CHECKING, Literal

import msgspec

from jurist.sandbox import Ending
from jurist.services.errors import BadInputError
from jurist.services.facade.programs import TIMEOUT_S, limits, ran, said, text

if TYPE_CHECKING:
    from jurist.sandbox import CaseRun
    from jurist.services.facade.singles import Call

__all__ = ["Execute", "ExecuteAnswer", "execute"]

KILLING = {Ending.TIME_LIMIT: "TO", Ending.OUTPUT_LIMIT: "OL", Ending.MEMORY_LIMIT: "SG"}  # each by SIGKILL


class File(msgspec.Struct):
    """A file beside the program."""

    content: str
    name: str = ""
    encoding: Literal["utf8", "base64", "hex"] = "utf8"


class Execute(msgspec.Struct):
    """One program: timeouts in milliseconds, memory in bytes, -1 for the usual memory.

    The first file in utf8 is the program, and the only one that is compiled; the others lie beside it. A compiler's
    memory and CPU time are not for the caller to choose: `compile_timeout` bounds both of its clocks.
    """

    language: str
    files: list[File]
    version: str = "*"
    stdin: str = ""
    args: list[str] = []
    compile_timeout: float = TIMEOUT_S * 1e3
    run_timeout: float = TIMEOUT_S * 1e3
    compile_cpu_time: float = TIMEOUT_S * 1e3
    run_cpu_time: float = TIMEOUT_S * 1e3
    compile_memory_limit: int = -1
    run_memory_limit: int = -1


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
    """`compile` is there for languages that are compiled, and `run` is the same where that failed."""

    language: str
    version: str
    run: Stage
    compile: Stage | None = None


async def execute(body: Execute, call: Call) -> ExecuteAnswer:
    """Run a program, Piston's way.

    Raises:
        BadInputError: there is no program among the files, or a file cannot be.
        SandboxAwayError: it was not run.
    """
    main = next((index for index, file in enumerate(body.files) if file.encoding == "utf8"), None)
    if main is None:
        raise BadInputError("files", "must include at least one utf8 encoded file")
    run = await ran(
        call.ask,
        source=body.files[main].content,
        language=body.language,
        stdin=body.stdin,
        limits=limits(
            cpu_s=body.run_cpu_time / 1e3,
            wall_s=body.run_timeout / 1e3,
            memory_bytes=body.run_memory_limit,
            compile_s=body.compile_timeout / 1e3,
        ),
        arguments=tuple(body.args),
        files=tuple(
            (file.name or f"file{index}.code", _content(index, file))
            for index, file in enumerate(body.files)
            if index != main
        ),
    )
    compiled = None if run.compiled is None else _stage(run.compiled)
    return ExecuteAnswer(body.language, body.version, _stage(run.cases[0]), compiled)


def _content(index: int, file: File) -> bytes:
    try:
        match file.encoding:
            case "utf8":
                return file.content.encode(errors="surrogatepass")
            case "base64":
                return base64.b64decode(file.content)
            case "hex":
                return bytes.fromhex(file.content)
    except (binascii.Error, ValueError) as error:
        raise BadInputError(f"files[{index}].content", f"is not {file.encoding}: {error}") from None


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
