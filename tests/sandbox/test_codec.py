"""Plain values survive the way from a program to its judge; nothing else gets across."""

from __future__ import annotations

import collections
import contextlib
import datetime as dt
import decimal
import fractions
import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jurist.sandbox import codec

VALUES = [
    None,
    True,
    0,
    -(2**200),
    1.5,
    "a\u2028\ud800\x00",
    b"\xff\x00",
    bytearray(b"ab"),
    [1, [2, (3, {4})]],
    {1: "a", (2, 3): [4], None: True},
    frozenset({1, 2}),
    1 + 2j,
    range(1, 10, 3),
    collections.Counter("abca"),
    collections.OrderedDict([("b", 1), ("a", 2)]),
    collections.deque([1, 2], maxlen=3),
    decimal.Decimal("1.10"),
    fractions.Fraction(1, 3),
    dt.datetime(2024, 2, 29, 12, 30, 1, 5),  # noqa: DTZ001  naive ones travel too
    dt.date(2024, 2, 29),
    dt.time(1, 2, 3),
    dt.timedelta(days=-1, microseconds=7),
    int,
    type(None),
]


@pytest.mark.parametrize("value", VALUES, ids=repr)
def test_a_plain_value_arrives_as_it_left(value: object) -> None:
    arrived = codec.unpacked(codec.packed(value))

    assert arrived == value
    assert type(arrived) is type(value)


def test_nan_and_infinities_arrive() -> None:
    nan, up, down = codec.unpacked(codec.packed([math.nan, math.inf, -math.inf]))

    assert math.isnan(nan)
    assert (up, down) == (math.inf, -math.inf)


def test_a_defaultdict_arrives_with_a_factory_that_is_a_plain_type() -> None:
    arrived = codec.unpacked(codec.packed(collections.defaultdict(list, {"a": [1]})))

    assert arrived == {"a": [1]}
    assert isinstance(arrived, collections.defaultdict)
    assert arrived.default_factory is list

    other = codec.unpacked(codec.packed(collections.defaultdict(lambda: 3, {"a": 1})))

    assert (other, other.default_factory) == ({"a": 1}, None)


def test_iterators_arrive_as_iterators_of_what_they_yield() -> None:
    arrived = codec.unpacked(codec.packed(number * 2 for number in range(3)))

    assert iter(arrived) is arrived
    assert list(arrived) == [0, 2, 4]


def test_a_named_tuple_arrives_as_a_tuple() -> None:
    point = collections.namedtuple("point", "x y")  # noqa: PYI024  what programs write

    assert codec.unpacked(codec.packed(point(1, 2))) == (1, 2)


class Anything:
    def __eq__(self, other: object) -> bool:
        return True

    __hash__ = None  # type: ignore[assignment]


class Text(str):
    __slots__ = ()


@pytest.mark.parametrize(
    "value",
    [Anything(), Text("x"), len, [Anything()], Anything, lambda: None],
    ids=["an object", "a text of another class", "a builtin", "in a list", "a class", "a function"],
)
def test_other_values_are_refused_by_the_name_of_their_type(value: object) -> None:
    with pytest.raises(codec.UnfitValueError, match="no plain value"):
        codec.packed(value)


def test_a_value_too_deep_is_refused_on_both_sides() -> None:
    deep: list[object] = []
    for _ in range(200):
        deep = [deep]

    with pytest.raises(codec.UnfitValueError, match="deep"):
        codec.packed(deep)
    with pytest.raises(codec.UnfitValueError, match="deep"):
        codec.unpacked("[" * 200 + "]" * 200)


def test_an_array_arrives_as_nested_lists_whatever_it_claims_to_be() -> None:
    assert codec.unpacked('{"t": "ndarray", "v": ["S2000000000", [[1], [2]]]}') == [[1], [2]]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[" * 100_000,
        '{"t": "unknown", "v": 1}',
        '{"v": 1}',
        '{"t": "set", "v": [[1]]}',
        '{"t": "dict", "v": 5}',
        '{"t": "dict", "v": [[1]]}',
        '{"t": "tuple", "v": "abc"}',
        '{"t": "int", "v": "zz"}',
        '{"t": "type", "v": "eval"}',
        '{"t": "Fraction", "v": [1, 0]}',
        '{"t": "Decimal", "v": "one"}',
        '{"t": "range", "v": ["a"]}',
        '{"t": "deque", "v": [-5, []]}',
        '{"t": ["x"], "v": 1}',
        "1" * 5_000,
    ],
)
def test_a_broken_description_is_refused(text: str) -> None:
    with pytest.raises(codec.UnfitValueError):
        codec.unpacked(text)


@pytest.mark.parametrize(
    "forged",
    [
        {"t": "Decimal", "v": "sNaN"},  # raises wherever it is compared
        {"t": "Decimal", "v": "-sNaN7"},
        {"t": "Decimal", "v": [0, [1], 5]},
        {"t": "Fraction", "v": ["1e999999999"]},  # a gigabyte of digits
        {"t": "Fraction", "v": ["1/3", 1]},
        {"t": "Fraction", "v": [1.5, 1]},
        {"t": "Fraction", "v": [True, 1]},
        {"t": "Fraction", "v": [{"t": "int", "v": "7" * 2_000_000}, {"t": "int", "v": "9" * 2_000_000}]},  # minutes
        {"t": "Fraction", "v": [1, 0]},
    ],
    ids=lambda forged: str(forged)[:40],
)
def test_a_forged_number_that_would_raise_or_take_for_ever_is_refused(forged: dict[str, object]) -> None:
    with pytest.raises(codec.UnfitValueError):
        codec.unpacked(json.dumps(forged))


def test_keys_made_to_collide_are_refused() -> None:
    modulus = 2**61 - 1
    colliding = [{"t": "int", "v": hex(modulus * factor)} for factor in range(1, 200)]

    with pytest.raises(codec.UnfitValueError, match="hash"):
        codec.unpacked(json.dumps({"t": "set", "v": colliding}))


PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text() | st.binary(),
    lambda inner: (
        st.lists(inner)
        | st.tuples(inner, inner)
        | st.dictionaries(st.text() | st.integers(), inner)
        | st.sets(st.integers() | st.text())
    ),
    max_leaves=20,
)


@given(PLAIN)
def test_any_plain_value_arrives_equal_and_of_its_type(value: object) -> None:
    arrived = codec.unpacked(codec.packed(value))

    assert arrived == value
    assert repr(arrived) == repr(value) or isinstance(value, set | frozenset | list | dict | tuple)


@given(st.text())
def test_any_text_is_read_or_refused(text: str) -> None:
    with contextlib.suppress(codec.UnfitValueError):
        codec.packed(codec.unpacked(text))
