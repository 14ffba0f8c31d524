"""What data sets call a label: the reference of one sample, in whichever form they have it."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, cast

from jurist.client._errors import InvalidInputError

if TYPE_CHECKING:
    from jurist.client._groups import TaskFields

__all__ = ["plain", "task_fields"]

TASK_FIELDS = frozenset({"answers", "choices", "tests", "language", "extra"})


def task_fields(label: object) -> TaskFields:
    """Return the task that a label states.

    Text and numbers are the reference answer, a list several accepted ones. An object, or text that holds one, may give
    fields of the contract's Task: {"answers": [..], "tests": {..}, "language": "en"}; any other object is the data
    set's own, such as tests in one of the shapes that `code_tests` reads. No label is a task without a reference,
    and so are NaN and the missing items of a list.
    Arrays and scalars of numpy are read as Python's own.

    Raises:
        InvalidInputError: it is none of these.
    """
    label = plain(label)
    match label:
        case None:
            return {}
        case str():
            return _stated(label) or {"answers": [label]}
        case float() if not math.isfinite(label):
            return {}  # a cell that a table left empty
        case bool() | int() | float():
            return {"answers": [json.dumps(label)]}
        case bytes() | bytearray():
            raise InvalidInputError("label: bytes are no reference; decode them")
        case Mapping():
            fields = cast("Mapping[str, object]", label)
            return _task(fields) or {"extra": fields}
        case Sequence():
            return {"answers": [_text(item) for item in map(plain, cast("Sequence[object]", label)) if _is_there(item)]}
        case _:
            raise InvalidInputError(f"label: {type(label).__name__} is no reference")


def plain(value: object) -> object:
    """Return an array's or numpy scalar's own values; both are told by their method, without numpy."""
    tolist = getattr(value, "tolist", None)
    return tolist() if callable(tolist) else value


def _is_there(item: object) -> bool:
    return item is not None and not (isinstance(item, float) and not math.isfinite(item))


def _text(item: object) -> str:
    return item if isinstance(item, str) else json.dumps(item)


def _stated(label: str) -> TaskFields | None:
    """Read text that holds an object with nothing but a task's fields; `{1, 2}` is an answer."""
    if not label.startswith("{"):
        return None
    try:
        return _task(json.loads(label))
    except (ValueError, RecursionError):
        return None


def _task(fields: Mapping[str, object]) -> TaskFields | None:
    return cast("TaskFields", fields) if fields and TASK_FIELDS.issuperset(fields) else None
