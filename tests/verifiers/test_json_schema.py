from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from jurist.verifiers import Abstain, Ask, Cause, Sample, Score, Task
from jurist.verifiers.json_schema import LONGEST_VALUE, JsonSchema

if TYPE_CHECKING:
    from jurist.verifiers import Verdict

SCHEMA = {
    "type": "object",
    "properties": {"name": {"type": "string"}, "age": {"type": "integer", "minimum": 0}},
    "required": ["name", "age"],
}


def verdict(completion: str, schema: object = SCHEMA, verifier: JsonSchema | None = None) -> Verdict:
    found = (verifier or JsonSchema()).verdict(Sample(task=Task(extra={"schema": schema}), completion=completion))
    assert not isinstance(found, Ask)
    return found


@pytest.mark.parametrize(
    ("completion", "right"),
    [
        ('{"name": "Ada", "age": 36}', True),
        ('<think>{"name": 1}</think>\n{"name": "Ada", "age": 36}', True),
        ('Here it is:\n```json\n{"name": "Ada", "age": 36}\n```\nDone.', True),
        ('<think>so</think> <answer>{"name": "Ada", "age": 36}</answer>', True),
        ('<think>so</think>Here it is: <answer>\n```json\n{"name": "Ada", "age": 36}\n```\n</answer>', True),
        ('<answer>{"name": 1}</answer>\n<answer>{"name": "Ada", "age": 36}</answer>', True),
        ('<think>so</think>{"name": "<answer>Ada</answer>", "age": 36}', True),
        ('<think>so</think> <answer>{"name": "Ada", "age": 36}', False),
        ('Here it is:\r\n```json\r\n{"name": "Ada", "age": 36}\r\n```\r\nDone.', True),
        ('```json\n{"name": 1}\n```\nNo:\n```json\n{"name": "Ada", "age": 36}\n```', True),
        ('{"name": "Ada"}', False),
        ('{"name": "Ada", "age": -1}', False),
        ('{"name": "Ada", "age": 36} and more', False),
        ('{"name": "Ada", "age": NaN}', False),
        ("[" * 50_000, False),
        ("", False),
        ('<think>{"name": "Ada", "age": 36}', False),
    ],
)
def test_a_value_is_right_where_the_schema_accepts_it(completion: str, right: bool) -> None:  # noqa: FBT001 - drawn from the table
    found = verdict(completion)

    assert isinstance(found, Score)
    assert found.value == float(right), found.reason


def test_without_a_threshold_each_fault_costs() -> None:
    found = verdict('{"age": -1}', verifier=JsonSchema(threshold=None))

    assert isinstance(found, Score)
    assert found.value == pytest.approx(1 / 3)
    assert "$.age: -1 is less than the minimum of 0" in str(found.details["faults"])


def test_the_option_overrides_the_tasks_schema() -> None:
    found = verdict("[1]", verifier=JsonSchema(schema=json.dumps({"type": "array"})))

    assert found == Score(1.0, "the schema accepts the value", {"faults": []})


@pytest.mark.parametrize(
    "schema", [None, "", "no json", {"type": 7}, [], {"$ref": "https://example.org/schema.json"}, "7"]
)
def test_a_schema_that_cannot_be_used_is_no_basis(schema: object) -> None:
    found = verdict("{}", schema)

    assert isinstance(found, Abstain)
    assert found.cause is Cause.INVALID_REFERENCE


def test_a_value_too_large_to_validate_gets_no_score() -> None:
    found = verdict(json.dumps(["x"] * LONGEST_VALUE))

    assert isinstance(found, Abstain)
    assert found.cause is Cause.LIMIT


DOUBLING = {"$defs": {f"a{i}": {"allOf": [{"$ref": f"#/$defs/a{i + 1}"}] * 2} for i in range(30)} | {"a30": {}}}


@pytest.mark.parametrize(
    ("schema", "cause"),
    [
        ({"$ref": "#"}, Cause.INVALID_REFERENCE),
        ({"$ref": "file:///etc/passwd"}, Cause.INVALID_REFERENCE),
        ({"pattern": "(a"}, Cause.INVALID_REFERENCE),
        ({**DOUBLING, "$ref": "#/$defs/a0"}, Cause.LIMIT),
        ({**DOUBLING, "$ref": "#/$defs/a0", "$schema": "http://json-schema.org/draft-07/schema#"}, Cause.LIMIT),
    ],
)
def test_a_hostile_schema_is_never_the_completions_fault(schema: object, cause: Cause) -> None:
    found = verdict("{}", schema)

    assert isinstance(found, Abstain)
    assert found.cause is cause
    assert "\n" not in found.reason


def test_a_value_nested_too_deeply_for_a_schema_of_trees_is_wrong() -> None:
    tree = {"type": "array", "items": {"$ref": "#"}}

    assert verdict("[" * 20 + "]" * 20, tree) == Score(1.0, "the schema accepts the value", {"faults": []})
    deep = verdict("[" * 900 + "]" * 900, tree)
    assert isinstance(deep, Score)
    assert deep.value == 0.0
