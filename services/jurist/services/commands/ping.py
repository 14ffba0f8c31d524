"""`jurist ping`."""

from __future__ import annotations

from time import perf_counter
from typing import TYPE_CHECKING, Annotated

import grpc
import typer
from grpc_health.v1 import health_pb2

from jurist.services.commands.ending import told
from jurist.services.commands.reaching import Certificate, Key, TlsCa, tls_of
from jurist.services.server import SERVICE

if TYPE_CHECKING:
    from jurist.client import Tls

TARGET = typer.Option(help="HOST:PORT of a server.")


def ping(
    target: Annotated[str, TARGET] = "localhost:50051",
    tls_ca: TlsCa = None,
    tls_certificate: Certificate = None,
    tls_key: Key = None,
    timeout_s: Annotated[float, typer.Option(help="How long to wait for an answer, seconds.")] = 5.0,
) -> None:
    """Ask a server for its health; exit 0 if it serves."""
    tls = tls_of(tls_ca, tls_certificate, tls_key)
    with told(), _channel(target, tls) as channel:
        start = perf_counter()
        request = health_pb2.HealthCheckRequest(service=SERVICE)
        check = channel.unary_unary(
            "/grpc.health.v1.Health/Check",
            request_serializer=health_pb2.HealthCheckRequest.SerializeToString,
            response_deserializer=health_pb2.HealthCheckResponse.FromString,
        )
        reply = check(request, timeout=timeout_s, wait_for_ready=True)
        name = health_pb2.HealthCheckResponse.ServingStatus.Name(reply.status)
        typer.echo(f"{target}: {name} ({(perf_counter() - start) * 1e3:.1f} ms)")
        if reply.status != health_pb2.HealthCheckResponse.SERVING:
            raise typer.Exit(1)


def _channel(target: str, tls: Tls | None) -> grpc.Channel:
    return grpc.insecure_channel(target) if tls is None else grpc.secure_channel(target, tls.credentials())
