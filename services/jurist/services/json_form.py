"""Parses the contract's JSON, and says which field of it is at fault, as `wire.fault` does of the wire form."""

from __future__ import annotations

import json
import math
import re
from typing import TYPE_CHECKING, TypeVar, cast

from google.protobuf.json_format import Parse, ParseDict, ParseError
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

from jurist.services.errors import BadInputError

if TYPE_CHECKING:
    from google.protobuf.descriptor import Descriptor, FieldDescriptor

__all__ = ["parse"]

M = TypeVar("M", bound=Message)

INTEGER_DIGITS = 4300  # as many as Python reads

AROUND = re.compile(
    r"^(Failed to (parse \w+ field|load JSON): )+|( at \w+\.\S+)?\.*$"
)  # protobuf's own words for a place


def parse(message: type[M], data: bytes, *, ignore_unknown: bool = False) -> M:
    """Parse a message.

    Raises:
        BadInputError: the bytes are no such message; it names the field.
    """
    try:
        return Parse(data, message(), ignore_unknown_fields=ignore_unknown)
    except (ParseError, ValueError, OverflowError, RecursionError) as error:
        try:
            value = json.loads(data.decode(errors="surrogateescape"), parse_int=_integer)
            descriptor = cast("Descriptor", message.DESCRIPTOR)
            path, fault = _not_utf8(value) or _refused(descriptor, value, ignore_unknown) or ("", str(error))
        except (ValueError, RecursionError) as unread:
            path, fault = "", f"is no JSON: {unread}"
        raise BadInputError(path, AROUND.sub("", fault)) from None


def _integer(digits: str) -> float:
    """Read an integer; one of more digits than Python reads stands as an infinity, which no field takes."""
    return int(digits) if len(digits) <= INTEGER_DIGITS else math.inf


def _not_utf8(value: object, path: str = "") -> tuple[str, str] | None:
    if isinstance(value, str):
        try:
            value.encode()
        except UnicodeEncodeError as error:
            return path, f"is not UTF-8 at character {error.start}"
    elif isinstance(value, list):
        for index, item in enumerate(cast("list[object]", value)):
            if (found := _not_utf8(item, f"{path}[{index}]")) is not None:
                return found
    elif isinstance(value, dict):
        for name, part in cast("dict[str, object]", value).items():
            inner = f"{path}.{name}" if path else name
            if (found := _not_utf8(name, inner) or _not_utf8(part, inner)) is not None:
                return found
    return None


def _refused(descriptor: Descriptor, value: object, ignore_unknown: bool) -> tuple[str, str] | None:  # noqa: FBT001
    """Return the path of the field that protobuf refuses, and why: it is asked about each part alone."""
    if not isinstance(value, dict):
        return "", "is no JSON object"
    for name, part in cast("dict[str, object]", value).items():
        field = descriptor.fields_by_name.get(name) or descriptor.fields_by_camelcase_name.get(name)
        for path, given, inner in _alone(field, name, part):
            try:
                ParseDict({name: given}, GetMessageClass(descriptor)(), ignore_unknown_fields=ignore_unknown)
            except (ParseError, ValueError, OverflowError, RecursionError) as error:
                if field is None:
                    return name, f"unknown field; there are: {', '.join(descriptor.fields_by_name)}"
                if field.is_repeated and given is part:
                    return name, "is no JSON array"
                if field.message_type is not None and field.message_type.file == descriptor.file:
                    deeper, fault = _refused(field.message_type, inner, ignore_unknown) or ("", str(error))
                    return f"{path}.{deeper}" if deeper else path, fault
                return path, str(error)
    return None


def _alone(field: FieldDescriptor | None, name: str, part: object) -> list[tuple[str, object, object]]:
    """Return the path, a field's value and an item for each item of a field, or for the field itself."""
    if field is None or not field.is_repeated or not isinstance(part, list):
        return [(name, part, part)]
    return [(f"{name}[{index}]", [item], item) for index, item in enumerate(cast("list[object]", part))]
