"""Puts the parts together as a configuration says."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jurist.sandbox import Program
from jurist.services.cookbook import Cookbook
from jurist.services.engine import Bounds, Engine
from jurist.services.errors import ConfigurationError
from jurist.services.lanes import machine
from jurist.services.lanes.cluster import Cluster
from jurist.services.lanes.fleet import fleet
from jurist.services.metrics import Metrics
from jurist.services.server import Server
from jurist.verifiers import Dialogue, Equality, Prompt

if TYPE_CHECKING:
    from jurist.services.config import Config
    from jurist.services.lanes import Lane, RulesLane
    from jurist.verifiers import Question

__all__ = ["engine", "server"]


def engine(config: Config, metrics: Metrics) -> Engine:
    """Build an engine.

    Raises:
        ConfigurationError: a model, or the file of the cluster's lanes, is not configured as it must be.
    """
    lanes: dict[type[Question], Lane] = {}
    rules, sandbox, models = _on_ray(config, metrics) if config.lanes == "ray" else _here(config, metrics)
    lanes[Equality] = rules
    lanes[Prompt] = lanes[Dialogue] = models
    if config.sandbox != "off":
        lanes[Program] = sandbox
    return Engine(rules, lanes, metrics, Bounds(config.queue_rollouts, config.queue_bytes))


def _here(config: Config, metrics: Metrics) -> tuple[RulesLane, Lane, Lane]:
    rules = machine.rules(config)
    metrics.watch_workers(lambda: rules.pool.replaced)
    return rules, machine.sandbox(config), machine.models(config, metrics)


def _on_ray(config: Config, metrics: Metrics) -> tuple[RulesLane, Lane, Lane]:
    cluster = Cluster(config, fleet(config.ray_config), metrics)
    # Where no model is configured there is nobody to ask, and no node with a GPU to be called up for saying so.
    models = cluster.lane("model") if config.models or config.judge or config.reward_model else None
    if models is not None and config.answers_file is not None:
        raise ConfigurationError(
            "answers_file: the models are on the Ray cluster, whose nodes share no file; leave it out, or have the "
            "front ask the models itself (model: null in ray_config)"
        )
    rules = cluster.rules()
    metrics.watch_workers(lambda: rules.replaced)
    return (
        rules,
        cluster.lane("sandbox") or machine.sandbox(config),
        models or machine.models(config, metrics),
    )


def server(config: Config) -> Server:
    """Build a server.

    Raises:
        ConfigurationError: a file of recipes, of the cluster's lanes or of the certificate is wrong.
    """
    metrics = Metrics()
    return Server(config, engine(config, metrics), Cookbook(config.recipes), metrics)
