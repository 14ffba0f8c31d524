"""Runs untrusted programs: the values. A backend is in a module of its own (`jurist.sandbox.embedded`)."""

from jurist.sandbox._values import (
    Asserts,
    CaseRun,
    Ending,
    Finding,
    Functions,
    Isolation,
    Limits,
    Program,
    Run,
    SandboxUnavailableError,
    Stdio,
)

__all__ = [
    "Asserts",
    "CaseRun",
    "Ending",
    "Finding",
    "Functions",
    "Isolation",
    "Limits",
    "Program",
    "Run",
    "SandboxUnavailableError",
    "Stdio",
]
