"""Reads JSON as its standard has it (RFC 8259).

NaN and Infinity, which Python takes, are none; nor is what is nested deeper than this process can follow.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import NoReturn, cast

__all__ = ["Json", "strict_json", "strict_json_at"]

Json = Mapping[str, "Json"] | Sequence["Json"] | str | int | float | bool | None


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not JSON")


_DECODER = json.JSONDecoder(parse_constant=_refuse)


def strict_json(text: str) -> Json:
    """Parse a text.

    Raises:
        ValueError: it is not JSON, or nested too deeply.
    """
    try:
        return cast("Json", _DECODER.decode(text))
    except RecursionError:
        raise ValueError("nested too deeply") from None


def strict_json_at(text: str, start: int) -> tuple[Json, int]:
    """Parse the value that begins at a place; and say where it ends.

    Raises:
        ValueError: no JSON begins there, or it is nested too deeply.
    """
    try:
        return cast("tuple[Json, int]", _DECODER.raw_decode(text, start))
    except RecursionError:
        raise ValueError("nested too deeply") from None
