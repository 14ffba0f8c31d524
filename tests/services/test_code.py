"""Programs through the whole service: gRPC, the rules lane that asks, the sandbox lane that runs."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import grpc
import pytest
from google.protobuf.json_format import ParseDict

from jurist.v1 import reward_pb2, reward_pb2_grpc

if TYPE_CHECKING:
    from collections.abc import Callable

Stub = reward_pb2_grpc.RewardServiceStub
TIMEOUT_S = 120.0
GOOD = "Here it is:\n```python\ndef add(a, b):\n    return a + b\n```"
BAD = "```python\ndef add(a, b):\n    return a - b\n```"
NONE = "```python\ndef add(a, b):\n    return None\n```"
SPIN = "```python\nwhile True: pass\n```"

pytestmark = pytest.mark.slow  # boxes of its own; a second or two each


def score(stub: Stub, tests: dict[str, Any], *completions: str, timeout_s: float = TIMEOUT_S) -> list[Any]:
    task = ParseDict({"tests": tests}, reward_pb2.Task())
    rollouts = [reward_pb2.Rollout(completion=completion) for completion in completions]
    group = reward_pb2.RolloutGroup(group_id="g", task=task, rollouts=rollouts)
    request = reward_pb2.ScoreBatchRequest(groups=[group], recipe=reward_pb2.Recipe(name="code"))
    return list(stub.ScoreBatch(request, timeout=timeout_s).groups[0].rollouts)


def rewards(rollouts: list[Any]) -> list[float | None]:
    return [rollout.reward if rollout.HasField("reward") else None for rollout in rollouts]


def test_each_protocol_pays_the_right_program_alone(stub: Stub) -> None:
    function = {"function": {"entry_point": "add", "cases": [{"args": [2, 3], "expected": 5}]}}
    asserts = {"asserts": {"entry_point": "add", "code": "assert add(2, 3) == 5"}}
    stdio = {"stdio": {"cases": [{"stdin": "2 3", "expected_stdout": "5\n"}]}}
    reads = "```python\nprint(sum(map(int, input().split())))\n```"

    assert rewards(score(stub, function, GOOD, BAD, "no code", GOOD)) == [1.0, 0.0, 0.0, 1.0]
    assert rewards(score(stub, asserts, GOOD, BAD)) == [1.0, 0.0]
    assert rewards(score(stub, stdio, reads, "```python\nprint(6)\n```")) == [1.0, 0.0]


def test_humanevals_check_is_called(stub: Stub) -> None:
    tests = {"asserts": {"entry_point": "add", "code": "def check(candidate):\n    assert candidate(2, 3) == 5\n"}}

    assert rewards(score(stub, tests, GOOD, NONE)) == [1.0, 0.0]


def test_tests_that_try_nothing_pay_nobody(stub: Stub) -> None:
    tests = {"asserts": {"entry_point": "add", "code": "def never():\n    assert add(2, 3) == 5\n"}}
    rollouts = score(stub, tests, GOOD, NONE)

    assert rewards(rollouts) == [None, None]
    assert {r.components[0].abstention.cause for r in rollouts} == {reward_pb2.CAUSE_INVALID_REFERENCE}


def test_a_program_past_its_limit_costs_its_own_reward_alone(stub: Stub) -> None:
    tests = {
        "function": {"entry_point": "add", "cases": [{"args": [2, 3], "expected": 5}]},
        "limits": {"cpu_s": 0.5},
    }
    rollouts = score(stub, tests, GOOD, SPIN, BAD)

    assert rewards(rollouts) == [1.0, 0.0, 0.0]
    assert "time_limit" in rollouts[1].components[0].reason


def contract(row: dict[str, Any]) -> dict[str, Any]:
    """An attack's tests as the contract has them."""
    given, limits = row["tests"], row["limits"]
    protocols: dict[str, Callable[[], dict[str, Any]]] = {
        "stdio": lambda: {
            "stdio": {"cases": [{"stdin": c["stdin"], "expected_stdout": c["expected"]} for c in given["cases"]]}
        },
        "function": lambda: {"function": {"entry_point": given["entry"], "cases": given["cases"]}},
        "asserts": lambda: {"asserts": {"entry_point": given["entry"], "code": given["code"]}},
        "interactive": lambda: {"interactive": {"interactor": given["interactor"], "cases": given["cases"]}},
    }
    return protocols["stdio" if row["protocol"] == "checker" else row["protocol"]]() | {
        "language": row["language"],
        "checker": given.get("checker", ""),
        "limits": {
            "cpu_s": limits["time_s"],
            "wall_s": limits["time_s"],
            "memory_bytes": limits["memory_mb"] << 20,
            "output_bytes": limits["output_kb"] << 10,
        },
    }


def test_no_attack_is_paid_and_none_gets_around_its_zero(stub: Stub) -> None:
    rows = [
        json.loads(line)
        for name in ("code_attacks.jsonl", "code_attacks_own.jsonl")
        for line in (Path(__file__).parents[1] / "cases" / name).read_text(encoding="utf-8").splitlines()
    ]
    request = reward_pb2.ScoreBatchRequest(recipe=reward_pb2.Recipe(name="code"))
    for row in rows:
        rollout = reward_pb2.Rollout(completion=f"~~~~~{row['language']}\n{row['program']}\n~~~~~")
        task = ParseDict({"tests": contract(row)}, reward_pb2.Task())
        request.groups.add(group_id=row["id"], task=task, rollouts=[rollout])
    scores = stub.ScoreBatch(request, timeout=5 * TIMEOUT_S).groups

    found = {each.group_id: (rewards(list(each.rollouts)), each.rollouts[0].components[0].reason) for each in scores}
    assert {name: told for name, told in found.items() if told[0] != [0.0]} == {}


def test_sixteen_requests_a_core_on_a_busy_machine_time_no_reference_out(stub: Stub) -> None:
    cores = os.cpu_count() or 1
    lines = (Path(__file__).parents[1] / "cases" / "humaneval.jsonl").read_text(encoding="utf-8").splitlines()
    problems = [json.loads(line) for line in lines]

    def scored(problem: dict[str, Any]) -> list[float | None]:
        tests = {
            "asserts": {"entry_point": problem["entry_point"], "code": problem["test"], "prelude": problem["prompt"]},
            "limits": {"cpu_s": 3, "wall_s": 6},
        }
        reference = f"```python\n{problem['prompt']}{problem['canonical_solution']}\n```"
        return rewards(score(stub, tests, reference, f"```python\n{problem['prompt']}    return None\n```", reference))

    neighbours = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(cores)]
    try:
        with ThreadPoolExecutor(16 * cores) as threads:
            found = dict(zip([row["task_id"] for row in problems], threads.map(scored, problems), strict=True))
    finally:
        for neighbour in neighbours:
            neighbour.kill()
            neighbour.wait()

    assert {name: values for name, values in found.items() if values != [1.0, 0.0, 1.0]} == {}


def test_a_deadline_ends_the_program_too(stub: Stub) -> None:
    tests = {"stdio": {"cases": [{"expected_stdout": "x"}]}, "limits": {"cpu_s": 60, "wall_s": 60}}
    programs = [f"```python\nimport time\ntime.sleep({50 + n})\n```" for n in range(4)]
    late = score(stub, tests, *programs, timeout_s=4.0)
    assert rewards(late) == [None] * len(programs)
    assert {rollout.components[0].abstention.cause for rollout in late} == {reward_pb2.CAUSE_TIMEOUT}
    start = time.monotonic()
    function = {"function": {"entry_point": "add", "cases": [{"args": [2, 3], "expected": 5}]}}

    assert rewards(score(stub, function, GOOD)) == [1.0]
    assert time.monotonic() - start < 10


def test_a_program_converses_with_an_interactor(stub: Stub) -> None:
    interactor = (
        "import sys\nprint(open(sys.argv[1]).read(), flush=True)\nsys.exit(input() != open(sys.argv[3]).read())"
    )
    cases = [{"input": "2 3", "answer": "5"}, {"input": "4 5", "answer": "9"}]
    programs = ["```python\nprint(sum(map(int, input().split())))\n```", "```python\nprint(5)\n```"]

    scored = score(stub, {"interactive": {"interactor": interactor, "cases": cases}}, *programs)

    assert rewards(scored) == [1.0, 0.0]


def test_assertions_in_the_programs_process_are_asked_for_and_marked(stub: Stub) -> None:
    tests = {"asserts": {"entry_point": "P", "code": "assert P(2).x == 2", "in_process": True}}

    (rollout,) = score(stub, tests, "```python\nclass P:\n    def __init__(self, x): self.x = x\n```")

    assert rewards([rollout]) == [1.0]
    assert rollout.components[0].details["in_process"] is True


def test_wrong_tests_are_refused_naming_the_field(stub: Stub) -> None:
    with pytest.raises(grpc.RpcError) as raised:
        score(stub, {"stdio": {"cases": [{}]}, "limits": {"cpu_s": -1}}, GOOD)

    assert raised.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert (raised.value.details() or "").startswith("groups[0].task.tests.limits.cpu_s: ")


def test_a_service_without_a_sandbox_says_so(start: Any) -> None:
    served = start(workers=1, sandbox="off")
    with grpc.insecure_channel(served.target) as channel:
        function = {"function": {"entry_point": "add", "cases": [{"args": [2, 3], "expected": 5}]}}
        (rollout,) = score(Stub(channel), function, GOOD)

    assert not rollout.HasField("reward")
    assert rollout.components[0].abstention.cause == reward_pb2.CAUSE_UNAVAILABLE
