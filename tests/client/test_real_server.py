"""The client against `jurist serve` itself."""

from __future__ import annotations

import asyncio
import json
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from jurist.client import Client, InvalidInputError, advantages, group, rewards
from jurist.v1 import reward_pb2

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

KEPT = "<think>six times seven</think> <answer>42</answer>"
FORMAT = {"name": "kept", "terms": [{"verifier": "format_tags"}], "advantage": "ADVANTAGE_GRPO"}
JURIST = str(Path(sys.executable).with_name("jurist"))


@pytest.fixture
def client(server: Any) -> Iterator[Client]:
    """A client of the shared server."""
    with Client(server.target, recipe=FORMAT, timeout_s=60.0) as opened:
        yield opened


def test_what_is_nested_too_deeply_is_refused_by_name(client: Client) -> None:
    extra: dict[str, object] = {}
    for _ in range(120):
        extra = {"a": extra}
    deep = group([KEPT], extra=extra)

    with pytest.raises(InvalidInputError, match=r"^groups\[1\]\.task\.extra.* is nested too deeply"):
        client.score([group([KEPT]), deep])
    with pytest.raises(InvalidInputError, match=r"^task\.extra"):
        client.submit(deep).result()
    (refusal,) = client.stream([deep])
    assert isinstance(refusal, reward_pb2.Refusal)
    assert refusal.field.startswith("task.extra")


def serve(port: int = 0) -> tuple[subprocess.Popen[str], str]:
    """Start a server; returns it and its target."""
    process = subprocess.Popen(
        [JURIST, "serve", "--port", str(port), "--log-format", "json"], stderr=subprocess.PIPE, text=True
    )
    assert process.stderr is not None
    for line in process.stderr:
        event = json.loads(line)
        if event["event"] == "serving":
            return process, event["target"]
    pytest.fail(f"the server did not start: exit status {process.wait()}")


@pytest.mark.parametrize(
    "call",
    [
        lambda client, built: client.score([built])[0],
        lambda client, built: asyncio.run(client.ascore([built]))[0],
        lambda client, built: client.submit(built).result(),
        lambda client, built: next(client.stream([built])),
    ],
    ids=["score", "ascore", "submit", "stream"],
)
def test_every_way_to_score_gives_the_same(
    client: Client, call: Callable[[Client, reward_pb2.RolloutGroup], reward_pb2.GroupScores]
) -> None:
    scores = call(client, group([KEPT, "42", KEPT, "42"], rollout_ids=["a", "b", "c", "d"], group_id="g"))

    assert (scores.group_id, scores.recipe, scores.mean) == ("g", "kept", 0.5)
    assert rewards(scores) == [1.0, 0.0, 1.0, 0.0]
    assert advantages(scores) == pytest.approx([0.866, -0.866, 0.866, -0.866], abs=1e-3)
    assert [rollout.rollout_id for rollout in scores.rollouts] == ["a", "b", "c", "d"]


def test_a_named_recipe_judges_mathematics(server: Any) -> None:
    with Client(server.target, recipe="math") as client:
        [scores] = client.score([group([r"so \boxed{4}", r"so \boxed{5}", r"so \boxed{\frac{8}{2}}"], answers=["4"])])

        assert rewards(scores) == [1.0, 0.0, 1.0]
        assert client.score_rollout(r"so \boxed{0.5}", answers=r"\frac12").reward == 1.0


def test_256_rollouts_of_40_kb_are_scored(client: Client) -> None:
    scores = client.score([group([KEPT + "x" * 40_000, "x" * 40_000] * 8) for _ in range(16)])

    assert [rewards(each) for each in scores] == [[0.0] * 16] * 16


def test_8192_rollouts_are_scored(client: Client) -> None:
    scores = client.score([group([KEPT, f"{index}"] * 8, group_id=str(index)) for index in range(512)])

    assert [each.group_id for each in scores] == [str(index) for index in range(512)]
    assert [rewards(each) for each in scores] == [[1.0, 0.0] * 8] * 512


def test_20000_rollouts_are_scored_in_as_many_messages_as_they_need(client: Client) -> None:
    scores = client.score([group([KEPT] * 16) for _ in range(1250)])

    assert [rewards(each) for each in scores] == [[1.0] * 16] * 1250


def test_a_rollout_alone_is_scored_as_a_group_of_one(client: Client) -> None:
    alone = group([KEPT], group_id="g", answers=["42"])
    neighbours = [client.submit(group(["wrong"], answers=["42"])) for _ in range(5)]

    joined = client.submit(alone).result()
    [scored] = client.score([alone])

    for scores in (joined, scored):
        for component in scores.rollouts[0].components:
            component.ClearField("elapsed_ms")
    assert joined == scored
    assert [rewards(each.result()) for each in neighbours] == [[0.0]] * 5


def test_one_unknown_recipe_among_many_submissions_is_refused_alone(client: Client) -> None:
    good = [client.submit(group([KEPT], answers=[str(n)])) for n in range(50)]
    bad = client.submit(group([KEPT], recipe="no such recipe"))
    others = [client.submit(group([KEPT, "42"])) for n in range(50)]

    with pytest.raises(InvalidInputError, match=r"^recipe.*no such recipe"):
        bad.result()
    assert [rewards(future.result()) for future in good] == [[1.0]] * 50
    assert [rewards(future.result()) for future in others] == [[1.0, 0.0]] * 50


@pytest.mark.parametrize(
    ("broken", "error"),
    [
        ({"group_id": "", "task": {}, "rollouts": [{"completion": "x"}]}, r"^groups\[600\]\.group_id: is required"),
        ({"group_id": "g", "rollouts": [{"completion": "x"}]}, r"^groups\[600\]\.task: is required"),
        ({"group_id": "g", "task": {}}, r"^groups\[600\]\.rollouts: at least one"),
        ({"group_id": "g", "task": {}, "rollouts": [{"rollout_id": "r"}] * 2}, r"^groups\[600\]\.rollouts\[1\]\.roll"),
    ],
)
def test_a_fault_is_named_by_its_place_in_the_callers_list(
    client: Client, broken: dict[str, object], error: str
) -> None:
    groups: list[reward_pb2.RolloutGroup | dict[str, object]] = [group(["x"] * 16) for _ in range(700)]
    groups[600] = broken

    with pytest.raises(InvalidInputError, match=error):
        client.score(groups)


def test_a_fault_of_the_clients_own_recipe_is_named_by_its_path(server: Any) -> None:
    with (
        Client(server.target, recipe={"terms": [{"verifier": "format_tags", "options": {"colour": 1}}]}) as client,
        pytest.raises(InvalidInputError, match=r"^recipe\.terms\[0\]\.options"),
    ):
        client.score([group(["x"])])


def test_lone_surrogates_are_scored_and_not_refused(client: Client) -> None:
    assert client.score_rollout(KEPT + "\ud83d").HasField("reward")


def test_verifiers_and_recipes_are_listed(client: Client) -> None:
    listed = client.list_verifiers()

    assert "format_tags" in {verifier.name for verifier in listed.verifiers}
    assert "math" in {each.recipe.name for each in listed.recipes}


async def test_cancelling_ascore_frees_the_servers_workers(server: Any) -> None:
    stuck = {"terms": [{"verifier": "sleep"}]}
    async with asyncio.timeout(30.0):
        with Client(server.target, recipe=FORMAT) as client:
            scoring = [asyncio.create_task(client.ascore([group(["poison"], recipe=stuck)])) for _ in range(4)]
            await asyncio.sleep(0.5)
            start = time.monotonic()
            for task in scoring:
                task.cancel()

            [scores] = await client.ascore([group([KEPT])])

            assert rewards(scores) == [1.0]
            assert time.monotonic() - start < 2.5  # the shared server gives a sleeper up after 3 s


@pytest.mark.slow
def test_a_server_that_is_killed_and_started_again_costs_no_score() -> None:
    process, target = serve()
    try:
        with Client(target, recipe=FORMAT, timeout_s=60.0) as client, ThreadPoolExecutor(4) as threads:
            client.score([group([KEPT])])

            def score(number: int) -> list[float | None]:
                return [
                    reward
                    for scores in client.score([group([KEPT, f"{number}", "x" * 50_000]) for _ in range(40)])
                    for reward in rewards(scores)
                ]

            scoring = [threads.submit(score, number) for number in range(40)]
            time.sleep(0.2)
            process.send_signal(signal.SIGKILL)
            process.communicate()
            process, again = serve(int(target.rpartition(":")[2]))

            assert again == target
            assert [future.result() for future in scoring] == [[1.0, 0.0, 0.0] * 40] * 40
    finally:
        process.terminate()
        process.communicate(timeout=30)
