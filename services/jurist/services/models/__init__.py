"""The language models that judge: one file for each way to reach one.

A backend answers questions of one kind. It is no lane by itself: `jurist.services.lanes.models` chooses among several,
keeps time and remembers answers.
"""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from jurist.services.errors import ConfigurationError
from jurist.services.models.settings import RemoteJudge, Weights

if TYPE_CHECKING:
    from collections.abc import Mapping

    from jurist.services.config import Config
    from jurist.services.models.counts import ModelMetrics
    from jurist.services.models.settings import ModelSettings
    from jurist.verifiers import Dialogue, NoReply, Prompt, Rating, Reading

__all__ = ["TINY_JUDGE", "Backend", "named", "opened"]

TINY_JUDGE = "tiny_judge"
"""The name of the model that ships with Jurist and is always there; it compares numbers and nothing else."""


class Backend(Protocol):
    """Answers prompts or rates dialogues with one model. Cancelling a call stops the work behind it."""

    @property
    def identity(self) -> str:
        """The model with its revision, and whatever else makes it answer differently; "" while that is not known."""
        ...

    @property
    def settings(self) -> ModelSettings:
        """How it was set up."""
        ...

    @property
    def answers(self) -> type[Prompt | Dialogue]:
        """The kind of question it answers."""
        ...

    async def start(self) -> None:
        """Take up work.

        Raises:
            ConfigurationError: it cannot, as it is configured.
        """
        ...

    async def stop(self) -> None:
        """Give up all work and free every resource."""
        ...

    async def answer(self, question: Prompt | Dialogue) -> Reading | Rating | NoReply:
        """Answer a question. Failing to is a reply, not an exception; how long it may take is the caller's business."""
        ...


def opened(name: str, settings: ModelSettings, metrics: ModelMetrics) -> Backend:
    """Return the backend that settings describe, not yet started."""
    # Imported here: what is not used is not loaded.
    if isinstance(settings, Weights):
        from jurist.services.models.process import ModelProcess  # noqa: PLC0415

        return ModelProcess(name, settings, metrics)
    if isinstance(settings, RemoteJudge):
        from jurist.services.models.openai_judge import OpenAIJudge  # noqa: PLC0415

        return OpenAIJudge(name, settings, metrics)
    from jurist.services.models.remote_reward import RewardServer  # noqa: PLC0415

    return RewardServer(name, settings, metrics)


def named(config: Config) -> tuple[Mapping[str, ModelSettings], str, str]:
    """Return every model by its name, and the names of the default judge and the default reward model.

    Raises:
        ConfigurationError: a default is no model's name, no URL and no folder.
    """
    shipped = Weights(path=str(files("jurist.services.models") / TINY_JUDGE), device="cpu", dtype="float64", lazy=True)
    models: dict[str, ModelSettings] = {TINY_JUDGE: shipped, **config.models}
    if config.judge and config.judge not in models:
        models[config.judge] = _judge(config.judge)
    if config.reward_model and config.reward_model not in models:
        models[config.reward_model] = Weights(path=_folder("reward_model", config.reward_model), kind="reward")
    return models, config.judge, config.reward_model


def _judge(text: str) -> ModelSettings:
    if text.startswith(("http://", "https://")):
        return RemoteJudge(url=text)
    return Weights(path=_folder("judge", text))


def _folder(setting: str, text: str) -> str:
    if not Path(text).is_dir():
        raise ConfigurationError(f"{setting}: {text} is neither one of models, nor a URL, nor a folder of weights")
    return text
