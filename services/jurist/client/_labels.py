"""What data sets call a label: the reference of one sample, in whichever form they have it."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, cast

from jurist.client._errors import InvalidInputError
from jurist.client._values import (
    is_bytes,
    is_list,
    is_missing,
    is_object,
    json_object,
    kind_of,
    own,
    text,
    text_or_json,
)
from jurist.v1 import reward_pb2

if TYPE_CHECKING:
    from jurist.client._groups import TaskFields

__all__ = ["choices", "task_fields"]

TASK_FIELDS = frozenset({"answers", "choices", "tests", "language", "extra"})


def task_fields(label: object) -> TaskFields:
    """Return the task that a label states.

    Text and numbers are the reference answer, a list several accepted ones. An object, or text that holds one, may give
    fields of the contract's Task: {"answers": [..], "tests": {..}, "language": "en"}; any other object is the data
    set's own, such as tests in one of the shapes that `code_tests` reads. No label is a task without a reference,
    and so are NaN and the missing items of a list; a field that is None is not given.

    What is in a label, however deep, is read by one rule: arrays and scalars of numpy are Python's own and tuples are
    lists; a number, a truth value or a list where an answer or a choice stands is its JSON. What JSON does not hold is
    refused, wherever it is: bytes, dates, sets, NaN, keys that are no text, and integers that a double would change.

    Raises:
        InvalidInputError: it is none of these; the message begins with the path of what is at fault, from `label`.
    """
    label = own(label)
    match label:
        case None:
            return {}
        case str():
            return _stated(label) or {"answers": [label]}
        case float() if not math.isfinite(label):
            return {}  # a cell that a table left empty
        case bool() | int() | float():
            return {"answers": [text_or_json(label, "label")]}
        case _ if is_bytes(label):
            raise InvalidInputError("label: bytes are no reference; decode them")
        case Mapping():
            fields = cast("Mapping[object, object]", label)
            stated = _task(fields)
            return {"extra": json_object(fields, "label", exactly=True)} if stated is None else stated
        case _ if is_list(label):
            return {"answers": _answers(label, "label")}
        case _:
            raise InvalidInputError(f"label: {kind_of(label)} is no reference")


def _answers(values: object, path: str) -> list[str]:
    values = own(values)
    if is_bytes(values) or is_object(values):
        raise InvalidInputError(f"{path}: must be text, or a list of texts, not {kind_of(values)}")
    if not is_list(values):
        return [] if is_missing(values) else [text_or_json(values, path)]
    return [text_or_json(item, f"{path}[{index}]") for index, item in enumerate(values) if not is_missing(item)]


def _stated(label: str) -> TaskFields | None:
    """Read text that holds an object with nothing but a task's fields; `{1, 2}` is an answer."""
    if not label.startswith("{"):
        return None
    try:
        read = json.loads(label)
    except (ValueError, RecursionError):
        return None
    return _task(read) or None


def _task(fields: Mapping[object, object]) -> TaskFields | None:
    if not fields or not TASK_FIELDS.issuperset(fields):
        return None
    given = {name: value for name, field in fields.items() if (value := own(field)) is not None}
    task: TaskFields = {}
    if "answers" in given:
        task["answers"] = _answers(given["answers"], "label.answers")
    if "choices" in given:
        task["choices"] = choices(given["choices"], "label.choices")
    if "tests" in given:
        tests = given["tests"]
        task["tests"] = tests if isinstance(tests, reward_pb2.Tests) else json_object(tests, "label.tests")
    if "language" in given:
        task["language"] = text(given["language"], "label.language")
    if "extra" in given:
        task["extra"] = json_object(given["extra"], "label.extra", exactly=True)
    return task


def choices(values: object, path: str) -> list[str]:
    """Return the options of a question, A first, none left out.

    Raises:
        InvalidInputError: they are no list.
    """
    if not is_list(values):
        raise InvalidInputError(f"{path}: must be a list of texts, not {kind_of(values)}")
    return [text_or_json(item, f"{path}[{index}]") for index, item in enumerate(values)]
