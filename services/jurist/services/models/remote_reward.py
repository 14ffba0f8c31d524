"""A reward model behind a server: vLLM's `/pooling`, `/classify`, SGLang's `/v1/embeddings`, OpenRLHF's `/get_reward`.

What counts is the model's raw output. vLLM passes it through an activation unless told not to, which makes a constant
1.0 of a single label: a rating of exactly 1.0 is refused.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, cast

import jinja2
from jinja2.sandbox import ImmutableSandboxedEnvironment

from jurist.services.errors import ConfigurationError
from jurist.services.models.endpoint import Endpoint, RefusedError
from jurist.services.models.labels import DIGITS
from jurist.verifiers import Cause, Dialogue, NoReply, Prompt, Rating
from jurist.verifiers._judge.rendering import inert

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from jurist.services.models.counts import ModelMetrics
    from jurist.services.models.settings import RemoteReward
    from jurist.verifiers import Reading

__all__ = ["RewardServer"]

PARAGRAPHS = "{% for message in messages %}{{ message.content }}{% if not loop.last %}\n\n{% endif %}{% endfor %}"
RAW = {"activation": False, "use_activation": False}  # vLLM before and from 0.11.2; the other name is passed over


class RewardServer:
    """A reward model behind a server."""

    answers: type[Prompt | Dialogue] = Dialogue

    def __init__(self, name: str, settings: RemoteReward, metrics: ModelMetrics) -> None:
        self.settings = settings
        self.identity = f"{settings.url} {settings.route} {settings.model}@{settings.revision}"
        self._endpoint = Endpoint(name, settings, metrics)
        self._text = _template(name, settings.chat_template)

    async def start(self) -> None:
        """Take up connections. A server that is not there yet is asked again with every question."""
        await self._endpoint.open()

    async def stop(self) -> None:
        """Close the connections."""
        await self._endpoint.close()

    async def answer(self, question: Prompt | Dialogue) -> Reading | Rating | NoReply:
        """Rate a dialogue."""
        if not isinstance(question, Dialogue):
            return NoReply(Cause.UNAVAILABLE, f"the model {self._endpoint.name} answers no prompts")
        settings = self.settings
        messages = [{"role": one.role, "content": inert(one.content)} for one in question.messages]
        body: dict[str, object] = {"model": settings.model} if settings.model else {}
        try:
            match settings.route:
                case "pooling":
                    body |= {"messages": messages, "add_generation_prompt": False, **RAW}
                case "classify":
                    body |= {"input": self._said(messages), **RAW}
                case "embeddings":
                    body |= {"input": self._said(messages)}
                case "get_reward":
                    body |= {"query": [self._said(messages)]}
            path, read = ROUTES[settings.route]
            value = await self._endpoint.ask(
                "POST", path, body | dict(settings.extra_body), lambda got: _value(read(got))
            )
        except RefusedError as error:
            return self._endpoint.refused(error)
        except jinja2.TemplateError as error:
            return NoReply(Cause.UNAVAILABLE, f"the model {self._endpoint.name}: its chat template fails: {error}")
        if isinstance(value, NoReply):
            return value
        revision = f"@{settings.revision}" if settings.revision else ""
        return Rating(value=round(value, DIGITS), model=f"{settings.model or self._endpoint.name}{revision}")

    def _said(self, messages: list[dict[str, str]]) -> str:
        return self._text.render(messages=messages, add_generation_prompt=False, **self.settings.chat_options)


def _template(name: str, file: Path | None) -> jinja2.Template:
    environment = ImmutableSandboxedEnvironment(autoescape=False, trim_blocks=True, lstrip_blocks=True)
    try:
        return environment.from_string(PARAGRAPHS if file is None else file.read_text(encoding="utf-8"))
    except (OSError, ValueError, jinja2.TemplateError) as error:
        raise ConfigurationError(f"models.{name}.chat_template: {error}") from None


# Where each kind of server is asked, and where in its answer the number stands.
ROUTES: Mapping[str, tuple[str, Callable[[Any], Any]]] = {
    "pooling": ("/pooling", lambda got: got["data"][0]["data"]),
    "classify": ("/classify", lambda got: got["data"][0]["probs"]),
    "embeddings": ("/v1/embeddings", lambda got: got["data"][0]["embedding"][-1:]),
    "get_reward": ("/get_reward", lambda got: got["rewards"]),
}


def _value(found: Any) -> float:  # noqa: ANN401  # whatever JSON came
    """Read the one number of an answer."""
    while isinstance(found, list):
        (found,) = cast("list[Any]", found)  # type: ignore[redundant-cast]  # for pyright it is not
    value = float(found)
    if not math.isfinite(value):
        raise ValueError(f"{value} is no rating")
    if value == 1.0:
        raise ValueError("it rates 1.0, as it does everything while its activation is on")
    return value
