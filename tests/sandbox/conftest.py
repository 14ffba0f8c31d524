"""One sandbox for all tests of this folder; where the host cannot give one, they are skipped with the reason."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import pytest_asyncio

from jurist.sandbox import SandboxUnavailableError
from jurist.sandbox.embedded import Embedded

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def sandbox() -> AsyncIterator[Embedded]:
    embedded = Embedded(slots=2)
    try:
        await embedded.__aenter__()
    except SandboxUnavailableError as error:
        pytest.skip(f"this host cannot run the embedded sandbox: {error}")
    yield embedded
    await embedded.__aexit__(None, None, None)
