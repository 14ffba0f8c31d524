"""How a client makes sure of the server, and the server of the client."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import grpc

from jurist.client._errors import ClientError

if TYPE_CHECKING:
    import os

__all__ = ["Tls"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Tls:
    """PEM files for a connection over TLS. They are read when a connection is opened, in each process anew.

    Args:
        ca: The authorities of which one must have signed the server's certificate; those that gRPC brings when None.
        certificate: This client's own certificate and those that lead to an authority, for servers that ask for one.
        key: The private key of `certificate`.
    """

    ca: str | os.PathLike[str] | None = None
    certificate: str | os.PathLike[str] | None = None
    key: str | os.PathLike[str] | None = None

    def __post_init__(self) -> None:
        if (self.certificate is None) != (self.key is None):
            raise ValueError("tls: certificate and key go together")

    def credentials(self) -> grpc.ChannelCredentials:
        """Read the files.

        Raises:
            ClientError: one cannot be read.
        """
        return grpc.ssl_channel_credentials(
            root_certificates=_content("ca", self.ca),
            private_key=_content("key", self.key),
            certificate_chain=_content("certificate", self.certificate),
        )


def _content(name: str, path: str | os.PathLike[str] | None) -> bytes | None:
    try:
        return None if path is None else Path(path).read_bytes()
    except OSError as error:
        raise ClientError(f"tls.{name}: {path}: {error.strerror}") from None
