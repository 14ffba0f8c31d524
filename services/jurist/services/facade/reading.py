"""JSON bodies to frozen values, with the path of the field at fault."""

from __future__ import annotations

import json
import re
from typing import TypeVar

import msgspec

from jurist.services.errors import BadInputError

__all__ = ["read"]

T = TypeVar("T")

_AT = re.compile(r" - at `\$\.?(?P<path>.*)`$")


def read(body: bytes, shape: type[T]) -> T:
    """Read a body of one shape; fields that the shape does not have are passed over, as trainers send what they like.

    Raises:
        BadInputError: it is not JSON, or a field is missing or of the wrong type.
    """
    try:
        return msgspec.json.decode(body, type=shape)
    except msgspec.ValidationError as error:
        raise _refusal(error) from None
    except RecursionError as error:
        raise BadInputError("", f"the body is nested too deeply: {error}") from None
    except msgspec.DecodeError:
        pass  # perhaps a lone surrogate, which a cut tokenizer leaves: Python's reader takes it, the client mends it
    try:
        return msgspec.convert(json.loads(body), shape)
    except msgspec.ValidationError as error:
        raise _refusal(error) from None
    except (ValueError, RecursionError) as error:
        raise BadInputError("", f"the body is not JSON: {error}") from None


def _refusal(error: msgspec.ValidationError) -> BadInputError:
    message = str(error)
    found = _AT.search(message)
    return BadInputError(found["path"], message[: found.start()]) if found else BadInputError("", message)
