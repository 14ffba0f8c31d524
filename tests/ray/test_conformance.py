"""Both drivers of the lanes answer the same. The local one is the server that all tests share."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import grpc
import pytest

from jurist.client import Client, group, rewards
from jurist.v1 import reward_pb2, reward_pb2_grpc

pytestmark = [pytest.mark.ray, pytest.mark.slow]

CASES = Path(__file__).parents[1] / "cases"
TIMEOUT_S = 300.0
PROGRAM = "```python\ndef add(a, b):\n    return a {} b\n```"


@pytest.fixture(params=["server", "front"])
def target(request: pytest.FixtureRequest) -> str:
    """HOST:PORT of either driver."""
    return str(request.getfixturevalue(request.param).target)


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
        scores = client.score(groups)
    for each in scores:
        for rollout in each.rollouts:
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


@pytest.mark.parametrize("verifier", ["leave"])
def test_poison_abstains_alone(target: str, verifier: str) -> None:
    recipe = {"terms": [{"verifier": verifier}]}
    groups = [group([f"fine {at}", f"poison {at}"], recipe=recipe) for at in range(2)]
    with Client(target, timeout_s=TIMEOUT_S) as client:
        scores = client.score(groups)

    assert [rewards(each) for each in scores] == [[1.0, None]] * 2


def test_a_deadline_ends_the_work_and_frees_the_lane(target: str) -> None:
    recipe = {"terms": [{"verifier": "slow", "options": {"seconds": 2.5}}]}
    request = reward_pb2.ScoreBatchRequest(
        groups=[group([f"poison {at} {n}" for n in range(100)], recipe=recipe) for at in range(8)]
    )
    with Client(target, timeout_s=TIMEOUT_S) as client, grpc.insecure_channel(target) as channel:
        client.score([group(["fine"], recipe=recipe)])  # a lane at rest is up by now
        stub = reward_pb2_grpc.RewardServiceStub(channel)
        with pytest.raises(grpc.RpcError) as late:
            stub.ScoreBatch(request, timeout=3.0)
        # 2,000 s of work were begun: this would never be reached if they were not given up.
        (scores,) = client.score([group(["fine"], recipe=recipe)])

    assert late.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED
    assert rewards(scores) == [1.0]
