"""One sandbox a backend for all tests of this folder; where the host cannot give one, they are skipped with the reason.

A test that takes `sandbox` or `make` is run over every backend.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import TYPE_CHECKING

import pytest
import pytest_asyncio

from jurist.sandbox import SandboxUnavailableError
from jurist.sandbox._supervisor import Supervisor
from jurist.sandbox.docker import Docker
from jurist.sandbox.embedded import Embedded

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

BACKENDS = [pytest.param("embedded"), pytest.param("docker", marks=pytest.mark.docker)]

Make = Callable[..., AbstractAsyncContextManager[Supervisor]]


@pytest.fixture(scope="session", params=BACKENDS)
def make(request: pytest.FixtureRequest) -> Make:
    """What makes sandboxes of a backend."""
    if request.param == "embedded":
        return Embedded
    image = request.getfixturevalue("image")
    return lambda **options: Docker(**{"image": image, **options})


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def sandbox(make: Make) -> AsyncIterator[Supervisor]:
    """A sandbox of a backend, shared by all tests that leave it whole."""
    made = make(slots=2)
    try:
        running = await made.__aenter__()
    except SandboxUnavailableError as error:
        pytest.skip(f"this host cannot run this sandbox: {error}")
    yield running
    await made.__aexit__(None, None, None)
