"""The model lane: which model is asked, for how long, and what is remembered. Its models are values of the tests."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from jurist.services.config import configure
from jurist.services.errors import ConfigurationError
from jurist.services.lanes.models import LocalModels
from jurist.services.metrics import Metrics
from jurist.services.models import TINY_JUDGE, named
from jurist.services.models.memory import Memory
from jurist.services.models.settings import RemoteJudge, RemoteReward, Weights
from jurist.verifiers import Cause, Dialogue, Equality, Message, NoReply, Prompt, Rating, Reading

if TYPE_CHECKING:
    from pathlib import Path

    from jurist.services.models.settings import ModelSettings

ASKED = Prompt(messages=(Message("user", "42?"),), labels=("Yes", "No"), template="t@1")
READING = Reading(probabilities=(1.0, 0.0))


class Told:
    """A model that gives the replies it was told to, one after the other; the last one for ever, none when empty."""

    answers: type[Prompt | Dialogue] = Prompt

    def __init__(self, *replies: Reading | Rating | NoReply, identity: str = "m@1", timeout_s: float = 60.0) -> None:
        self.identity = identity
        self.settings: ModelSettings = Weights(path="nowhere", timeout_s=timeout_s)
        self.replies = list(replies)
        self.asked = 0
        self.begun = asyncio.Event()
        self.left = 0
        self.running = False

    async def start(self) -> None:
        self.running = True

    async def stop(self) -> None:
        self.running = False

    async def answer(self, question: Prompt | Dialogue) -> Reading | Rating | NoReply:
        self.asked += isinstance(question, Prompt | Dialogue)
        self.begun.set()
        try:
            if not self.replies:
                await asyncio.Event().wait()
        finally:
            self.left += not self.replies
        return self.replies.pop(0) if len(self.replies) > 1 else self.replies[0]


class Broken(Told):
    """A model that cannot be had."""

    async def start(self) -> None:
        raise ConfigurationError("models.broken: no such weights")


def lane(**models: Told) -> LocalModels:
    return LocalModels(models, "judge", "", Memory(100), Metrics())


async def test_a_question_that_names_no_model_goes_to_the_default_one() -> None:
    other = Reading(probabilities=(0.0, 1.0))
    two = lane(judge=Told(READING), other=Told(other))

    assert await two.answer(ASKED) == READING
    assert (
        await two.answer(Prompt(messages=ASKED.messages, labels=ASKED.labels, template="t@1", model="other")) == other
    )


@pytest.mark.parametrize(
    ("question", "reason"),
    [
        (Prompt(messages=(), labels=(), template="", model="nope"), "there is no model nope; there are: judge"),
        (Dialogue(messages=()), "no reward_model is configured"),
        (Dialogue(messages=(), model="judge"), "the model judge answers no Dialogue"),
        (Equality(reference="x", answer="x"), "does not answer a Equality"),
    ],
)
async def test_a_question_that_no_model_answers_says_why(question: Prompt | Dialogue | Equality, reason: str) -> None:
    reply = await lane(judge=Told(READING)).answer(question)

    assert isinstance(reply, NoReply)
    assert reply.cause is Cause.UNAVAILABLE
    assert reason in reply.reason


async def test_a_good_answer_is_remembered_and_a_failure_tried_again() -> None:
    model = Told(NoReply(Cause.UNAVAILABLE, "down"), READING, NoReply(Cause.UNAVAILABLE, "down again"))
    one = lane(judge=model)

    assert isinstance(await one.answer(ASKED), NoReply)
    assert await one.answer(ASKED) == READING
    assert await one.answer(ASKED) == READING
    assert model.asked == 2


async def test_nothing_is_remembered_of_a_model_that_is_not_known_yet() -> None:
    model = Told(READING, identity="")
    one = lane(judge=model)
    await one.answer(ASKED)
    await one.answer(ASKED)

    assert model.asked == 2


async def test_a_model_that_is_late_costs_its_own_question_the_reply_and_is_told_to_leave_it() -> None:
    model = Told(timeout_s=0.05)
    two = lane(judge=model, other=Told(READING))
    late, prompt = await asyncio.gather(
        two.answer(ASKED),
        two.answer(Prompt(messages=ASKED.messages, labels=ASKED.labels, template="t@1", model="other")),
    )

    assert late == NoReply(Cause.UNAVAILABLE, "the model judge did not answer within 0.05 s")
    assert prompt == READING
    assert model.left == 1


async def test_a_cancelled_question_is_left() -> None:
    model = Told()
    asking = asyncio.ensure_future(lane(judge=model).answer(ASKED))
    await model.begun.wait()
    asking.cancel()
    await asyncio.gather(asking, return_exceptions=True)

    assert model.left == 1


async def test_one_model_that_cannot_be_had_stops_the_others_and_the_start() -> None:
    good = Told(READING)

    with pytest.raises(ConfigurationError, match="no such weights"):
        await lane(judge=good, broken=Broken()).start()
    assert not good.running


def test_the_default_may_be_a_name_a_url_or_a_folder(tmp_path: Path) -> None:
    url = "http://127.0.0.1:8000/v1"
    models = {"big": {"backend": "openai", "url": url, "model": "m"}}

    named_so, judge, _ = named(configure(models=models, judge="big"))

    assert (judge, type(named_so["big"])) == ("big", RemoteJudge)

    of_url, judge, _ = named(configure(judge=url))

    assert of_url[judge] == RemoteJudge(url=url)

    of_folder, judge, reward = named(configure(judge=str(tmp_path), reward_model=str(tmp_path)))

    assert (judge, reward) == (str(tmp_path), str(tmp_path)) or reward != judge
    assert of_folder[judge] == Weights(path=str(tmp_path))
    assert TINY_JUDGE in of_folder


def test_a_default_that_is_nothing_of_the_kind_ends_the_start() -> None:
    with pytest.raises(ConfigurationError, match="judge: nowhere is neither"):
        named(configure(judge="nowhere"))


def test_models_are_read_from_the_file_by_their_backend(tmp_path: Path) -> None:
    file = tmp_path / "jurist.yaml"
    file.write_text(
        "models:\n"
        "  own: {backend: transformers, path: /weights, dtype: bfloat16}\n"
        "  vllm: {backend: openai, url: 'http://judge:8000/v1', chat_options: {enable_thinking: false}}\n"
        "  reward: {backend: reward, url: 'http://reward:8000', route: classify}\n"
        "judge: vllm\n",
        encoding="utf-8",
    )
    models, judge, _ = named(configure(file))

    assert judge == "vllm"
    assert [type(models[name]) for name in ("own", "vllm", "reward")] == [Weights, RemoteJudge, RemoteReward]


def test_a_model_of_no_known_backend_is_told() -> None:
    with pytest.raises(ConfigurationError, match=r"models\.x"):
        configure(models={"x": {"backend": "telepathy"}})
