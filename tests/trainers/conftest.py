"""Adapters find the shared server by the environment, as a run does."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

CACHED = {"areal": "_settings", "slime": "_settings", "trl": "_of_environment", "verifiers_v1": "_settings"}


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Sets `JURIST_CLIENT_*`; adapters read it at their first call."""

    def set_(**settings: object) -> None:
        for name, value in settings.items():
            monkeypatch.setenv(f"JURIST_CLIENT_{name.upper()}", str(value))
        for module, function in CACHED.items():
            getattr(import_module(f"jurist.trainers.{module}"), function).cache_clear()

    return set_


@pytest.fixture
def service(server: Any, environment: Callable[..., None]) -> Callable[..., None]:
    """Sets the same, and the shared server as the target."""
    return lambda **settings: environment(target=server.target, **settings)


@pytest.fixture
def away(environment: Callable[..., None]) -> Callable[..., None]:
    """Sets a target where nobody listens, and little patience."""
    return lambda **settings: environment(target="127.0.0.1:9", patience_s=0.1, timeout_s=5, **settings)
