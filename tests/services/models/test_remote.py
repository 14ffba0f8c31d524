"""Judges and reward models behind HTTP servers that really generate, with faults put between."""

from __future__ import annotations

import asyncio
import math
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import pytest
from faulty import Proxy, proxied  # in tests/hostile, which the tests have on their path

from jurist.services.lanes.models import LocalModels
from jurist.services.metrics import Metrics
from jurist.services.models.circuit import FAILURES
from jurist.services.models.memory import Memory
from jurist.services.models.openai_judge import OpenAIJudge, _reading
from jurist.services.models.remote_reward import ROUTES, RewardServer, _value
from jurist.services.models.settings import RemoteJudge, RemoteReward, Weights
from jurist.verifiers import Cause, Dialogue, Message, NoReply, Prompt, Rating, Reading
from jurist.verifiers._judge.rendering import template

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from pathlib import Path

SAME = template("same_number")
DIALOGUE = Dialogue(messages=(Message("user", "What is 6 * 7?"), Message("assistant", "It is 42.")))


def asked(reference: str = "42", candidate: str = "42", **more: Any) -> Prompt:
    messages = SAME.messages({"reference": reference, "candidate": candidate})
    return Prompt(messages=messages, labels=("Yes", "No"), template=SAME.id, **more)


@asynccontextmanager
async def judging(server: str, **settings: Any) -> AsyncGenerator[tuple[Proxy, OpenAIJudge]]:
    """A judge behind a proxy before a server."""
    async with proxied(server) as proxy:
        judge = OpenAIJudge("judge", RemoteJudge(url=f"{proxy.url}/v1", **{"model": "m", **settings}), Metrics())
        await judge.start()
        try:
            yield proxy, judge
        finally:
            await judge.stop()


@asynccontextmanager
async def rating(server: str, **settings: Any) -> AsyncGenerator[tuple[Proxy, RewardServer]]:
    """A reward model behind a proxy before a server."""
    async with proxied(server) as proxy:
        reward = RewardServer("reward", RemoteReward(url=proxy.url, **settings), Metrics())
        await reward.start()
        try:
            yield proxy, reward
        finally:
            await reward.stop()


MALFORMED = b'{"choices": ['


def unavailable(reply: object) -> str:
    assert isinstance(reply, NoReply)
    assert reply.cause is Cause.UNAVAILABLE
    return reply.reason


def without_logprobs(told: dict[str, Any]) -> dict[str, Any]:
    return {"choices": [{**choice, "logprobs": None} for choice in told["choices"]]}


async def test_a_server_reads_as_the_same_weights_do_in_a_process(judge_server: str, shipped: Path) -> None:
    from jurist.services.models.loading import load  # noqa: PLC0415  # seconds of imports, for this test alone

    model = load("judge", Weights(path=str(shipped), device="cpu"), lambda: False)
    async with judging(judge_server) as (_, judge):
        for reference, candidate in (("42", "42"), ("42", "24"), ("7", "The answer is 7."), ("7", "")):
            question = asked(reference, candidate)
            reply = await judge.answer(question)
            (own,) = model.answers.answer([question])  # type: ignore[list-item]

            assert isinstance(reply, Reading)
            assert isinstance(own, Reading)
            assert reply.probabilities == pytest.approx(own.probabilities, abs=2e-3)  # its top 20 leave a rest
            assert reply.mass == pytest.approx(own.mass, abs=2e-3)


async def test_a_server_writes_as_often_and_as_much_as_asked(judge_server: str) -> None:
    async with judging(judge_server) as (_, judge):
        reply = await judge.answer(asked(write_tokens=3, draws=4, temperature=1.0))

    assert isinstance(reply, Reading)
    assert len(reply.texts) == len(reply.cut) == 4
    assert reply.probabilities == ()


async def test_a_server_that_gives_one_text_at_a_time_is_asked_again(judge_server: str) -> None:
    async with judging(judge_server) as (proxy, judge):
        proxy.changed = lambda body: {**body, "n": 1}
        reply = await judge.answer(asked(write_tokens=2, draws=3, temperature=1.0))

        assert isinstance(reply, Reading)
        assert len(reply.texts) == 3
        assert [body["n"] for body in proxy.seen] == [3, 2, 1]


@pytest.mark.parametrize(
    "fault",
    [429, (429, {"Retry-After": "0"}), 500, 503, "cut", MALFORMED, without_logprobs, lambda _: {"choices": []}],
)
async def test_a_request_that_fails_once_is_tried_again(judge_server: str, fault: Any) -> None:
    async with judging(judge_server) as (proxy, judge):
        proxy.faults = [fault]

        assert isinstance(await judge.answer(asked()), Reading)
        assert len(proxy.seen) == 2


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (429, "HTTP 429"),
        (500, "HTTP 500"),
        ("cut", "RemoteProtocolError"),
        (MALFORMED, "of another form"),
        (b"[" * 200_000, "of another form: RecursionError"),
        (without_logprobs, "no logprobs"),
    ],
)
async def test_a_server_that_fails_every_time_is_unavailable_and_says_how(
    judge_server: str, fault: Any, said: str
) -> None:
    async with judging(judge_server, attempts=2) as (proxy, judge):
        proxy.faults = [fault] * 2

        assert said in unavailable(await judge.answer(asked()))
        assert len(proxy.seen) == 2


@pytest.mark.parametrize(("reason", "cut"), [("stop", False), (None, False), ("length", True), ("abort", True)])
async def test_what_is_not_whole_is_said_to_be_cut(judge_server: str, reason: str | None, *, cut: bool) -> None:
    def ended(told: dict[str, Any]) -> dict[str, Any]:
        return {"choices": [{**choice, "finish_reason": reason} for choice in told["choices"]]}

    async with judging(judge_server) as (proxy, judge):
        proxy.faults = [ended]
        reply = await judge.answer(asked(write_tokens=2))

    assert isinstance(reply, Reading)
    assert reply.cut == (cut,)


async def test_a_model_that_fails_costs_its_own_question_the_reply(judge_server: str) -> None:
    async def fail(_: object) -> NoReply:
        raise ZeroDivisionError

    async with judging(judge_server) as (_, judge):
        judge.answer = fail  # type: ignore[method-assign, assignment]
        reply = await LocalModels({"judge": judge}, "judge", "", Memory(0), Metrics()).answer(asked())

    assert isinstance(reply, NoReply)
    assert (reply.cause, "ZeroDivisionError" in reply.reason) == (Cause.INTERNAL, True)


async def test_a_server_that_is_not_there_is_unavailable() -> None:
    judge = OpenAIJudge("judge", RemoteJudge(url="http://127.0.0.1:9/v1", model="m", attempts=1), Metrics())
    await judge.start()
    reply = await judge.answer(asked())
    await judge.stop()

    assert "ConnectError" in unavailable(reply)


async def test_a_server_that_hangs_costs_its_own_question_the_reply_and_the_request_is_dropped(
    judge_server: str,
) -> None:
    async with judging(judge_server, timeout_s=0.5) as (proxy, judge):
        proxy.faults = ["hang"]
        lane = LocalModels({"judge": judge}, "judge", "", Memory(0), Metrics())

        assert "did not answer within 0.5 s" in unavailable(await lane.answer(asked()))
        await proxy.left.wait()


async def test_a_server_that_wants_to_be_left_longer_than_there_is_time_is_left(judge_server: str) -> None:
    async with judging(judge_server, timeout_s=60.0) as (proxy, judge):
        proxy.faults = [(429, {"Retry-After": "3600"})]

        assert "3600 s" in unavailable(await judge.answer(asked()))
        assert len(proxy.seen) == 1


async def test_a_server_that_fails_again_and_again_is_left_alone(judge_server: str) -> None:
    async with judging(judge_server, attempts=1) as (proxy, judge):
        proxy.faults = [500] * (FAILURES + 1)
        for _ in range(FAILURES):
            await judge.answer(asked())

        assert "left alone" in unavailable(await judge.answer(asked()))
        assert len(proxy.seen) == FAILURES


async def test_a_busy_server_is_not_taken_for_one_that_is_down(judge_server: str) -> None:
    async with judging(judge_server, attempts=1) as (proxy, judge):
        proxy.faults = [429] * FAILURES
        for _ in range(FAILURES):
            await judge.answer(asked())

        assert isinstance(await judge.answer(asked()), Reading)


async def test_a_prompt_that_the_model_does_not_take_is_at_a_limit(judge_server: str) -> None:
    async with judging(judge_server) as (proxy, judge):
        reply = await judge.answer(asked(candidate="word " * 2000))

        assert isinstance(reply, NoReply)
        assert reply.cause is Cause.LIMIT
        assert "maximum context length" in reply.reason
        assert len(proxy.seen) == 1


async def test_a_refusal_is_told_and_not_tried_again(judge_server: str) -> None:
    async with judging(judge_server) as (proxy, judge):
        proxy.faults = [401]

        assert "refused: HTTP 401: told to" in unavailable(await judge.answer(asked()))
        assert len(proxy.seen) == 1


async def test_a_schema_is_sent_and_left_out_where_it_is_refused(judge_server: str) -> None:
    async with judging(judge_server) as (proxy, judge):
        question = asked(write_tokens=2, schema='{"type": "object"}')
        await judge.answer(question)
        proxy.faults = [400]
        await judge.answer(question)
        reply = await judge.answer(question)
        held = ["response_format" in body for body in proxy.seen]

        assert isinstance(reply, Reading)
        assert held == [True, True, False, False]
        assert proxy.seen[0]["response_format"]["json_schema"]["schema"] == {"type": "object"}


async def test_a_model_that_is_not_named_is_the_first_that_the_server_lists(judge_server: str, shipped: Path) -> None:
    async with judging(judge_server, model="") as (_, judge):
        assert judge.identity == ""

        reply = await judge.answer(asked())

        assert isinstance(reply, Reading)
        assert reply.model == str(shipped)
        assert str(shipped) in judge.identity


async def test_the_key_and_the_settings_of_a_model_go_with_every_request(judge_server: str) -> None:
    settings: dict[str, Any] = {
        "api_key": "s3cret",
        "chat_options": {"enable_thinking": False},
        "extra_body": {"seed": 4},
    }
    async with judging(judge_server, **settings) as (proxy, judge):
        await judge.answer(asked())

        assert proxy.headers[0]["Authorization"] == "Bearer s3cret"
        assert proxy.seen[0]["chat_template_kwargs"] == {"enable_thinking": False}
        assert proxy.seen[0]["seed"] == 4
        assert "s3cret" not in repr(judge.settings) + judge.identity


async def test_no_more_requests_are_under_way_than_may(judge_server: str) -> None:
    async with judging(judge_server, concurrency=2) as (proxy, judge):
        proxy.faults = ["hang"] * 5
        asking = [asyncio.ensure_future(judge.answer(asked(candidate=str(place)))) for place in range(5)]
        done, _ = await asyncio.wait(asking, timeout=0.5)
        under_way = len(proxy.seen)
        for one in asking:
            one.cancel()
        await asyncio.gather(*asking, return_exceptions=True)

    assert (len(done), under_way) == (0, 2)


def test_a_label_that_is_not_among_the_likeliest_has_their_least_as_its_bound() -> None:
    reading = _reading(("Yes", "No"), {"Yes": 0.6, "Perhaps": 0.2}, "m")

    assert reading == Reading(probabilities=(0.75, 0.25), mass=0.6, model="m")


def test_spellings_of_a_label_and_tokens_that_begin_it_alone_count_for_it() -> None:
    reading = _reading(("correct", "incorrect"), {" correct": 0.2, "correct": 0.1, "in": 0.3, "The": 0.4}, "m")

    assert reading == Reading(probabilities=(0.5, 0.5), mass=0.6, model="m")


def test_tokens_that_begin_several_labels_leave_it_undecided() -> None:
    reply = _reading(("invalid", "incorrect"), {"in": 0.9, "inc": 0.1}, "m")

    assert isinstance(reply, NoReply)
    assert reply.cause is Cause.UNDECIDED


@pytest.mark.parametrize("route", ["pooling", "classify"])
async def test_a_reward_model_is_read_without_its_activation(reward_server: str, weights: Path, route: str) -> None:
    from jurist.services.models.loading import load  # noqa: PLC0415  # seconds of imports, for this test alone

    model = load("reward", Weights(path=str(weights / "reward"), kind="reward", device="cpu"), lambda: False)
    (own,) = model.answers.answer([DIALOGUE])  # type: ignore[list-item]
    turns = weights / "reward" / "chat_template.jinja"
    async with rating(reward_server, route=route, chat_template=turns) as (_, reward):
        reply = await reward.answer(DIALOGUE)

    assert isinstance(own, Rating)
    assert isinstance(reply, Rating)
    assert reply.value == pytest.approx(own.value, abs=1e-5)


async def test_a_reward_that_is_always_one_is_no_rating(reward_server: str) -> None:
    async with rating(reward_server, attempts=1) as (proxy, reward):
        proxy.changed = lambda body: {name: value for name, value in body.items() if "activation" not in name}

        assert "its activation is on" in unavailable(await reward.answer(DIALOGUE))


@pytest.mark.parametrize(
    ("route", "body"),
    [
        ("pooling", {"data": [{"index": 0, "object": "pooling", "data": [-2.5]}]}),
        ("pooling", {"data": [{"index": 0, "object": "pooling", "data": [[-2.5]]}]}),
        ("classify", {"data": [{"index": 0, "label": "LABEL_0", "probs": [-2.5], "num_classes": 1}]}),
        ("embeddings", {"data": [{"index": 0, "embedding": [0.1, 0.2, -2.5]}]}),
        ("get_reward", {"rewards": [-2.5], "scores": [-2.5], "extra_logs": {}}),
    ],
)
def test_each_kind_of_server_has_the_rating_at_its_own_place(route: str, body: dict[str, Any]) -> None:
    assert _value(ROUTES[route][1](body)) == -2.5


@pytest.mark.parametrize("found", [[1.0], [math.nan], [math.inf], [0.1, 0.2], [], "many", None])
def test_what_is_no_rating_is_refused(found: Any) -> None:
    with pytest.raises((ValueError, TypeError)):
        _value(found)
