"""`jurist train-judge`."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import Annotated

import typer

from jurist.services.commands.ending import told
from jurist.services.errors import ConfigurationError


def train_judge(
    folder: Annotated[Path, typer.Argument(help="Folder to write; it must not exist.")],
    seed: Annotated[int, typer.Option(help="The first seed that is tried.")] = 0,
    tries: Annotated[
        int, typer.Option(min=1, help="How many seeds are tried; some find no way to compare digits.")
    ] = 5,
) -> None:
    """Train the small judge that compares numbers: one thread, some minutes a seed; then examine it on fresh pairs.

    The folder appears when a judge has passed. It is what `--judge FOLDER` takes.
    """
    with told():
        if folder.exists():
            raise ConfigurationError(f"{folder} exists already")
        try:
            from jurist.services.models.training import recipe  # noqa: PLC0415  # torch costs seconds
        except ModuleNotFoundError as error:
            raise ConfigurationError(f"training needs {error.name}: pip install 'jurist[models]'") from None
        folder.parent.mkdir(parents=True, exist_ok=True)
        for tried in range(seed, seed + tries):
            with tempfile.TemporaryDirectory(dir=folder.parent, prefix=f".{folder.name}.") as scratch:
                draft = Path(scratch, "judge")
                examination = recipe.train(draft, tried, typer.echo)
                if examination.right >= recipe.PASS:
                    shutil.move(draft, folder)
                    return
        typer.echo(f"jurist: none of {tries} judges was right in {recipe.PASS:.1%} of fresh pairs", err=True)
        raise typer.Exit(1)
