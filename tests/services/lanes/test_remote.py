"""Lanes elsewhere, over replicas of this process that die, refuse and go away as a test says. No Ray."""

from __future__ import annotations

import asyncio
import random
from time import monotonic
from typing import TYPE_CHECKING

import pytest

from jurist.services import encode
from jurist.services.errors import StoppingError, UnreachableError
from jurist.services.judge import Cell, Chunk, Judged
from jurist.services.lanes import calls as calling
from jurist.services.lanes import parcel
from jurist.services.lanes.calls import Calls, RefusedError, ReplicaDiedError
from jurist.services.lanes.remote import RemoteLane, RemoteRules
from jurist.services.lanes.replica import LaneReplica, RulesReplica
from jurist.services.metrics import Metrics
from jurist.services.models.counts import ModelTally
from jurist.services.plan import Packing
from jurist.services.values import PlannedTerm, Term
from jurist.v1 import reward_pb2
from jurist.verifiers import Abstain, Cause, Decision, Equality, NoReply, load

if TYPE_CHECKING:
    from collections.abc import Sequence

    from jurist.verifiers import Question, Reply

TERMS = tuple(
    PlannedTerm(term=Term(verifier=name), verifier=load(name)(), active=True)
    for name in ("exact_answer", "format_tags")
)


class Idle:
    def at(self, cell: Cell, cpu_s: float | None = None) -> None: ...


class Here:
    """A lane of this process."""

    packing = Packing(slots=3, rollouts=256, size_bytes=1 << 20)

    def __init__(self) -> None:
        self.parts: list[int] = []
        self.asked: list[Question] = []
        self.ended = 0

    async def start(self) -> None: ...

    async def stop(self) -> None: ...

    async def warm(self, rollouts: int, ttl_s: float) -> None: ...

    async def judge(self, chunk: Chunk) -> Judged:
        self.parts.append(len(chunk.payloads))
        return chunk.run(Idle(), chunk.payloads)

    async def answer(self, question: Question) -> Reply:
        assert isinstance(question, Equality)
        self.asked.append(question)
        try:
            if question.answer == "slow":
                await asyncio.sleep(3600)
        finally:
            self.ended += 1
        return Decision(equal=True, reason=question.answer)


class Near:
    """Carries calls to a lane of this process; `accidents` happen first, and each one to the next call."""

    def __init__(
        self, accidents: Sequence[Exception] = (), poison: bytes = b"NOTHING", seed: int | None = None
    ) -> None:
        self.lane = Here()
        self.replaced = 0
        self.replica: LaneReplica = RulesReplica(self.lane, lambda: self.replaced)
        self.accidents = list(accidents)
        self.calls: list[str] = []
        self.deaths = 0
        self._poison = poison
        self._random = None if seed is None else random.Random(seed)  # noqa: S311  # the same accidents every time

    async def start(self) -> None: ...

    async def stop(self) -> None: ...

    async def warm(self, rollouts: int, ttl_s: float) -> None: ...

    async def call(self, method: str, request: bytes) -> bytes:
        self.calls.append(method)
        if self.accidents:
            raise self.accidents.pop(0)
        if self._killed_by(method, request) or (self._random is not None and self._random.random() < 1 / 3):
            self.deaths += 1
            raise ReplicaDiedError("killed")
        answer: bytes = await getattr(self.replica, method)(request)
        return answer

    def _killed_by(self, method: str, request: bytes) -> bool:
        """Whether a replica would come to judge the poisoned completion, not only to hold it."""
        if self._poison not in request:
            return False
        if method != "judge":
            return True
        chunk = parcel.chunk_of(request)
        for at, payload in enumerate(chunk.payloads):
            rollouts = reward_pb2.RolloutGroup.FromString(bytes(payload)).rollouts
            for row, rollout in enumerate(rollouts):  # each differs from the others, so rows are rollouts
                cells = [Cell(at, row, term) for term in range(len(chunk.terms))]
                wanted = cells if chunk.replies is None else [cell for cell in cells if cell in chunk.replies]
                if self._poison in rollout.completion.encode() and cells[1] in wanted:
                    return True
        return False


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Waits between tries are not what is tested."""
    monkeypatch.setattr(calling, "FIRST_WAIT_S", 0.0)
    monkeypatch.setattr(calling, "LONGEST_WAIT_S", 0.0)


def rules(near: Near, most: int = 8) -> RemoteRules:
    return RemoteRules(Calls(near, most, lambda _: None), most, slots=4)


def payload(*completions: str) -> bytes:
    message = reward_pb2.RolloutGroup(group_id="g", task=reward_pb2.Task(answers=["4"]))
    for completion in completions:
        message.rollouts.add(completion=completion)
    return message.SerializeToString()


def chunk(*groups: Sequence[str]) -> Chunk:
    return Chunk(terms=TERMS, payloads=tuple(payload(*completions) for completions in groups))


def outcomes(judged: Judged) -> list[object]:
    return [group if isinstance(group, Abstain) else [list(row) for row in group.outcomes] for group in judged.groups]


GROUPS = [["<answer>4</answer>", f"no {at}", r"\boxed{4}"] for at in range(5)]
RIGHT = outcomes(chunk(*GROUPS).run(Idle(), chunk(*GROUPS).payloads))


async def test_a_replica_shares_a_chunk_among_its_workers_and_answers_in_order() -> None:
    near = Near()

    assert outcomes(await rules(near).judge(chunk(*GROUPS))) == RIGHT
    assert near.calls == ["judge"]
    assert sum(near.lane.parts) == len(GROUPS)
    assert len(near.lane.parts) == near.lane.packing.slots


async def test_a_replica_that_dies_or_refuses_or_is_away_for_a_moment_costs_nothing() -> None:
    near = Near([ReplicaDiedError("killed"), RefusedError(), RefusedError(), UnreachableError("away")])

    assert outcomes(await rules(near).judge(chunk(*GROUPS))) == RIGHT


async def test_replicas_that_die_at_random_lose_nothing_and_answer_nothing_twice() -> None:
    near = Near(seed=1)
    lane = rules(near)
    judged = await asyncio.gather(*(lane.judge(chunk(*GROUPS)) for _ in range(100)))

    assert near.deaths > 20
    for found in judged:
        given_up = [row for group in outcomes(found) for row in group if Cause.LIMIT in row]  # type: ignore[attr-defined]
        assert given_up or outcomes(found) == RIGHT
        assert len(found.groups) == len(GROUPS)


async def test_the_poisoned_cell_abstains_alone() -> None:
    groups = [["a", "b"], ["c", "POISON", "d"], ["e"], ["POISON too"]]
    near = Near(poison=b"POISON")
    found = outcomes(await rules(near).judge(chunk(*groups)))

    assert found == [
        [[0.0, 0.0], [0.0, 0.0]],
        [[0.0, 0.0], [0.0, Cause.LIMIT], [0.0, 0.0]],
        [[0.0, 0.0]],
        [[0.0, Cause.LIMIT]],
    ]
    assert near.deaths <= 2 * calling.DEATHS * 8  # for each of the two: halves of 4 groups, then of 6 cells


class Shared(Near):
    """Carries all calls to one replica: whoever is there when a poisoned one comes dies with it."""

    def __init__(self, poison: bytes) -> None:
        super().__init__(poison=poison)
        self._there: set[asyncio.Future[None]] = set()

    async def call(self, method: str, request: bytes) -> bytes:
        death = asyncio.get_running_loop().create_future()
        self._there.add(death)
        try:
            await asyncio.wait([death], timeout=0.001)  # seconds, in which others arrive
            if death.done():
                raise ReplicaDiedError("killed beside another")  # noqa: TRY301  # the next ones hear of it, too
            return await super().call(method, request)
        except ReplicaDiedError:
            for other in self._there - {death}:
                if not other.done():
                    other.set_result(None)
            raise
        finally:
            self._there.discard(death)


async def test_what_shares_a_replica_with_a_killer_is_not_taken_for_one() -> None:
    lane = rules(Shared(poison=b"POISON"))
    chunks = [chunk(["a", "POISON"], ["b"]), chunk(["c", "d"], ["e"]), chunk(["POISON", "f"]), chunk(["g"])]
    found = [outcomes(judged) for judged in await asyncio.gather(*map(lane.judge, chunks))]

    fine, poisoned = [0.0, 0.0], [0.0, Cause.LIMIT]
    assert found == [[[fine, poisoned], [fine]], [[fine, fine], [fine]], [[poisoned, fine]], [[fine]]]


async def test_questions_beside_a_killer_are_answered() -> None:
    near = Shared(poison=b"POISON")
    lane = RemoteLane(Calls(near, 4, lambda _: None), 4)
    asked = [Equality(reference="x", answer="POISON" if at % 5 == 0 else str(at)) for at in range(20)]
    replies = await asyncio.gather(*map(lane.answer, asked))

    assert [isinstance(reply, Decision) for reply in replies] == [at % 5 != 0 for at in range(20)]


async def test_what_was_given_up_says_so_on_the_wire() -> None:
    judged = await rules(Near(poison=b"POISON")).judge(chunk(["POISON"]))
    group = judged.groups[0]
    assert not isinstance(group, Abstain)
    score = reward_pb2.RolloutScore.FromString(b"".join(group.components[0]))

    assert [component.name for component in score.components] == ["exact_answer", "format_tags"]
    assert score.components[1].abstention.cause == reward_pb2.CAUSE_LIMIT
    assert "2 replicas died" in score.components[1].reason
    assert encode.heading(TERMS[1])


async def test_groups_judged_again_travel_together_and_keep_their_cells() -> None:
    near = Near()
    lane = rules(near)
    again = [
        Chunk(terms=TERMS, payloads=(payload(*group),), replies={Cell(0, at % 3, 1): ()})
        for at, group in enumerate(GROUPS)
    ]
    judged = await asyncio.gather(*(lane.judge(part) for part in again))

    assert near.calls == ["judge"]
    for at, found in enumerate(judged):
        (group,) = found.groups
        assert not isinstance(group, Abstain)
        judged_cells = [(row, term) for row in range(3) for term in range(2) if group.outcomes[row][term] is not None]
        assert judged_cells == [(at % 3, 1)]


async def test_questions_that_arrive_together_share_a_call() -> None:
    near = Near()
    lane = RemoteLane(Calls(near, 4, lambda _: None), 4)
    asked = [Equality(reference="x", answer=str(at)) for at in range(40)]
    replies = await asyncio.gather(*map(lane.answer, asked))

    assert [reply.reason for reply in replies if isinstance(reply, Decision)] == [str(at) for at in range(40)]
    assert len(near.calls) <= 4


async def test_a_question_that_replicas_die_of_gets_no_reply_alone() -> None:
    near = Near(poison=b"POISON")
    lane = RemoteLane(Calls(near, 4, lambda _: None), 4)
    asked = [Equality(reference="x", answer="POISON" if at == 3 else str(at)) for at in range(8)]
    replies = await asyncio.gather(*map(lane.answer, asked))

    assert [isinstance(reply, Decision) for reply in replies] == [at != 3 for at in range(8)]
    assert isinstance(replies[3], NoReply)
    assert replies[3].cause is Cause.LIMIT


async def test_a_call_is_cancelled_when_nobody_waits_for_it_any_more() -> None:
    near = Near()
    lane = RemoteLane(Calls(near, 4, lambda _: None), 4)
    asked = [asyncio.ensure_future(lane.answer(Equality(reference=str(at), answer="slow"))) for at in range(3)]
    async with asyncio.timeout(30):
        while len(near.lane.asked) < 3:  # noqa: ASYNC110  # nothing tells
            await asyncio.sleep(0.01)
    asked[0].cancel()
    await asyncio.sleep(0.05)
    ended_early = near.lane.ended
    for task in asked:
        task.cancel()
    await asyncio.gather(*asked, return_exceptions=True)
    async with asyncio.timeout(30):
        while near.lane.ended < 3:  # noqa: ASYNC110
            await asyncio.sleep(0.01)

    assert ended_early == 0


async def test_a_lane_out_of_reach_for_long_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calling, "UNREACHABLE_S", -1.0)
    lane = rules(Near([UnreachableError("no cluster")]))
    with pytest.raises(UnreachableError):
        await lane.judge(chunk(["a"]))
    reply = await rules(Near([UnreachableError("no cluster")])).answer(Equality(reference="x", answer="y"))

    assert isinstance(reply, NoReply)
    assert reply.cause is Cause.UNAVAILABLE


async def test_a_lane_that_stops_ends_what_is_under_way() -> None:
    near = Near()
    lane = rules(near)
    asked = asyncio.ensure_future(lane.answer(Equality(reference="x", answer="slow")))
    async with asyncio.timeout(30):
        while not near.lane.asked:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    await lane.stop()

    with pytest.raises(StoppingError):
        await asked
    with pytest.raises(StoppingError):
        await lane.judge(chunk(["a"]))
    assert near.lane.ended == 1


async def test_workers_that_replicas_replaced_are_counted_once() -> None:
    near = Near()
    lane = rules(near)
    for near.replaced in (0, 2, 2, 3):  # since that replica's start
        await lane.judge(chunk(["4"]))

    assert lane.replaced == 3


async def test_what_happens_to_models_in_replicas_is_in_the_front_s_metrics() -> None:
    metrics = Metrics()
    tallies = [ModelTally(), ModelTally()]
    states = ["open", "closed"]
    for tally, state in zip(tallies, states, strict=True):
        tally.watch_circuit("judge", lambda state=state: state)  # type: ignore[misc]
        near = Near()
        near.replica = LaneReplica(near.lane, tally.told)
        lane = RemoteLane(Calls(near, 4, lambda _: None), 4, metrics.told)
        for size in (2, 3):  # the second answer tells only what is new
            tally.model_answer("judge", "answered")
            tally.model_recall("judge", hit=False)
            tally.model_request("judge", "200")
            tally.model_batch("judge", size)
            await lane.answer(Equality(reference="x", answer="y"))

    def value(series: str, **labels: str) -> float | None:
        return metrics.registry.get_sample_value(series, {"model": "judge"} | labels)

    assert value("jurist_model_answers_total", outcome="answered") == 4
    assert value("jurist_model_recalls_total", result="miss") == 4
    assert value("jurist_model_requests_total", result="200") == 4
    assert (value("jurist_model_batch_count"), value("jurist_model_batch_sum")) == (4, 10)
    assert value("jurist_model_circuit") == 2  # one replica's; the other's tells of itself alone


def test_a_circuit_of_a_replica_that_is_heard_of_no_more_is_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    metrics, tally = Metrics(), ModelTally()
    tally.watch_circuit("judge", lambda: "open")
    metrics.told(tally.told())
    now = monotonic()
    monkeypatch.setattr("jurist.services.metrics.monotonic", lambda: now + 60)

    assert metrics.registry.get_sample_value("jurist_model_circuit", {"model": "judge"}) == 0
