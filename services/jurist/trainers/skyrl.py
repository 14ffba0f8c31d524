"""SkyRL gym: an environment of one turn, `environment.env_class=jurist`.

    import jurist.trainers.skyrl                  # registers it

`extras` is the data set's row; its reference is found as for every adapter, or in `reward_spec.ground_truth`. Settings
come from the environment's configuration, over `JURIST_CLIENT_*`; SkyRL 0.4's `environment.skyrl_gym` has no room for
ours, so there they are those of `JURIST_CLIENT_*` alone. SkyRL steps from threads: calls travel together.
"""

# pyright: basic, reportMissingImports=false, reportUntypedBaseClass=false
# The classes below are the trainer's, which is there only where it runs.

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

import skyrl_gym
from skyrl_gym.envs.base_text_env import (
    BaseTextEnv,
    BaseTextEnvStepOutput,
)

from jurist.trainers._samples import sample_of
from jurist.trainers._scoring import component_scores, number_of, score_one
from jurist.trainers._settings import Settings

__all__ = ["JuristEnv"]


class JuristEnv(BaseTextEnv):  # type: ignore[misc]
    """Ends after the model's first answer, with its reward."""

    def __init__(self, env_config: Mapping[str, Any] | None = None, extras: Mapping[str, Any] | None = None) -> None:
        super().__init__()
        settings = {name: value for name, value in dict(env_config or {}).items() if value is not None}
        self._settings = Settings().with_environment().with_arguments(**settings).for_numbers("SkyRL")
        self._row = dict(extras or {})
        spec = self._row.get("reward_spec")
        if isinstance(spec, Mapping):
            self._row.setdefault("ground_truth", cast("Mapping[str, object]", spec).get("ground_truth"))
        self._prompt: object = self._row.get("prompt", "")

    def init(self, prompt: Any) -> tuple[Any, dict[str, Any]]:  # noqa: ANN401  # a chat
        """Keep the prompt: judges want to see it."""
        self._prompt = prompt
        return prompt, {}

    def step(self, action: str) -> BaseTextEnvStepOutput:
        """Score the answer.

        Raises:
            NoRewardError, ClientError: it has no reward.
        """
        self.turns += 1
        outcome = score_one(self._settings, sample_of(self._settings, action, self._row, self._prompt))
        return BaseTextEnvStepOutput(
            observations=[],
            reward=number_of(self._settings, outcome),
            done=True,
            metadata={f"jurist/{name}": score for name, score in component_scores(outcome).items()},
        )


skyrl_gym.register(id="jurist", entry_point="jurist.trainers.skyrl:JuristEnv")
