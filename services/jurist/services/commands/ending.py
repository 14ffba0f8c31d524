"""How a command ends: 0 done, 1 the service or the input failed it, 2 it was called or configured wrongly."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import grpc
import typer

from jurist.client import ClientError
from jurist.services.errors import ConfigurationError, JuristError

if TYPE_CHECKING:
    from collections.abc import Generator

__all__ = ["told"]


@contextmanager
def told() -> Generator[None]:
    """Tell an error in a line instead of a traceback."""
    try:
        yield
    except ConfigurationError as error:
        typer.echo(f"jurist: {error}", err=True)
        raise typer.Exit(2) from None
    except JuristError as error:
        typer.echo(f"jurist: {error}", err=True)
        raise typer.Exit(1) from None
    except ClientError as error:
        typer.echo(f"jurist: {error}", err=True)
        raise typer.Exit(1) from None
    except grpc.RpcError as error:
        typer.echo(f"jurist: the server answered {error.code().name}: {error.details()}", err=True)
        raise typer.Exit(1) from None
