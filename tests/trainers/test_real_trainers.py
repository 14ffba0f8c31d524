"""The trainers' own code, each in its own environment (`make trainers`), scoring through a real server.

What they make of rewards that are missing is in `test_failures.py`.
"""

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
ADAPTERS = ROOT / "services" / "jurist" / "trainers"
TIMEOUT_S = 600.0
VARIED = """
terms:
  - {verifier: repetition_penalty, name: repetition}
  - {verifier: length_budget, name: short, options: {max_tokens: 24, margin_tokens: 12}}
advantage: none
"""
SAMPLES = (
    ("<think>six times seven</think> <answer>42</answer>", "42"),
    ("It is 42.", "42"),
    ("It is 41.", "42"),
    ("Wer weiss?", "42"),
)
REWARDS = [2.0, 1.0, 0.0, 0.0]  # by r1_zero
SCORES = [(1.0, 1.0), (1.0, 0.0), (0.0, 0.0), (0.0, 0.0)]  # accuracy and format

pytestmark = [pytest.mark.trainers, pytest.mark.slow]


@pytest.fixture
def recipes(tmp_path: Path) -> Path:
    """A recipe whose scores differ between the bytes that an untrained model writes."""
    (tmp_path / "varied.yaml").write_text(VARIED, encoding="utf-8")
    return tmp_path


class TestTRL:
    @pytest.mark.parametrize("form", ["reward", "partial", "components"])
    def test_it_trains_on_every_form(
        self, form: str, start: Callable[..., Any], trainer: Callable[..., Any], recipes: Path
    ) -> None:
        served = start(workers=1, recipes=recipes)
        settings = {"target": served.target, "recipe": "varied"}

        logged = trainer("trl", "trl_grpo.py").ask(form=form, names=["repetition", "short"], settings=settings, steps=3)

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

    def test_a_server_that_is_killed_between_steps_and_comes_back_costs_no_reward(
        self, start: Callable[..., Any], trainer: Callable[..., Any], recipes: Path
    ) -> None:
        served = start(workers=1, recipes=recipes)

        def restart(line: str) -> None:
            if line.startswith("step 1"):
                served.process.kill()
                served.process.wait()
                start(workers=1, recipes=recipes, port=served.target.rsplit(":", 1)[1])

        settings = {"target": served.target, "recipe": "varied", "patience_s": 300}
        logged = trainer("trl", "trl_grpo.py").ask(restart, settings=settings, steps=4)

        assert [row["jurist/no_reward"] for row in logged] == [0.0] * 4


def test_a_model_learns_from_its_rewards(python_of: Callable[[str], Path], tmp_path: Path) -> None:
    """The short form of examples/r1_zero; the long one is `make learn`."""
    jurist = Path(sys.executable).with_name("jurist")
    script = ROOT / "examples" / "r1_zero" / "train.py"
    command: list[str | Path] = [
        python_of("trl"),
        "-W",
        "ignore",
        script,
        "--smoke",
        "--out",
        tmp_path,
        "--jurist",
        jurist,
    ]
    subprocess.run(command, env=os.environ | {"OMP_NUM_THREADS": "1"}, check=True, timeout=TIMEOUT_S)
    metrics = json.loads((tmp_path / "metrics.json").read_text(encoding="utf-8"))

    assert metrics["after"]["accuracy"] > metrics["before"]["accuracy"] + 0.1
    assert metrics["after"]["format"] > metrics["before"]["format"] + 0.1
    assert (tmp_path / "rewards.png").stat().st_size > 0


class TestAxolotl:
    @pytest.mark.parametrize(
        ("function", "form"),
        [
            ("reward", {}),
            ("reward", {"producing": True}),
            ("reward_sync", {"producing": True}),
        ],
    )
    def test_it_trains_on_what_its_strategy_finds_by_name(
        self, function: str, form: dict[str, object], server: Any, trainer: Callable[..., Any]
    ) -> None:
        settings = {"target": server.target, "recipe": "r1_zero"}

        trained = trainer("trl", "axolotl_grpo.py").ask(
            function=f"jurist.trainers.trl.{function}", settings=settings, samples=SAMPLES, **form
        )

        assert trained["outcomes"] == REWARDS
        assert trained["moved"]

    def test_its_plain_trainer_leaves_out_what_has_no_reward(self, server: Any, trainer: Callable[..., Any]) -> None:
        settings = {"target": server.target, "recipe": "r1_zero"}
        axolotl = trainer("trl", "axolotl_grpo.py")

        abstained = axolotl.ask(settings=settings, samples=[("It is 42.", ""), ("It is 41.", ""), *SAMPLES[:2]])
        away = axolotl.ask(settings={"target": "127.0.0.1:9", "patience_s": 0.1}, samples=SAMPLES)

        assert abstained["outcomes"] == [None, None, 2.0, 1.0]
        assert abstained["advantages"][:2] == [0.0, 0.0]
        assert (away["outcomes"], away["moved"]) == ([None] * 4, False)

    def test_the_class_that_counts_none_as_0_behind_a_prefetch_is_never_given_one(
        self, server: Any, trainer: Callable[..., Any]
    ) -> None:
        settings = {"target": server.target, "recipe": "r1_zero", "on_error": "none"}
        samples = [("It is 42.", ""), ("It is 41.", ""), *SAMPLES[:2]]

        trained = trainer("trl", "axolotl_grpo.py").ask(settings=settings, samples=samples, producing=True)

        assert trained["outcomes"] == ["NoRewardError"] * 4
        assert not trained["moved"]


def test_unsloths_trainer_trains_on_rewards_and_leaves_out_what_has_none(
    server: Any, trainer: Callable[..., Any]
) -> None:
    settings = {"target": server.target, "recipe": "r1_zero"}
    unsloth = trainer("trl", "unsloth_grpo.py")

    trained = unsloth.ask(settings=settings, samples=SAMPLES)
    abstained = unsloth.ask(settings=settings, samples=[("It is 42.", ""), ("It is 41.", ""), *SAMPLES[:2]])
    away = unsloth.ask(settings={"target": "127.0.0.1:9", "patience_s": 0.1}, samples=SAMPLES)

    assert (trained["outcomes"], trained["moved"], trained["trainer"]) == (REWARDS, True, "UnslothGRPOTrainer")
    assert (abstained["outcomes"], abstained["advantages"][:2]) == ([None, None, 2.0, 1.0], [0.0, 0.0])
    assert (away["outcomes"], away["moved"]) == ([None] * 4, False)


@pytest.mark.parametrize("batched", [False, True])
def test_skyrls_generator_trains_on_the_reward_of_each_of_its_trajectories(
    batched: bool,  # noqa: FBT001  # pytest's
    server: Any,
    trainer: Callable[..., Any],
) -> None:
    settings = {"target": server.target, "recipe": "r1_zero"}

    scored = trainer("shared", "skyrl_generator.py").ask(settings=settings, samples=SAMPLES * 8, batched=batched)

    assert scored["outcomes"] == REWARDS * 8


def test_nemo_rls_actor_answers_whole_batches_and_single_chats(server: Any, trainer: Callable[..., Any]) -> None:
    """By a stand-in for NeMo-RL's call, which the script describes."""
    nemo_rl = trainer("shared", "nemo_rl_stand_in.py")
    settings = {"target": server.target, "recipe": "r1_zero"}
    away = {"target": "127.0.0.1:9", "patience_s": 0.1}

    assert nemo_rl.ask(settings=settings, samples=SAMPLES)["outcomes"] == REWARDS
    assert nemo_rl.ask(settings=settings, samples=SAMPLES, single=True)["outcomes"] == REWARDS
    assert nemo_rl.ask(settings=settings, samples=[("It is 42.", "")])["outcomes"] == ["NoRewardError"]
    assert nemo_rl.ask(settings=away, samples=SAMPLES, single=True)["outcomes"] == ["UnreachableError"] * 4


@pytest.mark.parametrize("workers", ["none", "ray"])
@pytest.mark.parametrize("manager", ["naive", "dapo", "gdpo", "remote", "jurist"])
def test_verl_scores_through_every_manager(
    manager: str,
    workers: str,
    server: Any,
    trainer: Callable[..., Any],
) -> None:
    settings = {"target": server.target, "recipe": "r1_zero"}

    scored = trainer("shared", "verl_reward_loop.py").ask(
        manager=manager, workers=workers, settings=settings, samples=SAMPLES
    )

    assert scored["outcomes"] == REWARDS
    assert scored["extras"]["jurist/accuracy"] == [accuracy for accuracy, _ in SCORES]
    assert scored["extras"]["jurist_scored"] == [1.0] * 4


@pytest.mark.parametrize("form", ["http", "file"])
def test_openrlhf_gets_a_reward_for_every_sample(form: str, server: Any, trainer: Callable[..., Any]) -> None:
    url = f"http://127.0.0.1:{server.http_port}/get_reward?recipe=r1_zero"
    endpoint = url if form == "http" else str(ADAPTERS / "openrlhf.py")
    settings = {"target": server.target, "recipe": "r1_zero"}

    scored = trainer("shared", "openrlhf_executor.py").ask(endpoint=endpoint, settings=settings, samples=SAMPLES)

    assert scored["outcomes"] == REWARDS
    assert scored["scores"] == [accuracy for accuracy, _ in SCORES]
    assert scored["logs"] == [{"accuracy": accuracy, "format": kept} for accuracy, kept in SCORES]


def test_openrlhf_makes_no_number_of_a_reward_that_is_missing(trainer: Callable[..., Any]) -> None:
    openrlhf = trainer("shared", "openrlhf_executor.py")

    assert openrlhf.ask(rewards=[1.0, 2.0]) == [1.0, 2.0]
    assert openrlhf.ask(rewards=[1.0, None]) == "AttributeError"
    assert openrlhf.ask(rewards=[None, 1.0]) is None


def test_skyrl_steps_its_environments_from_threads(server: Any, trainer: Callable[..., Any]) -> None:
    settings = {"target": server.target, "recipe": "r1_zero"}

    scored = trainer("gym", "skyrl_env.py").ask(settings=settings, samples=SAMPLES * 16)

    assert scored["outcomes"] == REWARDS * 16
    assert scored["done"] == [True] * 64
    assert scored["metadata"][0] == {"jurist/accuracy": 1.0, "jurist/format": 1.0}


def test_verifiers_weighs_a_reward(server: Any, trainer: Callable[..., Any]) -> None:
    settings = {"target": server.target, "recipe": "r1_zero"}

    scored = trainer("gym", "verifiers_task.py").ask(settings=settings, samples=SAMPLES, weight=0.5)

    assert scored["held"] == [reward / 2 for reward in REWARDS]


def test_the_page_is_right_about_verls_rate_limited_manager(trainer: Callable[..., Any]) -> None:
    """It turns every error into 0.0: the page warns of it, since nothing here can keep it from doing so."""
    settings = {"target": "127.0.0.1:9", "patience_s": 0.1}

    scored = trainer("shared", "verl_reward_loop.py").ask(manager="rate_limited", settings=settings, samples=SAMPLES)

    assert scored["outcomes"] == [0.0] * 4


@pytest.mark.parametrize("form", ["workflow", "reward_fn"])
def test_areal_scores_a_trajectory_in_both_forms(form: str, server: Any, trainer: Callable[..., Any]) -> None:
    settings = {"target": server.target, "recipe": "r1_zero"}

    scored = trainer("shared", "areal_rlvr.py").ask(form=form, settings=settings, samples=SAMPLES)

    assert scored["outcomes"] == REWARDS


class TestSwift:
    def test_it_scores_a_batch_by_its_plugin(self, server: Any, trainer: Callable[..., Any]) -> None:
        settings = {"target": server.target, "recipe": "r1_zero"}

        scored = trainer("shared", "swift_grpo.py").ask(settings=settings, samples=SAMPLES)

        assert scored["outcomes"] == REWARDS

    def test_it_counts_none_as_zero_so_none_is_refused(self, server: Any, trainer: Callable[..., Any]) -> None:
        swift = trainer("shared", "swift_grpo.py")

        refused = swift.ask(settings={"target": server.target, "on_error": "none"}, samples=SAMPLES)

        assert swift.ask(rewards=[1.0, None]) == swift.ask(rewards=[1.0, 0.0])
        assert refused["outcomes"] == ["ValueError"] * 4


def test_llama_factory_gets_a_score_for_every_text(server: Any, trainer: Callable[..., Any]) -> None:
    endpoint = f"http://127.0.0.1:{server.http_port}/v1/score/evaluation?recipe=format"

    scored = trainer("shared", "llamafactory_api.py").ask(endpoint=endpoint, settings={}, samples=SAMPLES)

    assert scored["outcomes"] == [kept for _, kept in SCORES]


def test_nemo_gyms_agent_keeps_the_reward_of_every_rollout(
    start: Callable[..., Any], trainer: Callable[..., Any]
) -> None:
    served = start(workers=1, http_recipe="r1_zero")
    endpoint = f"http://127.0.0.1:{served.http_port}/verify"

    scored = trainer("shared", "nemo_gym_agent.py").ask(endpoint=endpoint, settings={}, samples=SAMPLES)

    assert scored["outcomes"] == REWARDS
