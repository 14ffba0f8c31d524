"""The lanes of one machine, as a configuration says: what `jurist serve` runs, and what runs inside a Ray replica."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jurist.services.lanes.local import LocalRules
from jurist.services.lanes.models import LocalModels
from jurist.services.lanes.sandbox import LocalSandbox, backend
from jurist.services.lanes.worker import Limits

if TYPE_CHECKING:
    from jurist.services.config import Config
    from jurist.services.models.counts import ModelMetrics

__all__ = ["models", "rules", "sandbox"]


def rules(config: Config) -> LocalRules:
    """Build the rules lane."""
    limits = Limits(
        cell_cpu_s=config.cell_cpu_s,
        memory_bytes=config.worker_memory_bytes,
        recycle_bytes=config.worker_recycle_bytes,
    )
    return LocalRules(config.workers, limits, config.equality_cpu_s, config.stall_s)


def sandbox(config: Config) -> LocalSandbox:
    """Build the sandbox lane."""
    return LocalSandbox(backend(config), required=config.sandbox == "required")


def models(config: Config, metrics: ModelMetrics) -> LocalModels:
    """Build the model lane.

    Raises:
        ConfigurationError: a setting names a model that there is not, or one that needs a missing package.
    """
    return LocalModels.configured(config, metrics)
