"""The two drivers of the lanes beside each other: what a rollout costs on this machine and through Ray, in one run.

The verifier is trivial (`exact_answer`), so that carrying is what is measured. CPU is that of the whole process tree,
Ray's own processes with it; rates are by the clock, with client and server sharing this machine. Both servers have the
same number of workers.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from service import GROUP, completions, served

from jurist.client import Client, group

if TYPE_CHECKING:
    from collections.abc import Sequence

    from jurist.v1 import reward_pb2

JURIST = Path(sys.executable).with_name("jurist")
SIZES = tuple(int(size) << 10 for size in os.environ.get("BENCH_SIZES_KB", "1,16,64").split(","))
ROLLOUTS = 4096
BATCH_BYTES = 64 << 20
FLAGS = ("--port", "0", "--metrics-port", "0", "--log-format", "json")
RECIPE = {"terms": [{"verifier": "exact_answer"}]}
# Replicas that stay, as many as cores: what comes and goes is not what is measured.
FLEET = "lanes: {rules: {min_replicas: %d, max_replicas: %d, max_calls: 4}, sandbox: null, model: null}"


class Served(NamedTuple):
    """A driver's server."""

    driver: str
    process: subprocess.Popen[str]
    target: str
    metrics_port: int

    def calls(self) -> float:
        """How many calls to replicas there were."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.metrics_port}/metrics") as page:
            lines = page.read().decode().splitlines()
        return sum(float(line.rpartition(" ")[2]) for line in lines if line.startswith("jurist_lane_calls_total"))


def start(driver: str, folder: Path) -> Served:
    """Start a server."""
    cores = os.cpu_count() or 1
    (folder / "lanes.yaml").write_text(FLEET % (cores, cores))
    process = subprocess.Popen(
        [JURIST, "serve", *FLAGS, "--lanes", driver, "--ray-config", folder / "lanes.yaml"],
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    for line in process.stderr:
        event: dict[str, Any] = json.loads(line) if line.startswith("{") else {"event": ""}
        if event["event"] == "serving":
            return Served(driver, process, event["target"], event["metrics_port"])
    raise SystemExit(process.wait())


def row(server: Served, size: int, texts: Sequence[str]) -> None:
    """Measure one driver at one size and print it."""
    groups: list[reward_pb2.RolloutGroup] = [
        group(texts[at : at + GROUP], answers="3") for at in range(0, len(texts), GROUP)
    ]
    with Client(server.target, recipe=RECIPE, timeout_s=300) as client:
        client.score(groups)  # replicas are up, connections open
        calls, done = server.calls(), 0

        def unary() -> int:
            nonlocal done
            done += len(texts)
            return len(client.score(groups)) * GROUP

        unary_s, unary_rate = served(server.process.pid, unary, len(texts))
        calls = (server.calls() - calls) / done * 1024
        stream_s, stream_rate = served(server.process.pid, lambda: len(list(client.stream(groups))) * GROUP, len(texts))
    print(
        f"{server.driver:6} {size >> 10:4d} kB {unary_s * 1e6:9.1f} {unary_rate:9.0f} {stream_s * 1e6:9.1f} "
        f"{stream_rate:9.0f} {calls:9.1f}",
        flush=True,
    )


def main() -> None:
    """Start both servers, measure, stop them."""
    with tempfile.TemporaryDirectory() as folder:
        servers = [start(driver, Path(folder)) for driver in ("local", "ray")]
        print("               CPU us   unary/s    CPU us  stream/s  Ray calls")
        print("driver   size   unary              stream            per 1,024")
        try:
            for size in SIZES:
                texts = completions(size, min(ROLLOUTS, BATCH_BYTES // size))
                for server in servers:
                    row(server, size, texts)
        finally:
            for server in servers:
                server.process.send_signal(signal.SIGTERM)
                server.process.communicate()


if __name__ == "__main__":
    main()
