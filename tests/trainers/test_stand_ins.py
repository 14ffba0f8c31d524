"""The adapters of trainers of which PyPI has nothing, called by stand-ins that read as those trainers' code does.

Each names the file and the commit that it stands for. NeMo-RL's is in `real/nemo_rl_stand_in.py`.
"""

from __future__ import annotations

import asyncio
import importlib.util
import inspect
import json
import sys
import urllib.error
import urllib.request
from collections import defaultdict
from dataclasses import dataclass, field
from enum import Enum
from functools import partial
from importlib import import_module
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from jurist.client import UnreachableError
from jurist.trainers import easyr1, trl
from jurist.trainers._scoring import NoRewardError

if TYPE_CHECKING:
    from collections.abc import Callable

RIGHT = "<think>six times seven</think> <answer>42</answer>"
WRONG = "It is 41."


class Status(Enum):
    """slime's `Sample.Status`."""

    COMPLETED = "completed"
    TRUNCATED = "truncated"
    ABORTED = "aborted"


@dataclass
class Sample:
    """slime's `Sample`, as far as a reward function sees it: THUDM/slime, slime/utils/types.py, 0d234f3e."""

    prompt: str | list[dict[str, str]] = "What is 6 times 7?"
    tokens: list[int] = field(default_factory=list)
    response: str = ""
    response_length: int = 0
    label: str | None = None
    reward: float | dict[str, Any] | None = None
    status: Status = Status.COMPLETED
    metadata: dict[str, Any] = field(default_factory=dict)


class Slime:
    """THUDM/slime, slime/rollout/rm_hub/__init__.py, 0b420f1e, called as by slime/rollout/sglang_rollout.py, 0044b40d.

    `custom_rm_path` is resolved at every call.
    """

    def __init__(self, function: str, *, group_rm: bool = False, reward_key: str | None = None) -> None:
        self.args = SimpleNamespace(custom_rm_path=function, group_rm=group_rm, reward_key=reward_key)

    def function(self) -> Any:
        module, _, name = self.args.custom_rm_path.rpartition(".")
        return getattr(import_module(module), name)

    async def one(self, sample: Sample) -> None:
        """A sample whose generation gave one."""
        sample.reward = await self.function()(self.args, sample)

    async def several(self, samples: list[Sample]) -> None:
        """A sample whose generation gave several, or a group under `--group-rm`: the same function, with a list."""
        for sample, reward in zip(samples, await self.function()(self.args, samples), strict=False):
            sample.reward = reward

    async def rolled_out(self, samples: list[Sample]) -> list[Any]:
        """A group: what is raised ends the rollout."""
        if self.args.group_rm:
            await self.several(samples)
        else:
            await asyncio.gather(*map(self.one, samples))
        key = self.args.reward_key
        return [sample.reward[key] if key else sample.reward for sample in samples]  # type: ignore[index]


def samples(*labels: str) -> list[Sample]:
    return [Sample(response=text, label=label) for text, label in zip((RIGHT, WRONG), labels, strict=True)]


SLIMES = [
    pytest.param(Slime("jurist.trainers.slime.reward"), id="sample"),
    pytest.param(Slime("jurist.trainers.slime.reward", reward_key="score"), id="keyed"),
    pytest.param(Slime("jurist.trainers.slime.group_reward", group_rm=True), id="group"),
    pytest.param(Slime("jurist.trainers.slime.group_reward", group_rm=True, reward_key="score"), id="group, keyed"),
]


class TestSlime:
    @pytest.mark.parametrize("slime", SLIMES)
    async def test_a_group_has_its_rewards(self, slime: Slime, service: Callable[..., None]) -> None:
        service(recipe="r1_zero")

        assert await slime.rolled_out(samples("42", "42")) == [2.0, 0.0]

    async def test_several_samples_of_one_generation_have_theirs(self, service: Callable[..., None]) -> None:
        service(recipe="r1_zero")
        made = samples("42", "42")

        await Slime("jurist.trainers.slime.reward").several(made)

        assert [sample.reward for sample in made] == [2.0, 0.0]

    @pytest.mark.parametrize("slime", SLIMES)
    async def test_an_abstention_ends_the_rollout(self, slime: Slime, service: Callable[..., None]) -> None:
        service(recipe="r1_zero")

        with pytest.raises(NoRewardError):
            await slime.rolled_out(samples("42", ""))

    @pytest.mark.parametrize("slime", SLIMES)
    async def test_so_does_a_server_that_is_away(self, slime: Slime, away: Callable[..., None]) -> None:
        away()

        with pytest.raises(UnreachableError):
            await slime.rolled_out(samples("42", "42"))

    @pytest.mark.parametrize(("label", "code"), [("42", 200), ("", 400)])
    def test_over_http_it_takes_a_number_or_tries_again(self, label: str, code: int, server: Any) -> None:
        """`remote_rm` of the same file: what `raise_for_status` raises it tries ten times, then it ends the rollout."""
        body = json.dumps({"prompt": "What is 6 times 7?", "response": RIGHT, "label": label}).encode()
        headers = {"Content-Type": "application/json"}
        address = f"http://127.0.0.1:{server.http_port}/slime?recipe=r1_zero"
        asked = urllib.request.Request(address, body, headers)
        try:
            with urllib.request.urlopen(asked, timeout=60) as response:
                answered, said = response.status, json.load(response)
        except urllib.error.HTTPError as error:
            answered, said = error.code, None

        assert (answered, said) == (code, 2.0 if code == 200 else None)


class EasyR1:
    """hiyouga/EasyR1, verl/workers/reward/function.py, 46c6c210, and what verl/trainer/ray_trainer.py makes of it."""

    def __init__(self, **kwargs: object) -> None:
        spec = importlib.util.spec_from_file_location("custom_reward_fn", easyr1.__file__)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules["custom_reward_fn"] = module
        spec.loader.exec_module(module)
        self.function = partial(module.compute_score, **kwargs)

    def compute_reward(self, texts: list[str], truths: list[Any]) -> tuple[list[float], dict[str, list[float]]]:
        rows = [
            {"response": text, "response_length": len(text), "ground_truth": truth}
            for text, truth in zip(texts, truths, strict=True)
        ]
        rewards = [0.0] * len(rows)
        metrics = defaultdict(list)
        for place, score in enumerate(self.function(rows)):
            rewards[place] = score["overall"]
            for key, value in score.items():
                metrics[key].append(value)
        return rewards, metrics


class TestEasyR1:
    def test_every_row_has_its_reward_and_every_metric_a_value_a_row(self, server: Any) -> None:
        rewards, metrics = EasyR1(target=server.target, recipe="r1_zero").compute_reward([RIGHT, WRONG], ["42", "42"])

        assert rewards == [2.0, 0.0]
        assert metrics == {"overall": [2.0, 0.0], "accuracy": [1.0, 0.0], "format": [1.0, 0.0]}

    def test_with_a_number_every_metric_has_a_value_a_row_too(self, server: Any) -> None:
        """`online_filtering` reads a metric beside the samples' groups."""
        easy = EasyR1(target=server.target, recipe="r1_zero", on_error=-1)

        rewards, metrics = easy.compute_reward([RIGHT] * 3, ["42", "", {"answers": [{1}]}])

        assert rewards == [2.0, -1.0, -1.0]
        assert metrics["accuracy"] == [1.0, -1.0, -1.0]
        assert [len(values) for values in metrics.values()] == [3, 3, 3]

    def test_an_abstention_and_a_server_that_is_away_are_errors(self, server: Any) -> None:
        with pytest.raises(NoRewardError):
            EasyR1(target=server.target).compute_reward([RIGHT], [""])
        with pytest.raises(UnreachableError):
            EasyR1(target="127.0.0.1:9", patience_s=0.1).compute_reward([RIGHT], ["42"])


class TestAxolotlWithoutAwaiting:
    """AxolotlGRPOContextParallelTrainer of axolotl 0.21.0, core/trainers/grpo/trainer.py, wants two GPUs."""

    @staticmethod
    def rewarded(labels: list[str]) -> list[float]:
        function = trl.reward_sync
        assert len(inspect.signature(function).parameters) >= 2  # or its strategy refuses the function
        output = function(prompts=["What is 6 times 7?"] * 2, completions=[RIGHT, WRONG], answer=labels)
        return [float("nan") if reward is None else reward for reward in output]

    def test_it_has_its_rewards(self, service: Callable[..., None]) -> None:
        service(recipe="r1_zero")

        assert self.rewarded(["42", "42"]) == [2.0, 0.0]

    def test_a_missing_reward_which_it_would_count_as_0_is_an_error(
        self, service: Callable[..., None], away: Callable[..., None]
    ) -> None:
        service(recipe="r1_zero")
        with pytest.raises(NoRewardError):
            self.rewarded(["42", ""])
        service(on_error="none")
        with pytest.raises(ValueError, match="on_error: a trainer that counts None as 0"):
            self.rewarded(["42", "42"])
        away(on_error="raise")
        with pytest.raises(UnreachableError):
            self.rewarded(["42", "42"])
