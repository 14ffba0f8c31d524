"""The engine over a lane in this process: questions, order, cancelling, refusing."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import pytest

from jurist.services import encode
from jurist.services.engine import ROUNDS, Bounds, Engine
from jurist.services.errors import OverloadedError, StoppingError
from jurist.services.metrics import Metrics
from jurist.services.plan import Packing
from jurist.services.values import Advantage, Batch, Group, GroupReward, PlannedTerm, Recipe, Term
from jurist.v1 import reward_pb2
from jurist.verifiers import Abstain, Ask, Decision, Equality, Message, NoReply, Prompt, Sample, Score, Verdict

if TYPE_CHECKING:
    from collections.abc import Sequence

    from jurist.services.judge import Cell, Chunk, Judged
    from jurist.verifiers import GroupVerifier, Question, Reply, Verifier


class Idle:
    def at(self, cell: Cell, cpu_s: float | None = None) -> None: ...


class Here:
    """Judges in this process; waits while `busy` is set."""

    packing = Packing(slots=1, rollouts=256, size_bytes=1 << 20)

    def __init__(self) -> None:
        self.free = asyncio.Event()
        self.free.set()
        self.asked: list[Question] = []
        self.chunks = 0

    async def start(self) -> None: ...

    async def stop(self) -> None: ...

    async def warm(self, rollouts: int, ttl_s: float) -> None: ...

    async def judge(self, chunk: Chunk) -> Judged:
        self.chunks += 1
        await self.free.wait()
        return chunk.run(Idle(), chunk.payloads)

    async def answer(self, question: Question) -> Reply:
        self.asked.append(question)
        return Decision(equal=True, reason="told so")


@dataclass(frozen=True)
class Asks:
    """Asks `times` times, then scores."""

    version: ClassVar[str] = "1"
    times: int = 1
    answer: str = "y"

    def verdict(self, sample: Sample, replies: Sequence[Reply] = ()) -> Verdict | Ask:
        if sample.completion == "plain":
            return Score(0.0, "plain")
        if replies and isinstance(replies[0], NoReply):
            return Abstain(replies[0].cause, replies[0].reason)
        if len(replies) < self.times:
            return Ask(tuple(Equality(reference="x", answer=f"{self.answer}{n}") for n in range(len(replies) + 1)))
        return Score(1.0, "told")


def batch(verifier: Verifier | GroupVerifier, *groups: Sequence[str]) -> Batch:
    term = PlannedTerm(term=Term(verifier="asks"), verifier=verifier, active=True)
    recipe = Recipe(name="r", terms=(term.term,), advantage=Advantage.NONE)
    terms = (term,)
    built: list[Group] = []
    for index, completions in enumerate(groups):
        message = reward_pb2.RolloutGroup(group_id=str(index), task=reward_pb2.Task())
        for completion in completions:
            message.rollouts.add(completion=completion)
        ids = [str(place) for place in range(len(completions))]
        built.append(
            Group(group_id=str(index), rollout_ids=ids, recipe=recipe, terms=terms, payload=message.SerializeToString())
        )
    return Batch(request_id="", groups=built)


async def score(engine: Engine, wanted: Batch) -> dict[int, reward_pb2.GroupScores]:
    scored: dict[int, reward_pb2.GroupScores] = {}

    def deliver(index: int, reward: GroupReward) -> None:
        scored[index] = reward_pb2.GroupScores.FromString(encode.group_scores(reward))

    await engine.score(wanted, deliver)
    return scored


def engine(lane: Here, queue_rollouts: int = 1 << 18, queue_bytes: int = 1 << 20) -> Engine:
    return Engine(lane, {Equality: lane}, Metrics(), Bounds(queue_rollouts, queue_bytes))


async def test_equal_questions_of_a_batch_are_asked_once() -> None:
    lane = Here()
    scored = await score(engine(lane), batch(Asks(), ["a", "b", "plain"], ["c"]))

    assert [rollout.reward for index in range(2) for rollout in scored[index].rollouts] == [1.0, 1.0, 0.0, 1.0]
    assert lane.asked == [Equality(reference="x", answer="y0")]


@dataclass(frozen=True, slots=True, kw_only=True)
class Remembers:
    """Asks in three rounds, and needs the replies to all of them."""

    version: ClassVar[str] = "1"

    def verdict(self, sample: Sample, replies: Sequence[Reply] = ()) -> Verdict | Ask:
        del sample
        if len(replies) < 3:
            return Ask((Equality(reference="x", answer=f"y{len(replies)}"),), known=tuple(replies))
        return Score(1.0, ", ".join(reply.reason for reply in replies if isinstance(reply, Decision)))


async def test_replies_of_earlier_rounds_come_back_to_a_verifier_that_gives_them_along() -> None:
    lane = Here()
    scored = await score(engine(lane), batch(Remembers(), ["a"]))
    assert scored[0].rollouts[0].components[0].reason == "told so, told so, told so"
    assert lane.asked == [Equality(reference="x", answer=f"y{count}") for count in range(3)]


async def test_groups_without_questions_do_not_wait_for_those_with() -> None:
    lane = Here()
    order: list[int] = []
    await engine(lane).score(batch(Asks(), ["a"], ["plain"]), lambda index, _: order.append(index))

    assert order == [1, 0]


async def test_a_verifier_that_never_stops_asking_abstains() -> None:
    scored = await score(engine(Here()), batch(Asks(times=100), ["a", "plain"]))
    component = scored[0].rollouts[0].components[0]

    assert component.abstention.cause == reward_pb2.CAUSE_INTERNAL
    assert component.reason == f"the verifier still asked after {ROUNDS} rounds of replies"
    assert scored[0].rollouts[1].reward == 0.0


async def test_a_question_that_nobody_here_answers_gets_no_reply() -> None:
    lane = Here()
    scored = await score(Engine(lane, {}, Metrics(), Bounds(1 << 18, 1 << 20)), batch(Asks(), ["a"]))

    assert scored[0].rollouts[0].components[0].abstention.cause == reward_pb2.CAUSE_UNAVAILABLE


@dataclass(frozen=True)
class AsksAJudge:
    """Asks a language model."""

    version: ClassVar[str] = "1"

    def verdict(self, sample: Sample, replies: Sequence[Reply] = ()) -> Verdict | Ask:
        if sample.completion == "plain":
            return Score(0.0, "plain")
        if replies and isinstance(replies[0], NoReply):
            return Abstain(replies[0].cause, replies[0].reason)
        return Ask((Prompt(messages=(Message("user", sample.completion),), labels=("Yes", "No"), template="t@1"),))


class Never(Here):
    """Answers nothing, and notes what it was told to leave."""

    def __init__(self) -> None:
        super().__init__()
        self.left = 0

    async def answer(self, question: Question) -> Reply:
        del question
        try:
            await asyncio.Event().wait()
        finally:
            self.left += 1
        raise AssertionError


@pytest.mark.parametrize(("verifier", "cause"), [(Asks(), "CAUSE_TIMEOUT"), (AsksAJudge(), "CAUSE_UNAVAILABLE")])
async def test_what_is_not_answered_before_the_call_ends_costs_its_own_cells_alone(
    verifier: Verifier, cause: str
) -> None:
    late = Never()
    scored: dict[int, reward_pb2.GroupScores] = {}

    def deliver(index: int, reward: GroupReward) -> None:
        scored[index] = reward_pb2.GroupScores.FromString(encode.group_scores(reward))

    both = Engine(Here(), {Equality: late, Prompt: late}, Metrics(), Bounds(1 << 18, 1 << 20))
    await both.score(batch(verifier, ["a", "plain"], ["plain"]), deliver, within_s=0.2)
    one, plain = (scored[0].rollouts[row].components[0] for row in range(2))

    assert reward_pb2.Cause.Name(one.abstention.cause) == cause
    assert plain.HasField("score")
    assert scored[1].rollouts[0].components[0].HasField("score")
    assert late.left == 1


@pytest.mark.parametrize("bounds", [{"queue_bytes": 1}, {"queue_rollouts": 3}])
async def test_work_past_a_bound_is_refused_but_one_large_batch_is_not(bounds: dict[str, int]) -> None:
    lane = Here()
    lane.free.clear()
    tight = engine(lane, **bounds)
    first = asyncio.ensure_future(score(tight, batch(Asks(), ["plain"] * 4)))
    await asyncio.sleep(0)
    with pytest.raises(OverloadedError, match="wait already; at most"):
        await score(tight, batch(Asks(), ["plain"]))
    lane.free.set()

    assert (await first)[0].rollouts[0].reward == 0.0
    assert (await score(tight, batch(Asks(), ["plain"])))[0].rollouts[0].reward == 0.0


async def test_work_within_the_bounds_is_taken_in_beside_other_work() -> None:
    lane = Here()
    lane.free.clear()
    roomy = engine(lane, queue_rollouts=5)
    held = [asyncio.ensure_future(score(roomy, batch(Asks(), ["plain"] * 2))) for _ in range(2)]
    await asyncio.sleep(0)
    with pytest.raises(OverloadedError, match="4 rollouts"):
        await score(roomy, batch(Asks(), ["plain"] * 2))
    held.append(asyncio.ensure_future(score(roomy, batch(Asks(), ["plain"]))))
    lane.free.set()

    assert [len(each[0].rollouts) for each in await asyncio.gather(*held)] == [2, 2, 1]


async def test_a_cancelled_batch_gives_its_room_back() -> None:
    lane = Here()
    lane.free.clear()
    tight = engine(lane, queue_bytes=1)
    first = asyncio.ensure_future(score(tight, batch(Asks(), ["plain"])))
    await asyncio.sleep(0.01)
    first.cancel()
    await asyncio.gather(first, return_exceptions=True)
    lane.free.set()

    assert len(await score(tight, batch(Asks(), ["plain"]))) == 1


async def test_a_batch_has_few_chunks_in_the_lane_at_a_time() -> None:
    lane = Here()
    lane.free.clear()
    large = asyncio.ensure_future(score(engine(lane), batch(Asks(), *[["plain"] * 256] * 10)))
    await asyncio.sleep(0.05)
    waiting = lane.chunks
    lane.free.set()

    assert len(await large) == 10
    assert waiting == 2


async def test_a_stopped_engine_takes_nothing() -> None:
    stopped = engine(Here())
    await stopped.stop()

    with pytest.raises(StoppingError):
        await score(stopped, batch(Asks(), ["plain"]))


@dataclass(frozen=True)
class Ranks:
    """Asks one question for a whole group, then scores each completion by its place."""

    version: ClassVar[str] = "1"

    def verdicts(self, samples: Sequence[Sample], replies: Sequence[Reply] = ()) -> Sequence[Verdict] | Ask:
        if not replies:
            return Ask((Equality(reference="x", answer=str(len(samples))),))
        return [Score(place / len(samples), "ranked") for place in range(len(samples))]


async def test_a_verifier_that_compares_a_group_asks_once_and_scores_every_rollout() -> None:
    lane = Here()
    scored = await score(engine(lane), batch(Ranks(), ["a", "b", "a", "c"], ["d", "e"]))

    assert [rollout.reward for rollout in scored[0].rollouts] == pytest.approx([0.0, 1 / 3, 0.0, 2 / 3])
    assert [rollout.reward for rollout in scored[1].rollouts] == pytest.approx([0.0, 0.5])
    assert lane.asked == [Equality(reference="x", answer="3"), Equality(reference="x", answer="2")]


@dataclass(frozen=True)
class Fooled:
    """Says of every completion that its canary was accepted, but for one that only talks of it."""

    version: ClassVar[str] = "1"

    def verdict(self, sample: Sample, replies: Sequence[Reply] = ()) -> Verdict | Ask:
        del replies
        return Score(1.0, "canary accepted", {} if sample.completion == "talk" else {"canary": "accepted", "n": 1})


async def test_a_canary_that_a_judge_accepts_is_counted_once_a_group() -> None:
    lane, metrics = Here(), Metrics()
    await score(Engine(lane, {}, metrics, Bounds(1 << 18, 1 << 20)), batch(Fooled(), ["a", "b"], ["c"], ["talk"]))

    labels = {"verifier": "asks", "outcome": "accepted"}
    assert metrics.registry.get_sample_value("jurist_judge_canaries_total", labels) == 2.0
