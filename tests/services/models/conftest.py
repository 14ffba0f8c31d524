"""Real models for the tests: small ones with random weights, and servers that generate with them."""

from __future__ import annotations

import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from jurist.services import models
from jurist.services.metrics import Metrics

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

HERE = Path(__file__).parent


@pytest.fixture(scope="session")
def shipped() -> Path:
    """The folder of the judge that ships with Jurist."""
    return Path(models.__file__).parent / models.TINY_JUDGE


@pytest.fixture(scope="session")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the models that `make_weights.py` makes."""
    folder = tmp_path_factory.mktemp("weights")
    subprocess.run([sys.executable, HERE / "make_weights.py", folder], check=True)
    return folder


@pytest.fixture
def metrics() -> Metrics:
    return Metrics()


@contextmanager
def served(folder: Path, kind: str) -> Generator[str]:
    """Serve a model over HTTP in a process of its own; gives the server's URL."""
    with subprocess.Popen(
        [sys.executable, HERE / "serve_openai.py", folder, kind],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        yield f"http://127.0.0.1:{int(process.stdout.readline())}"
        process.stdin.close()


@pytest.fixture(scope="session")
def judge_server(shipped: Path) -> Iterator[str]:
    """A server of the shipped judge."""
    with served(shipped, "judge") as url:
        yield url


@pytest.fixture(scope="session")
def reward_server(weights: Path) -> Iterator[str]:
    """A server of a reward model."""
    with served(weights / "reward", "reward") as url:
        yield url
