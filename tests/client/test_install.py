"""The wheel, installed alone: what comes along, and that the client works with old and new grpcio and protobuf."""

from __future__ import annotations

import json
import subprocess
import sys
import venv
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.client.conftest import ScriptedService as Service

REPOSITORY = Path(__file__).parents[2]
INSTALL_TIMEOUT_S = 300.0

SCRIPT = """
import asyncio, os, sys, warnings
warnings.simplefilter("error")
warnings.filterwarnings("ignore", "This process", DeprecationWarning)  # Python 3.12 on, of every fork beside threads
from jurist.client import Client, InvalidInputError, group, rewards

client = Client(sys.argv[1], recipe={"terms": [{"verifier": "format_tags", "weight": 1.0}]})
groups = [group(["x" * 40_000] * 16, answers="4", extra={"a": [1]}, completion_tokens=[n] * 16) for n in range(16)]
assert [rewards(scores) for scores in client.score(groups)] == [[40_000.0] * 16] * 16
assert client.score_rollout("abc\\ud800", prompt=[{"role": "user", "content": "4?"}]).reward == 4.0
assert asyncio.run(client.ascore_rollout("abc", truncated=True)).reward == 3.0
assert [rewards(scores) for scores in client.stream(iter(groups[:2]))] == [[40_000.0] * 16] * 2
assert client.list_verifiers().verifiers[0].name == "length"
try:
    client.score([{"group_id": "g", "colour": "red"}])
except InvalidInputError as error:
    assert "colour" in str(error)
if os.fork():
    assert os.waitstatus_to_exitcode(os.wait()[1]) == 0
assert client.score_rollout("abc").reward == 3.0
client.close()
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of this tree."""
    folder = tmp_path_factory.mktemp("wheel")
    run(sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder), str(REPOSITORY))
    [built] = folder.glob("jurist-*.whl")
    return built


def run(*command: str) -> str:
    ended = subprocess.run(command, capture_output=True, text=True, timeout=INSTALL_TIMEOUT_S, check=False)
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


@pytest.mark.slow
@pytest.mark.parametrize(
    "pins",
    [[], ["grpcio==1.60.0", "protobuf==4.25.0"], ["grpcio==1.66.*", "protobuf==5.*"]],
    ids=["newest", "oldest", "between"],
)
def test_the_client_works_where_nothing_but_grpcio_and_protobuf_came_along(
    service: Service, wheel: Path, tmp_path: Path, pins: list[str]
) -> None:
    venv.create(tmp_path, with_pip=True)
    python = str(tmp_path / "bin" / "python")
    before = installed(python)
    run(python, "-m", "pip", "install", "--quiet", str(wheel), *pins)

    assert installed(python) - before <= {"jurist", "grpcio", "protobuf", "typing_extensions", "typing-extensions"}
    run(python, "-I", "-c", SCRIPT, service.target)


def installed(python: str) -> set[str]:
    return {each["name"] for each in json.loads(run(python, "-m", "pip", "list", "--format", "json"))}
