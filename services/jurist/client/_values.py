"""What data sets and trainers hold, as the contract can carry it, and the path of what it cannot."""

from __future__ import annotations

import json
import math
import operator
from collections.abc import Mapping, Sequence
from typing import TypeGuard, cast

from jurist.client._errors import InvalidInputError

__all__ = [
    "is_bytes",
    "is_list",
    "is_missing",
    "is_object",
    "json_object",
    "json_value",
    "kind_of",
    "own",
    "seconds",
    "text",
    "text_or_json",
    "texts",
    "utf8",
    "whole",
]

MOST = 2**63 - 1  # an int64's
TIMES = frozenset("mM")  # numpy's kinds of dates and durations, whose own values are counts of no stated unit


def own(value: object) -> object:
    """Return an array's or numpy scalar's own values; both are told by their method, without numpy."""
    tolist = getattr(value, "tolist", None)
    if not callable(tolist) or is_bytes(value):
        return value
    return value if getattr(getattr(value, "dtype", None), "kind", None) in TIMES else tolist()


def is_bytes(value: object) -> bool:
    """Whether it is bytes of any kind, which are sequences, too."""
    return isinstance(value, bytes | bytearray | memoryview)


def is_list(value: object) -> TypeGuard[Sequence[object]]:
    """Whether it is what JSON has as a list: no text, and no bytes."""
    return not is_bytes(value) and not isinstance(value, str) and isinstance(value, Sequence)


def is_object(value: object) -> TypeGuard[Mapping[object, object]]:
    """Whether it is what JSON has as an object."""
    return isinstance(value, Mapping)


def is_missing(value: object) -> bool:
    """Whether it is what a table holds where it holds nothing: None, or a float that is no number."""
    value = own(value)
    return value is None or (isinstance(value, float) and not math.isfinite(value))


def utf8(text: str) -> str:
    """Return the text with U+FFFD for lone surrogates, which a cut tokenizer can leave and UTF-8 cannot carry."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text


def text(value: object, path: str) -> str:
    """Return a text, fit for UTF-8.

    Raises:
        InvalidInputError: it is none; `path` names it.
    """
    if not isinstance(value, str):
        raise InvalidInputError(f"{path}: must be text, not {kind_of(value)}")
    return utf8(value)


def text_or_json(value: object, path: str) -> str:
    """Return a text as `text` does, and of what is a number, a truth value or a list its JSON.

    Raises:
        InvalidInputError: it is none of these.
    """
    value = json_value(value, path)
    try:
        return value if isinstance(value, str) else json.dumps(value)
    except ValueError as error:  # more digits than Python writes
        raise InvalidInputError(f"{path}: {error}") from None


def texts(values: object, path: str) -> list[str]:
    """Return texts, each fit for UTF-8.

    Raises:
        InvalidInputError: they are no list of texts.
    """
    values = own(values)
    if not is_list(values):
        raise InvalidInputError(f"{path}: must be a list of texts, not {kind_of(values)}")
    return [text(value, f"{path}[{index}]") for index, value in enumerate(values)]


def whole(value: object, path: str) -> int:
    """Return a count: a whole number from 0 that an int64 holds.

    Raises:
        InvalidInputError: it is none.
    """
    value = own(value)
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    try:
        number = operator.index(value)  # type: ignore[arg-type]  # it says what is none
    except TypeError:
        raise InvalidInputError(f"{path}: must be a whole number, not {kind_of(value)}") from None
    if not 0 <= number <= MOST:
        raise InvalidInputError(f"{path}: must be in 0 to {MOST}, which this is not")
    return number


def seconds(value: object, name: str) -> float:
    """Return a time span, seconds; infinity is one.

    Raises:
        ValueError: it is no number from 0; `name` says which setting that was.
    """
    if not isinstance(value, int | float) or not value >= 0:  # NaN is not
        raise ValueError(f"{name}: must be seconds, from 0, not {value!r}")
    return float(value)


def json_object(value: object, path: str, *, exactly: bool = False) -> dict[str, object]:
    """Return an object as `json_value` does.

    Raises:
        InvalidInputError: it is no object, or holds what JSON does not.
    """
    if not isinstance(value, Mapping):
        raise InvalidInputError(f"{path}: must be an object, not {kind_of(value)}")
    return cast("dict[str, object]", json_value(cast("Mapping[object, object]", value), path, exactly=exactly))


def json_value(value: object, path: str, *, exactly: bool = False) -> object:
    """Return a value as JSON has it: arrays and scalars of numpy, and tuples, become Python's own, all texts UTF-8.

    With `exactly`, an integer that a double would change is refused: what it becomes would be judged in its place.

    Raises:
        InvalidInputError: there is something in it that JSON does not hold; it names the place.
    """
    try:
        return _json_value(value, path, exactly)
    except RecursionError:
        raise InvalidInputError(f"{path}: is nested too deeply") from None


def _json_value(value: object, path: str, exactly: bool) -> object:  # noqa: FBT001  # as above
    value = own(value)
    match value:
        case str():
            return utf8(value)
        case None | bool():
            return value
        case int():
            if exactly and not _fits_a_double(value):
                raise InvalidInputError(f"{path}: an integer that a double does not hold; write it as text")
            return int(value)
        case float() if math.isfinite(value):
            return float(value)
        case float():
            raise InvalidInputError(f"{path}: {value} is no JSON")
        case Mapping():
            fields = cast("Mapping[object, object]", value).items()
            return {_key(name, path): _json_value(inner, f"{path}.{name}", exactly) for name, inner in fields}
        case _ if is_list(value):
            return [_json_value(inner, f"{path}[{index}]", exactly) for index, inner in enumerate(value)]
        case _ if is_bytes(value):
            raise InvalidInputError(f"{path}: bytes are no JSON; decode them")
        case _:
            raise InvalidInputError(f"{path}: {kind_of(value)} is no JSON")


def _key(name: object, path: str) -> str:
    if not isinstance(name, str):
        raise InvalidInputError(f"{path}: its keys must be texts, not {kind_of(name)}")
    return utf8(name)


def _fits_a_double(value: int) -> bool:
    try:
        return int(float(value)) == value
    except OverflowError:
        return False


def kind_of(value: object) -> str:
    """Name what a value is."""
    return "None" if value is None else type(value).__name__
