"""verifiers' own scoring of a task whose reward is plugged by import path."""

from __future__ import annotations

import asyncio
from typing import Any

from answering import answer, configure, name_of
from verifiers.v1.configs.task import TaskConfig
from verifiers.v1.task import Task, TaskData
from verifiers.v1.trace import Trace, TraceTask


class Sum(TaskData):
    """A row with its answer."""

    answer: str


class SumTask(Task[Sum, Any, TaskConfig]):
    """Scored by what the configuration plugs in, and by nothing else."""


async def one(config: TaskConfig, reply: str, truth: str) -> tuple[Any, Any]:
    """Score one reply: the reward, or the error that verifiers raises; and what the trace holds then."""
    task = SumTask(Sum(prompt="What is 6 times 7?", answer=truth), config)
    trace = Trace.model_construct(
        task=TraceTask(type="SumTask", data=task.data), rewards={}, metrics={}, nodes=[], root_reply=reply
    )
    try:
        await task.score(trace)
    except Exception as error:  # noqa: BLE001  # what verifiers raises is what is looked at
        return name_of(error), trace.rewards.get("jurist")
    held = trace.rewards["jurist"].value
    return held, held


async def every(weight: float, samples: list[tuple[str, str]]) -> list[tuple[Any, Any]]:
    """Score replies side by side."""
    plugged = {"jurist": {"fn": "jurist.trainers.verifiers_v1:score", "weight": weight}}
    config = TaskConfig.model_validate({"rewards": plugged})
    return await asyncio.gather(*(one(config, *sample) for sample in samples))


def scored(settings: dict[str, object], samples: list[tuple[str, str]], weight: float = 1.0) -> dict[str, Any]:
    """Score samples."""
    configure(settings)
    outcomes, held = zip(*asyncio.run(every(weight, samples)), strict=True)
    return {"outcomes": outcomes, "held": held}


if __name__ == "__main__":
    answer(scored)
