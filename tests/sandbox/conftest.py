"""One sandbox a backend for all tests of this folder; where the host cannot give one, they are skipped with the reason.

A test that takes `sandbox` or `make` is run over every backend. The Docker engine is started, and its images are built,
with the first test that needs them; the engine is stopped at the end unless it was running before.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import pytest_asyncio

from jurist.sandbox import SandboxUnavailableError
from jurist.sandbox._engine import Engine
from jurist.sandbox._supervisor import Supervisor
from jurist.sandbox.docker import Docker
from jurist.sandbox.embedded import Embedded

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

ROOT = Path(__file__).parents[2]
IMAGE = "jurist/sandbox:test"
ENGINE_START_S = 60
BACKENDS = [pytest.param("embedded"), pytest.param("docker", marks=pytest.mark.docker)]

Make = Callable[..., AbstractAsyncContextManager[Supervisor]]


def answers() -> bool:
    try:
        Engine.connected().close()
    except SandboxUnavailableError:
        return False
    return True


def prepare() -> None:
    """Install the engine and build its images, where that is this host's to do; what is there is kept."""
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        pytest.skip("the Docker engine and its images take root and apt")
    done = subprocess.run([ROOT / "deploy" / "engine.sh"], check=False, capture_output=True, text=True)
    if done.returncode:
        pytest.fail(f"deploy/engine.sh: {done.stdout[-1000:]}{done.stderr[-2000:]}")


@pytest.fixture(scope="session")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """An engine with the images."""
    prepare()
    if answers():
        yield
        return
    log = tmp_path_factory.mktemp("engine") / "dockerd.log"
    with log.open("w") as out:
        daemon = subprocess.Popen(["dockerd"], stdout=out, stderr=subprocess.STDOUT)  # noqa: S607  where apt puts it
    try:
        deadline = time.monotonic() + ENGINE_START_S
        while not answers():
            if daemon.poll() is not None or time.monotonic() > deadline:
                pytest.fail(f"dockerd does not answer: {log.read_text()[-2000:]}")
            time.sleep(0.2)
        yield
    finally:
        daemon.terminate()
        daemon.wait()


@pytest.fixture(scope="session", params=BACKENDS)
def make(request: pytest.FixtureRequest) -> Make:
    """What makes sandboxes of a backend."""
    if request.param == "embedded":
        return Embedded
    request.getfixturevalue("engine")
    return lambda **options: Docker(**{"image": IMAGE, **options})


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
