from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jurist.services import decode, wire
from jurist.services.cookbook import Cookbook
from jurist.services.errors import BadInputError
from jurist.v1 import reward_pb2

DECODER = decode.Decoder(Cookbook())
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
        decode.parse(reward_pb2.ScoreBatchRequest, message()[:-1])


@given(st.binary(max_size=200))
def test_any_bytes_are_parsed_or_refused_with_a_reason(data: bytes) -> None:
    try:
        DECODER.batch(data)
    except BadInputError as error:
        assert error.message  # noqa: PT017  # most bytes are refused, some are a message


@given(st.integers(0, 100), st.binary(min_size=1, max_size=3))
def test_a_message_with_damage_anywhere_is_parsed_or_refused(at: int, damage: bytes) -> None:
    data = message()
    at %= len(data)
    try:
        DECODER.batch(data[:at] + damage + data[at + len(damage) :])
    except BadInputError as error:
        assert error.message  # noqa: PT017


def test_an_unknown_field_in_the_old_form_of_groups_is_passed_over() -> None:
    old = bytes([(99 << 3 | 3) & 0x7F | 0x80, 99 >> 4, (99 << 3 | 4) & 0x7F | 0x80, 99 >> 4])
    recipe = reward_pb2.Recipe(terms=[reward_pb2.Term(verifier="format_tags")])
    request = reward_pb2.ScoreBatchRequest(recipe=recipe)
    request.groups.add(group_id="g", task=reward_pb2.Task()).rollouts.add(completion="x")

    assert [group.group_id for group in DECODER.batch(old + request.SerializeToString()).groups] == ["g"]
