"""The small judge that ships, behind its gates and its rule, asked through gRPC: who passes, and who does not."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from jurist.client import Client, group
from jurist.services.config import configure
from jurist.services.scoring import local
from jurist.v1 import reward_pb2

CASES = [
    json.loads(line)
    for line in (Path(__file__).parents[1] / "cases" / "judge_attacks.jsonl").read_text(encoding="utf-8").splitlines()
]


@pytest.mark.slow
def test_no_hostile_answer_is_accepted_and_honest_ones_are(server: Any) -> None:
    asked = group([case["response"] for case in CASES], prompt=CASES[0]["question"], answers=[CASES[0]["reference"]])
    with Client(server.target, recipe="number_judge", timeout_s=300.0) as client:
        (scores,) = client.score([asked])
    accepted = [
        rollout.components[0].HasField("score") and rollout.components[0].score > 0.5 for rollout in scores.rollouts
    ]
    hostile = [
        case["response"]
        for case, passed in zip(CASES, accepted, strict=True)
        if passed and case["expected"] == "incorrect"
    ]
    honest = [passed for case, passed in zip(CASES, accepted, strict=True) if case["expected"] == "correct"]

    assert len({case["reference"] for case in CASES}) == 1, "one group holds them all"
    assert hostile == []
    assert sum(honest) >= 15 / 16 * len(honest)


async def test_a_service_without_that_judge_scores_what_needs_none() -> None:
    recipe = reward_pb2.Recipe()
    recipe.terms.add(verifier="format_tags", name="format")
    term = recipe.terms.add(verifier="reference_judge", name="accuracy")
    term.options.update({"model": "no_such_model"})
    asked = group(
        ["It is the city of light.", "Let me think.", "<think>a</think> <answer>b</answer>"], answers=["Paris"]
    )
    async with local(configure(workers=1), recipe) as score:
        (scores,) = await score([asked])
    outcomes = [
        (rollout.components[0].HasField("score"), rollout.components[1].WhichOneof("outcome"))
        for rollout in scores.rollouts
    ]

    assert outcomes == [(True, "abstention"), (True, "score"), (True, "abstention")]
    assert scores.rollouts[0].components[1].abstention.cause == reward_pb2.CAUSE_UNAVAILABLE
