"""Both drivers of the lanes answer the same. The local one is the server that all tests share."""

from __future__ import annotations

import json
import os
import signal
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import grpc
import pytest

from jurist.client import Client, group, rewards
from jurist.v1 import reward_pb2, reward_pb2_grpc

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = [pytest.mark.ray, pytest.mark.slow]

CASES = Path(__file__).parents[1] / "cases"
TIMEOUT_S = 300.0
PROGRAM = "```python\ndef add(a, b):\n    return a {} b\n```"


def golden() -> list[Any]:
    lines = (CASES / "gsm8k_rollouts.jsonl").read_text(encoding="utf-8").splitlines()
    solved = [json.loads(line) for line in lines]
    for each in solved:
        del each["recorded_correct"]
        each["recipe"] = {"name": "r1_reasoning"}
    tests = {"function": {"entry_point": "add", "cases": [{"args": [2, 3], "expected": 5}]}}
    run = group([PROGRAM.format("+"), PROGRAM.format("-"), "no code"], tests=tests, recipe="code", group_id="code")
    symbolic = group([r"\boxed{(x-1)(x+1)}", r"\boxed{x^2}"], answers="x^2-1", recipe="math", group_id="algebra")
    return [*solved, run, symbolic]


def settled(target: str, groups: list[Any]) -> list[reward_pb2.GroupScores]:
    """Score; what is left out is how long it took."""
    with Client(target, timeout_s=TIMEOUT_S) as client:
        return [cleared(scores) for scores in client.score(groups)]


def cleared(scores: reward_pb2.GroupScores) -> reward_pb2.GroupScores:
    for rollout in scores.rollouts:
        for component in rollout.components:
            component.elapsed_ms = 0.0
            if "tests" in component.details.fields:
                for test in component.details.fields["tests"].list_value.values:
                    for measured in ("wall_s", "cpu_s", "peak_memory_bytes"):
                        del test.struct_value.fields[measured]
    return scores


def test_the_golden_batch_scores_the_same_to_the_bit(server: Any, front: Any) -> None:
    groups = golden()

    assert settled(front.target, groups) == settled(server.target, groups)


def test_a_stream_scores_as_a_batch_does_to_the_bit(driver: Any) -> None:
    groups = golden()
    for index, each in enumerate(groups):
        if isinstance(each, dict):
            each["group_id"] = f"{index}"
    with Client(driver.target, timeout_s=TIMEOUT_S) as client:
        answers = [answer for answer in client.stream(groups) if isinstance(answer, reward_pb2.GroupScores)]

    streamed = {scores.group_id: cleared(scores) for scores in answers}
    assert streamed == {scores.group_id: scores for scores in settled(driver.target, groups)}


@pytest.mark.parametrize(
    ("verifier", "cause"),
    [
        ("spin", reward_pb2.CAUSE_LIMIT),
        ("sleep", reward_pb2.CAUSE_LIMIT),
        ("greedy", reward_pb2.CAUSE_LIMIT),
        ("leave", reward_pb2.CAUSE_LIMIT),
        ("broken", reward_pb2.CAUSE_INTERNAL),
        ("nonsense", reward_pb2.CAUSE_INTERNAL),
        ("curious", reward_pb2.CAUSE_INTERNAL),
    ],
)
def test_poison_abstains_alone(driver: Any, verifier: str, cause: reward_pb2.Cause.ValueType) -> None:
    recipe = {"terms": [{"verifier": verifier}]}
    groups = [group([f"fine {at}", f"poison {at}"], recipe=recipe) for at in range(2)]
    with Client(driver.target, timeout_s=TIMEOUT_S) as client:
        scores = client.score(groups)

    assert [rewards(each) for each in scores] == [[1.0, None]] * 2
    assert {each.rollouts[1].components[0].abstention.cause for each in scores} == {cause}


def slow(groups: int, rollouts: int, seconds: float) -> reward_pb2.ScoreBatchRequest:
    """A request whose every rollout takes so long to judge, and scores 1.0."""
    recipe = {"terms": [{"verifier": "slow", "options": {"seconds": seconds}}]}
    return reward_pb2.ScoreBatchRequest(
        groups=[
            group([f"poison {at} {n}" for n in range(rollouts)], group_id=f"{at}", recipe=recipe)
            for at in range(groups)
        ]
    )


def test_workers_killed_in_a_batch_lose_and_double_nothing(driver: Any) -> None:
    batch = slow(40, 16, 0.005)
    with grpc.insecure_channel(driver.target) as channel:
        stub = reward_pb2_grpc.RewardServiceStub(channel)
        stub.ScoreBatch(slow(1, 1, 0.0), timeout=TIMEOUT_S)  # a lane at rest is up by now
        call = stub.ScoreBatch.future(batch, timeout=TIMEOUT_S)
        victims: set[int] = set()
        while len(victims) < 2 and not call.done():
            time.sleep(0.3)
            for pid in driver.workers()[:1]:
                os.kill(pid, signal.SIGKILL)
                victims.add(pid)
        scores = call.result().groups

    assert len(victims) == 2
    assert [each.group_id for each in scores] == [f"{at}" for at in range(40)]
    assert [rewards(each) for each in scores] == [[1.0] * 16] * 40


def test_a_deadline_ends_the_work_and_frees_the_lane(driver: Any) -> None:
    with grpc.insecure_channel(driver.target) as channel:
        stub = reward_pb2_grpc.RewardServiceStub(channel)
        stub.ScoreBatch(slow(1, 1, 0.0), timeout=TIMEOUT_S)  # as above
        with pytest.raises(grpc.RpcError) as late:
            stub.ScoreBatch(slow(8, 100, 2.5), timeout=3.0)
        # 2,000 s of work were begun: this would never be reached if they were not given up.
        after = stub.ScoreBatch(slow(1, 1, 0.0), timeout=TIMEOUT_S)

    assert late.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED
    assert rewards(after.groups[0]) == [1.0]


def test_a_call_given_up_ends_the_work_and_frees_the_lane(driver: Any) -> None:
    with grpc.insecure_channel(driver.target) as channel:
        stub = reward_pb2_grpc.RewardServiceStub(channel)
        stub.ScoreBatch(slow(1, 1, 0.0), timeout=TIMEOUT_S)  # as above
        call = stub.ScoreBatch.future(slow(8, 100, 2.5), timeout=TIMEOUT_S)
        driver.wait_until("the call", lambda: driver.metric("jurist_queue_rollouts") == 800, 60)
        time.sleep(1.0)  # it is with the workers
        call.cancel()
        after = stub.ScoreBatch(slow(1, 1, 0.0), timeout=TIMEOUT_S)  # as above: 2,000 s were begun

    assert rewards(after.groups[0]) == [1.0]
    driver.wait_until("the room", lambda: driver.metric("jurist_queue_rollouts") == 0, 60)


def test_a_server_that_leaves_answers_what_it_has_and_takes_no_more(started: Callable[..., Any]) -> None:
    leaving = started()
    with grpc.insecure_channel(leaving.target) as channel, ThreadPoolExecutor() as pool:
        stub = reward_pb2_grpc.RewardServiceStub(channel)
        scored = pool.submit(stub.ScoreBatch, slow(1, 4, 1.0), timeout=TIMEOUT_S)
        leaving.wait_until("the call", lambda: leaving.metric("jurist_queue_rollouts") > 0, 60)
        leaving.process.send_signal(signal.SIGTERM)
        time.sleep(0.5)
        with pytest.raises(grpc.RpcError) as refused:
            stub.ScoreBatch(slow(1, 1, 0.0), timeout=TIMEOUT_S)
        assert rewards(scored.result().groups[0]) == [1.0] * 4

    assert refused.value.code() is grpc.StatusCode.UNAVAILABLE
    assert leaving.process.wait(120) == 0


@pytest.mark.parametrize("bound", [{"queue_rollouts": 6}, {"queue_bytes": 1 << 20}], ids=["rollouts", "bytes"])
def test_a_server_that_holds_enough_refuses_with_a_time_to_come_back(
    started: Callable[..., Any], bound: dict[str, int]
) -> None:
    small = started(**bound)
    request = slow(1, 4, 1.0)
    request.groups[0].rollouts[0].completion += "x" * (600 << 10)
    with grpc.insecure_channel(small.target) as channel, ThreadPoolExecutor() as pool:
        stub = reward_pb2_grpc.RewardServiceStub(channel)
        first = pool.submit(stub.ScoreBatch, request, timeout=TIMEOUT_S)
        small.wait_until("the first call", lambda: small.metric("jurist_queue_rollouts") == 4, 60)
        with pytest.raises(grpc.RpcError) as refused:
            stub.ScoreBatch(request, timeout=TIMEOUT_S)
        with Client(small.target, timeout_s=TIMEOUT_S) as client:  # which comes back by itself
            (again,) = client.score([request.groups[0]])
        assert rewards(first.result().groups[0]) == [1.0] * 4
    trailing: dict[str, Any] = dict(refused.value.trailing_metadata())  # type: ignore[arg-type]  # pairs

    assert rewards(again) == [1.0] * 4
    assert refused.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert int(trailing["grpc-retry-pushback-ms"]) > 0
