"""Runs untrusted programs: the values. A backend is in a module of its own (`jurist.sandbox.embedded`)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jurist.sandbox._values import (
    Asserts,
    CaseRun,
    Ending,
    Finding,
    Functions,
    Interactive,
    Isolation,
    Limits,
    Program,
    Run,
    SandboxUnavailableError,
    Stdio,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = [
    "Asserts",
    "CaseRun",
    "Ending",
    "Finding",
    "Functions",
    "Interactive",
    "Isolation",
    "Limits",
    "Program",
    "Run",
    "SandboxUnavailableError",
    "Stdio",
    "doctor",
]


def doctor() -> Sequence[Finding]:
    """Try what the backends need of this host, without starting them; takes a fifth of a second."""
    from jurist.sandbox._doctor import findings  # noqa: PLC0415  verifiers import this module for its values alone

    return findings()
