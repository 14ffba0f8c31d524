from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, Literal

import pytest
from pydantic import Field

from jurist.services import options
from jurist.services.errors import BadInputError


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """Some of each kind."""

    count: Annotated[int, Field(ge=1, le=9, description="how many")] = 3
    share: Annotated[float, Field(ge=0.0, description="of all")] = 0.5
    strict: bool = False
    mode: Literal["a", "b"] = "a"
    tags: tuple[str, ...] = ("x",)
    limit: int | None = None

    def __post_init__(self) -> None:
        if self.strict and self.mode == "b":
            raise ValueError("b is never strict")


def test_values_of_a_struct_become_the_fields_types() -> None:
    decoded = options.decode(Options, {"count": 4.0, "share": 1, "tags": ["p", "q"], "limit": 7.0})

    assert decoded == Options(count=4, share=1.0, tags=("p", "q"), limit=7)
    assert isinstance(decoded.count, int)


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"coutn": 1}, "coutn"),
        ({"count": 2.5}, "count"),
        ({"count": "2"}, "count"),
        ({"count": True}, "count"),
        ({"count": 0}, "count"),
        ({"share": -0.1}, "share"),
        ({"share": "half"}, "share"),
        ({"strict": 1}, "strict"),
        ({"mode": "c"}, "mode"),
        ({"tags": "x"}, "tags"),
        ({"tags": ["a", 1]}, "tags[1]"),
        ({"limit": 1.5}, "limit"),
    ],
)
def test_a_wrong_value_is_refused_naming_the_field(values: dict[str, Any], field: str) -> None:
    with pytest.raises(BadInputError) as raised:
        options.decode(Options, values)

    assert raised.value.field.split(".")[0] == field


def test_a_rule_over_several_fields_is_told() -> None:
    with pytest.raises(BadInputError, match="b is never strict"):
        options.decode(Options, {"strict": True, "mode": "b"})


def test_a_required_field_is_asked_for() -> None:
    @dataclass(frozen=True)
    class Needs:
        name: str

    with pytest.raises(BadInputError, match="name: is required"):
        options.decode(Needs, {})


def test_the_schema_says_type_range_default_and_meaning() -> None:
    schema = options.schema(Options)["properties"]

    assert schema["count"] == {"type": "integer", "minimum": 1, "maximum": 9, "description": "how many", "default": 3}
    assert schema["mode"]["enum"] == ["a", "b"]
    assert schema["tags"]["default"] == ["x"]
