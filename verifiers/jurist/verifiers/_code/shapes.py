"""Reads tests in the shapes that trainers' data sets already have.

- APPS, LiveCodeBench, PRIME: `{"inputs": [..], "outputs": [..], "fn_name"?}`; a function's arguments are one JSON value
  a line, or a list;
- PrimeIntellect, open-r1: `{"language", "test_cases": [{"input", "output", "fn_name"?}]}`;
- LiveCodeBench, DeepCoder: `[{"input", "output", "testtype": "stdin" | "functional"}]` with the function's name beside
  it, as `fn_name` or as `func_name` in `metadata`; public and private test cases are one list;
- SandboxFusion: `[{"input": {"stdin"}, "output": {"stdout"}}]`;
- CodeContests: `{"public_tests": {"input": [..], "output": [..]}, "private_tests", "generated_tests", "time_limit"}`;
- open-r1's codeforces: `{"official_tests": [{"input", "output"}], "generated_checker"?, "time_limit", "memory_limit"}`;
- HumanEval, KodCode: `{"prompt"?, "test", "entry_point"?}`, with a `check`, with functions as pytest collects them, or
  with unittest's classes;
- MBPP, KodCode: `{"test_list": ["assert .."], "test_setup_code"?, "test_imports"?}`, or the bare list of asserts.

Each may be JSON in a text, and lie in `input_output` (APPS, TACO) or `verification_info` (SYNTHETIC-1).
"""

from __future__ import annotations

import ast
import builtins
import json
import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final, cast

from jurist.verifiers._tests import (
    AssertTests,
    FunctionCase,
    FunctionTests,
    ProgramTests,
    RunLimits,
    StdioCase,
    StdioTests,
)

__all__ = ["FIELDS", "WRAPPERS", "BadTestsError", "compiling", "read_tests"]

LISTS: Final = (
    *("test_cases", "public_test_cases", "private_test_cases"),
    *("public_tests", "private_tests", "generated_tests", "official_tests"),
)
WRAPPERS: Final = ("input_output", "verification_info")
FIELDS: Final = frozenset({"inputs", "test_list", "test", *LISTS})
"""What tests lie in, one or more of these, if not in one of the wrappers."""
MIB: Final = 1 << 20
LEAST_MEMORY_BYTES: Final = 64 * MIB
"""Contests of old had less than an interpreter takes."""
MOST: Final = 1 << 40
FUNCTIONAL: Final = frozenset({"function_call", "functional"})

# Open-r1's checkers print 1 for what they accept, where ours end with 0; one that raises decides nothing in either.
_PRINTING_CHECKER: Final = """\
import contextlib, io, sys
said = io.StringIO()
with contextlib.redirect_stdout(said):
    try:
        exec(compile({!r}, "checker.py", "exec"), {{"__name__": "__main__"}})
    except SystemExit:
        pass
print(said.getvalue().strip(), file=sys.stderr)
sys.exit(0 if said.getvalue().strip() == "1" else 1)
"""

_CALLED: Final = re.compile(r"(?<![\w.])([A-Za-z_]\w*)\s*\(")
_NOT_TESTED: Final = frozenset(vars(builtins))


class BadTestsError(ValueError):
    """Raised for tests that cannot be used; the message says what is wrong with them."""


def _wrong(message: str) -> BadTestsError:
    return BadTestsError(message)


def _streamed(given: object, stream: str) -> str:
    """Take the text of an input or output, which SandboxFusion names by its stream.

    Raises:
        BadTestsError: it is none.
    """
    text = given
    if isinstance(given, Mapping) and stream in given and len(cast("Mapping[str, object]", given)) == 1:
        text = cast("Mapping[str, object]", given)[stream]
    if text is None and stream == "stdin":
        return ""
    lines: list[object] = [text]
    if isinstance(text, list):
        lines = cast("list[object]", text)
    if any(line is None or isinstance(line, Mapping) for line in lines):
        message = f"{stream} is text, not {lines!r}"[:200]
        raise BadTestsError(message)
    return "\n".join(map(str, lines))


def _joined(text: object) -> str:
    """Some data sets give an input or output as its list of lines."""
    if isinstance(text, list):
        return "\n".join(str(line) for line in cast("list[object]", text))
    return str(text)


def _arguments(given: object) -> tuple[object, ...]:
    if isinstance(given, list):
        return tuple(cast("list[object]", given))
    try:
        return tuple(json.loads(line) for line in str(given).split("\n") if line.strip())
    except ValueError as error:
        message = f"arguments are one JSON value a line: {error}"
        raise BadTestsError(message) from None


def _expected(given: object) -> object:
    if not isinstance(given, str):
        return given
    try:
        return json.loads(given)
    except ValueError:
        return given


def _pairs(inputs: object, outputs: object, name: str, *, single_wrapped: bool) -> StdioTests | FunctionTests:
    if not isinstance(inputs, list) or not isinstance(outputs, list):
        raise _wrong("inputs and outputs are lists")
    ins, outs = cast("list[object]", inputs), cast("list[object]", outputs)
    if len(ins) != len(outs):
        message = f"{len(ins)} inputs and {len(outs)} outputs"
        raise BadTestsError(message)
    if not name:
        return StdioTests(
            cases=tuple(
                StdioCase(stdin=_streamed(one, "stdin"), expected_stdout=_streamed(two, "stdout"))
                for one, two in zip(ins, outs, strict=True)
            )
        )
    # APPS puts a function's result into a list of one; where every result is such a list, nobody can tell.
    unwrap = single_wrapped and all(isinstance(out, list) and len(cast("list[object]", out)) == 1 for out in outs)
    results = [cast("list[object]", out)[0] for out in outs] if unwrap else [_expected(out) for out in outs]
    return FunctionTests(
        entry_point=name,
        cases=tuple(
            FunctionCase(args=_arguments(one), expected=two, text=out if isinstance(out, str) else None)
            for one, two, out in zip(ins, results, outs, strict=True)
        ),
        loose=True,
        wrapped=unwrap,
    )


def _listed(cases: list[Any], name: str) -> StdioTests | FunctionTests:
    if not all(isinstance(case, Mapping) for case in cases):
        raise _wrong("each test case is an object with input and output")
    given = cast("list[Mapping[str, Any]]", cases)
    if any("input" not in case or "output" not in case for case in given):
        raise _wrong("each test case has input and output")
    said = {str(case.get("type", case.get("testtype", ""))) for case in given}
    kinds = {kind in FUNCTIONAL for kind in said}
    if len(kinds) > 1:
        raise _wrong("test cases of functions and of whole programs are mixed")
    first: Mapping[str, Any] = given[0] if given else {}
    functional = kinds == {True}
    name = name or str(first.get("fn_name") or "") or _named_beside(first)
    if not said <= {"", *FUNCTIONAL}:
        name = ""  # they say that they are of whole programs
    if functional and not name:
        raise _wrong("functional test cases without the function's name")
    inputs, outputs = [case["input"] for case in given], [case["output"] for case in given]
    return _pairs(inputs, outputs, name, single_wrapped=functional and "fn_name" in first)


def _named_beside(shape: Mapping[str, Any]) -> str:
    """Find the function's name where LiveCodeBench has it: in the metadata, which may be any text."""
    metadata = shape.get("metadata")
    if isinstance(metadata, str):
        try:
            metadata = _loaded(metadata)
        except BadTestsError:
            return ""
    return str(cast("Mapping[str, Any]", metadata).get("func_name") or "") if isinstance(metadata, Mapping) else ""


def _joint(shape: Mapping[str, Any], keys: list[str]) -> list[Any]:
    """Join lists of test cases: to leave one of them out would be to ask for less than the task does."""
    cases: list[Any] = []
    for key in keys:
        try:
            listed = _loaded(shape[key])
        except BadTestsError:
            message = f"{key} is not JSON; what a data set compresses has to be decoded first"
            raise BadTestsError(message) from None
        cases += _rows(key, listed)
    return cases


def _rows(key: str, listed: object) -> list[Any]:
    """Take a list of test cases, which CodeContests has as an object of lists."""
    if isinstance(listed, list):
        return listed  # pyright: ignore[reportUnknownVariableType]  # JSON
    columns = cast("Mapping[str, Any]", listed if isinstance(listed, Mapping) else {})
    ins, outs = columns.get("input"), columns.get("output")
    if not (isinstance(ins, list) and isinstance(outs, list) and len(ins) == len(outs)):  # pyright: ignore[reportUnknownArgumentType]
        message = f"{key} is a list, or an object of as many inputs as outputs"
        raise BadTestsError(message)
    return [{"input": one, "output": two} for one, two in zip(ins, outs, strict=True)]  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]


def _asserts(lines: list[Any], shape: Mapping[str, Any]) -> AssertTests:
    code = "\n".join(str(line) for line in lines)
    # A problem may ask for a function that is called like a builtin one, as MBPP's `sum` of common divisors is.
    names = sorted(_CALLED.findall(code), key=_NOT_TESTED.__contains__)
    entry_point = str(shape.get("entry_point") or (names[0] if names else ""))
    setup = [_joined(shape.get("test_imports") or ""), str(shape.get("test_setup_code") or "")]
    return AssertTests(entry_point=entry_point, code="\n".join([*setup, code]))


def _human_eval(shape: Mapping[str, Any]) -> AssertTests:
    entry_point = str(shape.get("entry_point") or "")
    prompt = shape.get("prompt")
    continued = isinstance(prompt, str) and compiling(prompt) is not None
    return AssertTests(
        entry_point=entry_point, code=str(shape["test"]), prelude=cast("str", prompt) if continued else ""
    )


@lru_cache(maxsize=256)  # a group's rollouts share it
def compiling(prompt: str) -> str | None:
    """Give HumanEval's prompts, which a submission continues, the body they may lack; None for words, or messages."""
    last = prompt.rstrip().split("\n")[-1]
    indent = last[: len(last) - len(last.lstrip())]
    body = (f"{prompt.rstrip()}\n{indent}{more}pass\n" for more in ("", "    "))
    return next(filter(_parses, (prompt, *body)), None)


def _parses(code: str) -> bool:
    try:
        ast.parse(code)
    except (MemoryError, RecursionError, SyntaxError, ValueError):
        return False
    return True


def _loaded(given: object) -> object:
    if not isinstance(given, str):
        return given
    try:
        return json.loads(given)
    except (RecursionError, ValueError):
        message = "not JSON"
        raise BadTestsError(message) from None


def _unwrapped(given: object) -> object:
    """Take what lies in a wrapper, where nothing lies beside it."""
    if not isinstance(given, Mapping):
        return given
    shape = cast("Mapping[str, object]", given)
    wrapped = [shape[key] for key in WRAPPERS if shape.get(key)]
    return _loaded(wrapped[0]) if wrapped and not any(shape.get(key) for key in FIELDS) else shape


def _checker(shape: Mapping[str, Any]) -> str:
    if shape.get("input_mode") not in {None, "", "stdio"}:
        message = f"input_mode: {shape['input_mode']!r}, where programs read standard input"
        raise BadTestsError(message)
    checker = shape.get("generated_checker")
    return _PRINTING_CHECKER.format(checker) if isinstance(checker, str) and checker.strip() else ""


def _limits(shape: Mapping[str, Any]) -> RunLimits:
    """Read a contest's limits: seconds, as a number or as seconds and nanoseconds, and MB or bytes."""
    given = shape.get("time_limit")
    parts = cast("Mapping[str, Any]", given) if isinstance(given, Mapping) else {"seconds": given}
    seconds = _number(parts.get("seconds")) + _number(parts.get("nanos")) / 1e9
    size = _number(shape.get("memory_limit_bytes")) or _number(shape.get("memory_limit")) * MIB
    return RunLimits(cpu_s=seconds or None, memory_bytes=max(int(size), LEAST_MEMORY_BYTES) if size else None)


def _number(given: object) -> float:
    """Take a limit that is one; what is none, or no limit at all, is 0."""
    if not isinstance(given, int | float) or isinstance(given, bool):
        return 0.0
    return float(given) if 0 < given < MOST else 0.0


def read_tests(given: object) -> ProgramTests:
    """Read tests in any of the shapes above.

    Raises:
        BadTestsError: it is none of them, or a broken one.
    """
    given = _unwrapped(_loaded(given))
    if isinstance(given, list):
        items: list[Any] = given  # pyright: ignore[reportUnknownVariableType]  # JSON
        if items and all(isinstance(item, str) for item in items):
            return ProgramTests(protocol=_asserts(items, {}))
        return ProgramTests(protocol=_listed(items, ""))
    if not isinstance(given, Mapping):
        raise _wrong("tests are an object or a list")
    shape = cast("Mapping[str, Any]", given)
    language, name = str(shape.get("language") or ""), str(shape.get("fn_name") or "") or _named_beside(shape)
    if "inputs" in shape and "outputs" in shape:
        return ProgramTests(
            protocol=_pairs(shape["inputs"], shape["outputs"], name, single_wrapped=True), language=language
        )
    if keys := [key for key in LISTS if shape.get(key)]:
        return ProgramTests(
            protocol=_listed(_joint(shape, keys), name),
            language=language,
            checker=_checker(shape),
            limits=_limits(shape),
        )
    if isinstance(shape.get("test_list"), list):
        return ProgramTests(protocol=_asserts(cast("list[Any]", shape["test_list"]), shape))
    if isinstance(shape.get("test"), str):
        return ProgramTests(protocol=_human_eval(shape))
    message = f"no tests among the fields {', '.join(sorted(map(str, shape)))}"[:200]
    raise BadTestsError(message)
