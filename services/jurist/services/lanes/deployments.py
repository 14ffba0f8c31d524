"""The Serve application: a deployment for each lane, in whose replicas the lane of one machine runs.

Imported by replicas and by the front once it has connected.
"""

# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# Ray's types are partial.

from __future__ import annotations

import asyncio
import hashlib
import json
import warnings
from dataclasses import asdict
from functools import cached_property
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from pydantic import SecretStr
from ray import serve
from ray.serve.config import AutoscalingConfig, AutoscalingPolicy

from jurist.services.config import HandedOver
from jurist.services.lanes import machine
from jurist.services.lanes.replica import LaneReplica, RulesReplica
from jurist.services.lanes.scaling import Scaling
from jurist.services.models.counts import ModelTally

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Mapping

    from jurist.services.config import Config
    from jurist.services.lanes.fleet import Fleet, LaneFleet, LaneName

__all__ = ["build", "fingerprint"]

# What of the front's settings the lanes are built from; the rest is the front's own.
LANE_SETTINGS = (
    "cell_cpu_s",
    "equality_cpu_s",
    "stall_s",
    "worker_memory_bytes",
    "worker_recycle_bytes",
    "sandbox",
    "sandbox_backend",
    "sandbox_weaker",
    "sandbox_packages",
    "sandbox_image",
    "sandbox_images",
    "sandbox_runtime",
    "sandbox_engine",
    "models",
    "judge",
    "reward_model",
    "answers_kept",
)

HEALTH_PERIOD_S = 5.0
# A replica's loop is free while its workers judge; only a machine out of memory takes so long. Serve gives a replica up
# after three of them in a row. That must be sooner than it takes the lane down: it counts no calls of a replica that is
# silent, and one that is taken down may drain.
HEALTH_TIMEOUT_S = 15.0
REPORTS = 4  # of a front to Serve over the time that calls are averaged
QUEUE_FACTOR = 2  # a front makes `calls` at most; what is more is another front's, or a retry's
STARTS = 1_000_000  # Serve's own 20 would undo RAY_SERVE_MAX_PER_REPLICA_RETRY_COUNT: it takes the lesser


class _Served(LaneReplica):
    """Begins a replica's work and ends it, as Serve asks."""

    @cached_property
    def _begun(self) -> _Once:
        return _Once(self.start, self.stop)

    async def check_health(self) -> None:
        """Take up work: Serve asks before it sends any."""
        await self._begun()

    def __del__(self) -> Coroutine[Any, Any, None] | None:
        """Give up all work. Serve awaits this when it takes a replica away; Python's own call finds nothing to end."""
        return self._begun.undone()


class RulesDeployment(_Served, RulesReplica):
    """A replica of the rules lane. Takes the other lanes' handles, which makes them parts of one application."""

    def __init__(self, settings: Mapping[str, object], *_: object) -> None:
        lane = machine.rules(HandedOver(**dict(settings)))  # type: ignore[arg-type]  # it checks them
        super().__init__(lane, lambda: lane.pool.replaced)


class SandboxDeployment(_Served):
    """A replica of the sandbox lane."""

    def __init__(self, settings: Mapping[str, object]) -> None:
        super().__init__(machine.sandbox(HandedOver(**dict(settings))))  # type: ignore[arg-type]


class ModelDeployment(_Served):
    """A replica of the model lane: one copy of every model."""

    def __init__(self, settings: Mapping[str, object]) -> None:
        tally = ModelTally()
        super().__init__(machine.models(HandedOver(**dict(settings)), tally), tally.told)  # type: ignore[arg-type]


class _Once:
    """Begins something once, whoever comes first, and ends it once, if it has begun."""

    def __init__(self, begin: Callable[[], Any], end: Callable[[], Coroutine[Any, Any, None]]) -> None:
        self._begin = begin
        self._end = end
        self._lock = asyncio.Lock()
        self._begun = False

    async def __call__(self) -> None:
        async with self._lock:
            if not self._begun:
                await self._begin()
                self._begun = True

    def undone(self) -> Coroutine[Any, Any, None] | None:
        """Return what ends it, None where nothing is to be ended."""
        begun, self._begun = self._begun, False
        return self._end() if begun else None


CLASSES: dict[LaneName, type] = {"rules": RulesDeployment, "sandbox": SandboxDeployment, "model": ModelDeployment}


def build(config: Config, lanes: Fleet) -> serve.Application:
    """Build the application."""
    others = [
        _deployment(lanes, name).bind(_settings(config, lane)) for name, lane in lanes.lanes.items() if name != "rules"
    ]
    rules = lanes.lanes["rules"]
    return _deployment(lanes, "rules").bind(_settings(config, rules), *others)


def fingerprint(config: Config, lanes: Fleet) -> str:
    """Return what changes when the application does: the code's version, the lanes, their settings."""
    parts = [version("jurist"), asdict(lanes), *(_settings(config, lane) for lane in lanes.lanes.values())]
    return hashlib.sha256(json.dumps(parts, sort_keys=True, default=_plain).encode()).hexdigest()


def _plain(value: object) -> str:
    return value.get_secret_value() if isinstance(value, SecretStr) else str(value)


def _settings(config: Config, lane: LaneFleet) -> dict[str, object]:
    """Return what a replica builds its lane from."""
    settings: dict[str, object] = config.model_dump(include=set(LANE_SETTINGS))
    return settings | {"workers": lane.workers}


def _deployment(lanes: Fleet, name: LaneName) -> serve.Deployment:
    lane = lanes.lanes[name]
    resources = dict(lane.resources)
    actor: dict[str, Any] = {
        "num_cpus": resources.pop("CPU", 0),
        "num_gpus": resources.pop("GPU", 0),
        "memory": resources.pop("memory", 0),
        "resources": resources,
    }
    if lane.environment:
        actor["runtime_env"] = {"env_vars": dict(lane.environment)}
    deployment: Callable[[type], serve.Deployment] = serve.deployment(
        name=name,
        ray_actor_options=actor,
        max_ongoing_requests=lane.max_calls,
        max_queued_requests=QUEUE_FACTOR * lane.calls,
        graceful_shutdown_timeout_s=lane.drain_s,
        health_check_period_s=HEALTH_PERIOD_S,
        health_check_timeout_s=HEALTH_TIMEOUT_S,
        max_constructor_retry_count=STARTS,
        autoscaling_config=_autoscaling(lanes.application, name, lane),
    )
    return deployment(CLASSES[name])


def _autoscaling(application: str, name: LaneName, lane: LaneFleet) -> AutoscalingConfig:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        return AutoscalingConfig(
            min_replicas=lane.min_replicas,
            max_replicas=lane.max_replicas,
            target_ongoing_requests=lane.target_calls,
            upscaling_factor=float(lane.first_replicas),
            upscale_delay_s=lane.upscale_delay_s,
            downscale_delay_s=lane.downscale_delay_s,
            downscale_to_zero_delay_s=lane.rest_delay_s,
            look_back_period_s=lane.look_back_s,
            # Serve wants it said by an environment variable, of every process that has a handle, and obeys this one.
            metrics_interval_s=lane.look_back_s / REPORTS,
            policy=AutoscalingPolicy(  # type: ignore[no-untyped-call]  # Ray's
                policy_function=Scaling, policy_kwargs={"application": application, "lane": name}
            ),
        )
