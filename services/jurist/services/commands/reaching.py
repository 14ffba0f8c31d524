"""What the commands that speak to a server are told of how to reach it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from jurist.client import Tls

__all__ = ["Certificate", "Key", "TlsCa", "tls_of"]

TlsCa = Annotated[
    Path | None,
    typer.Option(
        envvar="JURIST_CLIENT_TLS_CA", help="PEM file of the authorities that vouch for the server: speak TLS."
    ),
]
Certificate = Annotated[
    Path | None,
    typer.Option(envvar="JURIST_CLIENT_TLS_CERTIFICATE", help="PEM file to show to a server that asks who calls."),
]
Key = Annotated[
    Path | None, typer.Option(envvar="JURIST_CLIENT_TLS_KEY", help="PEM file of that certificate's private key.")
]


def tls_of(ca: Path | None, certificate: Path | None, key: Path | None) -> Tls | None:
    """Return what the flags say, None where there are none."""
    if ca is None and certificate is None and key is None:
        return None
    try:
        return Tls(ca=ca, certificate=certificate, key=key)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None  # typer's own way
