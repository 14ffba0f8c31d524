"""score and ascore: messages, order, retries, deadlines, cancellation."""

from __future__ import annotations

import asyncio
import threading
import time
from typing import TYPE_CHECKING

import grpc
import pytest

from jurist.client import (
    Client,
    DeadlineError,
    InvalidInputError,
    ServerError,
    UnreachableError,
    advantages,
    group,
    rewards,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from jurist.v1 import reward_pb2
    from tests.client.conftest import ScriptedService as Service


def lengths(scores: Sequence[reward_pb2.GroupScores]) -> list[list[float | None]]:
    return [rewards(each) for each in scores]


def test_scores_come_in_the_order_of_the_groups(client: Client) -> None:
    groups = [group(["x" * index, "y"], group_id=f"g{index}") for index in range(50)]

    scores = client.score(groups)

    assert [each.group_id for each in scores] == [f"g{index}" for index in range(50)]
    assert lengths(scores) == [[float(index), 1.0] for index in range(50)]
    assert advantages(scores[5]) == [2.0, -2.0]


def test_no_groups_have_no_scores(service: Service, client: Client) -> None:
    assert client.score([]) == []
    assert service.requests == []


def test_groups_may_be_the_contracts_json(client: Client) -> None:
    [scores] = client.score([{"group_id": "g", "task": {"answers": ["4"]}, "rollouts": [{"completion": "four"}]}])

    assert rewards(scores) == [4.0]


def test_256_rollouts_of_40_kb_travel_in_messages_of_1_to_4_mb(service: Service, client: Client) -> None:
    scores = client.score([group(["x" * 40_000] * 16) for _ in range(16)])

    assert lengths(scores) == [[40_000.0] * 16] * 16
    *full, rest = sorted((request.ByteSize() for request in service.requests), reverse=True)
    assert len(full) == 2
    assert all(1 << 20 < size <= 4 << 20 for size in (*full, rest))


def test_8192_rollouts_travel_in_messages_of_at_most_4096(service: Service, client: Client) -> None:
    scores = client.score([group(["x"] * 16) for _ in range(512)])

    assert lengths(scores) == [[1.0] * 16] * 512
    assert [sum(len(each.rollouts) for each in request.groups) for request in service.requests] == [4096, 4096]


def test_groups_stay_whole_and_in_order_over_messages(service: Service, client: Client) -> None:
    groups = [group(["x" * (300_000 * (1 + index % 9))], group_id=str(index)) for index in range(40)]

    scores = client.score(groups)

    assert lengths(scores) == [[300_000.0 * (1 + index % 9)] for index in range(40)]
    sent = sorted((request for request in service.requests), key=lambda request: int(request.groups[0].group_id))
    assert [each.group_id for request in sent for each in request.groups] == [str(index) for index in range(40)]
    assert len({request.request_id for request in service.requests}) == len(service.requests)


def test_a_call_has_8_messages_on_their_way_at_most(service: Service, client: Client) -> None:
    eight = threading.Barrier(8, timeout=10.0)
    service.script.extend([service.meet(eight)] * 16)

    client.score([group(["x" * 2_000_000]) for _ in range(16)])

    assert service.most_at_once == 8


def test_a_group_of_60_mb_travels_alone(service: Service, client: Client) -> None:
    small = group(["x"])

    scores = client.score([small, group(["y" * 10_000_000] * 6), group(["z"])])

    assert lengths(scores) == [[1.0], [10_000_000.0] * 6, [1.0]]
    assert sorted(len(request.groups[0].rollouts) for request in service.requests) == [1, 1, 6]


def test_a_group_larger_than_a_message_is_refused_before_anything_is_sent(service: Service, client: Client) -> None:
    with pytest.raises(InvalidInputError, match=r"^groups\[1\]: \d+ bytes; a message holds at most \d+$"):
        client.score([group(["x"]), group(["y" * 10_000_000] * 7)])
    with pytest.raises(InvalidInputError, match=r"^groups\[0\]\.rollouts: 8193 of them; a message holds at most 8192$"):
        client.score([group(["x"] * 8193)])
    with pytest.raises(InvalidInputError, match=r"^group: \d+ bytes"):
        client.submit(group(["y" * 10_000_000] * 7))

    assert service.requests == []


def test_equal_ids_are_refused_however_far_apart(service: Service, client: Client) -> None:
    groups = [group(["x" * 2_000_000], group_id="same" if index in {1, 8} else "") for index in range(9)]

    with pytest.raises(InvalidInputError, match=r"^groups\[8\]\.group_id: 'same' is groups\[1\]'s already$"):
        client.score(groups)
    assert service.requests == []


def test_an_error_counts_groups_from_the_callers_first(client: Client) -> None:
    groups = [group(["x" * 900_000], language="bad" if index == 7 else "en") for index in range(9)]

    with pytest.raises(InvalidInputError, match=r"^groups\[7\]\.task\.language: no such language$") as raised:
        client.score(groups)
    assert raised.value.code is grpc.StatusCode.INVALID_ARGUMENT


def test_a_recipe_of_the_group_stands_beside_the_clients(service: Service, client: Client) -> None:
    client.score([group(["x"], recipe="own"), group(["y"])], policy_step=7)

    [request] = service.requests
    assert request.recipe.name == "length"
    assert [each.recipe.name for each in request.groups] == ["own", ""]
    assert request.policy_step == 7


def test_an_unavailable_server_is_tried_again_under_one_request_id(service: Service, client: Client) -> None:
    service.script.extend([service.unavailable] * 3)

    assert lengths(client.score([group(["abc"])])) == [[3.0]]
    assert len(service.requests) == 4
    assert len({request.request_id for request in service.requests}) == 1


def test_an_overloaded_server_is_tried_again_after_the_pause_it_asks_for(service: Service, client: Client) -> None:
    service.script.append(service.overloaded("250"))
    start = time.monotonic()

    assert lengths(client.score([group(["abc"])])) == [[3.0]]
    assert 0.25 <= time.monotonic() - start < 2.0
    assert len(service.requests) == 2


def test_an_overloaded_server_that_asks_for_no_pause_is_tried_again(service: Service, client: Client) -> None:
    service.script.extend([service.overloaded(None)] * 3)

    assert lengths(client.score([group(["abc"])])) == [[3.0]]
    assert len({request.request_id for request in service.requests}) == 1
    assert len(service.requests) == 4


@pytest.mark.parametrize("pushback", ["-1", "soon"])
def test_a_server_that_asks_for_no_other_try_gets_none(service: Service, client: Client, pushback: str) -> None:
    service.script.append(service.overloaded(pushback))

    with pytest.raises(UnreachableError, match="too much work waits"):
        client.score([group(["abc"])])
    assert len(service.requests) == 1


def test_a_message_too_large_for_the_server_is_not_sent_again(narrow_service: Service) -> None:
    with (
        Client(narrow_service.target, recipe="length") as client,
        pytest.raises(InvalidInputError, match="larger than max"),
    ):
        client.score([group(["x" * 10_000])])
    assert not narrow_service.requests


def test_patience_begins_at_the_first_failure(service: Service) -> None:
    def gone_at_work(context: object) -> None:
        time.sleep(1.0)
        service.unavailable(context)  # type: ignore[arg-type]

    service.script.append(gone_at_work)
    with Client(service.target, recipe="length", patience_s=0.5) as client:
        assert lengths(client.score([group(["abc"])])) == [[3.0]]


def test_patience_ends(service: Service) -> None:
    service.script.extend([service.unavailable] * 1000)
    start = time.monotonic()

    with (
        Client(service.target, recipe="length", patience_s=0.5) as client,
        pytest.raises(UnreachableError, match="shutting down") as raised,
    ):
        client.score([group(["abc"])])
    assert raised.value.code is grpc.StatusCode.UNAVAILABLE
    assert time.monotonic() - start < 2.0
    assert len(service.requests) > 2


def test_nobody_at_the_address_is_an_error_after_patience(unused_tcp_port: int) -> None:
    with Client(f"127.0.0.1:{unused_tcp_port}", recipe="length", patience_s=0.3) as client:
        with pytest.raises(UnreachableError):
            client.score([group(["abc"])])
        with pytest.raises(UnreachableError):
            client.score_rollout("abc")
        with pytest.raises(UnreachableError):
            client.list_verifiers()


@pytest.mark.parametrize("code", [grpc.StatusCode.INTERNAL, grpc.StatusCode.UNAUTHENTICATED, grpc.StatusCode.CANCELLED])
def test_other_failures_are_the_servers_and_not_tried_again(
    service: Service, client: Client, code: grpc.StatusCode
) -> None:
    service.script.append(service.fail(code))

    with pytest.raises(ServerError, match="said the script") as raised:
        client.score([group(["abc"])])
    assert raised.value.code is code
    assert len(service.requests) == 1


def test_the_first_failure_ends_the_call_and_the_other_messages(service: Service, client: Client) -> None:
    service.script.extend([service.wait(15.0), service.fail(grpc.StatusCode.INTERNAL)])
    start = time.monotonic()

    with pytest.raises(ServerError):
        client.score([group(["x" * 3_000_000]) for _ in range(2)])
    assert time.monotonic() - start < 5.0
    assert service.cancelled.wait(5.0)


def test_the_server_knows_the_deadline(service: Service, client: Client) -> None:
    client.score([group(["abc"])], timeout_s=7.0)
    client.score([group(["abc"])])

    assert 6.0 < service.times_left[0] < 7.5  # gRPC rounds up
    assert 19.0 < service.times_left[1] < 20.5


def test_a_retry_has_the_time_that_is_left(service: Service, client: Client) -> None:
    service.script.append(service.overloaded("300"))

    client.score([group(["abc"])], timeout_s=7.0)

    assert service.times_left[1] < service.times_left[0] - 0.2


def test_late_scores_are_an_error_and_the_server_stops(service: Service, client: Client) -> None:
    service.script.append(service.wait(10.0))
    start = time.monotonic()

    with pytest.raises(DeadlineError):
        client.score([group(["abc"])], timeout_s=0.3)
    assert time.monotonic() - start < 2.0
    assert service.cancelled.wait(5.0)


def test_a_timeout_of_nothing_is_a_deadline_that_passed(service: Service, client: Client) -> None:
    with pytest.raises(DeadlineError):
        client.score([group(["abc"])], timeout_s=0.0)
    assert service.requests == []


def test_there_need_be_no_deadline(service: Service, client: Client) -> None:
    assert lengths(client.score([group(["abc"])], timeout_s=float("inf"))) == [[3.0]]
    assert service.times_left[0] > 1e6


async def test_ascore_scores_without_blocking(service: Service, client: Client) -> None:
    service.script.append(service.wait(0.3))
    scoring = asyncio.create_task(client.ascore([group(["abc"])]))
    turns = 0
    while not scoring.done():
        await asyncio.sleep(0.01)
        turns += 1

    assert lengths(await scoring) == [[3.0]]
    assert turns > 10


async def test_cancelling_ascore_stops_the_servers_work(service: Service, client: Client) -> None:
    service.script.append(service.wait(15.0))
    scoring = asyncio.create_task(client.ascore([group(["abc"])]))
    await asyncio.to_thread(service.arrived.wait, 5.0)

    scoring.cancel()

    with pytest.raises(asyncio.CancelledError):
        await scoring
    assert await asyncio.to_thread(service.cancelled.wait, 5.0)


async def test_cancelling_ascore_ends_its_retries(service: Service, client: Client) -> None:
    service.script.extend([service.overloaded("200")] * 10)
    scoring = asyncio.create_task(client.ascore([group(["abc"])]))
    await asyncio.to_thread(service.arrived.wait, 5.0)

    scoring.cancel()
    await asyncio.sleep(0.5)

    assert len(service.requests) == 1


def test_an_answer_that_lacks_groups_is_the_servers_failure(service: Service, client: Client) -> None:
    service.answer = lambda groups: service.scores(groups[1:])

    with pytest.raises(ServerError, match="the server answered 2 groups with 1"):
        client.score([group(["abc"]), group(["d"])])
    with pytest.raises(ServerError):
        client.score_rollout("abc")


def test_verifiers_are_listed(client: Client) -> None:
    assert [verifier.name for verifier in client.list_verifiers().verifiers] == ["length"]


def test_what_will_come_is_announced(client: Client, service: Service) -> None:
    client.warm(8192, lanes=["rules"], ttl_s=60.0)
    client.warm(1)

    first, second = service.announced
    assert (first.rollouts, list(first.lanes), first.ttl_s) == (8192, ["rules"], 60.0)
    assert (second.rollouts, list(second.lanes), second.HasField("ttl_s")) == (1, [], False)
