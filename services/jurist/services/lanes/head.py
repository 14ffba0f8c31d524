"""A Ray of one node, started for this process and ended with it.

`ray.init` would do that, but it forks, and a process that serves gRPC must not: the child hangs. Ray's own command is
started instead, which stays in front of its daemons and takes them along when it ends.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from jurist.services.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Head"]

START_TIMEOUT_S = 120.0  # seconds on a quiet machine
STOP_TIMEOUT_S = 20.0
LOOK_EVERY_S = 0.1
OBJECT_STORE_BYTES = 512 << 20  # the arguments of some 60 calls
SETTINGS = {
    "RAY_GRACEFUL_SHUTDOWN_DRAIN_TIMEOUT_S": "0",  # its one driver has left by then
    "RAY_SERVE_FORCE_STOP_UNHEALTHY_REPLICAS": "1",  # a replica that stalled would not drain, but keep its calls
}
# PR_SET_PDEATHSIG, SIGTERM: should this process be killed, Ray ends all the same.
BOOT = (
    "import ctypes, sys; ctypes.CDLL(None).prctl(1, 15); "
    "from ray.scripts.scripts import main; sys.argv[0] = 'ray'; sys.exit(main())"
)


class Head:
    """The node. `address` is what a driver connects to."""

    def __init__(self, resources: Mapping[str, float]) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="jurist-ray-"))
        options = {
            "port": 0,
            "temp-dir": self._folder,
            "object-store-memory": OBJECT_STORE_BYTES,
            "include-dashboard": "false",
            "resources": str(dict(resources)).replace("'", '"'),
        }
        flags = [f"--{name}={value}" for name, value in options.items()]
        self._said = (self._folder / "said").open("wb+")
        self._process = subprocess.Popen(  # noqa: S603  # our own interpreter and text
            [sys.executable, "-c", BOOT, "start", "--head", "--block", "--disable-usage-stats", *flags],
            stdin=subprocess.DEVNULL,
            stdout=self._said,
            stderr=subprocess.STDOUT,
            env=os.environ | SETTINGS,
        )

    def address(self) -> str:
        """Wait until the node is up; returns its address.

        Raises:
            ConfigurationError: it does not come up.
        """
        file = self._folder / "ray_current_cluster"
        end = time.monotonic() + START_TIMEOUT_S
        while not (file.exists() and (address := file.read_text(encoding="ascii").strip())):
            if self._process.poll() is not None or time.monotonic() > end:
                self._said.seek(0)
                raise ConfigurationError(f"Ray does not start: {self._said.read().decode(errors='replace')[-2000:]}")
            time.sleep(LOOK_EVERY_S)
        return address

    def stop(self) -> None:
        """End the node."""
        self._process.terminate()
        try:
            self._process.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._said.close()
        shutil.rmtree(self._folder, ignore_errors=True)
