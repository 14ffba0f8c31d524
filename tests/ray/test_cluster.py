"""The service on a Ray cluster that grows, shrinks and loses parts; one cluster for all tests, in their order."""

from __future__ import annotations

import json
import threading
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from jurist.client import Client, group, rewards

pytestmark = [pytest.mark.ray, pytest.mark.slow]

CASES = Path(__file__).parents[1] / "cases"
TIMEOUT_S = 300.0
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
    # Whatever it says, the model's replica said it.
    assert ["judge" in each.rollouts[0].components[0].reason for each in scores[-4:]] == [True] * 4
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
