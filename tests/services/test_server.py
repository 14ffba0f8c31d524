"""The service as a trainer meets it: a real server process, gRPC, and everything that can go wrong."""

from __future__ import annotations

import os
import signal
import threading
import time
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING, Any

import grpc
import pytest
from grpc._cython import cygrpc
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

from jurist.client import _connection
from jurist.services import server as serving
from jurist.v1 import reward_pb2, reward_pb2_grpc

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

Stub = reward_pb2_grpc.RewardServiceStub
TIMEOUT_S = 120.0
KEPT = "<think>six times seven</think> <answer>42</answer>"


def request(completions: Sequence[str], verifier: str = "format_tags", **options: Any) -> reward_pb2.ScoreBatchRequest:
    recipe = reward_pb2.Recipe(advantage=reward_pb2.ADVANTAGE_GRPO)
    recipe.terms.add(verifier=verifier).options.update(options)
    group = reward_pb2.RolloutGroup(group_id="g", task=reward_pb2.Task(answers=["42"]))
    for completion in completions:
        group.rollouts.add(completion=completion)
    return reward_pb2.ScoreBatchRequest(groups=[group], recipe=recipe)


def nested(depth: int) -> dict[str, Any]:
    inner: dict[str, Any] = {}
    for _ in range(depth):
        inner = {"a": inner}
    return inner


def many(count: int) -> list[reward_pb2.Rollout]:
    return [reward_pb2.Rollout()] * count


def twins() -> reward_pb2.RolloutGroup:
    rollouts = [reward_pb2.Rollout(rollout_id="same")] * 2
    return reward_pb2.RolloutGroup(group_id="g", task=reward_pb2.Task(), rollouts=rollouts)


def refusal(stub: Stub, message: reward_pb2.ScoreBatchRequest) -> tuple[grpc.StatusCode, str]:
    with pytest.raises(grpc.RpcError) as raised:
        stub.ScoreBatch(message, timeout=TIMEOUT_S)
    return raised.value.code(), raised.value.details() or ""


def children(pid: int) -> list[int]:
    return [
        int(child) for task in Path(f"/proc/{pid}/task").iterdir() for child in (task / "children").read_text().split()
    ]


def zygote_of(server: Any) -> int:
    """The process that workers are forked from; the sandbox's boxes are children of the server, too."""
    commands = {pid: Path(f"/proc/{pid}/cmdline").read_bytes() for pid in children(server.process.pid)}
    return next(pid for pid, command in commands.items() if b"zygote" in command)


def worker_pids(server: Any) -> list[int]:
    try:
        return children(zygote_of(server))
    except (StopIteration, FileNotFoundError, ProcessLookupError):  # it is being replaced
        return []


def metric(server: Any, name: str) -> float:
    with urllib.request.urlopen(f"http://127.0.0.1:{server.metrics_port}/metrics") as page:
        lines = page.read().decode().splitlines()
    return sum(float(line.rsplit(" ", 1)[1]) for line in lines if line.startswith(name) and not line.startswith("#"))


def eventually(holds: Callable[[], bool], within_s: float = 10.0) -> bool:
    until = time.monotonic() + within_s
    while not holds():
        if time.monotonic() > until:
            return False
        time.sleep(0.02)
    return True


# --- what is right


def test_a_batch_comes_back_scored_in_the_order_of_the_request(stub: Stub) -> None:
    message = request([KEPT, "no tags", KEPT])
    second = message.groups.add()
    second.CopyFrom(message.groups[0])
    second.group_id = "h"
    response = stub.ScoreBatch(message, timeout=TIMEOUT_S)

    assert [scores.group_id for scores in response.groups] == ["g", "h"]
    for scores in response.groups:
        assert [rollout.rollout_id for rollout in scores.rollouts] == ["0", "1", "2"]
        assert [rollout.reward for rollout in scores.rollouts] == [1.0, 0.0, 1.0]
        assert scores.mean == pytest.approx(2 / 3)
        assert sum(rollout.advantage for rollout in scores.rollouts) == pytest.approx(0)
        assert not scores.zero_variance


def test_a_reward_of_zero_is_set_and_a_missing_one_is_not(stub: Stub) -> None:
    message = request(["wrong", "wrong poison"])
    message.recipe.terms.add(verifier="broken", name="second", gate=True)
    (scores,) = stub.ScoreBatch(message, timeout=TIMEOUT_S).groups

    assert scores.rollouts[0].HasField("reward")
    assert scores.rollouts[0].reward == 0.0
    assert not scores.rollouts[1].HasField("reward")
    assert not scores.rollouts[1].HasField("advantage")


def test_terms_start_at_their_policy_step(stub: Stub) -> None:
    message = request([KEPT])
    late = message.recipe.terms.add(verifier="exact_answer", name="late", from_step=10)
    late.weight = 0.5
    rewards = []
    for step in (9, 10):
        message.policy_step = step
        (rollout,) = stub.ScoreBatch(message, timeout=TIMEOUT_S).groups[0].rollouts
        rewards.append(rollout.reward)
        assert [component.name for component in rollout.components] == ["format_tags", "late"]
        assert rollout.components[1].HasField("abstention") == (step == 9)

    assert rewards == [1.0, 1.5]


def test_a_stream_answers_each_group_and_refuses_a_bad_one_alone(stub: Stub) -> None:
    message = request([KEPT])

    def sent() -> Iterator[reward_pb2.ScoreStreamRequest]:
        for index in range(50):
            group = reward_pb2.RolloutGroup()
            group.CopyFrom(message.groups[0])
            group.group_id = str(index)
            if index == 7:
                del group.rollouts[:]
            yield reward_pb2.ScoreStreamRequest(group=group, recipe=message.recipe if index == 0 else None)

    answers = list(stub.ScoreStream(sent(), timeout=TIMEOUT_S))
    scored = {answer.scores.group_id: answer.scores for answer in answers if answer.HasField("scores")}
    (refused,) = [answer.refusal for answer in answers if answer.HasField("refusal")]

    assert sorted(scored, key=int) == [str(index) for index in range(50) if index != 7]
    assert all(scores.rollouts[0].reward == 1.0 for scores in scored.values())
    assert (refused.group_id, refused.field) == ("7", "rollouts")


def test_a_stream_answers_a_group_before_the_next_one_is_sent(stub: Stub) -> None:
    message = request([KEPT])
    answered = threading.Event()

    def sent() -> Iterator[reward_pb2.ScoreStreamRequest]:
        yield reward_pb2.ScoreStreamRequest(group=message.groups[0], recipe=message.recipe)
        assert answered.wait(TIMEOUT_S)

    for answer in stub.ScoreStream(sent(), timeout=TIMEOUT_S):
        assert answer.scores.rollouts[0].reward == 1.0
        answered.set()


def stream_of(*groups: reward_pb2.RolloutGroup, recipe: reward_pb2.Recipe) -> Iterator[reward_pb2.ScoreStreamRequest]:
    for index, group in enumerate(groups):
        yield reward_pb2.ScoreStreamRequest(group=group, recipe=recipe if index == 0 else None)


def named(name: str, completion: str = KEPT) -> reward_pb2.RolloutGroup:
    rollouts = [reward_pb2.Rollout(completion=completion)]
    return reward_pb2.RolloutGroup(group_id=name, task=reward_pb2.Task(answers=["42"]), rollouts=rollouts)


def test_a_refused_recipe_does_not_leave_the_one_before_in_its_place(stub: Stub) -> None:
    good = request([KEPT]).recipe

    def sent() -> Iterator[reward_pb2.ScoreStreamRequest]:
        yield reward_pb2.ScoreStreamRequest(group=named("a"), recipe=good)
        yield reward_pb2.ScoreStreamRequest(group=named("b"), recipe=reward_pb2.Recipe(name="nope"))
        yield reward_pb2.ScoreStreamRequest(group=named("c"))
        yield reward_pb2.ScoreStreamRequest(group=named("d"), recipe=good)

    answers = list(stub.ScoreStream(sent(), timeout=TIMEOUT_S))

    assert sorted(answer.scores.group_id for answer in answers if answer.HasField("scores")) == ["a", "d"]
    refused = {answer.refusal.group_id: answer.refusal.field for answer in answers if answer.HasField("refusal")}
    assert refused == {"b": "recipe.name", "c": "recipe"}


def test_a_message_that_cannot_be_parsed_costs_the_stream_nothing_else(channel: grpc.Channel) -> None:
    raw: Any = channel.stream_stream("/jurist.v1.RewardService/ScoreStream")
    whole = [m.SerializeToString() for m in stream_of(named("a"), named("MARK"), named("c"), recipe=request([]).recipe)]
    sent = [data.replace(b"MARK", b"MA\xffK") for data in whole]
    answers = [reward_pb2.ScoreStreamResponse.FromString(data) for data in raw(iter(sent), timeout=TIMEOUT_S)]

    assert sorted(answer.scores.group_id for answer in answers if answer.HasField("scores")) == ["a", "c"]
    (refusal,) = [answer.refusal for answer in answers if answer.HasField("refusal")]
    assert (refusal.group_id, refusal.field) == ("", "group_id")


def test_an_id_may_come_again_on_a_stream_once_it_was_answered(stub: Stub) -> None:
    answered = threading.Event()
    slow = request([], "slow", seconds=0.5).recipe

    def sent() -> Iterator[reward_pb2.ScoreStreamRequest]:
        yield reward_pb2.ScoreStreamRequest(group=named("a", "poison"), recipe=slow)
        yield reward_pb2.ScoreStreamRequest(group=named("a"))
        assert answered.wait(TIMEOUT_S)
        yield reward_pb2.ScoreStreamRequest(group=named("a"))

    kinds = []
    for answer in stub.ScoreStream(sent(), timeout=TIMEOUT_S):
        kinds.append(answer.WhichOneof("outcome"))
        if answer.HasField("scores"):
            answered.set()

    assert kinds == ["refusal", "scores", "scores"]


def test_5000_groups_on_a_stream_are_all_answered(stub: Stub) -> None:
    groups = [named(str(index)) for index in range(5000)]
    answers = list(stub.ScoreStream(stream_of(*groups, recipe=request([]).recipe), timeout=TIMEOUT_S))

    assert sorted(int(answer.scores.group_id) for answer in answers) == list(range(5000))


def test_a_cancelled_stream_gives_its_room_back(stub: Stub, server: Any) -> None:
    groups = [named(str(index), f"poison {index}") for index in range(200)]
    call = stub.ScoreStream(stream_of(*groups, recipe=request([], "slow", seconds=1.0).recipe), timeout=TIMEOUT_S)
    assert eventually(lambda: metric(server, "jurist_queue_rollouts") > 0)
    call.cancel()

    assert eventually(lambda: metric(server, "jurist_queue_rollouts") == 0)


def test_the_service_says_what_it_knows(stub: Stub) -> None:
    known = stub.ListVerifiers(reward_pb2.ListVerifiersRequest(), timeout=TIMEOUT_S)
    described = {info.name: info for info in known.verifiers}

    assert {"r1_zero", "r1_reasoning", "math", "choice"} <= {info.recipe.name for info in known.recipes}
    assert described["format_tags"].description
    assert "partial" in described["format_tags"].options_schema["properties"]  # type: ignore[operator]


def test_an_announcement_is_taken_and_a_wrong_one_names_its_field(stub: Stub) -> None:
    stub.Warm(reward_pb2.WarmRequest(rollouts=8192, lanes=["rules", "model"], ttl_s=60.0), timeout=TIMEOUT_S)
    wrong = {
        "rollouts": reward_pb2.WarmRequest(),
        "lanes[1]": reward_pb2.WarmRequest(rollouts=1, lanes=["rules", "judges"]),
        "ttl_s": reward_pb2.WarmRequest(rollouts=1, ttl_s=float("nan")),
    }
    for field, request in wrong.items():
        with pytest.raises(grpc.RpcError) as refused:
            stub.Warm(request, timeout=TIMEOUT_S)
        assert refused.value.code() is grpc.StatusCode.INVALID_ARGUMENT
        assert (refused.value.details() or "").startswith(f"{field}: ")


def test_health_and_reflection_answer(channel: grpc.Channel) -> None:
    health: Any = health_pb2_grpc.HealthStub(channel)
    for service in ("", "jurist.v1.RewardService"):
        assert health.Check(health_pb2.HealthCheckRequest(service=service)).status == 1
    reflection: Any = reflection_pb2_grpc.ServerReflectionStub(channel)
    asked = reflection_pb2.ServerReflectionRequest(list_services="")
    (answer,) = reflection.ServerReflectionInfo(iter([asked]))

    assert "jurist.v1.RewardService" in [service.name for service in answer.list_services_response.service]


def test_what_was_scored_is_counted(stub: Stub, server: Any) -> None:
    before = metric(server, "jurist_rollouts_total")
    stub.ScoreBatch(request([KEPT] * 5), timeout=TIMEOUT_S)

    assert metric(server, "jurist_rollouts_total") == before + 5
    assert metric(server, 'jurist_verdicts_total{outcome="score",verifier="format_tags"}') >= 5
    assert metric(server, "jurist_queue_bytes") == 0


# --- sizes


def test_256_rollouts_of_40_kb_pass_where_grpcs_own_limit_refuses_them(stub: Stub) -> None:
    message = request([f"<think>{'x' * 40_000}{index}</think><answer>1</answer>" for index in range(256)])
    (scores,) = stub.ScoreBatch(message, timeout=TIMEOUT_S).groups

    assert message.ByteSize() > 4 << 20
    assert {rollout.reward for rollout in scores.rollouts} == {1.0}


def test_8192_rollouts_in_one_call(stub: Stub) -> None:
    message = request([])
    template = message.groups[0]
    del message.groups[:]
    for index in range(512):
        group = message.groups.add(group_id=str(index), task=template.task)
        for rollout in range(16):
            group.rollouts.add(completion=KEPT if rollout % 2 else f"{index} {rollout}")
    response = stub.ScoreBatch(message, timeout=TIMEOUT_S)

    assert len(response.groups) == 512
    assert all([r.reward for r in scores.rollouts] == [0.0, 1.0] * 8 for scores in response.groups)


def test_texts_of_300_kb(stub: Stub) -> None:
    long = "<think>" + "a long thought " * 20_000 + "</think><answer>42</answer>"
    (scores,) = stub.ScoreBatch(request([long, "<think>" * 43_000]), timeout=TIMEOUT_S).groups

    assert [rollout.reward for rollout in scores.rollouts] == [1.0, 0.0]


# --- what is refused


@pytest.mark.parametrize(
    ("change", "code", "field"),
    [
        (lambda m: m.ClearField("groups"), "INVALID_ARGUMENT", "groups: "),
        (lambda m: m.groups[0].ClearField("rollouts"), "INVALID_ARGUMENT", "groups[0].rollouts: "),
        (lambda m: m.groups[0].ClearField("task"), "INVALID_ARGUMENT", "groups[0].task: "),
        (lambda m: m.groups[0].ClearField("group_id"), "INVALID_ARGUMENT", "groups[0].group_id: "),
        (lambda m: m.groups.append(m.groups[0]), "INVALID_ARGUMENT", "groups[1].group_id: "),
        (lambda m: m.ClearField("recipe"), "INVALID_ARGUMENT", "groups[0].recipe: "),
        (lambda m: m.recipe.CopyFrom(reward_pb2.Recipe(name="nope")), "NOT_FOUND", "recipe.name: "),
        (lambda m: m.groups[0].recipe.CopyFrom(reward_pb2.Recipe(name="x")), "NOT_FOUND", "groups[0].recipe.name: "),
        (lambda m: setattr(m.recipe.terms[0], "verifier", "nope"), "NOT_FOUND", "recipe.terms[0].verifier: "),
        (lambda m: m.recipe.terms[0].options.update({"nope": 1}), "INVALID_ARGUMENT", "recipe.terms[0].options.nope: "),
        (lambda m: setattr(m.recipe.terms[0], "weight", float("inf")), "INVALID_ARGUMENT", "recipe.terms[0].weight: "),
        (lambda m: setattr(m.recipe.terms[0], "weight", 1e200), "INVALID_ARGUMENT", "recipe.terms[0].weight: "),
        (lambda m: setattr(m.recipe.terms[0], "name", "x" * 129), "INVALID_ARGUMENT", "recipe.terms[0].name: "),
        (lambda m: m.groups[0].task.extra.update({"n": float("nan")}), "INVALID_ARGUMENT", "groups[0].task.extra: "),
        (lambda m: m.groups[0].task.extra.update(nested(60)), "INVALID_ARGUMENT", "groups[0].task.extra"),
        (lambda m: m.groups[0].rollouts.extend(many(8191)), "INVALID_ARGUMENT", "groups[0].rollouts: "),
        (lambda m: m.groups.add(group_id="x").rollouts.extend(many(8191)), "INVALID_ARGUMENT", "groups: "),
        (lambda m: setattr(m.recipe.terms[0], "on_abstain", 2.0), "INVALID_ARGUMENT", "recipe.terms[0].on_abstain: "),
        (lambda m: m.recipe.terms.append(m.recipe.terms[0]), "INVALID_ARGUMENT", "recipe.terms[1].name: "),
        (
            lambda m: setattr(m.groups[0].rollouts[1], "rollout_id", "x"),
            "INVALID_ARGUMENT",
            "groups[0].rollouts[0].rollout_id: ",
        ),
        (
            lambda m: m.groups[0].CopyFrom(twins()),
            "INVALID_ARGUMENT",
            "groups[0].rollouts[1].rollout_id: ",
        ),
        (lambda m: setattr(m, "request_id", "x" * 129), "INVALID_ARGUMENT", "request_id: "),
        (lambda m: setattr(m, "policy_step", -1), "INVALID_ARGUMENT", "policy_step: "),
    ],
)
def test_bad_input_is_refused_naming_the_field(stub: Stub, change: Any, code: str, field: str) -> None:
    message = request(["a", "b"])
    change(message)
    status, details = refusal(stub, message)

    assert status.name == code
    assert details.startswith(field)


def test_text_that_is_not_utf8_is_refused_naming_the_field(channel: grpc.Channel) -> None:
    data = request(["a", "MARK"]).SerializeToString().replace(b"MARK", b"MA\xffK")
    raw: Any = channel.unary_unary("/jurist.v1.RewardService/ScoreBatch")
    with pytest.raises(grpc.RpcError) as raised:
        raw(data, timeout=TIMEOUT_S)

    assert raised.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert raised.value.details() == "groups[0].rollouts[1].completion: is not UTF-8 at byte 2"


def test_a_message_over_the_limit_is_refused_and_the_next_call_works(stub: Stub) -> None:
    status, _ = refusal(stub, request(["x" * (65 << 20)]))

    assert status is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert stub.ScoreBatch(request([KEPT]), timeout=TIMEOUT_S).groups[0].rollouts[0].reward == 1.0


# --- what goes wrong in one rollout


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
def test_a_poisoned_rollout_abstains_alone(stub: Stub, verifier: str, cause: reward_pb2.Cause.ValueType) -> None:
    completions = [f"fine {index}" for index in range(40)]
    completions[17] = "poison"
    (scores,) = stub.ScoreBatch(request(completions, verifier), timeout=TIMEOUT_S).groups
    poisoned = scores.rollouts[17].components[0]

    assert poisoned.abstention.cause == cause
    assert poisoned.reason
    assert not scores.rollouts[17].HasField("reward")
    assert [r.reward for i, r in enumerate(scores.rollouts) if i != 17] == [1.0] * 39


def test_killing_every_worker_during_a_batch_loses_nothing(stub: Stub, server: Any) -> None:
    message = request([], "slow", seconds=0.002)
    task = message.groups[0].task
    del message.groups[:]
    for index in range(125):
        group = message.groups.add(group_id=str(index), task=task)
        for rollout in range(16):
            group.rollouts.add(completion=f"poison {index} {rollout}")
    call = stub.ScoreBatch.future(message, timeout=TIMEOUT_S)
    victims = worker_pids(server)
    assert len(victims) == 2
    for victim in victims:
        time.sleep(0.3)
        os.kill(victim, signal.SIGKILL)
    response = call.result()

    assert [scores.group_id for scores in response.groups] == [str(index) for index in range(125)]
    rewards = [rollout.reward for scores in response.groups for rollout in scores.rollouts]
    assert rewards == [1.0] * 2000
    assert eventually(lambda: len(worker_pids(server)) == 2)
    assert not set(victims) & set(worker_pids(server))


def test_killing_the_zygote_loses_nothing(stub: Stub, server: Any) -> None:
    call = stub.ScoreBatch.future(request([f"poison {i}" for i in range(100)], "slow", seconds=0.02), timeout=TIMEOUT_S)
    time.sleep(0.2)
    os.kill(zygote_of(server), signal.SIGKILL)

    assert [rollout.reward for rollout in call.result().groups[0].rollouts] == [1.0] * 100
    assert eventually(lambda: len(worker_pids(server)) == 2)


# --- calls that end early


def test_a_client_that_goes_away_frees_its_workers(stub: Stub, server: Any) -> None:
    calls = [
        stub.ScoreBatch.future(request([f"poison {n} {i}" for i in range(50)], "slow", seconds=2.0), timeout=TIMEOUT_S)
        for n in range(2)
    ]
    assert eventually(lambda: metric(server, "jurist_queue_rollouts") == 100)
    for call in calls:
        call.cancel()
    start = time.monotonic()

    assert stub.ScoreBatch(request([KEPT]), timeout=TIMEOUT_S).groups[0].rollouts[0].reward == 1.0
    assert time.monotonic() - start < 10  # the work would have taken 100 s; a second of its own: test_pool.py
    assert eventually(lambda: metric(server, "jurist_queue_rollouts") == 0)


def test_a_deadline_that_passes_ends_the_work_itself(stub: Stub, server: Any) -> None:
    before = worker_pids(server)
    with pytest.raises(grpc.RpcError) as raised:
        stub.ScoreBatch(request([f"poison {i}" for i in range(50)], "slow", seconds=2.0), timeout=0.5)

    assert raised.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED
    assert eventually(lambda: metric(server, "jurist_queue_rollouts") == 0)
    # One group is one worker's: that one is killed and replaced, the other goes on.
    assert eventually(lambda: len(worker_pids(server)) == 2 and len(set(worker_pids(server)) & set(before)) == 1)


def test_a_small_call_does_not_wait_for_a_large_one(stub: Stub) -> None:
    large = request([], "slow", seconds=0.01)
    task = large.groups[0].task
    del large.groups[:]
    for index in range(100):
        group = large.groups.add(group_id=str(index), task=task)
        for rollout in range(16):
            group.rollouts.add(completion=f"poison {index} {rollout}")
    call = stub.ScoreBatch.future(large, timeout=TIMEOUT_S)
    time.sleep(0.2)
    stub.ScoreBatch(request([KEPT]), timeout=TIMEOUT_S)

    assert not call.done()
    assert len(call.result().groups) == 100


# --- how it ends


def test_an_idle_stream_and_a_health_watch_do_not_hold_up_the_end(start: Callable[..., Any]) -> None:
    served = start(workers=1, drain_s=60)
    with grpc.insecure_channel(served.target) as channel:
        held = threading.Event()

        def sent() -> Iterator[reward_pb2.ScoreStreamRequest]:
            yield reward_pb2.ScoreStreamRequest(group=named("a"), recipe=request([]).recipe)
            held.wait(TIMEOUT_S)

        answers = Stub(channel).ScoreStream(sent(), timeout=TIMEOUT_S)
        assert next(answers).scores.group_id == "a"
        health: Any = health_pb2_grpc.HealthStub(channel)
        next(health.Watch(health_pb2.HealthCheckRequest()))
        served.process.send_signal(signal.SIGTERM)
        with pytest.raises(grpc.RpcError) as raised:
            next(answers)
        held.set()

        assert raised.value.code() is grpc.StatusCode.UNAVAILABLE
        assert served.process.wait(timeout=30) == 0


def test_sigterm_turns_health_off_lets_calls_end_and_exits_0(start: Callable[..., Any]) -> None:
    served = start(workers=1)
    with grpc.insecure_channel(served.target) as channel:
        call = Stub(channel).ScoreBatch.future(request(["poison"], "slow", seconds=2.0), timeout=TIMEOUT_S)
        health: Any = health_pb2_grpc.HealthStub(channel)
        watch = health.Watch(health_pb2.HealthCheckRequest())
        assert next(watch).status == health_pb2.HealthCheckResponse.SERVING
        served.process.send_signal(signal.SIGTERM)

        assert next(watch).status == health_pb2.HealthCheckResponse.NOT_SERVING
        served.process.send_signal(signal.SIGTERM)  # an echo
        assert call.result().groups[0].rollouts[0].reward == 1.0
        watch.cancel()
    assert served.process.wait(timeout=30) == 0


def test_a_call_that_outlasts_the_drain_is_told_and_nothing_survives(start: Callable[..., Any]) -> None:
    served = start(workers=1, drain_s=0.2)
    family = [served.process.pid, *children(served.process.pid), *worker_pids(served)]
    with grpc.insecure_channel(served.target) as channel:
        call = Stub(channel).ScoreBatch.future(request(["poison"], "slow", seconds=60.0), timeout=TIMEOUT_S)
        time.sleep(0.3)
        served.process.send_signal(signal.SIGTERM)
        with pytest.raises(grpc.RpcError) as raised:
            call.result()

    assert raised.value.code() in {grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED}
    assert served.process.wait(timeout=30) == 0
    assert eventually(lambda: not any(Path(f"/proc/{pid}").exists() for pid in family))


def test_killing_the_server_leaves_no_worker_behind(start: Callable[..., Any]) -> None:
    served = start(workers=2)
    family = [*children(served.process.pid), *worker_pids(served)]
    served.process.kill()
    served.process.wait()

    assert len(family) == 3
    assert eventually(lambda: not any(Path(f"/proc/{pid}").exists() for pid in family))


def test_more_work_than_may_wait_is_refused_with_a_pause(start: Callable[..., Any]) -> None:
    served = start(workers=1, queue_bytes=1 << 20)
    with grpc.insecure_channel(served.target) as channel:
        large = [f"poison {'x' * 60_000} {index}" for index in range(15)]
        first = Stub(channel).ScoreBatch.future(request(large, "slow", seconds=0.1), timeout=TIMEOUT_S)
        assert eventually(lambda: metric(served, "jurist_queue_rollouts") == 15)
        with pytest.raises(grpc.RpcError) as raised:
            Stub(channel).ScoreBatch(request(["x" * 200_000]), timeout=TIMEOUT_S)

        assert raised.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
        metadata: Any = raised.value.trailing_metadata()
        assert dict(metadata)["grpc-retry-pushback-ms"] == "500"
        assert len(first.result().groups) == 1


@pytest.mark.parametrize("name", sorted({name for name, _ in (*serving.OPTIONS, *_connection.OPTIONS)}))
def test_an_option_of_grpcs_is_one_that_it_knows(name: str) -> None:
    # It takes any other without a word, and goes by its default: calls of three minutes ended with "too many pings".
    assert name.encode() + b"\0" in Path(cygrpc.__file__).read_bytes()
