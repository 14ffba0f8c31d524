"""score_each and ascore_each: what is wrong with one group costs no other its scores."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import grpc
import pytest

from jurist.client import Client, ClientError, InvalidInputError, ServerError, UnreachableError, group, rewards
from jurist.client._packing import MESSAGE_BYTES
from jurist.client._parting import NAMED, parts
from jurist.v1 import reward_pb2

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.client.conftest import ScriptedService as Service


def told(outcomes: Sequence[reward_pb2.GroupScores | ClientError]) -> list[Any]:
    return [str(each) if isinstance(each, ClientError) else rewards(each)[0] for each in outcomes]


def groups_with(faults: dict[int, str], count: int = 20) -> list[reward_pb2.RolloutGroup]:
    return [group(["x" * index], language=faults.get(index, "en")) for index in range(count)]


def test_a_group_that_the_server_names_is_refused_alone(service: Service, client: Client) -> None:
    outcomes = client.score_each(groups_with({3: "bad", 7: "bad"}))

    refusal = "task.language: no such language"
    assert told(outcomes) == [refusal if index in {3, 7} else float(index) for index in range(20)]
    assert isinstance(outcomes[3], InvalidInputError)
    assert outcomes[3].code is grpc.StatusCode.INVALID_ARGUMENT
    assert len(service.requests) == 5  # all, the first alone, the others, the second alone, the others


async def test_a_group_that_the_server_trips_over_is_found_by_halving(client: Client) -> None:
    outcomes = await client.ascore_each(groups_with({5: "poisoned"}))

    assert isinstance(outcomes[5], ServerError)
    assert told(outcomes[:5] + outcomes[6:]) == [float(index) for index in range(20) if index != 5]


def test_where_all_are_at_fault_a_message_is_halved_in_the_end(service: Service, client: Client) -> None:
    outcomes = client.score_each(groups_with(dict.fromkeys(range(64), "bad"), 64))

    assert set(told(outcomes)) == {"task.language: no such language"}
    assert len(service.requests) <= 2 * 64 + 2 * NAMED


def test_a_message_that_is_too_large_costs_the_large_group_alone(narrow_service: Service) -> None:
    with Client(narrow_service.target, recipe="length") as client:
        outcomes = client.score_each([group(["x" * size]) for size in (100, 10_000, 1_000, 2_000)])

    assert isinstance(outcomes[1], InvalidInputError)
    assert told([outcomes[0], *outcomes[2:]]) == [100.0, 1_000.0, 2_000.0]


def test_what_is_no_group_and_what_no_message_holds_are_refused_alone(service: Service, client: Client) -> None:
    large = reward_pb2.RolloutGroup()
    large.CopyFrom(group(["x" * (MESSAGE_BYTES + 1)]))

    outcomes = client.score_each([{"colour": "red"}, group(["abc"]), large])

    assert told(outcomes)[1] == 3.0
    assert "colour" in str(outcomes[0])
    assert f"a message holds at most {MESSAGE_BYTES}" in str(outcomes[2])
    assert len(service.requests) == 1


def test_what_is_said_once_for_all_groups_is_raised_at_once(service: Service, client: Client) -> None:
    service.script.append(lambda context: context.abort(grpc.StatusCode.NOT_FOUND, "recipe: there is no 'nope'"))

    with pytest.raises(InvalidInputError, match=r"^recipe: there is no 'nope'$"):
        client.score_each(groups_with({}))
    assert len(service.requests) == 1


def test_a_server_that_is_away_is_waited_for_once(unused_tcp_port: int) -> None:
    with Client(f"127.0.0.1:{unused_tcp_port}", recipe="length", patience_s=0.3) as client:
        outcomes = client.score_each([group(["x" * 3_000_000]) for _ in range(12)])

    assert [type(outcome) for outcome in outcomes] == [UnreachableError] * 12


def test_one_message_that_fails_costs_the_others_nothing(service: Service, client: Client) -> None:
    service.script.append(service.fail(grpc.StatusCode.UNAUTHENTICATED))

    outcomes = client.score_each([group(["x" * 3_000_000]) for _ in range(3)])

    assert sorted(map(str, told(outcomes))) == ["3000000.0", "3000000.0", "said the script"]


def test_no_groups_have_no_outcomes(client: Client) -> None:
    assert client.score_each([]) == []


@pytest.mark.parametrize("step", [-1, 2**63, "soon", float("nan")])
def test_a_policy_step_that_the_contract_does_not_hold_is_named(service: Service, client: Client, step: Any) -> None:
    one = group(["x"])
    for call in (client.score, client.score_each):
        with pytest.raises(InvalidInputError, match=r"^policy_step: must be"):
            call([one], policy_step=step)
    with pytest.raises(InvalidInputError, match=r"^policy_step: must be"):
        client.submit(one, policy_step=step)
    with pytest.raises(InvalidInputError, match=r"^policy_step: must be"):
        list(client.stream([one], policy_step=step))
    assert service.requests == []


@pytest.mark.parametrize("given", [float("nan"), -1.0, None, "5"])
@pytest.mark.parametrize("name", ["timeout_s", "patience_s"])
def test_a_time_that_is_none_is_named_at_once(name: str, given: Any) -> None:
    with pytest.raises(ValueError, match=rf"^{name}: must be seconds"):
        Client(**{name: given})


def test_a_call_has_no_timeout_that_is_no_number(client: Client) -> None:
    with pytest.raises(ValueError, match=r"^timeout_s: must be seconds"):
        client.score([group(["x"])], timeout_s=float("nan"))


def test_a_time_past_every_clock_is_no_limit(client: Client) -> None:
    assert rewards(client.score([group(["abc"])], timeout_s=1e300)[0]) == [3.0]


def test_what_travels_in_the_named_group_is_sent_again_together() -> None:
    error = InvalidInputError("groups[1].task: no", grpc.StatusCode.INVALID_ARGUMENT)

    assert parts(error, [0, 1, 1, 2], 1) == ([1, 2], [0, 3])
    assert parts(error, [0, 1, 1, 2], 0) == ([0, 1], [2, 3])
    assert parts(error, [1, 1], 1) == ([0], [1])
    assert parts(error, [1], 1) is None
