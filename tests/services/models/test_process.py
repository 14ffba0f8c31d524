"""A model in a process of its own: batches, deaths, and what nobody waits for."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import pytest

from jurist.services.errors import ConfigurationError, StoppingError
from jurist.services.models.process import ModelProcess
from jurist.services.models.settings import Weights
from jurist.verifiers import Cause, Dialogue, Message, NoReply, Prompt, Rating, Reading
from jurist.verifiers._judge.rendering import template

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from pathlib import Path

    from jurist.services.metrics import Metrics

SAME = template("same_number")


def asked(candidate: str, **more: Any) -> Prompt:
    messages = SAME.messages({"reference": "42", "candidate": candidate})
    return Prompt(messages=messages, labels=("Yes", "No"), template=SAME.id, **more)


@asynccontextmanager
async def running(folder: Path, metrics: Metrics, **settings: Any) -> AsyncGenerator[ModelProcess]:
    model = ModelProcess("m", Weights(path=str(folder), device="cpu", **settings), metrics)
    await model.start()
    try:
        yield model
    finally:
        await model.stop()


def process_of(model: ModelProcess) -> int:
    assert model._process is not None
    return model._process._process.pid


async def until_busy(metrics: Metrics) -> None:
    """Wait until a batch is under way."""
    while not metrics.registry.get_sample_value("jurist_model_batch_count", {"model": "m"}):  # noqa: ASYNC110  # a counter
        await asyncio.sleep(0.01)


async def test_questions_that_come_together_are_answered_together(shipped: Path, metrics: Metrics) -> None:
    async with running(shipped, metrics, dtype="float64", batch=8) as model:
        replies = await asyncio.gather(*(model.answer(asked(str(place))) for place in range(20)))
        alone = await model.answer(asked("7"))

        assert all(isinstance(reply, Reading) for reply in replies)
        assert alone == replies[7]
        assert metrics.registry.get_sample_value("jurist_model_batch_sum", {"model": "m"}) == 21
        assert metrics.registry.get_sample_value("jurist_model_batch_bucket", {"model": "m", "le": "8.0"}) == 4


async def test_a_process_that_is_killed_costs_its_batch_and_comes_back(shipped: Path, metrics: Metrics) -> None:
    async with running(shipped, metrics) as model:
        first = process_of(model)
        asking = asyncio.ensure_future(model.answer(asked("1", write_tokens=300)))
        await until_busy(metrics)
        os.kill(first, signal.SIGKILL)
        lost = await asking

        assert isinstance(lost, NoReply)
        assert lost.cause is Cause.UNAVAILABLE
        assert "exit status -9" in lost.reason

        again = await model.answer(asked("1"))
        while isinstance(again, NoReply):  # it is given a rest of a second first
            await asyncio.sleep(0.2)
            again = await model.answer(asked("1"))

        assert isinstance(again, Reading)
        assert process_of(model) != first


async def test_what_nobody_waits_for_is_left_and_the_next_question_answered(shipped: Path, metrics: Metrics) -> None:
    async with running(shipped, metrics) as model:
        first = process_of(model)
        asking = asyncio.ensure_future(model.answer(asked("1", write_tokens=400, temperature=1.0, draws=64)))
        await until_busy(metrics)
        asking.cancel()
        reply = await model.answer(asked("42"))

        assert isinstance(reply, Reading)
        assert process_of(model) == first


async def test_what_waits_when_it_stops_is_told_so(shipped: Path, metrics: Metrics) -> None:
    model = ModelProcess("m", Weights(path=str(shipped), device="cpu", lazy=True), metrics)
    await model.start()
    asking = [asyncio.ensure_future(model.answer(asked(str(place)))) for place in range(3)]
    await asyncio.sleep(0.1)
    await model.stop()
    ends = await asyncio.gather(*asking, return_exceptions=True)

    assert all(isinstance(end, StoppingError) for end in ends)
    with pytest.raises(StoppingError):
        await model.answer(asked("1"))


async def test_weights_that_are_not_there_end_the_start(tmp_path: Path, metrics: Metrics) -> None:
    model = ModelProcess("m", Weights(path=str(tmp_path), device="cpu"), metrics)

    with pytest.raises(ConfigurationError, match=r"models\.m: "):
        await model.start()


async def test_weights_that_are_asked_for_late_cost_their_questions_the_reply_alone(
    tmp_path: Path, metrics: Metrics
) -> None:
    async with running(tmp_path, metrics, lazy=True) as model:
        first = await model.answer(asked("1"))
        second = await model.answer(asked("1"))

        assert isinstance(first, NoReply)
        assert first.cause is Cause.UNAVAILABLE
        assert isinstance(second, NoReply)
        assert "is away" in second.reason  # it is not loaded again for each question


async def test_a_reward_model_rates_each_dialogue_as_alone_and_never_cuts_one(weights: Path, metrics: Metrics) -> None:
    dialogues = [
        Dialogue(messages=(Message("user", "What is 6 * 7?"), Message("assistant", f"It is {answer}.")))
        for answer in ("42", "24", "forty-two, if I may say so", "43")
    ]
    long = Dialogue(messages=(Message("user", "word " * 2000),))
    async with running(weights / "reward", metrics, kind="reward", dtype="float64") as model:
        together = await asyncio.gather(*map(model.answer, [*dialogues, long]))
        alone = [await model.answer(dialogue) for dialogue in dialogues]

    assert all(isinstance(reply, Rating) for reply in alone)
    assert together[:4] == alone
    assert len({reply.value for reply in alone if isinstance(reply, Rating)}) == 4
    assert isinstance(together[4], NoReply)
    assert together[4].cause is Cause.LIMIT


def test_the_service_and_the_processes_that_judge_never_load_torch() -> None:
    script = (
        "import sys\n"
        "from jurist.services import assembly\n"
        "from jurist.services.config import configure\n"
        "from jurist.services.lanes import zygote\n"
        "from jurist.services.metrics import Metrics\n"
        "zygote._import_all()\n"
        "assembly.engine(configure(), Metrics())\n"
        "sys.exit({'torch', 'transformers'} & {*sys.modules} != set())\n"
    )

    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0
