"""What protobuf's own parser does not offer: where a field's bytes are, and which field is at fault.

Both walk the wire format (protobuf.dev/programming-guides/encoding). A group's bytes are passed on to where it is
judged as they came: serialising it anew costs more than parsing it did. And `field` joins what is in wire form already.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from google.protobuf.descriptor import Descriptor

__all__ = ["FIXED64", "LENGTH", "UnreadableError", "double", "fault", "field", "slices", "tag"]

VARINT, FIXED64, LENGTH, FIXED32 = 0, 1, 2, 5
VARINT_BYTES = 10  # 64 bits, 7 a byte
CONTINUED = 0x80  # the bit of a varint's byte that says that another follows
SHORT = [bytes((value,)) for value in range(CONTINUED)]  # varints of one byte
CUT = "is malformed or cut off"
DEEPEST = 100  # as deep as protobuf parses


class UnreadableError(ValueError):
    """Raised when bytes do not follow the wire format, or use what was given up long ago (groups)."""


def slices(data: bytes, number: int) -> list[memoryview]:
    """Return the bytes of each occurrence of a message field at the top level of a message that parses.

    Raises:
        UnreadableError: it holds an unknown field in the old form of groups, which protobuf passes over.
    """
    view, at = memoryview(data), 0
    found: list[memoryview] = []
    while at < len(view):
        tag, at = _varint(view, at)
        if tag & 7 != LENGTH:
            at = _skip(view, at, tag & 7)
            continue
        size, at = _varint(view, at)
        if tag >> 3 == number:
            found.append(view[at : at + size])
        at += size
    return found


def tag(number: int, kind: int) -> bytes:
    """Return what a field begins with."""
    return _written(number << 3 | kind)


def field(begun: bytes, body: bytes) -> bytes:
    """Return a field of the kind LENGTH, text or a message, that begins with the tag `begun`."""
    return begun + _written(len(body)) + body


def _written(value: int) -> bytes:
    """Return a varint."""
    if value < len(SHORT):
        return SHORT[value]
    written = bytearray()
    while value >= CONTINUED:
        written.append(value & 0x7F | CONTINUED)
        value >>= 7
    written.append(value)
    return bytes(written)


double = struct.Struct("<d").pack  # what follows a tag of the kind FIXED64


def fault(descriptor: Descriptor, data: bytes) -> tuple[str, str]:
    """Return the path of the field that cannot be parsed, and what is wrong with it."""
    return _fault(descriptor, memoryview(data), DEEPEST) or ("", f"is not a {descriptor.full_name}: malformed")


def _fault(descriptor: Descriptor, data: memoryview, deeper: int) -> tuple[str, str] | None:
    if not deeper:
        return "", "is nested too deeply"
    seen: dict[int, int] = {}
    at = 0
    path = ""
    try:
        while at < len(data):
            tag, at = _varint(data, at)
            number, kind = tag >> 3, tag & 7
            field = descriptor.fields_by_number.get(number)
            index = seen[number] = seen.get(number, -1) + 1
            path = "" if field is None else f"{field.name}[{index}]" if field.is_repeated else field.name
            if kind != LENGTH:
                at = _skip(data, at, kind)
                continue
            size, at = _varint(data, at)
            body = data[at : at + size]
            if len(body) < size:
                return path, CUT
            at += size
            if field is not None and field.type == field.TYPE_STRING:
                try:
                    str(body, "utf-8")
                except UnicodeDecodeError as error:
                    return path, f"is not UTF-8 at byte {error.start}"
            elif field is not None and field.message_type is not None:
                inner = _fault(field.message_type, body, deeper - 1)
                if inner is not None:
                    return f"{path}.{inner[0]}" if inner[0] else path, inner[1]
    except (UnreadableError, IndexError):
        return path, CUT
    return None


def _varint(data: memoryview, at: int) -> tuple[int, int]:
    value = 0
    for shift in range(VARINT_BYTES):
        byte = data[at + shift]
        value |= (byte & 0x7F) << (7 * shift)
        if byte < CONTINUED:
            return value, at + shift + 1
    raise UnreadableError


def _skip(data: memoryview, at: int, kind: int) -> int:
    if kind == VARINT:
        return _varint(data, at)[1]
    end = at + {FIXED64: 8, FIXED32: 4}.get(kind, len(data) + 1)
    if end > len(data):
        raise UnreadableError
    return end
