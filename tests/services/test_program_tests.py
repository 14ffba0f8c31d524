from __future__ import annotations

from typing import Any

import pytest
from google.protobuf.json_format import ParseDict

from jurist.services.decode import samples
from jurist.services.errors import BadInputError
from jurist.services.program_tests import program_tests
from jurist.v1 import reward_pb2
from jurist.verifiers import AssertTests, Comparison, FunctionCase, FunctionTests, RunLimits, StdioCase, StdioTests
from jurist.verifiers._code.compare import value_difference

STDIO = {"cases": [{"stdin": "1", "expected_stdout": "2"}]}


def decoded(**fields: Any) -> Any:
    return program_tests(ParseDict(fields, reward_pb2.Tests()))


def test_stdio_cases_keep_weights_subtasks_and_alternatives() -> None:
    case = {"stdin": "1", "expected_stdout": "2", "alternatives": ["3"], "weight": 2.5, "subtask": "a"}
    tests = decoded(stdio={"cases": [case, {}]}, language="cpp", checker="exit(0)")

    assert tests.protocol == StdioTests(
        cases=(StdioCase(stdin="1", expected_stdout=("2", "3"), weight=2.5, subtask="a"), StdioCase())
    )
    assert (tests.language, tests.checker) == ("cpp", "exit(0)")


def test_whole_numbers_of_a_call_are_integers_and_larger_ones_come_as_json() -> None:
    big = 10**40
    cases = [{"args": [3, 0.5, {"a": [1]}], "expected": None}, {"json": f'{{"args": [{big}], "expected": {big + 1}}}'}]
    tests = decoded(function={"entry_point": "f", "cases": cases})

    assert tests.protocol == FunctionTests(
        entry_point="f",
        cases=(FunctionCase(args=(3, 0.5, {"a": [1]}), expected=None), FunctionCase(args=(big,), expected=big + 1)),
    )
    assert isinstance(tests.protocol.cases[0].args[0], int)


def test_whole_numbers_that_are_expected_keep_a_floats_tolerance() -> None:
    tests = decoded(function={"entry_point": "f", "cases": [{"args": [1], "expected": [2, {"a": 3}]}]})

    (case,) = tests.protocol.cases
    assert value_difference(case.expected, [1.9999999999, {"a": 3}]) is None
    assert value_difference(case.expected, [2, {"a": 3}]) is None
    assert value_difference(case.expected, [2, {"a": True}]) is not None


def test_whole_numbers_of_the_extra_fields_are_integers() -> None:
    extra = {"inputs": [[4, {"a": -1}]], "outputs": [[0.5]], "edges": [2**53, 2.0**60], "other": [True, None, "4.0"]}
    task = ParseDict({"extra": extra}, reward_pb2.Task())
    group = reward_pb2.RolloutGroup(task=task, rollouts=[reward_pb2.Rollout()])

    (sample,) = samples(group.SerializeToString())

    assert repr({key: sample.task.extra[key] for key in extra}) == repr(extra)


def test_asserts_comparison_and_limits_are_carried() -> None:
    tests = decoded(
        asserts={"entry_point": "f", "code": "assert f()", "prelude": "import math"},
        compare={"mode": "float", "abs_tolerance": 0.0},
        limits={"cpu_s": 1.5, "memory_bytes": 1 << 28},
    )

    assert tests.protocol == AssertTests(entry_point="f", code="assert f()", prelude="import math")
    assert tests.compare == Comparison(mode="float", abs_tolerance=0.0)
    assert tests.limits == RunLimits(cpu_s=1.5, memory_bytes=1 << 28)


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({}, "protocol"),
        ({"stdio": {}}, "stdio.cases"),
        ({"stdio": {"cases": [{"weight": 0}]}}, "stdio.cases[0].weight"),
        ({"function": {"cases": [{}]}}, "function.entry_point"),
        ({"function": {"entry_point": "f"}}, "function.cases"),
        ({"function": {"entry_point": "f", "cases": [{"args": [2.0**60]}]}}, "function.cases[0].args[0]"),
        ({"function": {"entry_point": "f", "cases": [{"expected": [-(2.0**60)]}]}}, "function.cases[0].expected"),
        ({"function": {"entry_point": "f", "cases": [{"json": "{"}]}}, "function.cases[0].json"),
        ({"function": {"entry_point": "f", "cases": [{"json": "[1]"}]}}, "function.cases[0].json"),
        ({"function": {"entry_point": "f", "cases": [{"json": "{}", "args": [1]}]}}, "function.cases[0].json"),
        ({"asserts": {"entry_point": "f"}}, "asserts.code"),
        ({"stdio": STDIO, "compare": {"mode": "fuzzy"}}, "compare.mode"),
        ({"stdio": STDIO, "compare": {"rel_tolerance": -1}}, "compare.rel_tolerance"),
        ({"stdio": STDIO, "limits": {"cpu_s": 0}}, "limits.cpu_s"),
        ({"stdio": STDIO, "limits": {"output_bytes": -1}}, "limits.output_bytes"),
    ],
)
def test_what_cannot_be_tested_with_is_refused_naming_the_field(fields: dict[str, Any], field: str) -> None:
    with pytest.raises(BadInputError) as raised:
        decoded(**fields)

    assert raised.value.field == field
