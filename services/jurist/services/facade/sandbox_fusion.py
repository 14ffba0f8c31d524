"""SandboxFusion's `POST /run_code` (sandbox/server/sandbox_api.py), as verl, SkyRL and ReTool send it."""

from __future__ import annotations

import base64
import binascii
from typing import TYPE_CHECKING, Literal

import msgspec

from jurist.sandbox import Ending
from jurist.services.errors import BadInputError
from jurist.services.facade.programs import TIMEOUT_S, SandboxAwayError, limits, ran, said, text

if TYPE_CHECKING:
    from jurist.sandbox import CaseRun
    from jurist.services.facade.singles import Call

__all__ = ["RunCode", "RunCodeAnswer", "run_code"]

MIB = 1 << 20


class RunCode(msgspec.Struct):
    """One program: timeouts in seconds by the clock, -1 for the usual memory.

    `files` are contents in base64 by path, null for none; those that `fetch_files` names come back. `args` are the
    program's, where SandboxFusion has them for pytest alone.
    """

    code: str
    language: str
    stdin: str | None = None
    compile_timeout: float = TIMEOUT_S
    run_timeout: float = TIMEOUT_S
    memory_limit_MB: int = -1  # noqa: N815  # its name there
    files: dict[str, str | None] = {}
    fetch_files: list[str] = []
    args: list[str] = []


class Command(msgspec.Struct):
    """What became of compiling or of running; the status of what a signal ended is the signal's number below 0."""

    status: Literal["Finished", "Error", "TimeLimitExceeded"]
    execution_time: float
    return_code: int | None
    stdout: str
    stderr: str


class RunCodeAnswer(msgspec.Struct):
    """`status` is Failed for an exit status other than 0 and for a time limit; `files` are contents in base64."""

    status: Literal["Success", "Failed", "SandboxError"]
    message: str
    compile_result: Command | None
    run_result: Command | None
    executor_pod_name: str | None = None
    files: dict[str, str] = {}


async def run_code(body: RunCode, call: Call) -> RunCodeAnswer:
    """Run a program, SandboxFusion's way.

    Raises:
        BadInputError: a file cannot be.
    """
    allowed = limits(
        cpu_s=body.run_timeout,
        wall_s=body.run_timeout,
        memory_bytes=body.memory_limit_MB * MIB,
        compile_s=body.compile_timeout,
    )
    try:
        run = await ran(
            call.ask,
            source=body.code,
            language=body.language,
            stdin=body.stdin or "",
            limits=allowed,
            arguments=tuple(body.args),
            files=tuple((path, _content(path, coded)) for path, coded in body.files.items() if coded is not None),
            fetch=tuple(body.fetch_files),
        )
    except SandboxAwayError as error:
        return RunCodeAnswer("SandboxError", str(error), None, None)
    (case,) = run.cases
    compiled = None if run.compiled is None else _command(run.compiled)
    started = run.compiled is None or run.compiled.ending is Ending.OK
    return RunCodeAnswer(
        "Success" if case.ending is Ending.OK else "Failed",
        "",
        compiled,
        _command(case) if started else None,
        files={path: base64.b64encode(content).decode() for path, content in case.files},
    )


def _content(path: str, coded: str) -> bytes:
    try:
        return base64.b64decode(coded)
    except binascii.Error as error:
        raise BadInputError(f"files.{path}", f"is not base64: {error}") from None


def _command(case: CaseRun) -> Command:
    late = case.ending is Ending.TIME_LIMIT
    return Command(
        "TimeLimitExceeded" if late else "Finished",
        case.wall_s,
        None if late else _return_code(case),
        text(case.stdout),
        said(case),
    )


def _return_code(case: CaseRun) -> int:
    if case.signal is not None:
        return -case.signal
    return case.exit_status or (0 if case.ending is Ending.OK else 1)
