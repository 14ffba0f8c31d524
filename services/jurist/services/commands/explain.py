"""`jurist explain`."""

from __future__ import annotations

import asyncio
import json
import sys
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from jurist.services import options
from jurist.services.commands.ending import told
from jurist.services.commands.score import option_values
from jurist.services.config import configure
from jurist.services.errors import BadInputError, UnknownNameError
from jurist.services.lanes.local import LocalRules
from jurist.services.lanes.worker import Limits
from jurist.verifiers import Ask, Sample, Score, Task, UnknownVerifierError, Verdict, Verifier, load

ROUNDS = 4


def explain(  # noqa: PLR0913, PLR0917  # a flag each
    completion: Annotated[str, typer.Argument(help="What the model wrote; - is standard input.")],
    verifier: Annotated[str, typer.Option(help="Who judges it.")] = "math_answer",
    answer: Annotated[list[str] | None, typer.Option(help="A reference answer; several may be given.")] = None,
    choice: Annotated[list[str] | None, typer.Option(help="An option of a multiple-choice question, A first.")] = None,
    language: Annotated[str, typer.Option(help="The language wanted.")] = "",
    prompt: Annotated[str, typer.Option(help="What the model was asked.")] = "",
    option: Annotated[list[str] | None, typer.Option(help="An option of the verifier, as NAME=VALUE.")] = None,
) -> None:
    """Judge one completion and say step by step how the verdict came about."""
    with told():
        try:
            judge = options.decode(load(verifier), option_values(option or []))
        except UnknownVerifierError as error:
            raise UnknownNameError("verifier", str(error)) from None
        except BadInputError as error:
            raise error.under("option") from None
        text = sys.stdin.read() if completion == "-" else completion
        task = Task(prompt=prompt, answers=tuple(answer or ()), choices=tuple(choice or ()), language=language)
        verdict, asked = asyncio.run(_judge(judge, Sample(task=task, completion=text)))
    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_row("score" if isinstance(verdict, Score) else "abstains", str(_what(verdict)))
    table.add_row("reason", Text(verdict.reason))
    for line in asked:
        table.add_row("asked", Text(line))
    for name, value in verdict.details.items():
        table.add_row(name, Text(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)))
    Console().print(table)


def _what(verdict: Verdict) -> object:
    return verdict.value if isinstance(verdict, Score) else verdict.cause


async def _judge(judge: Verifier, sample: Sample) -> tuple[Verdict, list[str]]:
    """Ask the verifier, and have its questions answered in a worker as the service does."""
    outcome = judge.verdict(sample)
    asked: list[str] = []
    config = configure()
    if not isinstance(outcome, Ask):
        return outcome, asked
    limits = Limits(config.cell_cpu_s, config.worker_memory_bytes, config.worker_recycle_bytes)
    lane = LocalRules(1, limits, config.equality_cpu_s, config.stall_s)
    await lane.start()
    try:
        for _ in range(ROUNDS):
            if not isinstance(outcome, Ask):
                return outcome, asked
            replies = [await lane.answer(question) for question in outcome.questions]
            asked += [f"{question}: {reply}" for question, reply in zip(outcome.questions, replies, strict=True)]
            outcome = judge.verdict(sample, replies)
    finally:
        await lane.stop()
    if isinstance(outcome, Ask):
        raise BadInputError("verifier", "it asks without end")
    return outcome, asked
