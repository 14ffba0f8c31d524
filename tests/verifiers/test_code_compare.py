"""Outputs and values are compared by the rule that a test states, and by no other."""

from __future__ import annotations

import json
import math
import time
import tracemalloc
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jurist.verifiers._code.compare import TEXT_MODES, TextMode, text_difference, value_difference

ROWS = [
    json.loads(line)
    for name in ("code_compare.jsonl", "code_compare_own.jsonl")
    for line in (Path(__file__).parents[1] / "cases" / name).read_text(encoding="utf-8").split("\n")
    if line
]


@pytest.mark.parametrize("row", ROWS, ids=[row["id"] for row in ROWS])
def test_rows(row: dict[str, Any]) -> None:
    if row["mode"] == "value":
        difference = value_difference(row["expected"], row["actual"])
    else:
        tolerance = row.get("tol", 1e-6)
        difference = text_difference(
            row["mode"], row["expected"], row["actual"].encode(errors="surrogatepass"), tolerance, tolerance
        )

    assert (difference is None) == row["equal"], f"{row['why']}: {difference}"
    assert difference is None or "\n" not in difference


VALUES: list[tuple[object, object, bool]] = [
    (1, True, False),
    (True, 1, False),
    (None, False, False),
    (0.1 + 0.2, 0.3, True),
    (2**70, 2.0**70, True),
    (2**70 + 1, 2.0**70, False),
    (3, 3.0000001, False),
    (math.nan, math.nan, True),
    (math.inf, 1e308, False),
    (1e308, math.inf, False),
    (-math.inf, -math.inf, True),
    (0.0, 1e-17, True),
    (1.0, 1.00001, False),
    ("a", b"a", False),
    ([1, 2], (1, 2), True),
    ([1, 2], {1, 2}, False),
    ({1, 2}, {2, 1}, True),
    ({1, 2}, {True, 2}, False),
    ({"a": 1, "b": [0.5]}, {"b": [0.5000000001], "a": 1}, True),
    ({"1": 1}, {1: 1}, False),
    ({1: "a"}, {True: "a"}, False),
    ({"a": 1}, {"a": 1, "b": 2}, False),
    (1 + 0j, 1, False),
    ([], None, False),
    ("", None, False),
    ([[1]], [[True]], False),
    ({(1, 2): 3}, {(True, 2): 3}, False),
    ({(1, 2): 3}, {(1.0, 2): 3}, True),
    ({frozenset({1})}, {frozenset({True})}, False),
    ({1: 1.0}, {1: 1.0000001}, True),
]


@pytest.mark.parametrize(("expected", "actual", "equal"), VALUES, ids=[repr(row[:2]) for row in VALUES])
def test_values_are_equal_with_their_types(expected: object, actual: object, equal: bool) -> None:  # noqa: FBT001  data
    assert (value_difference(expected, actual) is None) is equal


@given(st.sampled_from(TEXT_MODES), st.text())
def test_every_text_equals_itself(mode: TextMode, text: str) -> None:
    assert text_difference(mode, text, text.encode()) is None


@given(st.sampled_from(["exact", "lines", "tokens", "tokens_ci", "set_lines"]), st.text(), st.text())
def test_textual_modes_do_not_care_which_is_expected(mode: TextMode, one: str, two: str) -> None:
    there, back = text_difference(mode, one, two.encode()), text_difference(mode, two, one.encode())

    assert (there is None) == (back is None)


@given(st.sampled_from(TEXT_MODES), st.text(), st.binary())
def test_any_bytes_are_compared(mode: TextMode, expected: str, actual: bytes) -> None:
    text_difference(mode, expected, actual)


@pytest.mark.parametrize("token", ["1e999999999999", "0." + "1" * 100_000, "1" * 100_000 + ".5", "1e-999999999999"])
def test_huge_numbers_cost_no_time(token: str) -> None:
    started = time.process_time()

    assert text_difference("float", token, token.encode()) is None
    assert text_difference("float", "1.5", token.encode()) is not None
    assert text_difference("float", token, b"1.5") is not None
    assert time.process_time() - started < 0.5


def test_a_token_at_the_edge_of_the_tolerance_is_inside() -> None:
    assert text_difference("float", "1.0", b"1.000001") is None
    assert text_difference("float", "0.0", b"0.000001") is None
    assert text_difference("float", "0.0", b"0.0000010001") is not None


@pytest.mark.parametrize("mode", TEXT_MODES)
@pytest.mark.parametrize("part", [b"ab ", b"\n", b"xy\n", b"1.5 "])
def test_a_flood_of_small_parts_costs_little_time_and_memory(mode: TextMode, part: bytes) -> None:
    flood = part * ((16 << 20) // len(part))
    tracemalloc.start()
    started = time.process_time()

    assert text_difference(mode, "1 2 3\n", flood) is not None

    _, peak_bytes = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert time.process_time() - started < 1
    assert peak_bytes < 4 * len(flood)
