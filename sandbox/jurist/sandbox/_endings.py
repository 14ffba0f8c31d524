"""How a run ended, judged from its outcome alone: pure."""

from __future__ import annotations

import dataclasses
import errno
import math
import os
import signal
from typing import Final, cast

from jurist.sandbox import codec
from jurist.sandbox._activity import Outcome, Stop
from jurist.sandbox._box import wire
from jurist.sandbox._values import CaseRun, Ending, Limits

BUSY_SHARE: Final = 0.5
"""A wall limit reached with less CPU time than this share of it is suspicious on a busy machine."""
WAITED_SHARE: Final = 0.1
"""Busy: the process waited for a core for more than this share of its time."""
REASON_CHARACTERS: Final = 300
OUT_OF_MEMORY: Final = (b"\nMemoryError", b"java.lang.OutOfMemoryError", b"std::bad_alloc", b"heap out of memory")
"""What runtimes write when an allocation fails before the kernel has to step in."""
LIMIT_SIGNS: Final = {
    "MemoryError": Ending.MEMORY_LIMIT,
    f"OSError: [Errno {errno.EFBIG}]": Ending.OUTPUT_LIMIT,
}
"""What a call raises that met a limit."""
SPOKEN: Final = frozenset({"ok", "wrong_answer", "runtime_error", "test_error", wire.GONE})
"""What test code may say of a program."""
REJECTED: Final = (1, 2)
"""Statuses of a checker or an interactor for a wrong answer and for a malformed one, as testlib has them."""
HUNG_UP: Final = ("EOFError", "BrokenPipeError", "ConnectionResetError")
"""How a Python program ends whose partner in a conversation has ended before."""
AT_A_LOSS: Final = ("ValueError", "UnicodeDecodeError", "IndexError", "KeyError", "AssertionError", "OverflowError")
"""How a Python interactor ends that can make nothing of what the program says."""


@dataclasses.dataclass(frozen=True, slots=True)
class Said:
    """What test code said of a program: the name of an ending and a reason; "" where it ended without a word.

    `late` if it was killed for its own time, `fault` what kept it from running, "" if nothing did.
    """

    ending: str = ""
    reason: str = ""
    late: bool = False
    fault: str = ""


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def _last_line(stderr: bytes) -> str:
    lines = stderr.decode(errors="replace").strip().splitlines()
    return lines[-1][:REASON_CHARACTERS] if lines else ""


def starved(outcome: Outcome, limits: Limits) -> bool:
    """Whether a wall limit was hit because the machine was busy, so that the run deserves another try alone."""
    return (
        outcome.stopped is Stop.WALL
        and judged(outcome, limits)[0] is Ending.TIME_LIMIT
        and outcome.cpu_s < BUSY_SHARE * limits.wall_s
        and outcome.waited_s > WAITED_SHARE * limits.wall_s
    )


def _limit_reached(outcome: Outcome, limits: Limits) -> tuple[Ending, str] | None:
    if max(outcome.stdout_bytes, outcome.stderr_bytes) > limits.output_bytes:
        return Ending.OUTPUT_LIMIT, f"more than {limits.output_bytes} bytes of output"
    if outcome.out_of_memory:
        return Ending.MEMORY_LIMIT, f"more than {limits.memory_bytes} bytes of memory"
    # Of processes that use several cores the sum counts.
    if outcome.stopped is Stop.CPU or outcome.cpu_s > limits.cpu_s:
        return Ending.TIME_LIMIT, f"more than {limits.cpu_s:g} s of CPU time"
    if outcome.stopped is Stop.WALL or outcome.wall_s > limits.wall_s:
        return Ending.TIME_LIMIT, f"more than {limits.wall_s:g} s"
    return None


def _cancelled(outcome: Outcome) -> tuple[Ending, str] | None:
    killed = os.WIFSIGNALED(outcome.status) and os.WTERMSIG(outcome.status) == signal.SIGKILL
    return (Ending.SANDBOX_ERROR, "cancelled") if killed and outcome.stopped is Stop.CANCELLED else None


def _start_failed(outcome: Outcome) -> tuple[Ending, str] | None:
    tag, text = outcome.note[:1], outcome.note[1:].decode(errors="replace")
    if tag == wire.NOT_COMPILED:
        return Ending.COMPILE_ERROR, text.splitlines()[-1][:REASON_CHARACTERS] if text else "no program"
    if tag == wire.READY:
        return None
    if tag == wire.LACKING:
        return Ending.UNAVAILABLE, text
    if tag == wire.NOT_STARTED or not os.WIFSIGNALED(outcome.status):
        return Ending.SANDBOX_ERROR, text or "the run ended before it began"
    return Ending.COMPILE_ERROR, f"the compiler died of {_signal_name(os.WTERMSIG(outcome.status))}"


def judged(outcome: Outcome, limits: Limits) -> tuple[Ending, str]:
    """Say how a run ended, and why in a line."""
    found = _limit_reached(outcome, limits) or _cancelled(outcome) or _start_failed(outcome)
    if found is not None:
        return found
    if os.WIFSIGNALED(outcome.status):
        return Ending.RUNTIME_ERROR, f"ended by {_signal_name(os.WTERMSIG(outcome.status))}"
    status = os.WEXITSTATUS(outcome.status)
    if status == 0:
        return Ending.OK, ""
    line = _last_line(outcome.stderr)
    if any(words in outcome.stderr for words in OUT_OF_MEMORY):
        return Ending.MEMORY_LIMIT, line
    return Ending.RUNTIME_ERROR, line or f"exit status {status}"


def case_run(outcome: Outcome, limits: Limits) -> CaseRun:
    """Describe a run's end for the caller."""
    ending, reason = judged(outcome, limits)
    signaled = os.WIFSIGNALED(outcome.status)
    return CaseRun(
        ending=ending,
        reason=reason,
        stdout=outcome.stdout,
        stderr=outcome.stderr,
        exit_status=None if signaled else os.WEXITSTATUS(outcome.status),
        signal=os.WTERMSIG(outcome.status) if signaled else None,
        cpu_s=outcome.cpu_s,
        wall_s=outcome.wall_s,
        peak_memory_bytes=max(outcome.peak_bytes, outcome.resident_bytes),
    )


def not_compiled(case: CaseRun) -> CaseRun:
    """Describe the end of a compiler that made nothing."""
    if case.ending is Ending.SANDBOX_ERROR:
        return case
    reason = _first_error(case.stderr) if case.ending is Ending.RUNTIME_ERROR else f"the compiler: {case.reason}"
    return dataclasses.replace(case, ending=Ending.COMPILE_ERROR, reason=reason or case.reason)


def _first_error(stderr: bytes) -> str:
    """Give the first line of a compiler's complaints that says error."""
    lines = stderr.decode(errors="replace").strip().splitlines()
    return next((line for line in lines if "error" in line), lines[-1] if lines else "")[:REASON_CHARACTERS]


def _rejected(said: CaseRun) -> bool:
    """Whether a program of the task's ended with a verdict against the program, and not with a failure of its own."""
    return said.ending is Ending.RUNTIME_ERROR and said.exit_status in REJECTED and b"Traceback" not in said.stderr


def _words(said: CaseRun) -> str:
    return (said.stdout + b"\n" + said.stderr).decode(errors="replace").strip()[:REASON_CHARACTERS]


def checked(case: CaseRun, said: CaseRun) -> CaseRun:
    """Join a run that ended well with what the checker did with its output."""
    if said.ending in {Ending.OK, Ending.SANDBOX_ERROR}:
        return dataclasses.replace(case, ending=said.ending, reason=said.reason)
    if _rejected(said):
        return dataclasses.replace(case, ending=Ending.WRONG_ANSWER, reason=_words(said) or "the checker rejected it")
    return dataclasses.replace(case, ending=Ending.TEST_ERROR, reason=f"the checker: {said.reason}")


def conversed(case: CaseRun, said: CaseRun) -> CaseRun:
    """Join the ends of a program and of its interactor; who ended first does not matter, which load would decide.

    A program that failed because the interactor had hung up, or the other way round, has not failed by itself.
    """
    fault = {case.ending, said.ending} & {Ending.SANDBOX_ERROR, Ending.UNAVAILABLE}
    if fault:
        return dataclasses.replace(case, ending=Ending.SANDBOX_ERROR, reason=case.reason or said.reason)
    failed = case.ending is not Ending.OK and not _hung_up_on(case)
    if failed:
        return case
    if said.ending is Ending.OK:
        return dataclasses.replace(case, ending=Ending.OK, reason="")
    if _rejected(said):
        reason = _words(said) or "the interactor rejected it"
        return dataclasses.replace(case, ending=Ending.WRONG_ANSWER, reason=reason)
    if _hung_up_on(said):
        return dataclasses.replace(case, ending=Ending.WRONG_ANSWER, reason="the program ended the conversation")
    confused = said.ending is Ending.RUNTIME_ERROR and said.reason.startswith(AT_A_LOSS)
    ending = Ending.WRONG_ANSWER if confused else Ending.TEST_ERROR
    return dataclasses.replace(case, ending=ending, reason=f"the interactor: {said.reason}")


def _hung_up_on(case: CaseRun) -> bool:
    if case.signal == signal.SIGPIPE:
        return True
    return case.ending is Ending.RUNTIME_ERROR and case.reason.startswith(HUNG_UP)


def _lost(case: CaseRun, outcome: Outcome) -> CaseRun:
    """Describe the end of a program that did not answer, by what became of its process."""
    if case.ending is Ending.OK or (case.ending is Ending.SANDBOX_ERROR and outcome.stopped is Stop.CANCELLED):
        return dataclasses.replace(case, ending=Ending.RUNTIME_ERROR, reason="the program ended before it answered")
    return case


def last_call(outcome: Outcome, limits: Limits) -> CaseRun:
    """Describe a process that died in a call: its time is that of all calls, while the limits are those of each."""
    case = case_run(outcome, dataclasses.replace(limits, cpu_s=math.inf, wall_s=math.inf))
    if case.ending is Ending.TIME_LIMIT:
        case = dataclasses.replace(case, reason=f"more than {limits.cpu_s:g} s of CPU time or {limits.wall_s:g} s")
    return _lost(case, outcome)


def answered(answer: bytes) -> CaseRun:
    """Read a call's answer without looking into a value: that is for whoever compares it."""
    tag, body = answer[:1], answer[1:].decode(errors="replace")
    if tag == wire.VALUE:
        return CaseRun(ending=Ending.OK, returned=body)
    if tag != wire.RAISED:
        return CaseRun(ending=Ending.WRONG_ANSWER, reason=body[:REASON_CHARACTERS])
    try:
        message, name, *_ = cast("list[object]", codec.read(body))
        reason = " ".join(f"{name}: {message}".splitlines())
    except (TypeError, ValueError):
        reason = "an exception that cannot be read"
    ending = next((limit for sign, limit in LIMIT_SIGNS.items() if reason.startswith(sign)), Ending.RUNTIME_ERROR)
    return CaseRun(ending=ending, reason=reason[:REASON_CHARACTERS])


def concluded(outcome: Outcome, said: Said, limits: Limits) -> CaseRun:
    """Join what the test side says with what is seen of the program's process."""
    case = case_run(outcome, limits)
    if said.fault:
        return dataclasses.replace(case, ending=Ending.SANDBOX_ERROR, reason=said.fault)
    if said.ending == wire.GONE:
        return _lost(case, outcome)
    if case.ending in {Ending.TIME_LIMIT, Ending.MEMORY_LIMIT, Ending.OUTPUT_LIMIT}:
        return case
    if said.ending:
        return dataclasses.replace(case, ending=Ending(said.ending), reason=said.reason)
    if said.late:
        return dataclasses.replace(case, ending=Ending.TIME_LIMIT, reason="the tests took too long")
    return dataclasses.replace(case, ending=Ending.WRONG_ANSWER, reason="the tests ended without a verdict")
