"""What is read of a label, and what is refused by the path of what is at fault."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest

from jurist.client import InvalidInputError, group, task_fields

NOW = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("label", "fields"),
    [
        ({"answers": [42, 0.5, True, "x", None, float("nan")]}, {"answers": ["42", "0.5", "true", "x"]}),
        ({"answers": 42}, {"answers": ["42"]}),
        ({"answers": np.array([1, 2])}, {"answers": ["1", "2"]}),
        ({"answers": (np.float64(0.5), np.str_("x"))}, {"answers": ["0.5", "x"]}),
        ('{"answers": [42], "language": "en"}', {"answers": ["42"], "language": "en"}),
        ({"answers": ["1"], "tests": None, "language": None, "choices": None}, {"answers": ["1"]}),
        ({"choices": np.array(["a", "b"]), "answers": "A"}, {"choices": ["a", "b"], "answers": ["A"]}),
        ([np.array([1, 2]), (3, 4)], {"answers": ["[1, 2]", "[3, 4]"]}),
        ({"rows": [np.int64(1), (np.float32(0.5),)]}, {"extra": {"rows": [1, [0.5]]}}),
        ({"extra": {"at": {"deep": np.array([[1], [2]])}}}, {"extra": {"at": {"deep": [[1], [2]]}}}),
        ({"seed": 2**60}, {"extra": {"seed": 2**60}}),
        ({"text": "a\ud83d"}, {"extra": {"text": "a�"}}),
    ],
)
def test_what_can_be_read_plainly_is(label: Any, fields: dict[str, object]) -> None:
    assert task_fields(label) == fields
    json.dumps(fields)


@pytest.mark.parametrize(
    ("label", "fault"),
    [
        (b"42", "label: bytes are no reference"),
        (NOW, "label: datetime is no reference"),
        ({42}, "label: set is no reference"),
        ([10**5000], "label[0]: "),
        (["1", b"2"], "label[1]: bytes are no JSON"),
        ({"answers": ["1", {2}]}, "label.answers[1]: set is no JSON"),
        ({"answers": [NOW]}, "label.answers[0]: datetime is no JSON"),
        ({"answers": {"a": 1}}, "label.answers: must be text, or a list of texts, not dict"),
        ({"answers": b"42"}, "label.answers: must be text, or a list of texts, not bytes"),
        ({"choices": "abc"}, "label.choices: must be a list of texts, not str"),
        ({"tests": 5}, "label.tests: must be an object, not int"),
        ('{"tests": 5}', "label.tests: must be an object, not int"),
        ({"tests": {"stdio": {"cases": [{"stdin": b"1"}]}}}, "label.tests.stdio.cases[0].stdin: bytes are no JSON"),
        ({"language": 5}, "label.language: must be text, not int"),
        ({"extra": [1]}, "label.extra: must be an object, not list"),
        ({"extra": {"a": [float("nan")]}}, "label.extra.a[0]: nan is no JSON"),
        ({1: 2}, "label: its keys must be texts, not int"),
        ({"a": {1: 2}}, "label.a: its keys must be texts, not int"),
        ({"a": np.array(["2026-01-01"], dtype="M8[ns]")}, "label.a: ndarray is no JSON"),
        ({"a": memoryview(b"1")}, "label.a: bytes are no JSON"),
        ({"a": 2**60 + 1}, "label.a: an integer that a double does not hold"),
        ({"a": 10**5000}, "label.a: an integer that a double does not hold"),
    ],
)
def test_what_is_at_fault_is_named_by_its_path(label: Any, fault: str) -> None:
    with pytest.raises(InvalidInputError) as raised:
        task_fields(label)
    assert str(raised.value).startswith(fault)


def test_what_holds_itself_is_refused() -> None:
    label: dict[str, object] = {}
    label["self"] = label

    with pytest.raises(InvalidInputError, match=r"^label: is nested too deeply"):
        task_fields(label)


@pytest.mark.parametrize(
    ("fields", "fault"),
    [
        ({"completions": [None]}, "completions[0]: must be text, not None"),
        ({"answers": [42]}, "answers[0]: must be text, not int"),
        ({"answers": 42}, "answers: must be a list of texts, not int"),
        ({"choices": ["a", None]}, "choices[1]: must be text, not None"),
        ({"tests": 5}, "tests: must be an object, not int"),
        ({"tests": {"stdio": 5}}, "tests: "),
        ({"tests": {"stdio": {"cases": [{"stdin": 5}]}}}, "tests: "),
        ({"language": None}, "language: must be text, not None"),
        ({"extra": {"a": float("inf")}}, "extra.a: inf is no JSON"),
        ({"prompt": 5}, "prompt: must be text or a chat, not int"),
        ({"prompt": ["x"]}, "prompt[0]: must be an object, not str"),
        ({"prompt": [{"role": "user"}]}, "prompt[0].content: must be text, not None"),
        ({"completion_tokens": [2**63]}, "completion_tokens[0]: must be in 0 to "),
        ({"completion_tokens": [-1]}, "completion_tokens[0]: must be in 0 to "),
        ({"completion_tokens": [None]}, "completion_tokens[0]: must be a whole number, not None"),
        ({"completion_tokens": [float("nan")]}, "completion_tokens[0]: must be a whole number, not float"),
        ({"recipe": 5}, "recipe: must be an object, not int"),
    ],
)
def test_a_group_names_the_field_that_it_cannot_hold(fields: dict[str, Any], fault: str) -> None:
    with pytest.raises(InvalidInputError) as raised:
        group(**{"completions": ["x"], **fields})
    assert str(raised.value).startswith(fault)


def test_lengths_may_be_numpys() -> None:
    [one, two] = group(["x", "y"], completion_tokens=[np.int64(3), 4.0]).rollouts  # type: ignore[list-item]

    assert (one.completion_tokens, two.completion_tokens) == (3, 4)
