"""Whether the submitted program passes the problem's tests, or what share of them."""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Annotated, ClassVar, Final, Literal, cast

from pydantic import Field

from jurist.sandbox import Asserts, CaseRun, Ending, Functions, Interactive, Limits, Program, Run, Stdio
from jurist.sandbox import codec as plain
from jurist.sandbox.languages import TAGS, named
from jurist.verifiers._code.apart import fitted, reaching
from jurist.verifiers._code.collecting import collected
from jurist.verifiers._code.compare import TEXT_MODES, TINY, TOLERANCE, text_difference, value_difference
from jurist.verifiers._code.shapes import FIELDS, WRAPPERS, BadTestsError, compiling, read_tests
from jurist.verifiers._code.starting import lacking
from jurist.verifiers._code.submission import Missing, submission
from jurist.verifiers._tests import AssertTests, FunctionTests, InteractiveTests, ProgramTests, StdioTests
from jurist.verifiers._values import Abstain, Ask, Cause, FinishReason, NoReply, Score

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from jurist.verifiers._values import Reply, Sample, Verdict

__all__ = ["CodeTests"]

DETAILED_CASES = 100
"""Cases with an entry of their own in the details."""
HEAD_CHARACTERS = 200
"""Of stdout and stderr in the details."""
MIB = 1 << 20
OVERLONG, SHORT = 16, 4096
"""How much longer than what is expected a value may be described, times and bytes: 0.1 as a fraction, say."""

NOT_ITS_FAULT = {
    Ending.SANDBOX_ERROR: Cause.INTERNAL,
    Ending.UNAVAILABLE: Cause.UNAVAILABLE,
    Ending.TEST_ERROR: Cause.INVALID_REFERENCE,
}


@dataclass(frozen=True, slots=True)
class _Judged:
    """One case: `verdict` is "passed" or the name of an `Ending`."""

    run: CaseRun
    verdict: str
    reason: str
    weight: float = 1.0
    subtask: str = ""

    @property
    def passed(self) -> bool:
        return self.verdict == "passed"


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeTests:
    """Scores the program in a completion by running it on the task's tests in a sandbox.

    The tests are in `task.tests`, or in a trainer's own shape in `task.extra` or as JSON in `task.answers`. Details:
    `verdict` (of the first case that failed, or "passed"), `passed`, `total`, `isolation`, `in_process` and for the
    first hundred `tests`: verdict, reason, cpu_s, wall_s, peak_memory_bytes, heads of stdout and stderr, truncated.
    """

    version: ClassVar[str] = "1"

    reward: Annotated[
        Literal["all", "fraction", "weighted", "subtasks", "prefix"],
        Field(
            description="1.0 for all tests or 0.0; the share of tests passed; of their weight; of the subtasks whose "
            "tests all passed; or of the tests before the first failure"
        ),
    ] = "all"
    stop_at_failure: Annotated[
        bool, Field(description="with `all` and `prefix`: run no test after one that crashed or hit a limit")
    ] = True
    cpu_s: Annotated[float, Field(gt=0, le=600, description="CPU seconds a test, where the task says nothing")] = 10.0
    wall_s: Annotated[float, Field(gt=0, le=1200, description="seconds by the clock a test, as above")] = 20.0
    memory_bytes: Annotated[int, Field(ge=16 * MIB, description="bytes of memory a test, as above")] = 512 * MIB
    output_bytes: Annotated[int, Field(ge=1, le=64 * MIB, description="bytes of output a test, as above")] = 16 * MIB
    together: Annotated[
        bool,
        Field(
            description="run test code that reaches into the program's process (patches it, catches what it prints) in "
            "that process, where a program can cheat, rather than abstain"
        ),
    ] = False

    def verdict(self, sample: Sample, replies: Sequence[Reply] = ()) -> Verdict | Ask:
        """Ask for the program to be run, then compare what it did with what the tests expect."""
        try:
            tests = _tests_of(sample)
        except BadTestsError as error:
            return Abstain(Cause.INVALID_REFERENCE, f"no usable tests: {error}")
        if replies:
            (reply,) = replies
            if isinstance(reply, NoReply):
                return Abstain(reply.cause, reply.reason)
            return self._scored(tests, cast("Run", reply))
        return self._asked(sample, tests)

    def _asked(self, sample: Sample, tests: ProgramTests) -> Verdict | Ask:
        language = named(tests.language or "python")
        if not language:
            return Abstain(Cause.UNAVAILABLE, f"no language is called {tests.language!r}; there are {', '.join(TAGS)}")
        source = submission(sample.completion, language, truncated=sample.finish_reason is FinishReason.LENGTH)
        if isinstance(source, Missing):
            return Score(0.0, f"no program: {source.reason}", {"verdict": "no_program"})
        try:
            return Ask((self._program(tests, language, source),))
        except (ValueError, OverflowError) as error:
            return Abstain(Cause.INVALID_REFERENCE, f"no usable tests: {error}")

    def _limits(self, tests: ProgramTests) -> Limits:
        own = tests.limits
        return Limits(
            cpu_s=own.cpu_s or self.cpu_s,
            wall_s=own.wall_s or max(self.wall_s, 2 * (own.cpu_s or 0.0)),
            memory_bytes=own.memory_bytes or self.memory_bytes,
            output_bytes=own.output_bytes or self.output_bytes,
        )

    def _program(self, tests: ProgramTests, language: str, source: str) -> Program:
        protocol = tests.protocol
        trials: Stdio | Functions | Asserts | Interactive
        if isinstance(protocol, StdioTests):
            stdins = tuple(case.stdin for case in protocol.cases)
            expected = _expected(protocol) if tests.checker else ()
            trials = Stdio(stdins=stdins, expected=expected, checker=tests.checker)
        elif isinstance(protocol, FunctionTests):
            arguments = tuple(plain.packed(list(case.args)) for case in protocol.cases)
            trials = Functions(entry_point=_method(protocol.entry_point), arguments=arguments)
            if language == "python" and (imports := lacking(source, protocol.entry_point)):
                source = _behind(imports, source)
        elif isinstance(protocol, InteractiveTests):
            trials = Interactive(
                interactor=protocol.interactor,
                inputs=tuple(case.input for case in protocol.cases),
                answers=tuple(case.answer for case in protocol.cases),
            )
        else:
            trials, source = self._asserts(protocol, source)
        return Program(
            source=source,
            tests=trials,
            language=language,
            image=tests.image,
            limits=self._limits(tests),
            stop_at_failure=self.stop_at_failure and self.reward in {"all", "prefix"},
        )

    def _asserts(self, tests: AssertTests, source: str) -> tuple[Asserts, str]:
        """Give the test code as the sandbox is to run it, and the program as it is to be tested.

        Raises:
            BadTestsError: tests and program do not fit into processes of their own.
        """
        code = _calling(tests)
        reached = "" if tests.in_process else reaching(code)
        if reached and not self.together:
            message = f"{reached} reaches into the program's process, which only `in_process` lets it"
            raise BadTestsError(message)
        in_process = tests.in_process or bool(reached)
        trials = Asserts(
            code=code if in_process else fitted(code),
            entry_point=_plain(tests.entry_point),
            prelude=compiling(tests.prelude) or tests.prelude,
            in_process=in_process,
        )
        return trials, _aliased(tests, _continued(tests, source))

    def _scored(self, tests: ProgramTests, run: Run) -> Verdict:
        judged = _judged(tests, run)
        failures = [case for case in judged if not case.passed]
        details = _details(judged, run)
        ours = next((case for case in judged if Ending(case.run.ending) in NOT_ITS_FAULT), None)
        theirs = next((case for case in failures if Ending(case.run.ending) not in NOT_ITS_FAULT), None)
        # One failure decides `all`, whatever befell the other tests.
        if ours is not None and not (self.reward == "all" and theirs is not None and theirs.verdict != "skipped"):
            return Abstain(NOT_ITS_FAULT[ours.run.ending], ours.reason or ours.verdict, details)
        reason = f"{len(judged) - len(failures)} of {len(judged)} tests passed"
        if theirs is not None:
            reason += f"; test {judged.index(theirs) + 1}: {theirs.verdict}" + (
                f", {theirs.reason}" if theirs.reason else ""
            )
        return Score(self._value(judged), reason, details)

    def _value(self, judged: list[_Judged]) -> float:
        if self.reward == "all":
            return float(all(case.passed for case in judged))
        if self.reward == "fraction":
            return sum(case.passed for case in judged) / len(judged)
        if self.reward == "prefix":
            first = next((index for index, case in enumerate(judged) if not case.passed), len(judged))
            return first / len(judged)
        if self.reward == "weighted":
            return sum(case.weight for case in judged if case.passed) / sum(case.weight for case in judged)
        subtasks: defaultdict[str, list[bool]] = defaultdict(list)
        for case in judged:
            subtasks[case.subtask].append(case.passed)
        return sum(all(passed) for passed in subtasks.values()) / len(subtasks)


def _tests_of(sample: Sample) -> ProgramTests:
    """Find the task's tests.

    Raises:
        BadTestsError: there are none, or they cannot be used.
    """
    task = sample.task
    if task.tests is not None:
        return _usable(task.tests)
    if "tests" in task.extra:
        return _usable(read_tests(task.extra["tests"]))
    if task.extra.keys() & {*FIELDS, *WRAPPERS}:
        return _usable(read_tests(task.extra))
    if task.answers and task.answers[0].lstrip()[:1] in {"{", "["}:
        return _usable(read_tests(task.answers[0]))
    raise BadTestsError("the task has none")


def _usable(tests: ProgramTests) -> ProgramTests:
    protocol = tests.protocol
    if isinstance(protocol, AssertTests):
        if not protocol.code.strip():
            message = "the test code is empty"
            raise BadTestsError(message)
    elif not protocol.cases:
        message = "no test cases"
        raise BadTestsError(message)
    elif tests.compare.mode == "checker" and not tests.checker:
        message = "compared by a checker, and there is none"
        raise BadTestsError(message)
    elif not all(case.weight > 0 for case in protocol.cases):
        message = "a weight is not above 0"
        raise BadTestsError(message)
    if tests.compare.mode not in {"", "value", "checker", *TEXT_MODES}:
        message = f"no way of comparing is called {tests.compare.mode!r}"
        raise BadTestsError(message)
    if unread := _unread(tests):
        raise BadTestsError(unread)
    return tests


def _unread(tests: ProgramTests) -> str:
    """Name a way of comparing that the protocol has no use for; numbers in results are compared as `float` has them."""
    mode = tests.compare.mode
    if isinstance(tests.protocol, StdioTests) and mode == "value":
        return "compare.mode: 'value' is for results of functions, not for outputs"
    if isinstance(tests.protocol, FunctionTests) and mode not in {"", "value", "float"}:
        return f"compare.mode: {mode!r} is for outputs, not for results of functions"
    if isinstance(tests.protocol, FunctionTests) and tests.checker:
        return "checker: is for outputs, not for results of functions"
    return ""


_CHECK: Final = re.compile(r"^def check\(", re.MULTILINE)


def _calling(tests: AssertTests) -> str:
    """Call HumanEval's `check`, which its tests define and leave to the harness to call; twice does no harm.

    Tests that are written for pytest or unittest are called as these would (`_code/collecting.py`).

    Raises:
        BadTestsError: they need more of pytest or unittest than there is.
    """
    code = collected(tests.code)
    if tests.entry_point and _CHECK.search(code):
        return f"{code}\ncheck({_plain(tests.entry_point)})\n"
    return code


def _method(entry_point: str) -> str:
    """Name a method as its class's, where LeetCodeDataset has it as an instance's: `Solution().add`."""
    return entry_point.replace("().", ".", 1)


def _plain(entry_point: str) -> str:
    """Name what test code, to which the program's classes are strangers, calls a method by."""
    return entry_point.rpartition(".")[2]


def _aliased(tests: AssertTests, source: str) -> str:
    """Give a program's method the plain name; one of `Solution` is found without."""
    owner, _, name = _method(tests.entry_point).rpartition(".")
    return f"{source}\n{name} = {owner}().{name}\n" if owner not in {"", "Solution"} else source


def _expected(tests: StdioTests) -> tuple[str, ...]:
    """Give a checker what it compares with: of several texts the first."""
    texts = (case.expected_stdout for case in tests.cases)
    return tuple(text if isinstance(text, str) else text[0] for text in texts)


def _continued(tests: AssertTests, source: str) -> str:
    """Put a submission behind the task's own beginning; a body alone continues its last function."""
    if not tests.prelude:
        return source
    first = next((line for line in source.split("\n") if line.strip()), "")
    defined = re.search(rf"^\s*(?:async\s+)?def\s+{re.escape(tests.entry_point)}\b", source, re.MULTILINE)
    if first[:1] in {" ", "\t"} and not defined:
        return tests.prelude + source
    return _behind(compiling(tests.prelude) or tests.prelude, source)


_FUTURE: Final = re.compile(r"^from[ \t]+__future__[ \t]+import[ \t]+(?:\([^)]{0,300}\)|[\w, \t]+)", re.MULTILINE)


def _behind(beginning: str, source: str) -> str:
    """Put code before a program, but behind what the program imports from the future."""
    future = "".join(f"{found}\n" for found in _FUTURE.findall(source))
    return f"{future}{beginning}\n{_FUTURE.sub('pass', source) if future else source}"


def _difference(tests: ProgramTests, index: int, case: CaseRun) -> str | None:
    compare, protocol = tests.compare, tests.protocol
    rel_tolerance = TOLERANCE if compare.rel_tolerance is None else compare.rel_tolerance
    if isinstance(protocol, FunctionTests):
        abs_tolerance = TINY if compare.abs_tolerance is None else compare.abs_tolerance
        wanted, answer = protocol.cases[index], case.returned or ""
        try:
            # To read an answer of another size than the right one's costs more than it can bring.
            if len(answer) > OVERLONG * len(plain.packed(wanted.expected)) + SHORT:
                return f"a value of {len(answer)} bytes"
            returned = plain.unpacked(answer)
        except plain.UnfitValueError as error:
            return str(error)
        expected = wanted.expected
        if isinstance(returned, str) and returned == wanted.text:
            return None
        differ = partial(
            value_difference, abs_tolerance=abs_tolerance, rel_tolerance=rel_tolerance, text_keys=protocol.loose
        )
        difference = differ(expected, returned)
        return None if protocol.wrapped and differ([expected], returned) is None else difference
    if isinstance(protocol, StdioTests) and not tests.checker:
        mode = compare.mode if compare.mode in TEXT_MODES else "float"
        abs_tolerance = TOLERANCE if compare.abs_tolerance is None else compare.abs_tolerance
        expected = protocol.cases[index].expected_stdout
        if not isinstance(expected, str):
            mode = "any_of"
        return text_difference(mode, expected, case.stdout, abs_tolerance, rel_tolerance)
    return None


def _judged(tests: ProgramTests, run: Run) -> list[_Judged]:
    """Give every test its verdict; what kept all of them from running is the verdict of each."""
    cases = () if isinstance(tests.protocol, AssertTests) else tests.protocol.cases
    runs = run.cases if len(run.cases) == max(len(cases), 1) else run.cases[:1] * max(len(cases), 1)
    judged: list[_Judged] = []
    for index, case in enumerate(runs):
        difference = _difference(tests, index, case) if case.ending is Ending.OK else case.reason
        wrong = difference is not None
        verdict = ("wrong_answer" if wrong else "passed") if case.ending is Ending.OK else case.ending.value
        weight, subtask = (cases[index].weight, cases[index].subtask) if cases else (1.0, "")
        judged.append(_Judged(case, verdict, difference or "", weight, subtask))
    return judged


def _head(text: bytes) -> str:
    return text[: 4 * HEAD_CHARACTERS].decode(errors="replace")[:HEAD_CHARACTERS]


def _details(judged: list[_Judged], run: Run) -> Mapping[str, object]:
    first = next((case.verdict for case in judged if not case.passed), "passed")
    return {
        "verdict": first,
        "passed": sum(case.passed for case in judged),
        "total": len(judged),
        "isolation": run.isolation.value,
        "in_process": run.in_process,
        "tests": [
            {
                "verdict": case.verdict,
                "reason": case.reason,
                "cpu_s": round(case.run.cpu_s, 6),
                "wall_s": round(case.run.wall_s, 6),
                "peak_memory_bytes": case.run.peak_memory_bytes,
                "stdout": _head(case.run.stdout),
                "stderr": _head(case.run.stderr),
                "truncated": max(len(case.run.stdout), len(case.run.stderr)) > HEAD_CHARACTERS,
            }
            for case in judged[:DETAILED_CASES]
        ],
    }
