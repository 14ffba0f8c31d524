"""The server's certificate, as gRPC and HTTP each want it."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING, NamedTuple

import grpc

from jurist.services.errors import ConfigurationError

if TYPE_CHECKING:
    from jurist.services.config import Config

__all__ = ["Tls", "read"]


class Tls(NamedTuple):
    """What the ports speak TLS with."""

    credentials: grpc.ServerCredentials
    context: ssl.SSLContext


def read(config: Config) -> Tls | None:
    """Read the certificate that is configured; None where there is none.

    Raises:
        ConfigurationError: a file cannot be used, or one is missing beside the others.
    """
    certificate, key, client_ca = config.tls_certificate, config.tls_key, config.tls_client_ca
    if certificate is None and key is None and client_ca is None:
        return None
    if certificate is None or key is None:
        raise ConfigurationError(f"{'tls_key' if certificate else 'tls_certificate'}: is required beside the others")
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    # gRPC says nothing of a file that it cannot use; Python does.
    field = "tls_certificate"
    try:
        chain = certificate.read_bytes()
        field = "tls_key"
        private = key.read_bytes()
        context.load_cert_chain(certificate, key)
        field = "tls_client_ca"
        authorities = None if client_ca is None else client_ca.read_bytes()
        if client_ca is not None:
            context.load_verify_locations(client_ca)
            context.verify_mode = ssl.CERT_REQUIRED
    except (OSError, ssl.SSLError) as error:  # the second is one of the first, and has no file's name
        raise ConfigurationError(f"{field}: {getattr(config, field)}: {error.strerror or error}") from None
    return Tls(
        grpc.ssl_server_credentials([(private, chain)], authorities, require_client_auth=authorities is not None),
        context,
    )
