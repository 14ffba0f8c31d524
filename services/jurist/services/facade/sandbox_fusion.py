"""SandboxFusion's `POST /run_code` (sandbox/server/sandbox_api.py), as verl, SkyRL and ReTool send it."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Literal

import msgspec

from jurist.sandbox import Ending
from jurist.services.facade.programs import (
    TIMEOUT_S,
    MemoryMib,
    SandboxAwayError,
    Seconds,
    check_arguments,
    check_paths,
    from_base64,
    limits,
    ran,
    said,
    text,
)

if TYPE_CHECKING:
    from jurist.sandbox import CaseRun
    from jurist.services.facade.singles import Call

__all__ = ["RunCode", "RunCodeAnswer", "run_code"]

MIB = 1 << 20


class RunCode(msgspec.Struct):
    """One program: timeouts in seconds by the clock, -1 for the usual memory. Null is a field left out.

    `files` are contents in base64 by path, null for none; those that `fetch_files` names come back. `args` are the
    program's, where SandboxFusion has them for pytest alone.
    """

    code: str
    language: str
    stdin: str | None = None
    compile_timeout: Seconds | None = TIMEOUT_S
    run_timeout: Seconds | None = TIMEOUT_S
    memory_limit_MB: MemoryMib | None = -1  # noqa: N815  # its name there
    files: dict[str, str | None] | None = {}
    fetch_files: list[str] | None = []
    args: list[str] | None = []


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
    files = {path: coded for path, coded in (body.files or {}).items() if coded is not None}
    fetched, arguments = body.fetch_files or [], body.args or []
    check_paths({path: f"files.{path}" for path in files})
    for index, path in enumerate(fetched):
        check_paths({path: f"fetch_files[{index}]"})
    check_arguments(arguments)
    timeout_s = body.run_timeout or TIMEOUT_S
    try:
        run = await ran(
            call.ask,
            source=body.code,
            language=body.language,
            stdin=body.stdin or "",
            limits=limits(
                cpu_s=timeout_s,
                wall_s=timeout_s,
                memory_bytes=(body.memory_limit_MB or -1) * MIB,
                compile_s=body.compile_timeout or TIMEOUT_S,
            ),
            arguments=tuple(arguments),
            files=tuple((path, from_base64(coded, f"files.{path}")) for path, coded in files.items()),
            fetch=tuple(fetched),
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
