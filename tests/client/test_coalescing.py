"""submit, score_rollout and ascore_rollout: many small calls, few messages, and nobody pays for a neighbour."""

from __future__ import annotations

import asyncio
import time
from concurrent.futures import CancelledError, ThreadPoolExecutor, wait
from typing import TYPE_CHECKING

import grpc
import pytest

from jurist.client import Client, DeadlineError, InvalidInputError, ServerError, advantages, group, rewards
from jurist.v1 import reward_pb2

if TYPE_CHECKING:
    from tests.client.conftest import ScriptedService as Service


@pytest.fixture
def lingering(monkeypatch: pytest.MonkeyPatch) -> None:
    """Time enough to submit all of a test's groups on a busy machine."""
    monkeypatch.setattr("jurist.client._coalescing.LINGER_S", 0.1)


async def test_concurrent_calls_travel_together(service: Service, client: Client) -> None:
    scores = await asyncio.gather(*(client.ascore_rollout("x" * n, answers=[str(n)]) for n in range(200)))

    assert [rollout.reward for rollout in scores] == [float(n) for n in range(200)]
    assert len(service.requests) < 20


def test_calls_from_many_threads_travel_together(service: Service, client: Client) -> None:
    with ThreadPoolExecutor(32) as threads:
        scores = list(threads.map(lambda n: client.score_rollout("x" * n), range(320)))

    assert [rollout.reward for rollout in scores] == [float(n) for n in range(320)]
    assert len(service.requests) < 160


@pytest.mark.usefixtures("lingering")
def test_single_completions_of_one_task_are_joined_into_one_group(service: Service, client: Client) -> None:
    futures = [client.submit(group(["x" * n], answers=["same"])) for n in range(8)]
    other = client.submit(group(["yy"], answers=["other"]))
    foreign = client.submit(group(["zz"], answers=["same"], recipe="own"))

    assert [rewards(future.result()) for future in futures] == [[float(n)] for n in range(8)]
    assert [rewards(other.result()), rewards(foreign.result())] == [[2.0], [2.0]]
    [request] = service.requests
    assert sorted(len(each.rollouts) for each in request.groups) == [1, 1, 8]


@pytest.mark.usefixtures("lingering")
def test_a_completion_that_was_joined_is_scored_as_if_it_had_gone_alone(client: Client) -> None:
    groups = [group(["x" * n], answers=["same"], group_id=f"g{n}", rollout_ids=[f"r{n}"]) for n in range(5)]

    together = [future.result() for future in [client.submit(each) for each in groups]]

    assert together == [client.score([each])[0] for each in groups]
    assert [(scores.group_id, scores.rollouts[0].rollout_id) for scores in together] == [
        (f"g{n}", f"r{n}") for n in range(5)
    ]
    assert [(scores.mean, scores.std, scores.zero_variance, advantages(scores)) for scores in together] == [
        (float(n), 0.0, True, [0.0]) for n in range(5)
    ]


def test_groups_of_several_rollouts_keep_their_statistics_and_advantages(client: Client) -> None:
    groups = [group(["x" * n, "x" * (n + 4)], answers=["same"], group_id="same") for n in range(5)]

    submitted = [future.result() for future in [client.submit(each) for each in groups]]

    assert submitted == [client.score([each])[0] for each in groups]
    assert [advantages(scores) for scores in submitted] == [[-2.0, 2.0]] * 5


@pytest.mark.parametrize(("language", "error"), [("bad", InvalidInputError), ("poisoned", ServerError)])
def test_one_bad_submission_costs_no_neighbour_its_score(client: Client, language: str, error: type[Exception]) -> None:
    futures = {
        n: client.submit(group(["x" * n], answers=["same"], language=language if n in {3, 77} else "en"))
        for n in range(100)
    }

    for n, future in futures.items():
        if n in {3, 77}:
            with pytest.raises(error):
                future.result()
        else:
            assert rewards(future.result()) == [float(n)]


def test_the_error_of_a_submission_names_the_field_from_its_group(client: Client) -> None:
    futures = [client.submit(group(["x"], language="bad", answers=[str(n)])) for n in range(3)]

    for future in futures:
        with pytest.raises(InvalidInputError, match=r"^task\.language: no such language$") as raised:
            future.result()
        assert raised.value.code is grpc.StatusCode.INVALID_ARGUMENT


@pytest.mark.usefixtures("lingering")
def test_every_waiter_raises_an_error_of_its_own(service: Service, client: Client) -> None:
    service.script.append(service.fail(grpc.StatusCode.UNAUTHENTICATED))
    futures = [client.submit(group(["x"])) for _ in range(20)]

    errors = [future.exception(timeout=5.0) for future in futures]

    assert {str(error) for error in errors} == {"said the script"}
    assert len({id(error) for error in errors}) == 20
    assert len(service.requests) == 1


@pytest.mark.usefixtures("lingering")
def test_a_message_that_is_too_large_for_the_server_is_halved(narrow_service: Service) -> None:
    with Client(narrow_service.target, recipe="length") as client:
        futures = [client.submit(group(["x" * (1_000 + n)])) for n in range(10)]

        assert [rewards(future.result()) for future in futures] == [[1_000.0 + n] for n in range(10)]
    assert len(narrow_service.requests) >= 3


def test_a_short_timeout_ends_no_neighbours_call(service: Service, client: Client) -> None:
    service.script.extend([service.wait(0.5)] * 2)

    short = client.submit(group(["x"]), timeout_s=0.2)
    long = client.submit(group(["xx"]))
    start = time.monotonic()

    with pytest.raises(DeadlineError):
        short.result()
    assert time.monotonic() - start < 0.45
    assert rewards(long.result()) == [2.0]


@pytest.mark.usefixtures("lingering")
def test_policy_steps_do_not_mix(service: Service, client: Client) -> None:
    futures = [client.submit(group(["x"]), policy_step=step) for step in [None, 0, 7, None, 0, 7]]

    wait(futures)

    assert sorted(request.policy_step if request.HasField("policy_step") else -1 for request in service.requests) == [
        -1,
        0,
        7,
    ]


def test_what_is_submitted_together_is_packed(service: Service, client: Client) -> None:
    futures = [client.submit(group(["x" * 500_000])) for _ in range(20)]
    large = client.submit(group(["y" * 5_000_000]))

    assert [rewards(future.result()) for future in futures] == [[500_000.0]] * 20
    assert rewards(large.result()) == [5_000_000.0]
    assert all(request.ByteSize() < 4 << 20 or len(request.groups) == 1 for request in service.requests)


def test_many_small_submissions_are_packed_by_count(service: Service, client: Client) -> None:
    futures = [client.submit(group(["x"] * 100, answers=[str(n)])) for n in range(100)]

    assert [rewards(future.result()) for future in futures] == [[1.0] * 100] * 100
    assert all(sum(len(each.rollouts) for each in request.groups) <= 4096 for request in service.requests)


@pytest.mark.usefixtures("lingering")
def test_a_submission_that_is_cancelled_leaves_its_neighbours(service: Service, client: Client) -> None:
    service.script.append(service.wait(0.3))
    futures = [client.submit(group(["x" * n])) for n in range(10)]
    service.arrived.wait(5.0)

    assert futures[3].cancel()

    with pytest.raises(CancelledError):
        futures[3].result()
    assert [rewards(future.result()) for n, future in enumerate(futures) if n != 3] == [
        [float(n)] for n in range(10) if n != 3
    ]


@pytest.mark.usefixtures("lingering")
def test_the_servers_work_stops_when_the_last_waiter_has_gone(service: Service, client: Client) -> None:
    service.script.append(service.wait(15.0))
    futures = [client.submit(group(["x"])) for _ in range(10)]
    service.arrived.wait(5.0)

    for future in futures:
        future.cancel()

    assert service.cancelled.wait(5.0)


async def test_cancelling_ascore_rollout_stops_the_servers_work(service: Service, client: Client) -> None:
    service.script.append(service.wait(15.0))
    scoring = asyncio.create_task(client.ascore_rollout("x"))
    await asyncio.to_thread(service.arrived.wait, 5.0)

    scoring.cancel()

    assert await asyncio.to_thread(service.cancelled.wait, 5.0)


def test_submissions_are_retried_too(service: Service, client: Client) -> None:
    service.script.extend([service.unavailable, service.overloaded("50")])

    assert client.score_rollout("abc").reward == 3.0
    assert len({request.request_id for request in service.requests}) == 1


def test_what_becomes_of_a_group_after_it_was_submitted_changes_nothing(client: Client) -> None:
    submitted = group(["abc"])
    future = client.submit(submitted)
    submitted.rollouts[0].completion = "changed"

    assert rewards(future.result()) == [3.0]


def test_the_callers_group_stays_as_it_was(client: Client) -> None:
    submitted = group(["abc"])
    before = reward_pb2.RolloutGroup()
    before.CopyFrom(submitted)

    client.submit(submitted).result()

    assert submitted == before


def test_single_completions_say_how_they_ended(service: Service, client: Client) -> None:
    client.score_rollout("abc", completion_tokens=7, truncated=True, prompt="p", recipe="own")

    [request] = service.requests
    [rollout] = request.groups[0].rollouts
    assert (rollout.completion_tokens, rollout.finish_reason) == (7, reward_pb2.FINISH_REASON_LENGTH)
    assert (request.groups[0].task.prompt, request.groups[0].recipe.name) == ("p", "own")


@pytest.mark.usefixtures("lingering")
def test_a_submission_that_the_server_names_is_sent_again_alone(service: Service, client: Client) -> None:
    futures = [
        client.submit(group(["x" * n], answers=[str(n)], language="bad" if n == 11 else "en")) for n in range(64)
    ]

    with pytest.raises(InvalidInputError, match=r"^task\.language: no such language$"):
        futures.pop(11).result()
    assert [rewards(future.result()) for future in futures] == [[float(n)] for n in range(64) if n != 11]
    assert len(service.requests) == 3


@pytest.mark.usefixtures("lingering")
def test_completions_of_different_groups_are_joined_each_with_its_own(service: Service, client: Client) -> None:
    futures = [client.submit(group(["x"], answers=["same"]), together=f"prompt {n % 2}") for n in range(6)]

    assert [rewards(future.result()) for future in futures] == [[1.0]] * 6
    [request] = service.requests
    assert [len(each.rollouts) for each in request.groups] == [3, 3]
