"""What every test shares."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import pytest
from hypothesis import settings

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator

    from xdist.remote import Producer
    from xdist.scheduler import LoadScopeScheduling

ROOT = Path(__file__).parents[1]
SANDBOX_IMAGE = "jurist/sandbox:test"  # as deploy/engine.sh calls it
ENGINE_START_S = 60
HOSTILE = Path(__file__).parent / "hostile"  # verifiers that hang, eat memory, raise, exit; found by entry points
sys.path.append(str(HOSTILE))  # a worker finds there what a test hands it
COUNTING = {"deploy", "ray", "sandbox"}  # folders of tests that look for processes, containers, memory or nodes
JURIST = str(Path(sys.executable).with_name("jurist"))

# No test is timed: a busy machine must not fail one. CI tries the same examples every time.
settings.register_profile("jurist", deadline=None, derandomize=os.environ.get("CI") == "true")
settings.load_profile("jurist")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """In CI a skipped test is a failure: what was not tried must not look green."""
    report = yield
    if report.skipped and os.environ.get("CI") == "true" and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"skipped in CI: {report.longrepr}"
    return report


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> LoadScopeScheduling:
    """Keep the tests of a file together, and in one process all that count what is on the machine."""
    from xdist.scheduler import LoadScopeScheduling  # noqa: PLC0415  the client's tests run without it

    class Lanes(LoadScopeScheduling):  # type: ignore[misc]
        def _split_scope(self, nodeid: str) -> str:
            file = nodeid.partition("::")[0]
            return "machine" if file.split("/")[1] in COUNTING else file

    return Lanes(config, log)


class Served(NamedTuple):
    """A server process, HOST:PORT of its services, and the ports of its metrics and of its HTTP facade."""

    process: subprocess.Popen[str]
    target: str
    metrics_port: int
    http_port: int


def start_server(**settings: object) -> Served:
    """Start `jurist serve` with settings by environment; it knows the hostile verifiers, too."""
    port, http_port = settings.pop("port", 0), settings.pop("http_port", 0)
    environment = {f"JURIST_{name.upper()}": str(value) for name, value in settings.items()}
    path = os.pathsep.join(filter(None, [str(HOSTILE), os.environ.get("PYTHONPATH", "")]))
    process = subprocess.Popen(  # our own command
        [
            JURIST,
            "serve",
            "--port",
            f"{port}",
            "--http-port",
            f"{http_port}",
            "--metrics-port",
            "0",
            "--log-format",
            "json",
        ],
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | environment | {"PYTHONPATH": path},
    )
    assert process.stderr is not None
    for line in process.stderr:
        event = json.loads(line)
        if event["event"] == "serving":
            return Served(process, event["target"], event["metrics_port"], event["http_port"])
    pytest.fail(f"the server did not start: exit status {process.wait()}")


def stop_server(served: Served) -> int:
    """End a server as an operator does; returns its exit status."""
    served.process.send_signal(signal.SIGTERM)
    served.process.communicate(timeout=60)
    return served.process.returncode


@contextmanager
def starting() -> Generator[Callable[..., Served]]:
    """Give a function that starts servers; those that still run at the end are killed."""
    started: list[Served] = []

    def start(**settings: object) -> Served:
        started.append(start_server(**settings))
        return started[-1]

    try:
        yield start
    finally:
        for served in started:
            served.process.kill()
            served.process.communicate()


@pytest.fixture
def start() -> Iterator[Callable[..., Served]]:
    """Starts servers of a test's own."""
    with starting() as start:
        yield start


@pytest.fixture(scope="module")
def start_for_all() -> Iterator[Callable[..., Served]]:
    """Starts servers that all tests of a module share."""
    with starting() as start:
        yield start


@pytest.fixture(scope="session")
def server() -> Iterator[Served]:
    """A server with tight limits, shared by all tests that leave it whole."""
    served = start_server(workers=2, cell_cpu_s=1.0, stall_s=3.0, worker_memory_bytes=1 << 30)
    yield served
    assert stop_server(served) == 0


def engine_answers() -> bool:
    from jurist.sandbox import SandboxUnavailableError  # noqa: PLC0415  the client's tests run without it
    from jurist.sandbox._engine import Engine  # noqa: PLC0415  as above

    try:
        Engine.connected().close()
    except SandboxUnavailableError:
        return False
    return True


def prepare_engine() -> None:
    """Install the engine and build its images, where that is this host's to do; what is there is kept."""
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        pytest.skip("the Docker engine and its images take root and apt")
    done = subprocess.run([ROOT / "deploy" / "engine.sh"], check=False, capture_output=True, text=True)
    if done.returncode:
        pytest.fail(f"deploy/engine.sh: {done.stdout[-1000:]}{done.stderr[-2000:]}")


@pytest.fixture(scope="session")
def image(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The sandbox's image, on an engine that is started here, and stopped at the end, unless it was running before."""
    prepare_engine()
    if engine_answers():
        yield SANDBOX_IMAGE
        return
    log = tmp_path_factory.mktemp("engine") / "dockerd.log"
    with log.open("w") as out:
        daemon = subprocess.Popen(["dockerd"], stdout=out, stderr=subprocess.STDOUT)  # noqa: S607  where apt puts it
    try:
        deadline = time.monotonic() + ENGINE_START_S
        while not engine_answers():
            if daemon.poll() is not None or time.monotonic() > deadline:
                pytest.fail(f"dockerd does not answer: {log.read_text()[-2000:]}")
            time.sleep(0.2)
        yield SANDBOX_IMAGE
    finally:
        daemon.terminate()
        daemon.wait()
