"""`jurist run` and `jurist doctor`."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from jurist.sandbox import Ending, Limits, Program, Run, SandboxUnavailableError, Stdio
from jurist.sandbox import doctor as findings
from jurist.sandbox.docker import Docker
from jurist.sandbox.embedded import Embedded
from jurist.sandbox.languages import named
from jurist.services.commands.ending import told
from jurist.services.errors import ConfigurationError

MIB = 1 << 20


def run(  # noqa: PLR0913, PLR0917  # a flag each
    program: Annotated[Path, typer.Argument(help="The program's source; - is standard input.")],
    language: Annotated[str, typer.Option(help="Its language.")] = "python",
    stdin: Annotated[Path | None, typer.Option(help="File that it reads on standard input.")] = None,
    cpu_s: Annotated[float, typer.Option(help="CPU time that it may use, seconds.")] = 10.0,
    wall_s: Annotated[float, typer.Option(help="Time by the clock, seconds.")] = 20.0,
    memory_mb: Annotated[int, typer.Option(help="Memory, MiB.")] = 512,
    output_mb: Annotated[int, typer.Option(help="Output, MiB.")] = 16,
    *,
    image: Annotated[str, typer.Option(help="Run in a container of this image, such as jurist/sandbox.")] = "",
    runtime: Annotated[str, typer.Option(help="The engine's runtime for it, such as runsc.")] = "",
    weaker: Annotated[
        bool, typer.Option("--weaker", help="Run with less isolation where this host lacks some.")
    ] = False,
) -> None:
    """Run one untrusted program in the sandbox; exit 0 if it ended well."""
    with told():
        try:
            source = sys.stdin.read() if str(program) == "-" else program.read_text(encoding="utf-8")
            text = stdin.read_text(encoding="utf-8") if stdin else ""
            limits = Limits(cpu_s=cpu_s, wall_s=wall_s, memory_bytes=memory_mb * MIB, output_bytes=output_mb * MIB)
        except (OSError, ValueError) as error:
            raise ConfigurationError(str(error)) from None
        language = named(language) or language
        wanted = Program(source=source, language=language, tests=Stdio(stdins=(text,)), limits=limits)
        sandbox = (
            Docker(slots=1, image=image, runtime=runtime, weaker=weaker) if image else Embedded(slots=1, weaker=weaker)
        )
        try:
            done = asyncio.run(_run(wanted, sandbox))
        except SandboxUnavailableError as error:
            raise ConfigurationError(str(error)) from None
    (case,) = done.cases
    sys.stdout.buffer.write(case.stdout)
    sys.stdout.flush()
    table = Table(box=None, pad_edge=False, show_header=False)
    for name, value in (
        ("ending", f"{case.ending}{f' ({case.reason})' if case.reason else ''}"),
        ("exit status", case.exit_status if case.signal is None else f"signal {case.signal}"),
        ("CPU", f"{case.cpu_s:.3f} s of {limits.cpu_s:g}"),
        ("clock", f"{case.wall_s:.3f} s of {limits.wall_s:g}"),
        ("memory", f"{case.peak_memory_bytes / MIB:.1f} MiB of {memory_mb}"),
        ("output", f"{len(case.stdout)} bytes"),
        ("isolation", done.isolation),
    ):
        table.add_row(name, str(value))
    console = Console(stderr=True)
    console.print(table)
    if case.stderr:
        console.print(case.stderr.decode("utf-8", "replace"), markup=False, highlight=False)
    if case.ending is not Ending.OK:
        raise typer.Exit(1)


async def _run(program: Program, sandbox: Embedded | Docker) -> Run:
    async with sandbox:
        return await sandbox.run(program)


def doctor() -> None:
    """Say what isolation this host offers to untrusted programs, what is missing, and how to get it."""
    table = Table("needs", "there", "what was found", "how to get it", box=None, pad_edge=False)
    found = findings()
    for finding in found:
        there = "yes" if finding.present else "NO" if finding.needed else "no (optional)"
        table.add_row(finding.name, there, finding.detail, "" if finding.present else finding.remedy)
    Console().print(table)
    if any(finding.needed and not finding.present for finding in found):
        raise typer.Exit(1)
