"""The rules lane over real workers: what accidents may not cost."""

from __future__ import annotations

import asyncio
import os
import signal
from typing import TYPE_CHECKING

import pytest
from hostile import Leave, Slow, Spin

from jurist.services.judge import Chunk, Found
from jurist.services.lanes.local import LocalRules
from jurist.services.lanes.worker import Limits
from jurist.services.values import PlannedTerm, Term
from jurist.v1 import reward_pb2
from jurist.verifiers import Abstain, Cause, Decision, Equality, NoReply

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from jurist.verifiers import Verifier

LIMITS = Limits(cell_cpu_s=0.3, memory_bytes=1 << 30, recycle_bytes=768 << 20)
SIZE = 4


@pytest.fixture
async def rules() -> AsyncIterator[LocalRules]:
    lane = LocalRules(SIZE, LIMITS, equality_cpu_s=1.0, stall_s=5.0)
    await lane.start()
    yield lane
    await lane.stop()


def chunk(verifier: Verifier, *groups: tuple[str, ...]) -> Chunk:
    payloads: list[bytes] = []
    for completions in groups:
        message = reward_pb2.RolloutGroup(group_id="g", task=reward_pb2.Task())
        for completion in completions:
            message.rollouts.add(completion=completion)
        payloads.append(message.SerializeToString())
    planned = PlannedTerm(term=Term(verifier="hostile"), verifier=verifier, active=True)
    return Chunk(terms=(planned,), payloads=tuple(payloads))


async def outcomes(lane: LocalRules, wanted: Chunk) -> list[list[str]]:
    judged = await asyncio.wait_for(lane.judge(wanted), 60)
    assert all(isinstance(found, Found) for found in judged.groups)
    return [
        ["score" if isinstance(outcome, float) else str(outcome) for (outcome,) in found.outcomes]
        for found in judged.groups
        if isinstance(found, Found)
    ]


@pytest.mark.parametrize("verifier", [Leave(), Spin()])
async def test_poison_in_several_groups_costs_its_own_cells_alone(rules: LocalRules, verifier: Verifier) -> None:
    groups = [("a", "b", "c"), ("d", "poison", "e"), ("f", "g", "h"), ("poison", "poison!", "i")]
    found = await outcomes(rules, chunk(verifier, *groups))

    assert [[outcome == "score" for outcome in rows] for rows in found] == [
        [True] * 3,
        [True, False, True],
        [True] * 3,
        [False, False, True],
    ]
    assert all("LIMIT" in outcome for rows in found for outcome in rows if outcome != "score")


async def test_all_idle_workers_killed_at_once_costs_nothing(rules: LocalRules) -> None:
    for pid in rules.pool.pids:
        os.kill(pid, signal.SIGKILL)

    assert await outcomes(rules, chunk(Slow(), ("a", "b", "c"))) == [["score"] * 3]


async def test_the_zygote_killed_while_all_workers_are_busy_costs_nothing(rules: LocalRules) -> None:
    works = [outcomes(rules, chunk(Slow(seconds=0.2), ("poison", "b", "poison c"))) for _ in range(SIZE)]
    running = asyncio.gather(*works)
    await asyncio.sleep(0.1)
    process = rules.pool._zygote._process
    assert process is not None
    process.kill()

    assert await running == [[["score"] * 3]] * SIZE


async def test_an_equality_is_decided_though_its_workers_were_killed(rules: LocalRules) -> None:
    for pid in rules.pool.pids:
        os.kill(pid, signal.SIGKILL)
    reply = await asyncio.wait_for(rules.answer(Equality(reference="x + 1", answer="1 + x")), 30)

    assert isinstance(reply, Decision)
    assert reply.equal


async def test_a_question_for_another_lane_gets_no_reply(rules: LocalRules) -> None:
    reply = await rules.answer("what?")  # type: ignore[arg-type]  # what a plugin might ask

    assert isinstance(reply, NoReply)
    assert reply.cause is Cause.UNAVAILABLE


async def test_a_group_that_cannot_be_decoded_abstains_alone(rules: LocalRules) -> None:
    good = chunk(Slow(), ("a", "b", "c"))
    judged = await rules.judge(Chunk(terms=good.terms, payloads=(b"\xff\xff", *good.payloads)))

    assert isinstance(judged.groups[0], Abstain)
    assert judged.groups[0].cause is Cause.INTERNAL
    assert not isinstance(judged.groups[1], Abstain)
