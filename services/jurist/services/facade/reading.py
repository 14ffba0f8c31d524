"""JSON bodies to frozen values, with the path of the field at fault."""

from __future__ import annotations

import json
import math
import re
from typing import TypeVar, cast

import msgspec

from jurist.services.errors import BadInputError

__all__ = ["read"]

T = TypeVar("T")

INTEGER_DIGITS = 4300  # as many as Python reads; a longer one is larger than every double
OUT_OF_RANGE = ("Number out of range", "Integer value out of range")  # msgspec's words for 1e999 and for many digits

_AT = re.compile(r" - at `\$\.?(?P<path>.*)`$")
_MISSING = re.compile(r"^Object missing required field `(?P<name>.*?)`")


def read(body: bytes, shape: type[T], *, strict: bool = True) -> T:
    """Read a body of one shape; fields that the shape does not have are passed over, as trainers send what they like.

    Lone surrogates, which a cut tokenizer leaves and UTF-8 cannot carry, become U+FFFD: so no answer repeats them.
    Without `strict` numbers may be given as text, too.

    Raises:
        BadInputError: it is not JSON, or a field is missing or of the wrong type.
    """
    try:
        return msgspec.json.decode(body, type=shape, strict=strict)
    except msgspec.ValidationError as error:
        if not str(error).startswith(OUT_OF_RANGE):
            raise _refusal(error) from None
    except RecursionError as error:
        raise BadInputError("", f"the body is nested too deeply: {error}") from None
    except (msgspec.DecodeError, ValueError):
        pass  # perhaps a lone surrogate, NaN or an infinity, which Python's reader takes
    try:
        return msgspec.convert(_utf8(json.loads(body, parse_int=_integer)), shape, strict=strict)
    except msgspec.ValidationError as error:
        raise _refusal(error) from None
    except RecursionError as error:
        raise BadInputError("", f"the body is nested too deeply: {error}") from None
    except ValueError as error:
        raise BadInputError("", f"the body is not JSON: {error}") from None


def _integer(digits: str) -> float:
    return int(digits) if len(digits) <= INTEGER_DIGITS else math.copysign(math.inf, -1 if digits[0] == "-" else 1)


def _utf8(value: object) -> object:
    """Return a JSON value with every text in it fit for UTF-8."""
    if isinstance(value, str):
        return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if isinstance(value, dict):
        return {_utf8(name): _utf8(part) for name, part in cast("dict[str, object]", value).items()}
    if isinstance(value, list):
        return [_utf8(item) for item in cast("list[object]", value)]
    return value


def _refusal(error: msgspec.ValidationError) -> BadInputError:
    message = str(error)
    found = _AT.search(message)
    path = found["path"] if found else ""
    message = message[: found.start()] if found else message
    missing = _MISSING.match(message)
    if missing:
        path, message = f"{path}.{missing['name']}" if path else missing["name"], "is required"
    return BadInputError(path, message)
