"""The trainers' own code, each in its own environment (`make trainers`), scoring through a real server."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).parents[2]
SCRIPTS = Path(__file__).parent / "real"
TIMEOUT_S = 600.0
VARIED = """
terms:
  - {verifier: repetition_penalty, name: repetition}
  - {verifier: length_budget, name: short, options: {max_tokens: 24, margin_tokens: 12}}
advantage: none
"""

pytestmark = [pytest.mark.trainers, pytest.mark.slow]


def interpreter(trainer: str) -> Path:
    python = ROOT / ".venv-trainers" / trainer / "bin" / "python"
    if not python.exists():
        pytest.skip(f"{trainer} has no environment here: make trainers")
    return python


def environment(**settings: object) -> dict[str, str]:
    given = {f"JURIST_CLIENT_{name.upper()}": str(value) for name, value in settings.items()}
    return os.environ | {"OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1", "PYTHONWARNINGS": "ignore"} | given


def run(trainer: str, script: str, *arguments: object, **settings: object) -> Any:
    """Run a script to its end; returns what it printed last, as JSON."""
    ran = subprocess.run(
        [interpreter(trainer), SCRIPTS / script, *map(str, arguments)],
        env=environment(**settings),
        capture_output=True,
        text=True,
        check=False,
        timeout=TIMEOUT_S,
    )
    assert ran.returncode == 0, ran.stderr[-3000:]
    return json.loads(ran.stdout.splitlines()[-1].partition(" ")[2])


@pytest.fixture
def recipes(tmp_path: Path) -> Path:
    """A recipe whose scores differ between the bytes that an untrained model writes."""
    (tmp_path / "varied.yaml").write_text(VARIED, encoding="utf-8")
    return tmp_path


class TestTRL:
    @pytest.mark.parametrize("form", ["reward", "partial", "components"])
    def test_it_trains_on_every_form(self, form: str, start: Callable[..., Any], recipes: Path) -> None:
        served = start(workers=1, recipes=recipes)

        logged = run("trl", "trl_grpo.py", form, 3, target=served.target, recipe="varied")

        assert [row["step"] for row in logged] == [1, 2, 3]
        if form == "components":
            assert all(0 < row["rewards/repetition/mean"] <= 1 for row in logged)
            assert all(0 <= row["rewards/short/mean"] <= 1 for row in logged)
        else:
            assert all(row["jurist/no_reward"] == 0 for row in logged)
            assert all(
                row["rewards/jurist/mean"] == pytest.approx(row["jurist/repetition"] + row["jurist/short"], abs=1e-4)
                for row in logged
            )
        assert any(row["grad_norm"] > 0 for row in logged)

    def test_a_server_that_is_away_leaves_the_weights_alone(self) -> None:
        logged = run("trl", "trl_grpo.py", "reward", 2, target="127.0.0.1:9", recipe="varied", patience_s=0.2)

        assert [(row["reward"], row["grad_norm"], row["jurist/no_reward"]) for row in logged] == [(None, 0.0, 1.0)] * 2

    def test_a_server_that_is_killed_and_comes_back_costs_no_reward(
        self, start: Callable[..., Any], recipes: Path
    ) -> None:
        served = start(workers=1, recipes=recipes)
        port = served.target.rsplit(":", 1)[1]
        with subprocess.Popen(
            [interpreter("trl"), SCRIPTS / "trl_grpo.py", "reward", "4"],
            env=environment(target=served.target, recipe="varied", patience_s=300),
            stdout=subprocess.PIPE,
            text=True,
        ) as training:
            assert training.stdout is not None
            for line in training.stdout:
                if line.startswith("step 1"):
                    served.process.kill()
                    served.process.wait()
                    start(workers=1, recipes=recipes, port=port)
                if line.startswith("logged "):
                    logged = json.loads(line.partition(" ")[2])
        assert training.returncode == 0

        assert [row["jurist/no_reward"] for row in logged] == [0.0] * 4


def test_a_model_learns_from_its_rewards(tmp_path: Path) -> None:
    """The short form of examples/r1_zero; the long one is `make learn`."""
    command: list[str | Path] = [
        interpreter("trl"),
        ROOT / "examples" / "r1_zero" / "train.py",
        "--smoke",
        "--out",
        tmp_path,
    ]
    jurist = Path(sys.executable).with_name("jurist")
    subprocess.run([*command, "--jurist", jurist], env=environment(), check=True, timeout=TIMEOUT_S)
    metrics = json.loads((tmp_path / "metrics.json").read_text(encoding="utf-8"))

    assert metrics["after"]["accuracy"] > metrics["before"]["accuracy"] + 0.1
    assert metrics["after"]["format"] > metrics["before"]["format"] + 0.1
    assert (tmp_path / "rewards.png").stat().st_size > 0


class TestVerl:
    @pytest.mark.parametrize("manager", ["naive", "dapo", "remote", "jurist"])
    def test_its_reward_loop_scores_through_every_manager(self, manager: str, server: Any, tmp_path: Path) -> None:
        scored = run("verl", "verl_reward_loop.py", manager, tmp_path, target=server.target, recipe="r1_zero")

        assert scored["rewards"] == [2.0, 1.0, 0.0, 0.0]
        assert scored["extras"]["jurist/accuracy"] == [1.0, 1.0, 0.0, 0.0]
        assert scored["extras"]["jurist_scored"] == [1.0] * 4


class TestOpenRLHF:
    SCORED = tuple(
        {"reward": [accuracy + kept], "scores": [accuracy], "extra_logs": {"accuracy": [accuracy], "format": [kept]}}
        for accuracy, kept in ((1.0, 1.0), (1.0, 0.0), (0.0, 0.0), (0.0, 0.0))
    )

    @pytest.mark.parametrize("form", ["http", "file"])
    def test_its_executor_gets_a_reward_for_every_sample(self, form: str, server: Any, tmp_path: Path) -> None:
        url = f"http://127.0.0.1:{server.http_port}/get_reward?recipe=r1_zero"
        endpoint = url if form == "http" else ROOT / "services" / "jurist" / "trainers" / "openrlhf.py"

        scored = run("verl", "openrlhf_executor.py", endpoint, tmp_path, target=server.target, recipe="r1_zero")

        assert scored == list(self.SCORED)

    def test_a_server_that_is_away_leaves_samples_without_a_reward(self, tmp_path: Path) -> None:
        endpoint = ROOT / "services" / "jurist" / "trainers" / "openrlhf.py"

        scored = run("verl", "openrlhf_executor.py", endpoint, tmp_path, target="127.0.0.1:9", patience_s=0.2)

        assert [sample["reward"] for sample in scored] == [None] * 4


def test_skyrl_steps_its_environments_from_threads(server: Any) -> None:
    steps = run("gym", "skyrl_env.py", target=server.target)

    assert [step["reward"] for step in steps] == [2.0, 1.0, 0.0] * 22
    assert all(step["done"] for step in steps)
    assert steps[0]["metadata"] == {"jurist/accuracy": 1.0, "jurist/format": 1.0}


def test_verifiers_weighs_a_reward_and_raises_where_there_is_none(server: Any) -> None:
    right, wrong, unusable = run("gym", "verifiers_task.py", target=server.target, recipe="math")

    assert (right["rewards"], wrong["rewards"]) == ({"jurist": 0.5}, {"jurist": 0.0})
    assert unusable["rewards"] == {"jurist": None}
    assert "INVALID_REFERENCE" in unusable["error"]
