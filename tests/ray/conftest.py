"""A Ray cluster whose nodes come and go on this host: Ray's own autoscaler over its fake provider of nodes.

A node is a raylet of its own. They are counted by looking at processes: a driver of Ray's for that would take longer
than what it watches.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

HEAD_ID = "f" * 51 + "00000"
# What replicas are built from: a front with others would replace them. As the shared local server's, to compare them.
SETTINGS: dict[str, object] = {
    "cell_cpu_s": 1.0,
    "stall_s": 3.0,
    "worker_memory_bytes": 1 << 30,
    "judge": "tiny_judge",
}
START_S = 240.0  # 8 s on a quiet machine
JURIST = str(Path(sys.executable).with_name("jurist"))
RAY = str(Path(sys.executable).with_name("ray"))
FRONT = ("--port", "0", "--metrics-port", "0", "--log-format", "json")
HEAD = (
    "--head",
    "--block",
    "--num-cpus=0",
    "--include-dashboard=false",
    "--disable-usage-stats",
    "--object-store-memory=200000000",
)
HOSTILE = Path(__file__).parents[1] / "hostile"

# Quick to come and go, so that a test need not wait; the three kinds of node differ as the lanes' needs do.
LANE = "upscale_delay_s: 0, downscale_delay_s: 4, rest_delay_s: 8, look_back_s: 1"
FLEET = f"""
lanes:
  rules: {{max_replicas: 2, first_replicas: 2, {LANE}}}
  sandbox: {{max_replicas: 2, first_replicas: 2, {LANE}}}
  model: {{max_replicas: 1, first_replicas: 1, {LANE}}}
"""
NODES: dict[str, dict[str, float]] = {
    "rules": {"CPU": 1},
    "sandbox": {"CPU": 0, "sandbox": 1},
    "model": {"CPU": 0, "GPU": 1},
}


def wait_until(what: str, holds: Callable[[], bool], within_s: float) -> float:
    """Wait until something holds; returns how long that took, seconds."""
    start = time.monotonic()
    while not holds():
        if time.monotonic() - start > within_s:
            pytest.fail(f"{what}: not within {within_s:g} s")
        time.sleep(0.1)
    return time.monotonic() - start


def command_lines() -> Iterator[tuple[int, str]]:
    """Every process and its command line."""
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                yield int(entry.name), (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")


def environment_of(pid: int) -> bytes:
    """A process's environment, b"" where it is gone."""
    try:
        return Path(f"/proc/{pid}/environ").read_bytes()
    except OSError:
        return b""


def metric(port: int, name: str) -> float:
    """The sum of a metric's samples whose line begins so; 0.0 when there is none."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=60) as page:
        lines = page.read().decode().splitlines()
    return sum(float(line.rpartition(" ")[2]) for line in lines if line.startswith(name))


@dataclass
class Front:
    """A server on the cluster."""

    process: subprocess.Popen[str]
    target: str
    metrics_port: int
    lines: list[str]

    @property
    def said(self) -> str:
        """What it has logged so far."""
        return "".join(self.lines)

    def metric(self, name: str) -> float:
        """The sum of a metric's samples whose line begins so; 0.0 when there is none."""
        return metric(self.metrics_port, name)


@dataclass
class Cluster:
    """The cluster: its folder, its token, its address; and the fronts that joined it."""

    folder: Path
    token: str
    port: int
    environment: dict[str, str]
    fronts: list[Front] = field(default_factory=list)

    @property
    def address(self) -> str:
        return f"{node_ip()}:{self.port}"

    def processes(self) -> Iterator[tuple[int, str]]:
        """The processes of this cluster alone: the token is in the environment of each."""
        for pid, line in command_lines():
            if self.token.encode() in environment_of(pid):
                yield pid, line

    def raylets(self) -> dict[int, str]:
        """The nodes beside the head: the kind of each, by its raylet's process."""
        found: dict[int, str] = {}
        for pid, line in self.processes():
            if "/raylet/raylet" in line and "node:__internal_head__" not in line:
                found[pid] = "model" if "GPU,1" in line else "sandbox" if "sandbox,1" in line else "rules"
        return found

    def nodes(self) -> Counter[str]:
        """How many nodes of each kind there are."""
        return Counter(self.raylets().values())

    def replicas(self, lane: str) -> list[int]:
        """The processes that a lane's replicas run in."""
        return [pid for pid, line in self.processes() if line.startswith(f"ray::ServeReplica:jurist:{lane}")]

    def workers(self, lane: str) -> list[int]:
        """The processes that judge, or run programs, for a lane's replicas."""
        replicas = set(self.replicas(lane))
        children = {pid: parent_of(pid) for pid, _ in self.processes()}
        zygotes = {pid for pid, parent in children.items() if parent in replicas}
        return [pid for pid, parent in children.items() if parent in zygotes]

    def wait_until(self, what: str, holds: Callable[[], bool], within_s: float = 180.0) -> float:
        """Wait until something holds; returns how long that took, seconds."""
        return wait_until(what, holds, within_s)

    def front(self, **settings: object) -> Front:
        """Start a server on this cluster."""
        settings = SETTINGS | settings
        process = subprocess.Popen(
            [JURIST, "serve", "--lanes", "ray", "--address", self.address, *FRONT],
            stderr=subprocess.PIPE,
            text=True,
            env=self.environment | {f"JURIST_{name.upper()}": str(value) for name, value in settings.items()},
        )
        assert process.stderr is not None
        said: list[str] = []
        for line in process.stderr:
            said.append(line)
            event: dict[str, Any] = json.loads(line) if line.startswith("{") else {"event": ""}
            if event["event"] == "serving":
                self.fronts.append(Front(process, event["target"], event["metrics_port"], said))
                threading.Thread(target=drained, args=(process.stderr, said), daemon=True).start()
                return self.fronts[-1]
        pytest.fail(f"the server did not start: exit status {process.wait()}: {''.join(said)}")


def drained(stream: IO[str], lines: list[str]) -> None:
    """Read to the end, so that the writer never waits for us."""
    with stream:
        lines.extend(stream)


def parent_of(pid: int) -> int:
    """A process's parent, 0 where it is gone."""
    try:
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    except OSError:
        return 0


def node_ip() -> str:
    """The address that Ray takes for this host's."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("10.255.255.255", 1))  # sends nothing
            return str(probe.getsockname()[0])
        except OSError:
            return "127.0.0.1"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    """A head without CPUs, and nodes of three kinds that come when they are wanted."""
    folder = Path(tempfile.mkdtemp(prefix="jr-"))  # short: sockets' paths are bounded
    token, port = secrets.token_hex(32), free_port()
    settings = {
        "RAY_FAKE_CLUSTER": "1",
        "AUTOSCALER_UPDATE_INTERVAL_S": "1",
        "RAY_USAGE_STATS_ENABLED": "0",
        "RAY_AUTH_MODE": "token",
        "RAY_AUTH_TOKEN": token,
        "RAY_enable_autoscaler_v2": "1",
        "RAY_CLOUD_INSTANCE_ID": HEAD_ID,
        "RAY_OVERRIDE_NODE_ID_FOR_TESTING": HEAD_ID,
        "RAY_GRACEFUL_SHUTDOWN_DRAIN_TIMEOUT_S": "0",
        "RAY_SERVE_FORCE_STOP_UNHEALTHY_REPLICAS": "1",
        "PYTHONPATH": os.pathsep.join(filter(None, [str(HOSTILE), os.environ.get("PYTHONPATH", "")])),
    }
    (folder / "cluster.json").write_text(json.dumps(autoscaling(port)))
    (folder / "lanes.yaml").write_text(FLEET)
    said = (folder / "said").open("w")
    head = subprocess.Popen(
        [RAY, "start", *HEAD, f"--autoscaling-config={folder}/cluster.json", f"--port={port}", f"--temp-dir={folder}"],
        env=os.environ | settings,
        stdout=said,
        stderr=subprocess.STDOUT,
    )
    said.close()
    front_settings = {
        name: settings[name] for name in ("RAY_AUTH_MODE", "RAY_AUTH_TOKEN", "RAY_USAGE_STATS_ENABLED", "PYTHONPATH")
    }
    found = Cluster(folder, token, port, os.environ | front_settings | {"JURIST_RAY_CONFIG": f"{folder}/lanes.yaml"})
    try:
        wait_until("Ray's head", lambda: "Ray runtime started" in (folder / "said").read_text(), START_S)
        yield found
    finally:
        for front in found.fronts:
            front.process.send_signal(signal.SIGTERM)
            front.process.wait(120)
        head.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            head.wait(30)
        for pid, _ in list(found.processes()):  # what Ray left behind, and only that: they carry our token
            if pid != os.getpid():
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
        head.wait(30)


@pytest.fixture(scope="session")
def front(cluster: Cluster) -> Front:
    """The server that tests share."""
    return cluster.front()


@dataclass(frozen=True)
class Driver:
    """A server over one of the two, and what a test does to it from outside."""

    process: subprocess.Popen[str]
    target: str
    metric: Callable[[str], float]
    workers: Callable[[], list[int]]
    """The processes that judge."""

    def wait_until(self, what: str, holds: Callable[[], bool], within_s: float = 60.0) -> float:
        """Wait until something holds; returns how long that took, seconds."""
        return wait_until(what, holds, within_s)


def local(served: Any) -> Driver:
    """A server with lanes of its own."""

    def workers() -> list[int]:
        parents = {pid: parent_of(pid) for pid, _ in command_lines()}
        zygotes = {pid for pid, parent in parents.items() if parent == served.process.pid}
        return [pid for pid, parent in parents.items() if parent in zygotes]

    return Driver(served.process, served.target, lambda name: metric(served.metrics_port, name), workers)


def remote(front: Front, cluster: Cluster) -> Driver:
    """A server whose lanes are on the cluster."""
    return Driver(front.process, front.target, front.metric, lambda: cluster.workers("rules"))


@pytest.fixture(params=["local", "ray"])
def driver(request: pytest.FixtureRequest) -> Driver:
    """The server over a driver that all tests share."""
    if request.param == "local":
        return local(request.getfixturevalue("server"))
    return remote(request.getfixturevalue("front"), request.getfixturevalue("cluster"))


@pytest.fixture(params=["local", "ray"])
def started(request: pytest.FixtureRequest) -> Callable[..., Driver]:
    """What starts a server of a test's own over a driver."""
    if request.param == "local":
        start = request.getfixturevalue("start")
        return lambda **settings: local(start(workers=2, **settings))
    cluster = request.getfixturevalue("cluster")
    return lambda **settings: remote(cluster.front(**settings), cluster)


def autoscaling(port: int) -> dict[str, object]:
    """The configuration of Ray's autoscaler."""
    kinds: dict[str, object] = {
        name: {
            "resources": resources | {"object_store_memory": 1e8},
            "node_config": {},
            "min_workers": 0,
            "max_workers": 2,
        }
        for name, resources in NODES.items()
    }
    head = {"resources": {"CPU": 0}, "node_config": {}, "max_workers": 0}
    return {
        "cluster_name": "jurist-test",
        "max_workers": 6,
        "upscaling_speed": 1,
        "idle_timeout_minutes": 0.05,
        "provider": {
            "type": "external",
            "module": "ray.autoscaler._private.fake_multi_node.node_provider.FakeMultiNodeProvider",
            "use_node_id_as_ip": True,
            "disable_node_updaters": True,
            "disable_launch_config_check": True,
            "gcs_address": f"{node_ip()}:{port}",
            "launch_multiple": True,
            "head_node_id": HEAD_ID,
        },
        "available_node_types": kinds | {"ray.head.default": head},
        "head_node_type": "ray.head.default",
        "auth": {},
        "file_mounts": {},
        "cluster_synced_files": [],
        "file_mounts_sync_continuously": False,
        "rsync_exclude": [],
        "rsync_filter": [],
        "initialization_commands": [],
        "setup_commands": [],
        "head_setup_commands": [],
        "worker_setup_commands": [],
        "head_start_ray_commands": [],
        "worker_start_ray_commands": [],
    }
