"""The tests of a programming problem, as a task carries them."""

from __future__ import annotations

from dataclasses import dataclass, field

__all__ = [
    "AssertTests",
    "Comparison",
    "FunctionCase",
    "FunctionTests",
    "InteractiveCase",
    "InteractiveTests",
    "ProgramTests",
    "RunLimits",
    "StdioCase",
    "StdioTests",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class StdioCase:
    """One input and what the program must print for it; several texts for `any_of`.

    `weight`, above 0, and `subtask` matter to the rewards of these names alone.
    """

    stdin: str = ""
    expected_stdout: str | tuple[str, ...] = ""
    weight: float = 1.0
    subtask: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class FunctionCase:
    """One call: plain values in, a plain value out.

    `text` is what `expected` was read from, where that may be the result itself.
    """

    args: tuple[object, ...] = ()
    expected: object = None
    text: str | None = None
    weight: float = 1.0
    subtask: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class StdioTests:
    """The program reads standard input and writes standard output."""

    cases: tuple[StdioCase, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class FunctionTests:
    """A function of the program, or a method of its `class Solution`, is called.

    With `loose`, expected values are as APPS has them: a mapping's keys, which JSON has as texts, may be integers; with
    `wrapped` each may be meant with a list of one around it.
    """

    entry_point: str
    cases: tuple[FunctionCase, ...]
    loose: bool = False
    wrapped: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class AssertTests:
    """Test code calls the function `entry_point` and fails by raising.

    `prelude` is the task's own beginning of the program (HumanEval's prompt): it goes before the submission, and the
    helper functions that it defines are the test code's too. `in_process` runs the test code where the program ran.
    """

    entry_point: str
    code: str
    prelude: str = ""
    in_process: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class InteractiveCase:
    """One conversation: what the interactor, and it alone, is given."""

    input: str = ""
    answer: str = ""
    weight: float = 1.0
    subtask: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class InteractiveTests:
    """The program converses with the task's interactor, a Python program as `jurist.sandbox.Interactive` says."""

    interactor: str
    cases: tuple[InteractiveCase, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """How an output is compared with the expected one; "" is `float` for outputs and `value` for results.

    Tolerances are from 0; None is the mode's own.
    """

    mode: str = ""
    abs_tolerance: float | None = None
    rel_tolerance: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RunLimits:
    """What one run may use; None is the recipe's."""

    cpu_s: float | None = None
    wall_s: float | None = None
    memory_bytes: int | None = None
    output_bytes: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ProgramTests:
    """The tests of a programming problem; `language` "" is Python, `checker` a Python program or "".

    `image` is the container image to run in, "" the sandbox's own.

    A checker is run with the paths of the input, the expected and the actual output; it accepts with status 0.
    """

    protocol: StdioTests | FunctionTests | AssertTests | InteractiveTests
    language: str = ""
    compare: Comparison = field(default_factory=Comparison)
    checker: str = ""
    limits: RunLimits = field(default_factory=RunLimits)
    image: str = ""
