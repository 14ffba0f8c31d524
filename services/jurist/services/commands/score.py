"""`jurist score`."""

from __future__ import annotations

import asyncio
import json
from contextlib import aclosing
from enum import StrEnum
from pathlib import Path
from time import perf_counter
from typing import IO, TYPE_CHECKING, Annotated, Any, NamedTuple, cast

import typer
from google.protobuf.json_format import MessageToJson
from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    SpinnerColumn,
    TaskProgressColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from jurist.services import groups_file, table
from jurist.services.commands.ending import told
from jurist.services.commands.reaching import Certificate, Key, TlsCa, tls_of
from jurist.services.commands.writing import written
from jurist.services.config import configure
from jurist.services.errors import BadInputError
from jurist.services.log import configure_logs
from jurist.services.scoring import Summary, local, remote, score_lines
from jurist.v1 import reward_pb2

if TYPE_CHECKING:
    from rich.table import Table

    from jurist.client import Tls

TABLE_WIDTH = 160  # of a table that goes to a file or a pipe


class Format(StrEnum):
    """What the scores look like."""

    TABLE = "table"
    JSONL = "jsonl"


class Job(NamedTuple):
    """What the flags say."""

    file: str
    recipe: reward_pb2.Recipe | None
    target: str | None
    tls: Tls | None
    out: Path | None
    format: Format
    keep_going: bool
    ignore_unknown: bool
    timeout_s: float
    recipes: Path | None
    workers: int | None


def score(  # noqa: PLR0913, PLR0917  # a flag each
    file: Annotated[str, typer.Argument(help="JSONL file of groups, .gz too; - is standard input.")],
    recipe: Annotated[str | None, typer.Option(help="Recipe for groups that name none.")] = None,
    verifier: Annotated[str | None, typer.Option(help="Score with this verifier alone.")] = None,
    option: Annotated[list[str] | None, typer.Option(help="An option of it, as NAME=VALUE, VALUE in JSON.")] = None,
    target: Annotated[str | None, typer.Option(help="HOST:PORT of a server; without it, score here.")] = None,
    tls_ca: TlsCa = None,
    tls_certificate: Certificate = None,
    tls_key: Key = None,
    out: Annotated[Path | None, typer.Option(help="File to write, whole or not at all.")] = None,
    output_format: Annotated[
        Format | None, typer.Option("--format", help="table or jsonl; a file is jsonl by default.")
    ] = None,
    recipes: Annotated[Path | None, typer.Option(help="Folder of recipes of your own (without --target).")] = None,
    workers: Annotated[int | None, typer.Option(help="Processes that judge (without --target).")] = None,
    timeout_s: Annotated[float, typer.Option(help="How long a server may take for one message, seconds.")] = 600.0,
    *,
    keep_going: Annotated[bool, typer.Option("--keep-going", help="Pass over bad lines and count them.")] = False,
    ignore_unknown_fields: Annotated[
        bool, typer.Option("--ignore-unknown-fields", help="Pass over fields that the contract does not have.")
    ] = False,
) -> None:
    """Score a file of rollout groups; the order of the output is the input's."""
    with told():
        configure_logs("text")
        if target is not None and (recipes is not None or workers is not None):
            raise typer.BadParameter("with --target, --recipes and --workers are the server's")  # typer's own way
        job = Job(
            file=file,
            recipe=_recipe(recipe, verifier, option or []),
            target=target,
            tls=tls_of(tls_ca, tls_certificate, tls_key),
            out=out,
            format=output_format or (Format.JSONL if out else Format.TABLE),
            keep_going=keep_going,
            ignore_unknown=ignore_unknown_fields,
            timeout_s=timeout_s,
            recipes=recipes,
            workers=workers,
        )
        asyncio.run(_score(job))


def _recipe(name: str | None, verifier: str | None, options: list[str]) -> reward_pb2.Recipe | None:
    if name is not None and verifier is not None:
        raise typer.BadParameter("either --recipe or --verifier")  # typer's own way
    if verifier is not None:
        return one_verifier(verifier, options)
    if options:
        raise typer.BadParameter("--option goes with --verifier")
    return None if name is None else reward_pb2.Recipe(name=name)


def one_verifier(verifier: str, options: list[str]) -> reward_pb2.Recipe:
    """Return the recipe of one verifier alone."""
    recipe = reward_pb2.Recipe(name=verifier, advantage=reward_pb2.ADVANTAGE_GRPO)
    recipe.terms.add(verifier=verifier).options.update(cast("Any", _values(options)))
    return recipe


def _values(options: list[str]) -> dict[str, object]:
    """Read options given as NAME=VALUE, VALUE in JSON or a bare word.

    Raises:
        BadParameter: there is no equals sign.
    """
    values: dict[str, object] = {}
    for option in options:
        key, equals, text = option.partition("=")
        if not equals:
            raise typer.BadParameter(f"--option {option}: NAME=VALUE")
        try:
            values[key] = json.loads(text)
        except json.JSONDecodeError:  # a bare word is text
            values[key] = text
    return values


async def _score(job: Job) -> None:
    config = configure(recipes=job.recipes, workers=job.workers)
    engine = remote(job.target, job.recipe, job.timeout_s, job.tls) if job.target else local(config, job.recipe)
    summary = Summary()
    rows = table.group_table()
    file = groups_file.GroupsFile(job.file, ignore_unknown=job.ignore_unknown)
    with written(job.out) as output, _progress(file.size) as progress:
        shown = progress.add_task("0 groups", total=file.size)
        start = perf_counter()
        async with engine as score_groups, aclosing(score_lines(file.name, file, score_groups)) as lines:
            async for scored in lines:
                if isinstance(scored.scores, BadInputError):
                    _refuse(scored.scores, summary, keep_going=job.keep_going)
                    continue
                summary.add(scored.scores)
                progress.update(shown, completed=file.position, description=f"{summary.groups} groups")
                if job.format is Format.JSONL:
                    output.write(_json(scored.scores) + "\n")
                else:
                    table.add_group(rows, scored.scores)
        seconds = perf_counter() - start
        if job.format is Format.TABLE:
            _print(rows, output)
    typer.echo("\n".join(table.summary_lines(summary, seconds)), err=True)


def _refuse(error: BadInputError, summary: Summary, *, keep_going: bool) -> None:
    if not keep_going:
        raise error
    summary.refused += 1
    typer.echo(f"jurist: {error}", err=True)


def _json(scores: reward_pb2.GroupScores) -> str:
    return MessageToJson(scores, preserving_proto_field_name=True, indent=None)


def _print(rows: Table, output: IO[str]) -> None:
    console = Console(file=output)
    if not console.is_terminal:
        console = Console(file=output, width=TABLE_WIDTH)
    console.print(rows)


def _progress(size: int | None) -> Progress:
    """Return a bar of the file's bytes, where it is known how many there are."""
    bar = () if size is None else (BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    console = Console(stderr=True)
    return Progress(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        *bar,
        TimeElapsedColumn(),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    )
