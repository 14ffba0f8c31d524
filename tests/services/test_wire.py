from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jurist.services import codec, wire
from jurist.services.errors import BadInputError
from jurist.v1 import reward_pb2

DESCRIPTOR = reward_pb2.ScoreBatchRequest.DESCRIPTOR


def message() -> bytes:
    group = reward_pb2.RolloutGroup(group_id="g", task=reward_pb2.Task(answers=["one", "two"]))
    group.rollouts.add(completion="first")
    group.rollouts.add(completion="second", completion_tokens=300)
    return reward_pb2.ScoreBatchRequest(groups=[group, group], request_id="r", policy_step=7).SerializeToString()


@pytest.mark.parametrize(
    ("text", "path"),
    [
        (b"two", "groups[0].task.answers[1]"),
        (b"second", "groups[0].rollouts[1].completion"),
        (b"first", "groups[0].rollouts[0].completion"),
    ],
)
def test_text_that_is_not_utf8_is_found(text: bytes, path: str) -> None:
    broken = message().replace(text, b"\xff" + text[1:], 1)

    assert wire.fault(DESCRIPTOR, broken) == (path, "is not UTF-8 at byte 0")


def test_a_message_that_is_cut_off_is_told() -> None:
    with pytest.raises(BadInputError, match="malformed or cut off"):
        codec.parse(reward_pb2.ScoreBatchRequest, message()[:-1])


@given(st.binary(max_size=200))
def test_any_bytes_are_parsed_or_refused_with_a_reason(data: bytes) -> None:
    try:
        codec.parse(reward_pb2.ScoreBatchRequest, data)
    except BadInputError as error:
        assert error.message  # noqa: PT017  # most bytes are refused, some are a message


@given(st.integers(0, 100), st.binary(min_size=1, max_size=3))
def test_a_message_with_damage_anywhere_is_parsed_or_refused(at: int, damage: bytes) -> None:
    data = message()
    at %= len(data)
    try:
        codec.parse(reward_pb2.ScoreBatchRequest, data[:at] + damage + data[at + len(damage) :])
    except BadInputError as error:
        assert error.message  # noqa: PT017
