"""The service on a Ray cluster that grows, shrinks and loses parts; one cluster for all tests, in their order."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from jurist.client import Client, group, rewards
from jurist.v1.reward_pb2 import Cause

if TYPE_CHECKING:
    from collections.abc import Sequence

    from jurist.v1 import reward_pb2

pytestmark = [pytest.mark.ray, pytest.mark.slow]

CASES = Path(__file__).parents[1] / "cases"
# 100 and 20,000 are what docs/scaling.md reports; here a tenth, so that CI stays short.
KILLS = int(os.environ.get("CHAOS_KILLS", "10"))
ROLLOUTS = int(os.environ.get("CHAOS_ROLLOUTS", "2000"))
SEED = 7
TIMEOUT_S = 300.0
STALLED_S = 150.0  # three checks of 15 s each and as many pauses of 5, then a replica's start
GOOD = "```python\ndef add(a, b):\n    return a + b\n```"
BAD = "```python\ndef add(a, b):\n    return a - b\n```"


def solutions() -> tuple[list[Any], list[list[float]]]:
    """Groups of real solutions, and what each one is paid."""
    lines = (CASES / "gsm8k_rollouts.jsonl").read_text(encoding="utf-8").splitlines()
    groups = [json.loads(line) for line in lines]
    labels = [[float(label) for label in each.pop("recorded_correct")] for each in groups]
    return [each | {"recipe": {"name": "math"}} for each in groups], labels


def programs(count: int) -> list[Any]:
    return [
        group(
            [GOOD, BAD, f"{GOOD} ", f"{BAD} "],
            tests={"function": {"entry_point": "add", "cases": [{"args": [at, 1], "expected": at + 1}]}},
            recipe="code",
        )
        for at in range(count)
    ]


def comparisons(count: int) -> list[Any]:
    asks = {"template": "same_number", "numbers": "judge"}  # of the small model that ships
    judged = {"terms": [{"verifier": "reference_judge", "options": asks}]}
    return [group([f"<answer>{at}</answer>"], prompt="1 + 1?", answers="2", recipe=judged) for at in range(count)]


def test_each_lane_comes_from_nothing_and_goes_again(cluster: Any, front: Any) -> None:
    assert not cluster.nodes()
    most: Counter[str] = Counter()
    done = threading.Event()

    def look() -> None:
        while not done.wait(0.2):
            for kind, count in cluster.nodes().items():
                most[kind] = max(most[kind], count)

    looking = threading.Thread(target=look)
    looking.start()
    try:
        groups, labels = solutions()
        with Client(front.target, timeout_s=TIMEOUT_S) as client:
            scores = client.score([*groups, *programs(12), *comparisons(4)])
    finally:
        done.set()
        looking.join()

    assert [rewards(each) for each in scores[: len(groups)]] == labels
    assert [rewards(each) for each in scores[len(groups) : -4]] == [[1.0, 0.0, 1.0, 0.0]] * 12
    # 1 + 1 is none of 0 to 3 but 2: the model's replica read them.
    assert [rewards(each) for each in scores[-4:]] == [[0.0], [0.0], [1.0], [0.0]]
    assert front.metric("jurist_model_answers_total") >= 1  # as it told
    assert most == {"rules": 2, "sandbox": 2, "model": 1}
    cluster.wait_until("the last node's end", lambda: not cluster.nodes())
    for lane in ("rules", "sandbox", "model"):
        assert front.metric(f'jurist_lane_scalings_total{{direction="up",lane="{lane}",why="arrival"}}') >= 1
        assert front.metric(f'jurist_lane_scalings_total{{direction="down",lane="{lane}",why="idle"}}') >= 1


def test_an_announcement_brings_nodes_before_the_work(cluster: Any, front: Any) -> None:
    with Client(front.target, timeout_s=TIMEOUT_S) as client:
        client.warm(2 * 2048, lanes=["rules"], ttl_s=120.0)
        cluster.wait_until("two nodes", lambda: cluster.nodes()["rules"] == 2)

    announced = 'jurist_lane_scalings_total{direction="up",lane="rules",why="announced"}'
    cluster.wait_until("the reason", lambda: front.metric(announced) >= 1)
    assert front.metric("jurist_queue_rollouts") == 0


def slow(count: int, seconds: float, name: str = "g") -> reward_pb2.RolloutGroup:
    """A group whose every rollout takes so long to judge, and scores 1.0."""
    recipe = {"terms": [{"verifier": "slow", "options": {"seconds": seconds}}]}
    return group([f"poison {name} {at}" for at in range(count)], group_id=name, recipe=recipe)


def test_a_node_lost_with_work_on_it_costs_nothing(cluster: Any, front: Any) -> None:
    died = front.metric('jurist_lane_calls_total{ending="died",lane="rules"}')
    with Client(front.target, timeout_s=TIMEOUT_S) as client, ThreadPoolExecutor() as pool:
        scored = pool.submit(client.score, [slow(10, 0.5, name) for name in "abcd"])
        cluster.wait_until("workers of both nodes", lambda: len(cluster.workers("rules")) == 2)
        time.sleep(2.0)  # they work by now, or begin to: 5 s for each group
        assert not scored.done()
        for pid, kind in cluster.raylets().items():
            if kind == "rules":
                os.kill(pid, signal.SIGKILL)
        scores = scored.result()

    assert [rewards(each) for each in scores] == [[1.0] * 10] * 4
    # It was in flight: the calls that the nodes had ended with their death.
    assert front.metric('jurist_lane_calls_total{ending="died",lane="rules"}') > died


def test_a_replica_that_stands_still_loses_its_calls_to_another(cluster: Any, front: Any) -> None:
    died = front.metric('jurist_lane_calls_total{ending="died",lane="rules"}')
    with Client(front.target, timeout_s=TIMEOUT_S) as client, ThreadPoolExecutor() as pool:
        # Serve counts no calls of a replica that says nothing: without this the lane is at rest before it is given up.
        client.warm(2 * 2048, lanes=["rules"], ttl_s=STALLED_S)
        cluster.wait_until("both replicas", lambda: len(cluster.workers("rules")) == 2)
        scored = pool.submit(client.score, [slow(10, 0.5, "still")])
        time.sleep(2.0)  # it works by now
        assert not scored.done()
        for pid in cluster.replicas("rules"):
            os.kill(pid, signal.SIGSTOP)
        (scores,) = scored.result(STALLED_S)

    assert rewards(scores) == [1.0] * 10
    assert front.metric('jurist_lane_calls_total{ending="died",lane="rules"}') > died


def test_replicas_and_workers_killed_at_random_lose_and_double_nothing(cluster: Any, front: Any) -> None:
    chance = random.Random(SEED)  # noqa: S311  # the same choices every time
    batches = [[slow(10, 0.01, f"{batch}-{at}") for at in range(20)] for batch in range(ROLLOUTS // 200)]
    killed: Counter[str] = Counter()
    over = threading.Event()

    def kill() -> None:
        while not over.wait(chance.uniform(1.0, 4.0)) and killed.total() < KILLS:
            kind = chance.choice(["replicas", "workers"])
            pids = getattr(cluster, kind)("rules")
            if pids:
                os.kill(chance.choice(pids), signal.SIGKILL)
                killed[kind] += 1

    killing = threading.Thread(target=kill)
    killing.start()
    answered: list[Sequence[Any]] = []
    try:
        with Client(front.target, timeout_s=TIMEOUT_S) as client, ThreadPoolExecutor(4) as pool:
            answered += pool.map(client.score, batches)
            while killing.is_alive():  # the work was done before the killing was
                answered.append(client.score(batches[0]))
    finally:
        over.set()
        killing.join()

    assert killed.total() == KILLS
    for batch, scores in zip([*batches, *[batches[0]] * len(answered)], answered, strict=False):
        assert [each.group_id for each in scores] == [each.group_id for each in batch]
        assert [rewards(each) for each in scores] == [[1.0] * 10] * len(batch)


def test_what_kills_its_replica_abstains_alone(front: Any) -> None:
    recipe = {"terms": [{"verifier": "topple"}]}
    groups = [group(["fine", "poison", "fine too"], recipe=recipe), group(["fine"], recipe=recipe)]
    with Client(front.target, timeout_s=TIMEOUT_S) as client:
        scores = client.score(groups)

    assert [rewards(each) for each in scores] == [[1.0, None, 1.0], [1.0]]
    poisoned = scores[0].rollouts[1].components[0]
    assert Cause.Name(poisoned.abstention.cause) == "CAUSE_LIMIT"
    assert "replicas died of it" in poisoned.reason


def test_a_lane_that_serve_gave_up_is_deployed_anew(cluster: Any, front: Any) -> None:
    given_up = "lanes were given up"
    before = front.said.count(given_up)

    def kill() -> bool:
        for pid in cluster.replicas("rules"):
            os.kill(pid, signal.SIGKILL)  # as it starts: after a few such Serve tries no more
        return bool(front.said.count(given_up) > before)

    with Client(front.target, timeout_s=TIMEOUT_S) as client, ThreadPoolExecutor() as pool:
        scored = pool.submit(client.score, [slow(4, 0.0)])
        cluster.wait_until("Serve's end of patience", kill)
        assert [rewards(each) for each in scored.result()] == [[1.0] * 4]


def test_lanes_come_back_when_serve_was_shut_down(cluster: Any, front: Any) -> None:
    shut_down = f"import ray; ray.init({cluster.address!r}); from ray import serve; serve.shutdown()"
    subprocess.run([sys.executable, "-c", shut_down], env=cluster.environment, check=True, capture_output=True)
    gone = "no lanes are deployed any more"
    cluster.wait_until("the front's notice", lambda: gone in front.said)
    with Client(front.target, timeout_s=TIMEOUT_S) as client:
        assert rewards(client.score([slow(4, 0.0, "back")])[0]) == [1.0] * 4


def test_another_front_goes_on_where_one_leaves(cluster: Any, front: Any) -> None:
    leaving = cluster.front()
    leaving.process.send_signal(signal.SIGTERM)
    assert leaving.process.wait(120) == 0
    with Client(front.target, timeout_s=TIMEOUT_S) as client:
        assert rewards(client.score([slow(1, 0.0)])[0]) == [1.0]
