"""Adapters find the shared server by the environment, as a run does; trainers run in environments of their own."""

from __future__ import annotations

import json
import os
import subprocess
import threading
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ROOT = Path(__file__).parents[2]
SCRIPTS = Path(__file__).parent / "real"
EXAMPLE = ROOT / "examples" / "r1_zero"  # has the tiny model
TIMEOUT_S = 600.0
MARK = "scored "  # as in real/answering.py
CACHED = {
    "areal": "_settings",
    "openrlhf": "_settings",
    "slime": "_settings",
    "trl": "_of_environment",
    "verl": "_of_environment",
    "verifiers_v1": "_settings",
}


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


class Trainer:
    """A script of `real/` in a trainer's environment, which answers one piece of work after the other."""

    def __init__(self, environment: str, script: str) -> None:
        python = interpreter(environment)
        self.script = script
        paths = os.pathsep.join([str(EXAMPLE), os.environ.get("PYTHONPATH", "")])
        quiet = {
            "OMP_NUM_THREADS": "1",
            "HF_HUB_OFFLINE": "1",
            "PYTHONWARNINGS": "ignore",
            "RAY_USAGE_STATS_ENABLED": "0",
        }
        self._process = subprocess.Popen(
            [python, SCRIPTS / script],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=os.environ | quiet | {"PYTHONPATH": paths},
        )
        self._until(lambda _: None)

    @property
    def alive(self) -> bool:
        return self._process.poll() is None

    def ask(self, said: Callable[[str], None] = lambda _: None, **work: object) -> Any:
        """Have something done; `said` hears what the trainer prints meanwhile, by the line."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(work) + "\n")
        self._process.stdin.flush()
        return self._until(said)

    def close(self) -> None:
        """Let it end, if it has not ended already."""
        assert self._process.stdin is not None
        with suppress(BrokenPipeError):
            self._process.stdin.close()
        assert self._process.stdout is not None
        self._process.stdout.close()
        self._process.wait(TIMEOUT_S)

    def _until(self, said: Callable[[str], None]) -> Any:
        watchdog = threading.Timer(TIMEOUT_S, self._process.kill)
        watchdog.start()
        try:
            assert self._process.stdout is not None
            for line in self._process.stdout:
                if line.startswith(MARK):
                    return json.loads(line.removeprefix(MARK))
                said(line)
        finally:
            watchdog.cancel()
        pytest.fail(f"{self.script} ended with {self._process.wait()}")


def interpreter(environment: str) -> Path:
    python = ROOT / ".venv-trainers" / environment / "bin" / "python"
    if not python.exists():
        pytest.skip(f"{environment} has no environment here: make trainers")
    return python


@pytest.fixture(scope="module")
def trainer() -> Iterator[Callable[[str, str], Trainer]]:
    """Gives a trainer's process, by environment and script; one at a time, as each holds a good deal of memory."""
    running: dict[tuple[str, str], Trainer] = {}

    def give(environment: str, script: str) -> Trainer:
        found = running.get((environment, script))
        if found is None or not found.alive:  # a test may have cost the last one its life
            for former in list(running):
                running.pop(former).close()
            running[environment, script] = Trainer(environment, script)
        return running[environment, script]

    yield give
    for left in running.values():
        left.close()


@pytest.fixture
def python_of() -> Callable[[str], Path]:
    """Finds the interpreter of a trainer's environment, or skips the test."""
    return interpreter
