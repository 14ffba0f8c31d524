"""`jurist serve`."""

from __future__ import annotations

import asyncio
import signal
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import structlog
import typer

from jurist.services.allocator import keep_freed_memory
from jurist.services.commands.ending import told
from jurist.services.config import configure
from jurist.services.log import configure_logs

if TYPE_CHECKING:
    from jurist.services.config import Config

log = structlog.get_logger("jurist")


def serve(  # noqa: PLR0913, PLR0917  # a flag each
    host: Annotated[str | None, typer.Option(help="Address to listen on; loopback by default.")] = None,
    port: Annotated[int | None, typer.Option(help="gRPC port; 0 takes a free one.")] = None,
    http_port: Annotated[int | None, typer.Option(help="HTTP port; none by default.")] = None,
    metrics_port: Annotated[int | None, typer.Option(help="Prometheus port; none by default.")] = None,
    tls_certificate: Annotated[Path | None, typer.Option(help="PEM file: gRPC and HTTP over TLS.")] = None,
    tls_key: Annotated[Path | None, typer.Option(help="PEM file of the certificate's private key.")] = None,
    tls_client_ca: Annotated[
        Path | None, typer.Option(help="PEM file: clients must show a certificate of these authorities.")
    ] = None,
    workers: Annotated[int | None, typer.Option(help="Processes that judge; a core each by default.")] = None,
    recipes: Annotated[Path | None, typer.Option(help="Folder of recipes of your own.")] = None,
    lanes: Annotated[str | None, typer.Option(help="Where work runs: local, or ray.")] = None,
    address: Annotated[
        str | None, typer.Option(help="Ray cluster; auto is this node's; starts one by default.")
    ] = None,
    ray_config: Annotated[Path | None, typer.Option(help="YAML file of the lanes on Ray.")] = None,
    judge: Annotated[
        str | None,
        typer.Option(help="Model for judges that name none: an OpenAI-compatible URL, or a folder of weights."),
    ] = None,
    reward_model: Annotated[
        str | None, typer.Option(help="Model for scalar_reward where it names none: a folder of weights.")
    ] = None,
    config: Annotated[Path | None, typer.Option(help="YAML file of settings.")] = None,
    log_format: Annotated[str | None, typer.Option(help="text or json.")] = None,
    *,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Log every call.")] = False,
) -> None:
    """Serve RewardService until SIGTERM or Ctrl-C.

    Settings come from flags, then from the environment (JURIST_PORT, ...), then from the file.
    """
    with told():
        settings = configure(
            config,
            host=host,
            port=port,
            http_port=http_port,
            metrics_port=metrics_port,
            tls_certificate=tls_certificate,
            tls_key=tls_key,
            tls_client_ca=tls_client_ca,
            workers=workers,
            recipes=recipes,
            lanes=lanes,
            ray_address=address,
            ray_config=ray_config,
            judge=judge,
            reward_model=reward_model,
            log_format=log_format,
        )
        configure_logs(settings.log_format, verbose=verbose)
        keep_freed_memory()
        asyncio.run(_serve(settings))


async def _serve(settings: Config) -> None:
    from jurist.services import assembly  # noqa: PLC0415  # after the settings are known to be good

    server = assembly.server(settings)
    told_to_end = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):  # before the workers start: a start, too, ends in order
        loop.add_signal_handler(number, told_to_end.set)
    log.info("settings", **settings.model_dump(mode="json"))
    await server.start()
    log.info(
        "serving",
        target=f"{settings.host}:{server.port}",
        http_port=server.http_port,
        metrics_port=server.metrics_port,
    )
    await told_to_end.wait()
    # A person's second Ctrl-C ends the process at once. A second SIGTERM is most often the first one's echo, such as
    # timeout(1) sends to its child and then to the group.
    loop.remove_signal_handler(signal.SIGINT)
    log.info("draining", at_most_s=settings.drain_s)
    await server.stop()
    log.info("stopped")
