"""The model lane on this machine: named models, each a backend of its own.

It chooses the model, keeps time, and remembers answers. A model that is down or late costs its own questions their
replies, no other's.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import structlog

from jurist.services.errors import StoppingError, first_of
from jurist.services.models import named, opened
from jurist.services.models.memory import Memory, key
from jurist.verifiers import Cause, Dialogue, NoReply, Prompt, Rating, Reading

if TYPE_CHECKING:
    from collections.abc import Mapping

    from jurist.services.config import Config
    from jurist.services.models import Backend
    from jurist.services.models.counts import ModelMetrics
    from jurist.verifiers import Question, Reply

__all__ = ["LocalModels"]

log = structlog.get_logger(__name__)


class LocalModels:
    """Answers prompts and rates dialogues.

    `judge` and `reward_model` are the names of the models that are asked where a question names none, "" where there is
    none.
    """

    def __init__(
        self, models: Mapping[str, Backend], judge: str, reward_model: str, memory: Memory, metrics: ModelMetrics
    ) -> None:
        self._models = models
        self._defaults: dict[type[Prompt | Dialogue], str] = {Prompt: judge, Dialogue: reward_model}
        self._memory = memory
        self._metrics = metrics

    @classmethod
    def configured(cls, config: Config, metrics: ModelMetrics) -> LocalModels:
        """Return the lane that a configuration describes.

        Raises:
            ConfigurationError: a setting names a model that there is not, or one that needs a missing package.
        """
        models, judge, reward_model = named(config)
        backends = {name: opened(name, settings, metrics) for name, settings in models.items()}
        return cls(backends, judge, reward_model, Memory(config.answers_kept, config.answers_file), metrics)

    async def start(self) -> None:
        """Start every model.

        Raises:
            ConfigurationError: one cannot be had as it is configured.
        """
        try:
            await self._memory.open()
            async with asyncio.TaskGroup() as starting:
                for backend in self._models.values():
                    starting.create_task(backend.start())
        except Exception as error:  # noqa: BLE001  # raised again when all is stopped
            await self.stop()
            raise first_of(error) from None

    async def stop(self) -> None:
        """Stop every model."""
        await asyncio.gather(*(backend.stop() for backend in self._models.values()))
        await self._memory.close()

    async def warm(self, rollouts: int, ttl_s: float) -> None:
        """Do nothing: models that are not to be loaded with their first question stand."""

    async def answer(self, question: Question) -> Reply:
        """Answer a prompt or rate a dialogue."""
        if not isinstance(question, Prompt | Dialogue):
            return NoReply(Cause.UNAVAILABLE, f"the model lane does not answer a {type(question).__name__}")
        name = question.model or self._defaults[type(question)]
        backend = self._models.get(name)
        if backend is None:
            return NoReply(Cause.UNAVAILABLE, self._missing(name, type(question)))
        if backend.answers is not type(question):
            return NoReply(Cause.UNAVAILABLE, f"the model {name} answers no {type(question).__name__}")
        reply = await self._recalled(name, backend, question)
        self._metrics.model_answer(name, reply.cause if isinstance(reply, NoReply) else "answered")
        return reply

    async def _recalled(self, name: str, backend: Backend, question: Prompt | Dialogue) -> Reading | Rating | NoReply:
        """Return the answer from memory, or ask for it and remember."""
        if backend.identity:
            known = await self._memory.get(key(backend.identity, question))
            self._metrics.model_recall(name, hit=known is not None)
            if known is not None:
                return known
        timeout_s = backend.settings.timeout_s
        try:
            async with asyncio.timeout(timeout_s):
                reply = await backend.answer(question)
        except TimeoutError:
            return NoReply(Cause.UNAVAILABLE, f"the model {name} did not answer within {timeout_s:g} s")
        except StoppingError:
            raise
        except Exception as error:  # whatever it is, it must not cost other rollouts their scores
            log.exception("model failed", model=name)
            return NoReply(Cause.INTERNAL, f"the model {name} failed: {type(error).__name__}")
        if backend.identity and not isinstance(reply, NoReply):
            self._memory.put(key(backend.identity, question), reply)
        return reply

    def _missing(self, name: str, kind: type[Prompt | Dialogue]) -> str:
        if not name:
            setting = "judge" if kind is Prompt else "reward_model"
            return f"no {setting} is configured (the setting {setting}), and the question names none"
        return f"there is no model {name}; there are: {', '.join(sorted(self._models)) or 'none'}"
