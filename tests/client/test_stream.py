"""stream: groups in while they are made, scores out as soon as they are known."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest

from jurist.client import Client, ClientError, InvalidInputError, UnreachableError, group, rewards
from jurist.v1 import reward_pb2

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.client.conftest import ScriptedService as Service


def test_scores_come_while_groups_are_still_being_made(client: Client) -> None:
    seen = threading.Event()

    def making() -> Iterator[reward_pb2.RolloutGroup]:
        yield group(["abc"], group_id="first")
        assert seen.wait(10.0)
        yield group(["abcd"], group_id="second")

    stream = client.stream(making())

    assert next(stream).group_id == "first"
    seen.set()
    assert [answer.group_id for answer in stream] == ["second"]


def test_the_recipe_and_the_request_id_are_sent_once(service: Service, client: Client) -> None:
    answers = list(client.stream(group(["x"]) for _ in range(3)))

    assert len(answers) == 3
    assert [request.recipe.name for request in service.requests] == ["length", "", ""]
    assert [bool(request.request_id) for request in service.requests] == [True, False, False]


def test_a_group_that_cannot_be_accepted_is_a_refusal_and_ends_nothing(client: Client) -> None:
    first, second, third = client.stream([group(["x"]), group(["y"], language="bad"), group(["zz"])])

    assert isinstance(second, reward_pb2.Refusal)
    assert second.field == "task.language"
    assert isinstance(first, reward_pb2.GroupScores)
    assert isinstance(third, reward_pb2.GroupScores)
    assert rewards(third) == [2.0]


def test_an_error_of_the_groups_own_is_raised_after_the_scores_before_it(client: Client) -> None:
    def making() -> Iterator[reward_pb2.RolloutGroup]:
        yield group(["abc"], group_id="first")
        raise ZeroDivisionError("of the trainer's own")

    stream = client.stream(making())

    assert next(stream).group_id == "first"
    with pytest.raises(ZeroDivisionError, match="of the trainer's own"):
        next(stream)


def test_a_group_that_cannot_be_sent_is_named(client: Client) -> None:
    with pytest.raises(InvalidInputError, match=r"^groups\[1\]: .*colour"):
        list(client.stream([group(["x"]), {"colour": "red"}]))
    with pytest.raises(InvalidInputError, match=r"^groups\[0\]: \d+ bytes; a message holds"):
        list(client.stream([group(["x" * 10_000_000] * 7)]))


def test_a_connection_that_breaks_ends_the_stream_with_an_error(client: Client) -> None:
    with pytest.raises(UnreachableError):
        list(client.stream([group(["x"], language="poisoned")]))


def test_leaving_a_stream_early_ends_its_call(service: Service, client: Client) -> None:
    made: list[int] = []

    def making() -> Iterator[reward_pb2.RolloutGroup]:
        while True:
            made.append(len(made))
            yield group(["x" * 10_000])

    stream = client.stream(making())
    next(stream)
    del stream

    assert rewards(client.score([group(["abc"])])[0]) == [3.0]
    assert len(service.requests) >= 1


def test_closing_the_client_ends_a_stream_with_an_error(client: Client) -> None:
    waiting = threading.Event()

    def making() -> Iterator[reward_pb2.RolloutGroup]:
        yield group(["abc"])
        waiting.wait(10.0)

    stream = client.stream(making())
    next(stream)
    closing = threading.Timer(0.2, client.close)
    closing.start()

    with pytest.raises(ClientError, match="the client was closed"):
        next(stream)
    waiting.set()
    closing.join()
