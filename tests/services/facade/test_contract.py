"""The contract as JSON: what protobuf's own, slower mapping says, both ways."""

from __future__ import annotations

import json
from typing import Any

import pytest
from google.protobuf.json_format import MessageToDict, ParseDict

from jurist.services.errors import BadInputError
from jurist.services.facade import contract
from jurist.v1 import reward_pb2

TASK = {"answers": ["42"], "extra": {"n": 1.5, "list": [1, None, "x"], "deep": {"a": True}}, "language": "en"}
FULL: dict[str, Any] = {
    "groups": [
        {
            "group_id": "g",
            "task": TASK,
            "recipe": {"name": "math", "terms": [{"verifier": "math_answer", "options": {"units": "require"}}]},
            "rollouts": [
                {"rollout_id": "a", "completion": "\u4e2d 42", "finish_reason": "FINISH_REASON_LENGTH"},
                {"completion": "", "rollout_id": "b", "completion_tokens": 0},
            ],
        }
    ],
    "recipe": {"name": "r1_zero"},
    "policy_step": 3,
    "request_id": "r",
}


def parsed(fields: object) -> reward_pb2.ScoreBatchRequest:
    return reward_pb2.ScoreBatchRequest.FromString(contract.request(json.dumps(fields).encode()))


@pytest.mark.parametrize(
    "fields",
    [
        FULL,
        {"groups": [{"groupId": "g", "task": {}, "rollouts": [{"completionTokens": "7"}]}]},
        {"groups": [{"group_id": "g", "task": None, "rollouts": [{"finish_reason": 2}]}], "policyStep": "5"},
        {"groups": [{"group_id": "g", "rollouts": []}], "recipe": None},
        {},
    ],
    ids=["the usual", "camel case and numbers as text", "null and an enum's number", "nothing in it", "empty"],
)
def test_a_request_is_read_as_protobuf_reads_it(fields: dict[str, Any]) -> None:
    assert parsed(fields) == ParseDict(fields, reward_pb2.ScoreBatchRequest())


@pytest.mark.parametrize(
    ("body", "named"),
    [
        (b"{", "JSON"),
        (b"[1]", "is no JSON object"),
        (b'{"groups": 5}', "^groups: "),
        (
            b'{"groups": [{"group_id": "g", "task": {}, "rollouts": [{"completion": 5}]}]}',
            r"^groups\[0\].rollouts\[0\].completion: ",
        ),
        (
            b'{"groups": [{"group_id": "g", "task": {}, "rollouts": [{"complexion": ""}]}]}',
            r"^groups\[0\].rollouts\[0\].complexion: ",
        ),
        (b'{"groups": [{"group_id": "g", "task": {"answer": 1}, "rollouts": []}]}', r"^groups\[0\].task.answer: "),
        (b'{"groups": [{"group_id": "\\ud800", "task": {}, "rollouts": []}]}', r"^groups\[0\].group_id: is not UTF-8"),
        (b"\xff\xfe", "is no JSON"),
        (b"[" * 100_000, "is no JSON"),
    ],
)
def test_what_is_no_request_is_refused_by_name(body: bytes, named: str) -> None:
    with pytest.raises(BadInputError, match=named):
        contract.request(body)


def test_an_answer_is_written_as_protobuf_writes_it() -> None:
    message = reward_pb2.ScoreBatchResponse(request_id="r")
    group = message.groups.add(group_id="g", mean=0.0, std=0.5, zero_variance=False, recipe="math")
    rollout = group.rollouts.add(rollout_id="0", reward=0.0)
    component = rollout.components.add(name="accuracy", verifier="math_answer", version="1", score=0.0, weight=1.0)
    component.details.update({"a": None, "b": [1.0, "x", {"c": True}], "d": {}})
    abstained = rollout.components.add(name="language")
    abstained.abstention.cause = reward_pb2.CAUSE_UNDECIDED

    assert contract.plain(message) == MessageToDict(message, preserving_proto_field_name=True)


def test_a_large_integer_is_text_as_javascript_needs_it() -> None:
    message = reward_pb2.Rollout(completion_tokens=1 << 60)

    assert contract.plain(message) == {"completion_tokens": str(1 << 60)}
