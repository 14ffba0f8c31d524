"""The tests of a programming problem, from the contract's message to the verifiers' values."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any, Protocol, cast

from google.protobuf.json_format import MessageToDict

from jurist.services.errors import BadInputError
from jurist.verifiers import (
    AssertTests,
    Comparison,
    FunctionCase,
    FunctionTests,
    InteractiveCase,
    InteractiveTests,
    ProgramTests,
    RunLimits,
    StdioCase,
    StdioTests,
)

if TYPE_CHECKING:
    from google.protobuf.struct_pb2 import Value

    from jurist.v1 import reward_pb2

__all__ = ["program_tests", "whole"]

MODES = ("", "exact", "lines", "tokens", "tokens_ci", "float", "value", "set_lines", "any_of", "checker")
EXACT = 1 << 53  # up to here a double tells integers apart


def program_tests(message: reward_pb2.Tests) -> ProgramTests:
    """Decode tests.

    Raises:
        BadInputError: a field is not what it must be; its path begins at the tests.
    """
    return ProgramTests(
        protocol=_protocol(message),
        language=message.language,
        compare=_comparison(message.compare),
        checker=message.checker,
        limits=_limits(message.limits),
        image=message.image,
    )


def _protocol(message: reward_pb2.Tests) -> StdioTests | FunctionTests | AssertTests | InteractiveTests:
    match message.WhichOneof("protocol"):
        case "stdio":
            _required("stdio.cases", message.stdio.cases)
            return StdioTests(
                cases=tuple(
                    StdioCase(
                        stdin=case.stdin,
                        expected_stdout=(case.expected_stdout, *case.alternatives)
                        if case.alternatives
                        else case.expected_stdout,
                        weight=_weight(f"stdio.cases[{index}]", case),
                        subtask=case.subtask,
                    )
                    for index, case in enumerate(message.stdio.cases)
                )
            )
        case "function":
            _required("function.entry_point", message.function.entry_point)
            _required("function.cases", message.function.cases)
            cases = tuple(_call(f"function.cases[{index}]", case) for index, case in enumerate(message.function.cases))
            return FunctionTests(entry_point=message.function.entry_point, cases=cases)
        case "asserts":
            _required("asserts.code", message.asserts.code)
            return AssertTests(
                entry_point=message.asserts.entry_point,
                code=message.asserts.code,
                prelude=message.asserts.prelude,
                in_process=message.asserts.in_process,
            )
        case "interactive":
            return _interactive(message.interactive)
        case None:
            raise BadInputError("protocol", "one of stdio, function, asserts and interactive is required")


def _interactive(message: reward_pb2.InteractiveTests) -> InteractiveTests:
    _required("interactive.interactor", message.interactor)
    _required("interactive.cases", message.cases)
    cases = (
        InteractiveCase(
            input=case.input,
            answer=case.answer,
            weight=_weight(f"interactive.cases[{index}]", case),
            subtask=case.subtask,
        )
        for index, case in enumerate(message.cases)
    )
    return InteractiveTests(interactor=message.interactor, cases=tuple(cases))


def _required(field: str, value: object) -> None:
    if not value:
        raise BadInputError(field, "is required")


class _Weighted(Protocol):
    weight: float

    def HasField(self, field_name: Any, /) -> bool: ...  # noqa: ANN401, N802  # protobuf's own


def _weight(field: str, case: _Weighted) -> float:
    if not case.HasField("weight"):
        return 1.0
    return _positive(f"{field}.weight", case.weight)


def _positive(field: str, value: float) -> float:
    if not (math.isfinite(value) and value > 0):
        raise BadInputError(field, f"must be above 0 and finite, not {value}")
    return value


def _call(field: str, case: reward_pb2.FunctionCase) -> FunctionCase:
    weight = _weight(field, case)
    if not case.json:
        args = tuple(_plain(f"{field}.args[{index}]", value) for index, value in enumerate(case.args))
        expected = _double(f"{field}.expected", case.expected)
        return FunctionCase(args=args, expected=expected, weight=weight, subtask=case.subtask)
    if case.args or case.HasField("expected"):
        raise BadInputError(f"{field}.json", "stands instead of args and expected, not beside them")
    try:
        call: Any = json.loads(case.json)
    except (ValueError, RecursionError) as error:
        raise BadInputError(f"{field}.json", f"is not JSON: {error}") from None
    fields = cast("dict[str, Any]", call if isinstance(call, dict) else {})
    if fields.keys() != {"args", "expected"} or not isinstance(fields["args"], list):
        raise BadInputError(f"{field}.json", 'is not {"args": [...], "expected": ...}')
    arguments = tuple(cast("list[object]", fields["args"]))
    return FunctionCase(args=arguments, expected=fields["expected"], weight=weight, subtask=case.subtask)


def _double(field: str, value: Value) -> object:
    """Turn an expected Value into Python's own, its numbers floats: they are equal to integers of exactly their value.

    As integers they would have lost the tolerance of 2.0 for 1.9999999999.
    """
    _plain(field, value)
    return MessageToDict(value)


def _plain(field: str, value: Value) -> object:
    """Turn a Value into Python's own; whole numbers become integers, which compare equal to such floats."""
    try:
        return whole(MessageToDict(value), strict=True)
    except OverflowError:
        raise BadInputError(field, "holds an integer past 2^53, which a double cannot; use `json`") from None
    except ValueError as error:  # NaN and infinity, which JSON lacks
        raise BadInputError(field, str(error)) from None


def whole(value: object, *, strict: bool = False) -> object:
    """Turn whole floats into the integers that they were before a double held them, up to 2^53.

    Raises:
        OverflowError: a number is past that, and `strict` refuses it instead of leaving it.
    """
    match value:
        case float() if value.is_integer():
            if abs(value) <= EXACT:
                return int(value)
            if strict:
                raise OverflowError
            return value
        case list():
            return [whole(item, strict=strict) for item in cast("list[object]", value)]
        case dict():
            return {key: whole(item, strict=strict) for key, item in cast("dict[str, object]", value).items()}
        case _:
            return value


def _comparison(message: reward_pb2.Comparison) -> Comparison:
    if message.mode not in MODES:
        raise BadInputError("compare.mode", f"{message.mode!r} is none of {', '.join(MODES[1:])}")
    tolerances: dict[str, float] = {}
    if message.HasField("abs_tolerance"):
        tolerances["abs_tolerance"] = message.abs_tolerance
    if message.HasField("rel_tolerance"):
        tolerances["rel_tolerance"] = message.rel_tolerance
    for name, value in tolerances.items():
        if not (math.isfinite(value) and value >= 0):
            raise BadInputError(f"compare.{name}", f"must be from 0 and finite, not {value}")
    return Comparison(mode=message.mode, **tolerances)


def _limits(message: reward_pb2.RunLimits) -> RunLimits:
    return RunLimits(
        cpu_s=_positive("limits.cpu_s", message.cpu_s) if message.HasField("cpu_s") else None,
        wall_s=_positive("limits.wall_s", message.wall_s) if message.HasField("wall_s") else None,
        memory_bytes=_bytes("memory_bytes", message.memory_bytes) if message.HasField("memory_bytes") else None,
        output_bytes=_bytes("output_bytes", message.output_bytes) if message.HasField("output_bytes") else None,
    )


def _bytes(name: str, value: int) -> int:
    if value <= 0:
        raise BadInputError(f"limits.{name}", f"must be above 0, not {value}")
    return value
