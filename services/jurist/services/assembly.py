"""Puts the parts together as a configuration says."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jurist.sandbox import Program
from jurist.services.cookbook import Cookbook
from jurist.services.engine import Engine
from jurist.services.lanes.local import LocalRules
from jurist.services.lanes.models import LocalModels
from jurist.services.lanes.sandbox import LocalSandbox
from jurist.services.lanes.worker import Limits
from jurist.services.metrics import Metrics
from jurist.services.server import Server
from jurist.verifiers import Dialogue, Equality, Prompt

if TYPE_CHECKING:
    from jurist.services.config import Config
    from jurist.services.lanes import Lane
    from jurist.verifiers import Question

__all__ = ["engine", "server"]


def engine(config: Config, metrics: Metrics) -> Engine:
    """Build an engine whose lanes are this machine's."""
    limits = Limits(
        cell_cpu_s=config.cell_cpu_s,
        memory_bytes=config.worker_memory_bytes,
        recycle_bytes=config.worker_recycle_bytes,
    )
    rules = LocalRules(config.workers, limits, config.equality_cpu_s, config.stall_s)
    metrics.watch_workers(lambda: rules.pool.replaced)
    lanes: dict[type[Question], Lane] = {Equality: rules}
    if config.sandbox != "off":
        lanes[Program] = LocalSandbox(
            config.workers, required=config.sandbox == "required", weaker=config.sandbox_weaker
        )
    lanes[Prompt] = lanes[Dialogue] = LocalModels.configured(config, metrics)
    return Engine(rules, lanes, metrics, config.queue_bytes)


def server(config: Config) -> Server:
    """Build a server.

    Raises:
        ConfigurationError: a recipe file is wrong.
    """
    metrics = Metrics()
    return Server(config, engine(config, metrics), Cookbook(config.recipes), metrics)
