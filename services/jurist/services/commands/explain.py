"""`jurist explain`."""

from __future__ import annotations

import asyncio
import json
import sys
from typing import Annotated

import typer
from google.protobuf.json_format import MessageToDict
from rich.console import Console
from rich.table import Table
from rich.text import Text

from jurist.client import group
from jurist.services.commands.ending import told
from jurist.services.commands.score import one_verifier
from jurist.services.config import configure
from jurist.services.log import configure_logs
from jurist.services.scoring import local
from jurist.v1 import reward_pb2


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
        configure_logs("text")
        asked = group(
            [sys.stdin.read() if completion == "-" else completion],
            answers=answer or (),
            choices=choice or (),
            language=language,
            prompt=prompt,
        )
        component = asyncio.run(_judge(asked, one_verifier(verifier, option or [])))
    scored = component.HasField("score")
    what = (
        f"{component.score:g}" if scored else reward_pb2.Cause.Name(component.abstention.cause).removeprefix("CAUSE_")
    )
    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_row("score" if scored else "abstains", what)
    table.add_row("reason", Text(component.reason))
    for name, value in sorted(MessageToDict(component.details).items(), key=_place):
        table.add_row(
            Text(name.replace("_", " ")),
            Text(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)),
        )
    table.add_row("took", f"{component.elapsed_ms:.1f} ms")
    Console().print(table)


STAGES = ("stage", "extracted", "read_as", "reference_read_as", "decided_by")
"""Details of a mathematical answer, in the order in which they came about; all others by name."""


def _place(detail: tuple[str, object]) -> tuple[int, str]:
    name = detail[0]
    return (STAGES.index(name) if name in STAGES else len(STAGES), name)


async def _judge(asked: reward_pb2.RolloutGroup, recipe: reward_pb2.Recipe) -> reward_pb2.Component:
    async with local(configure(workers=1), recipe) as score:
        (scores,) = await score([asked])
    return scores.rollouts[0].components[0]
