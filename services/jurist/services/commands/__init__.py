"""The command line, `jurist`: one file for each command."""

from __future__ import annotations

import typer

from jurist.services.commands import catalogue, explain, ping, run, score, serve, train_judge

__all__ = ["app"]

app = typer.Typer(
    name="jurist",
    help="Verifiable rewards for reinforcement learning of language models.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command()(serve.serve)
app.command()(score.score)
app.command()(catalogue.verifiers)
app.command()(catalogue.recipes)
app.command()(explain.explain)
app.command()(ping.ping)
app.command()(run.run)
app.command()(run.doctor)
app.command()(train_judge.train_judge)
