from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jurist.services import json_form
from jurist.services.errors import BadInputError
from jurist.v1 import reward_pb2


def told(text: str | bytes) -> str:
    with pytest.raises(BadInputError) as refused:
        json_form.parse(reward_pb2.RolloutGroup, text if isinstance(text, bytes) else text.encode())
    return str(refused.value)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        (b'{"rollouts": [{}, {"completion": "is \xff"}]}', "rollouts[1].completion: is not UTF-8 at character 3"),
        (b'{"task": {"extra": {"a": [1, "\xff"]}}}', "task.extra.a[1]: is not UTF-8 at character 0"),
        (b'{"rollouts": [{"\xff": ""}]}', "rollouts[0].\udcff: is not UTF-8 at character 0"),
        (r'{"rollouts": [{"completion": "\ud800"}]}', "rollouts[0].completion: is not UTF-8 at character 0"),
        ('{"rollouts": [{}, {"completion": 7}]}', "rollouts[1].completion: expected string"),
        ('{"rollouts": [{}, {"completionTokens": 1e30}]}', "rollouts[1].completionTokens: Value out of range"),
        ('{"rollouts": [{"finish_reason": "END"}]}', "rollouts[0].finish_reason: Invalid enum value END for enum type"),
        ('{"rollouts": [{}, {"completon": ""}]}', "rollouts[1].completon: unknown field; there are: rollout_id, "),
        ('{"rollouts": [{}, "x"]}', "rollouts[1]: is no JSON object"),
        ('{"rollouts": {"completion": ""}}', "rollouts: is no JSON array"),
        ('{"task": {"rubric": [{"text": ""}, {"weight": "x"}]}}', "task.rubric[1].weight: Couldn't parse float: x"),
        ('{"task": {"answers": ["", null]}}', "task.answers[1]: null is not allowed"),
        ('{"task": {"extra": [1]}}', "task.extra: Struct must be in a dict"),
        ("[1]", "is no JSON object"),
        ("{", "is no JSON: "),
        ("[" * 100_000, "is no JSON: maximum recursion depth"),
        ('{"group_id": "a", "group_id": "b"}', "duplicate key group_id"),
    ],
)
def test_the_field_at_fault_is_named(text: str | bytes, fault: str) -> None:
    assert told(text).startswith(fault)


def test_fields_that_may_be_unknown_are_no_fault() -> None:
    text = b'{"more": 1, "rollouts": [{"more": 1, "completion": 5}]}'

    with pytest.raises(BadInputError, match=r"^rollouts\[0\].completion: expected string"):
        json_form.parse(reward_pb2.RolloutGroup, text, ignore_unknown=True)


GROUP = (
    b'{"group_id": "g", "task": {"answers": ["1"], "extra": {"a": [1, {"b": null}]}}, '
    b'"rollouts": [{"completion": "x", "finish_reason": 1}]}'
)


@given(st.integers(0, len(GROUP)), st.binary(min_size=1, max_size=3))
def test_a_group_with_damage_anywhere_is_parsed_or_refused(at: int, damage: bytes) -> None:
    try:
        json_form.parse(reward_pb2.RolloutGroup, GROUP[:at] + damage + GROUP[at + len(damage) :])
    except BadInputError as error:
        assert error.message  # noqa: PT017  # most are refused, some are a group
