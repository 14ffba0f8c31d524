"""Running one program: what SandboxFusion's way of asking for it and Piston's have in common.

A program runs in the same sandbox as those that tests judge. What the sandbox could not do is an error of the server,
never an exit status of the program.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, cast

from jurist.sandbox import Ending, Limits, Program, Run, Stdio
from jurist.sandbox.languages import TAGS, named
from jurist.services.errors import BadInputError
from jurist.verifiers import NoReply, Question, Reply

if TYPE_CHECKING:
    from jurist.sandbox import CaseRun

__all__ = ["MEMORY_BYTES", "TIMEOUT_S", "Asking", "SandboxAwayError", "limits", "ran", "said", "text"]

Asking = Callable[[Question], Awaitable[Reply]]

TIMEOUT_S = 10.0  # both services' default is of this size
MEMORY_BYTES = 512 << 20
OURS = frozenset({Ending.SANDBOX_ERROR, Ending.UNAVAILABLE, Ending.TEST_ERROR})


class SandboxAwayError(Exception):
    """Raised when a program was not run, or nothing is known of it; the message says why."""


async def ran(ask: Asking, *, source: str, language: str, stdin: str, **given: Any) -> Run:  # noqa: ANN401  # Program's
    """Run a program once; `given` are further fields of `Program`.

    Raises:
        BadInputError: there is no such language, or a file or an argument cannot be.
        SandboxAwayError: it was not run.
    """
    name = named(language)
    if not name:
        raise BadInputError("language", f"no language is called {language!r}; there are {', '.join(TAGS)}")
    try:
        program = Program(source=source, language=name, tests=Stdio(stdins=(stdin,)), **given)
    except ValueError as error:
        raise BadInputError("files, args", str(error)) from None
    reply = await ask(program)
    if isinstance(reply, NoReply):
        raise SandboxAwayError(f"{reply.cause}: {reply.reason}")
    run = cast("Run", reply)
    if run.cases[0].ending in OURS:
        raise SandboxAwayError(run.cases[0].reason or str(run.cases[0].ending))
    return run


def limits(*, cpu_s: float, wall_s: float, memory_bytes: int, compile_s: float) -> Limits:
    """Limit a run and its compiler; memory that is not positive is the usual.

    Raises:
        BadInputError: a time is not positive.
    """
    memory_bytes = memory_bytes if memory_bytes > 0 else MEMORY_BYTES
    try:
        return Limits(cpu_s=cpu_s, wall_s=wall_s, memory_bytes=memory_bytes, compile_s=compile_s)
    except ValueError as error:
        raise BadInputError("", str(error)) from None


def text(output: bytes) -> str:
    """Read what a program wrote."""
    return output.decode("utf-8", "replace")


def said(case: CaseRun) -> str:
    """Return what a program wrote to stderr, or, where it had no time to, why it ended."""
    return text(case.stderr) or ("" if case.ending is Ending.OK else case.reason)
