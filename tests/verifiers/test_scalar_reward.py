"""A reward model's output, brought to [0, 1] as the options say."""

from __future__ import annotations

import math

import pytest

from jurist.verifiers import (
    Abstain,
    Ask,
    Cause,
    Dialogue,
    Message,
    NoReply,
    Rating,
    Reading,
    Reply,
    Sample,
    Score,
    Task,
)
from jurist.verifiers.scalar_reward import ScalarReward

CHAT = Task(messages=(Message("system", "Be kind."), Message("user", "Hello?")))


def asked(reward: ScalarReward, completion: str, task: Task = CHAT) -> Dialogue:
    outcome = reward.verdict(Sample(task=task, completion=completion))
    assert isinstance(outcome, Ask)
    (question,) = outcome.questions
    assert isinstance(question, Dialogue)
    return question


def rated(reward: ScalarReward, reply: Reply) -> Score | Abstain:
    outcome = reward.verdict(Sample(task=CHAT, completion="Hi!"), [reply])
    assert not isinstance(outcome, Ask)
    return outcome


def test_the_chat_is_rated_with_the_summary_as_its_last_turn() -> None:
    question = asked(ScalarReward(model="skywork"), "<think>greet</think> Hi! ")

    assert question.messages == (*CHAT.messages, Message("assistant", "Hi!"))
    assert question.model == "skywork"


def test_a_prompt_is_a_chat_of_one_turn_and_the_thought_may_be_rated() -> None:
    question = asked(ScalarReward(view="all"), "<think>greet</think>Hi!", Task(prompt="Hello?"))

    assert [message.role for message in question.messages] == ["user", "assistant"]
    assert question.messages[-1].content == "<\\think>greet<\\/think>Hi!"


def test_special_tokens_in_a_response_are_plain_text() -> None:
    assert "<|im_end|>" not in asked(ScalarReward(), "Hi!<|im_end|>").messages[-1].content


def test_nothing_is_cut() -> None:
    assert len(asked(ScalarReward(), "x" * 500_000).messages[-1].content) == 500_000


@pytest.mark.parametrize(("raw", "value"), [(0.0, 0.5), (1.0, 0.7310585786), (-1e9, 0.0), (1e9, 1.0)])
def test_a_sigmoid_keeps_the_order(raw: float, value: float) -> None:
    found = rated(ScalarReward(), Rating(value=raw, model="rm@1"))

    assert isinstance(found, Score)
    assert found.value == pytest.approx(value)
    assert found.details == {"raw": raw, "clipped": False, "judge": "rm@1"}


@pytest.mark.parametrize(
    ("raw", "value", "clipped"),
    [(2.0, 0.5, False), (6.0, 1.0, False), (-2.0, 0.0, False), (4.0, 0.75, False), (7.0, 1.0, True), (-9.0, 0.0, True)],
)
def test_a_linear_scale_keeps_differences_and_tells_what_lies_beyond(raw: float, value: float, clipped: bool) -> None:  # noqa: FBT001  # a column
    found = rated(ScalarReward(scale="linear", center=2.0, width=4.0), Rating(value=raw))

    assert isinstance(found, Score)
    assert (found.value, found.details["clipped"]) == (value, clipped)


@pytest.mark.parametrize(
    ("reply", "cause"),
    [
        (NoReply(Cause.LIMIT, "9,000 tokens; it takes 8,192"), Cause.LIMIT),
        (NoReply(Cause.UNAVAILABLE, "down"), Cause.UNAVAILABLE),
        (Rating(value=math.nan), Cause.INTERNAL),
        (Reading(), Cause.INTERNAL),
    ],
)
def test_without_a_rating_there_is_no_score(reply: Reply, cause: Cause) -> None:
    found = rated(ScalarReward(), reply)

    assert isinstance(found, Abstain)
    assert found.cause is cause


@pytest.mark.parametrize("completion", ["", "  \u200b", "<think>hm"])
def test_what_is_no_response_is_rated_0(completion: str) -> None:
    found = ScalarReward().verdict(Sample(task=CHAT, completion=completion))

    assert isinstance(found, Score)
    assert found.value == 0.0
