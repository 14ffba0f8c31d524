"""verifiers' own scoring of a task whose reward is plugged by import path; prints what each trace got, as JSON."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from verifiers.v1.configs.task import TaskConfig
from verifiers.v1.task import Task, TaskData
from verifiers.v1.trace import Trace, TraceTask

CONFIG = TaskConfig.model_validate({"rewards": {"jurist": {"fn": "jurist.trainers.verifiers_v1:score", "weight": 0.5}}})


class Sum(TaskData):
    """A row with its answer."""

    answer: str


class SumTask(Task[Sum, Any, TaskConfig]):
    """Scored by what the configuration plugs in, and by nothing else."""


async def scored(reply: str, answer: str) -> dict[str, Any]:
    """Score one reply."""
    task = SumTask(Sum(prompt="What is 6 times 7?", answer=answer), CONFIG)
    trace = Trace.model_construct(
        task=TraceTask(type="SumTask", data=task.data), rewards={}, metrics={}, nodes=[], root_reply=reply
    )
    try:
        await task.score(trace)
    except Exception as error:  # noqa: BLE001  # what verifiers raises is what is looked at
        return {"error": f"{type(error).__name__}: {error}", "rewards": dict.fromkeys(trace.rewards)}
    return {"rewards": {name: reward.value for name, reward in trace.rewards.items() if reward is not None}}


async def main() -> None:
    """Score a right, a wrong and an unusable sample."""
    cases = [("It is 42.", "42"), ("It is 41.", "42"), ("It is 42.", "")]
    print("scored " + json.dumps([await scored(*case) for case in cases]))


if __name__ == "__main__":
    asyncio.run(main())
