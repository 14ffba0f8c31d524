"""Building groups and recipes."""

from __future__ import annotations

import copy
import pickle
from itertools import pairwise

import grpc
import pytest
from google.protobuf import struct_pb2
from hypothesis import given
from hypothesis import strategies as st

from jurist.client import Client, DeadlineError, InvalidInputError, group, rewards
from jurist.client._packing import MESSAGE_BYTES, PACK_BYTES, PACK_ROLLOUTS, packs
from jurist.v1 import reward_pb2


def test_a_group_says_what_was_asked_and_written() -> None:
    built = group(
        ["one", "two"],
        answers="2",
        prompt=[{"role": "user", "content": "1 + 1?"}],
        choices=["1", "2"],
        language="en",
        extra={"source": {"name": "set", "rows": [1, 2]}},
        completion_tokens=[3, 4],
        truncated=[False, True],
        rollout_ids=["a", "b"],
        group_id="g",
        recipe={"terms": [{"verifier": "format_tags"}]},
    )

    struct = struct_pb2.Struct()
    struct.update({"source": {"name": "set", "rows": [1, 2]}})
    assert built == reward_pb2.RolloutGroup(
        group_id="g",
        task=reward_pb2.Task(
            messages=[reward_pb2.Message(role="user", content="1 + 1?")],
            answers=["2"],
            choices=["1", "2"],
            language="en",
            extra=struct,
        ),
        rollouts=[
            reward_pb2.Rollout(
                rollout_id="a", completion="one", finish_reason=reward_pb2.FINISH_REASON_STOP, completion_tokens=3
            ),
            reward_pb2.Rollout(
                rollout_id="b", completion="two", finish_reason=reward_pb2.FINISH_REASON_LENGTH, completion_tokens=4
            ),
        ],
        recipe=reward_pb2.Recipe(terms=[reward_pb2.Term(verifier="format_tags")]),
    )


def test_what_is_left_out_is_unset_but_for_a_group_id_of_its_own() -> None:
    one, other = group(["x"]), group(["x"])

    assert one.group_id != other.group_id
    assert one.HasField("task")
    assert not one.HasField("recipe")
    assert not one.rollouts[0].HasField("completion_tokens")
    assert one.rollouts[0].finish_reason == reward_pb2.FINISH_REASON_UNSPECIFIED


def test_a_column_that_is_zero_or_false_is_set() -> None:
    [rollout] = group(["x"], completion_tokens=[0], truncated=[False]).rollouts

    assert rollout.HasField("completion_tokens")
    assert rollout.finish_reason == reward_pb2.FINISH_REASON_STOP


@pytest.mark.parametrize("columns", [{"completion_tokens": [1]}, {"truncated": [True] * 3}, {"rollout_ids": []}])
def test_columns_of_another_length_are_refused(columns: dict[str, list[object]]) -> None:
    with pytest.raises(InvalidInputError, match=rf"^{next(iter(columns))}: \d for 2 completions$"):
        group(["x", "y"], **columns)  # type: ignore[arg-type]


def test_one_text_is_no_list_of_completions() -> None:
    with pytest.raises(InvalidInputError, match=r"^completions: a list of texts"):
        group("text")


def test_lone_surrogates_become_the_replacement_character_wherever_they_are() -> None:
    cut = "a\ud83d"
    built = group(
        [cut], answers=[cut], prompt=[{"role": cut, "content": cut}], choices=[cut], language=cut, extra={cut: [cut]},
        rollout_ids=[cut], group_id=cut, recipe=cut,
    )  # fmt: skip

    assert built == group(
        ["a�"], answers=["a�"], prompt=[{"role": "a�", "content": "a�"}], choices=["a�"], language="a�",
        extra={"a�": ["a�"]}, rollout_ids=["a�"], group_id="a�", recipe="a�",
    )  # fmt: skip


def test_lone_surrogates_of_json_become_the_replacement_character(client: Client) -> None:
    [scores] = client.score([{"group_id": "g", "task": {}, "rollouts": [{"completion": "\udc00ab\ud800"}]}])

    assert rewards(scores) == [4.0]


@given(st.text(st.characters(exclude_categories=())))
def test_any_text_travels_and_stays_what_it_is_where_utf8_has_it(text: str) -> None:
    sent = group([text]).rollouts[0].completion

    sent.encode()
    assert sent.replace("�", "") == "".join(char for char in text if not "\ud800" <= char <= "\udfff" and char != "�")


def test_a_pair_of_surrogates_is_one_character() -> None:
    assert group(["\ud83d\ude00"]).rollouts[0].completion == "😀"


def test_json_that_is_no_group_or_recipe_is_refused(client: Client) -> None:
    with pytest.raises(InvalidInputError, match=r"^groups\[1\]: .*colour"):
        client.score([{"group_id": "g"}, {"colour": "red"}])
    with pytest.raises(InvalidInputError, match=r"^group: .*colour"):
        client.submit({"colour": "red"})
    with pytest.raises(InvalidInputError, match=r"^recipe: .*colour"):
        Client(recipe={"colour": "red"})


def test_errors_pickle_and_copy() -> None:
    error = DeadlineError("late", grpc.StatusCode.DEADLINE_EXCEEDED)

    for twin in (pickle.loads(pickle.dumps(error)), copy.copy(error)):  # noqa: S301  # our own
        assert (type(twin), str(twin), twin.code) == (DeadlineError, "late", grpc.StatusCode.DEADLINE_EXCEEDED)


@given(st.lists(st.tuples(st.integers(1, 3 * PACK_BYTES), st.integers(1, 8192)), max_size=40))
def test_packs_are_every_index_once_in_order_and_within_bounds(sizes: list[tuple[int, int]]) -> None:
    found = list(packs(sizes))

    assert [index for places in found for index in places] == list(range(len(sizes)))
    for places in found:
        assert len(places) == 1 or sum(sizes[index][0] for index in places) <= PACK_BYTES < MESSAGE_BYTES
        assert len(places) == 1 or sum(sizes[index][1] for index in places) <= PACK_ROLLOUTS
    for places, following in pairwise(found):
        both = [*places, following[0]]
        assert sum(sizes[i][0] for i in both) > PACK_BYTES or sum(sizes[i][1] for i in both) > PACK_ROLLOUTS
