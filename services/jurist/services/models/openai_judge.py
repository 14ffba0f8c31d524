"""A judge behind an OpenAI-compatible server (vLLM, SGLang, Ray Serve LLM, NIM): `/chat/completions`.

Labels are read from the probabilities of the first token. A server tells the likeliest twenty: a label that is not
among them has at most the least of theirs, and is given that bound. A token that only begins a label counts for it
where it begins no other.
"""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any, NamedTuple

import structlog

from jurist.services.models import labels
from jurist.services.models.endpoint import Endpoint, RefusedError
from jurist.verifiers import Cause, Dialogue, NoReply, Prompt, Reading
from jurist.verifiers._judge.rendering import inert

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from jurist.services.models.counts import ModelMetrics
    from jurist.services.models.settings import RemoteJudge
    from jurist.verifiers import Rating

__all__ = ["OpenAIJudge"]

WHOLE = frozenset({None, "stop", "eos"})  # finish reasons; a filter or an abort leaves a part, as a limit does
AMBIGUOUS = 0.01  # of the labels' mass that may lie on tokens which begin several of them

log = structlog.get_logger(__name__)


class _Said(NamedTuple):
    """One text and whether it was cut."""

    text: str
    cut: bool


class OpenAIJudge:
    """A causal language model behind a server."""

    answers: type[Prompt | Dialogue] = Prompt

    def __init__(self, name: str, settings: RemoteJudge, metrics: ModelMetrics) -> None:
        self.identity = ""
        self.settings = settings
        self._model = settings.model
        self._endpoint = Endpoint(name, settings, metrics)
        self._takes_schemas = True
        if self._model:
            self._identify()

    async def start(self) -> None:
        """Take up connections. A server that is not there yet is asked again with every question."""
        await self._endpoint.open()

    async def stop(self) -> None:
        """Close the connections."""
        await self._endpoint.close()

    async def answer(self, question: Prompt | Dialogue) -> Reading | Rating | NoReply:
        """Answer a prompt."""
        if not isinstance(question, Prompt):
            return NoReply(Cause.UNAVAILABLE, f"the model {self._endpoint.name} rates no dialogues")
        try:
            if not self._model:
                listed = await self._endpoint.ask("GET", "/models", None, _first_model)
                if isinstance(listed, NoReply):
                    return listed
                self._model = listed
                self._identify()
            return await (self._written(question) if question.write_tokens else self._read(question))
        except RefusedError as error:
            return self._endpoint.refused(error)

    def _identify(self) -> None:
        chat = dict(self.settings.chat_options) | dict(self.settings.extra_body)
        self.identity = f"{self.settings.url} {self._model}@{self.settings.revision} {chat}"

    @property
    def _title(self) -> str:
        revision = self.settings.revision
        return f"{self._model}@{revision}" if revision else self._model

    def _body(self, prompt: Prompt) -> dict[str, object]:
        body: dict[str, object] = {
            "model": self._model,
            "messages": [{"role": message.role, "content": inert(message.content)} for message in prompt.messages],
        }
        if self.settings.chat_options:
            body["chat_template_kwargs"] = dict(self.settings.chat_options)
        return body | dict(self.settings.extra_body)

    async def _read(self, prompt: Prompt) -> Reading | NoReply:
        body = self._body(prompt) | {
            "max_tokens": 1,
            "temperature": 1.0,  # some servers report probabilities after the temperature; what is drawn is not used
            "top_p": 1.0,
            "logprobs": True,
            "top_logprobs": self.settings.top_logprobs,
        }
        top = await self._endpoint.ask("POST", "/chat/completions", body, _top)
        if isinstance(top, NoReply):
            return top
        return _reading(prompt.labels, top, self._title)

    async def _written(self, prompt: Prompt) -> Reading | NoReply:
        """Have it write as often as the prompt says; a server that gives fewer texts at a time is asked again."""
        said: list[_Said] = []
        while len(said) < prompt.draws:
            body = self._body(prompt) | {
                "max_tokens": prompt.write_tokens,
                "temperature": prompt.temperature,
                "n": prompt.draws - len(said),
            }
            try:
                more = await self._endpoint.ask("POST", "/chat/completions", body | self._held(prompt), _texts)
            except RefusedError:
                if not self._held(prompt):
                    raise
                # It may be the schema that it does not know, or the request itself: without one it tells.
                more = await self._endpoint.ask("POST", "/chat/completions", body, _texts)
                log.warning("model takes no JSON schema", model=self._endpoint.name)
                self._takes_schemas = False
            if isinstance(more, NoReply):
                return more
            said += more[: prompt.draws - len(said)]
        return Reading(texts=tuple(one.text for one in said), cut=tuple(one.cut for one in said), model=self._title)

    def _held(self, prompt: Prompt) -> dict[str, object]:
        if not prompt.schema or not self._takes_schemas:
            return {}
        schema = {"name": "verdict", "schema": json.loads(prompt.schema), "strict": True}
        return {"response_format": {"type": "json_schema", "json_schema": schema}}


def _first_model(body: Any) -> str:  # noqa: ANN401  # whatever JSON came
    return str(body["data"][0]["id"])


def _texts(body: Any) -> list[_Said]:  # noqa: ANN401
    said = [
        _Said(choice["message"]["content"] or "", choice.get("finish_reason") not in WHOLE)
        for choice in body["choices"]
    ]
    if not said or not all(isinstance(one.text, str) for one in said):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise ValueError("no texts")
    return said


def _top(body: Any) -> dict[str, float]:  # noqa: ANN401
    """Return the probabilities of the likeliest first tokens."""
    logprobs = body["choices"][0].get("logprobs")
    if not logprobs or not logprobs.get("content"):
        raise ValueError("no logprobs (does the server give them for this model?)")
    top: dict[str, float] = {}
    for entry in logprobs["content"][0]["top_logprobs"]:
        token, logprob = str(entry["token"]), float(entry["logprob"])
        if math.isnan(logprob) or logprob > 1e-3:  # noqa: PLR2004  # rounding may lift a certainty above 0
            raise ValueError(f"{logprob} is no logarithm of a probability")
        top[token] = top.get(token, 0.0) + min(1.0, math.exp(logprob))
    if not top:
        raise ValueError("no top_logprobs")
    return top


def _reading(offered: Sequence[str], top: Mapping[str, float], model: str) -> Reading | NoReply:
    """Return the labels' probabilities from those of first tokens."""
    found = dict.fromkeys(offered, 0.0)
    unclear = 0.0
    for token, share in top.items():
        text = token.strip()
        begun = [text] if text in found else [label for label in offered if text and label.startswith(text)]
        if len(begun) == 1:
            found[begun[0]] += share
        elif begun:
            unclear += share
    mass = sum(found.values())
    if unclear > AMBIGUOUS * (mass + unclear):
        return NoReply(Cause.UNDECIDED, f"{model}: several of {list(offered)} begin with the same token")
    bound = min(*top.values(), max(0.0, 1.0 - sum(top.values())))
    return labels.reading([share or bound for share in found.values()], mass, model)
