"""Running one program, in the words of SandboxFusion and of Piston: what graders of code already speak.

A program runs in the same sandbox as those that tests judge. What the sandbox could not do is an error of the server,
never an exit status of the program.
"""

from __future__ import annotations

import base64
import binascii
import signal
from collections.abc import Awaitable, Callable
from typing import Literal, cast

import msgspec

from jurist.sandbox import CaseRun, Ending, Limits, Program, Run, Stdio
from jurist.sandbox.languages import LANGUAGES
from jurist.services.errors import BadInputError
from jurist.verifiers import NoReply, Question, Reply

__all__ = [
    "Execute",
    "ExecuteAnswer",
    "RunCode",
    "RunCodeAnswer",
    "SandboxAwayError",
    "execute",
    "run_code",
]

Asking = Callable[[Question], Awaitable[Reply]]

MIB = 1 << 20
TIMEOUT_S = 10.0  # both services' default is of this size
MEMORY_BYTES = 512 * MIB
OURS = frozenset({Ending.SANDBOX_ERROR, Ending.UNAVAILABLE, Ending.TEST_ERROR})
ALSO_CALLED = {
    "python3": "python",
    "py": "python",
    "c++": "cpp",
    "g++": "cpp",
    "gcc": "c",
    "nodejs": "javascript",
    "node": "javascript",
    "js": "javascript",
    "sh": "bash",
}


class SandboxAwayError(Exception):
    """Raised when a program was not run, or nothing is known of it; the message says why."""


class RunCode(msgspec.Struct):
    """SandboxFusion, sandbox/server/sandbox_api.py: timeouts in seconds by the clock, -1 for the usual memory."""

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
    """What became of compiling or of running."""

    status: Literal["Finished", "Error", "TimeLimitExceeded"]
    execution_time: float
    return_code: int | None
    stdout: str
    stderr: str


class RunCodeAnswer(msgspec.Struct):
    """`status` is Failed for an exit status other than 0 and for a time limit."""

    status: Literal["Success", "Failed", "SandboxError"]
    message: str
    compile_result: Command | None
    run_result: Command | None
    executor_pod_name: str | None = None
    files: dict[str, str] = {}


async def run_code(body: RunCode, ask: Asking) -> RunCodeAnswer:
    """Run a program, SandboxFusion's way.

    Raises:
        BadInputError: it asks for what is not offered (files, arguments).
    """
    for name in ("files", "fetch_files", "args"):
        if getattr(body, name):
            raise BadInputError(name, "is not offered: a program has standard input and standard output alone")
    memory_bytes = body.memory_limit_MB * MIB if body.memory_limit_MB > 0 else MEMORY_BYTES
    limits = _limits(body.run_timeout, body.run_timeout, memory_bytes, body.compile_timeout)
    try:
        run = await _run(body.code, body.language, body.stdin or "", limits, ask)
    except SandboxAwayError as error:
        return RunCodeAnswer("SandboxError", str(error), None, None)
    (case,) = run.cases
    compiling = Command("Finished", run.compile_s, 0, "", "") if _compiled(body.language) else None
    if case.ending is Ending.COMPILE_ERROR:
        return RunCodeAnswer("Failed", "", Command("Finished", run.compile_s, 1, "", _text(case.stderr)), None)
    running = Command(
        "TimeLimitExceeded" if case.ending is Ending.TIME_LIMIT else "Finished",
        case.wall_s,
        None if case.ending is Ending.TIME_LIMIT else _status(case),
        _text(case.stdout),
        _text(case.stderr) or _said(case),
    )
    return RunCodeAnswer("Success" if case.ending is Ending.OK else "Failed", "", compiling, running)


class File(msgspec.Struct):
    """A file of the program; the first is the one that is run."""

    content: str
    name: str = ""
    encoding: Literal["utf8", "base64", "hex"] = "utf8"


class Execute(msgspec.Struct):
    """Piston's POST /api/v2/execute: timeouts in milliseconds, memory in bytes, -1 for the usual memory."""

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
    """`compile` is there for languages that are compiled."""

    language: str
    version: str
    run: Stage
    compile: Stage | None = None


async def execute(body: Execute, ask: Asking) -> ExecuteAnswer:
    """Run a program, Piston's way.

    Raises:
        BadInputError: it asks for what is not offered.
        SandboxAwayError: it was not run.
    """
    if len(body.files) != 1:
        raise BadInputError("files", f"{len(body.files)} of them; one is offered")
    if body.args:
        raise BadInputError("args", "is not offered: a program has standard input and standard output alone")
    memory_bytes = body.run_memory_limit if body.run_memory_limit > 0 else MEMORY_BYTES
    limits = _limits(body.run_cpu_time / 1e3, body.run_timeout / 1e3, memory_bytes, body.compile_timeout / 1e3)
    run = await _run(_content(body.files[0]), body.language, body.stdin, limits, ask)
    (case,) = run.cases
    if case.ending is Ending.COMPILE_ERROR:
        failed = _stage(case, run.compile_s)
        return ExecuteAnswer(body.language, body.version, _NOT_RUN, failed)
    compiling = _stage(CaseRun(ending=Ending.OK, exit_status=0), run.compile_s) if _compiled(body.language) else None
    return ExecuteAnswer(body.language, body.version, _stage(case, case.wall_s), compiling)


_NOT_RUN = Stage("", "", "", None, None, "not run", None, 0.0, 0.0, 0)
_STATUS = {  # limits, each of which Piston ends with SIGKILL
    Ending.TIME_LIMIT: "TO",
    Ending.OUTPUT_LIMIT: "OL",
    Ending.MEMORY_LIMIT: "SG",
}


def _stage(case: CaseRun, wall_s: float) -> Stage:
    stdout, stderr = _text(case.stdout), _text(case.stderr)
    limited = case.ending in _STATUS
    killed_by = signal.SIGKILL if limited else case.signal
    status = _STATUS.get(case.ending) or ("SG" if killed_by else "RE" if case.ending is not Ending.OK else None)
    return Stage(
        stdout=stdout,
        stderr=stderr,
        output=stdout + stderr,
        code=None if killed_by else _status(case),
        signal=signal.Signals(killed_by).name if killed_by else None,
        message=case.reason or None,
        status=status,
        cpu_time=round(case.cpu_s * 1e3, 3),
        wall_time=round(wall_s * 1e3, 3),
        memory=case.peak_memory_bytes,
    )


def _content(file: File) -> str:
    try:
        match file.encoding:
            case "utf8":
                return file.content
            case "base64":
                return base64.b64decode(file.content, validate=True).decode()
            case "hex":
                return bytes.fromhex(file.content).decode()
    except (binascii.Error, ValueError) as error:
        raise BadInputError("files[0].content", f"is not text in {file.encoding}: {error}") from None


def _limits(cpu_s: float, wall_s: float, memory_bytes: int, compile_s: float) -> Limits:
    try:
        return Limits(cpu_s=cpu_s, wall_s=wall_s, memory_bytes=memory_bytes, compile_s=compile_s)
    except ValueError as error:
        raise BadInputError("", str(error)) from None


async def _run(source: str, language: str, stdin: str, limits: Limits, ask: Asking) -> Run:
    name = _name(language)
    if name != "python" and name not in LANGUAGES:
        raise BadInputError("language", f"no language is called {language!r}; there are python, {', '.join(LANGUAGES)}")
    reply = await ask(Program(source=source, language=name, tests=Stdio(stdins=(stdin,)), limits=limits))
    if isinstance(reply, NoReply):
        raise SandboxAwayError(f"{reply.cause}: {reply.reason}")
    run = cast("Run", reply)
    if run.cases[0].ending in OURS:
        raise SandboxAwayError(run.cases[0].reason or str(run.cases[0].ending))
    return run


def _name(language: str) -> str:
    return ALSO_CALLED.get(language.lower(), language.lower())


def _compiled(language: str) -> bool:
    known = LANGUAGES.get(_name(language))
    return known is not None and bool(known.compile)


def _status(case: CaseRun) -> int:
    """Return an exit status, a shell's for one that a signal ended."""
    if case.signal is not None:
        return 128 + case.signal
    if case.exit_status is not None:
        return case.exit_status
    return 0 if case.ending is Ending.OK else 1


def _said(case: CaseRun) -> str:
    return "" if case.ending is Ending.OK else case.reason


def _text(output: bytes) -> str:
    return output.decode("utf-8", "replace")
