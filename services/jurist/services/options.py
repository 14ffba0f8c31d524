"""Decodes untyped values against a dataclass's annotations, and describes them as JSON Schema.

One mechanism for a verifier's options, a recipe's terms and a recipe file: the fields are the schema. A field says its
range and meaning with `Annotated[int, pydantic.Field(ge=1, description="...")]`.
"""

from __future__ import annotations

import dataclasses
import json
from functools import cache
from typing import TYPE_CHECKING, Any, TypeVar, cast, get_type_hints

from pydantic import TypeAdapter, ValidationError
from pydantic_core import PydanticUndefined

from jurist.services.errors import BadInputError

if TYPE_CHECKING:
    from collections.abc import Hashable, Mapping

__all__ = ["decode", "schema"]

T = TypeVar("T")


@cache
def _adapters(cls: Hashable) -> Mapping[str, TypeAdapter[Any]]:
    hints = get_type_hints(cls, include_extras=True)
    return {field.name: TypeAdapter(hints[field.name]) for field in dataclasses.fields(cast("Any", cls))}


def _integral(value: object) -> object:
    """Give whole numbers back their type: a protobuf Struct has only doubles."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, list):
        return [_integral(item) for item in cast("list[object]", value)]
    if isinstance(value, dict):
        return {key: _integral(item) for key, item in cast("dict[str, object]", value).items()}
    return value


def decode(cls: type[T], values: Mapping[str, object]) -> T:
    """Build an instance of a dataclass from JSON-like values.

    Raises:
        BadInputError: an unknown field, a missing one, a wrong type or a value out of range; it names the field.
    """
    adapters = _adapters(cast("Hashable", cls))
    for name in values:
        if name not in adapters:
            raise BadInputError(str(name), f"unknown field; there are: {', '.join(adapters) or 'none'}")
    decoded: dict[str, object] = {}
    for name, value in values.items():
        try:
            # JSON's strict mode: an array fills a tuple, yet "5" is no number and 2.5 no integer.
            decoded[name] = adapters[name].validate_json(json.dumps(_integral(value)), strict=True)
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            inner = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in first["loc"])
            raise BadInputError(f"{name}{inner}", f"{first['msg']}, not {_shown(first['input'])}") from None
        except (TypeError, ValueError) as error:
            raise BadInputError(name, str(error)) from None
    for field in dataclasses.fields(cls):  # type: ignore[arg-type]  # a verifier is a dataclass; the contract test holds it
        required = field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING
        if required and field.name not in decoded:
            raise BadInputError(field.name, "is required")
    try:
        return cls(**decoded)
    except ValueError as error:  # a rule over several fields, in the dataclass's own __post_init__
        raise BadInputError("", str(error)) from None


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:80]}..."  # noqa: PLR2004  # a line for a person


def schema(cls: type) -> dict[str, Any]:
    """Describe a dataclass's fields as JSON Schema: type, range, meaning and default of each."""
    properties: dict[str, Any] = {}
    for field in dataclasses.fields(cls):
        adapter = _adapters(cls)[field.name]
        properties[field.name] = described = adapter.json_schema()
        default = field.default if field.default is not dataclasses.MISSING else PydanticUndefined
        if field.default_factory is not dataclasses.MISSING:
            default = field.default_factory()
        if default is not PydanticUndefined:
            described["default"] = adapter.dump_python(default, mode="json")
    return {"type": "object", "properties": properties, "additionalProperties": False}
