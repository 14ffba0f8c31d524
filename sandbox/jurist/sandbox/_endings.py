"""How a run ended, judged from its outcome alone: pure."""

from __future__ import annotations

import os
import signal
from typing import Final

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
