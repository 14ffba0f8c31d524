"""The requests of trainers that call a reward server of their own kind. Each is named with where it was read.

None of these answers can say "no reward", so a completion without one is an error that the trainer tries again: never
a number that was made up.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, cast

import msgspec

from jurist.client import InvalidInputError, TaskFields, group, task_fields
from jurist.client._eos import without_eos
from jurist.services.errors import BadInputError
from jurist.services.facade.singles import reward

if TYPE_CHECKING:
    from jurist.services.facade.singles import Call
    from jurist.v1 import reward_pb2

__all__ = [
    "GetReward",
    "GetRewardAnswer",
    "LlamaFactory",
    "LlamaFactoryAnswer",
    "Sample",
    "Slime",
    "chat",
    "get_reward",
    "llama_factory",
    "said",
    "scores",
    "slime",
]

COMPLETION = "rollouts[0].completion"


class GetReward(msgspec.Struct):
    """OpenRLHF 0.11, openrlhf/utils/agent.py: `query` is prompt and response with their special tokens."""

    query: list[str]
    prompts: list[str] = []
    labels: list[Any] = []


class GetRewardAnswer(msgspec.Struct):
    """`scores` are those of the recipe's first term, in [0, 1]; `extra_logs` the scores of every term."""

    rewards: list[float]
    scores: list[float]
    extra_logs: dict[str, list[float]]


async def get_reward(body: GetReward, call: Call) -> GetRewardAnswer:
    """Score queries, OpenRLHF's way.

    Raises:
        BadInputError: a list has another length than `query`, or a label is no reference.
        NoRewardError: a completion has no reward.
    """
    for name in ("prompts", "labels"):
        given = len(getattr(body, name))
        if given not in {0, len(body.query)}:
            raise BadInputError(name, f"{given} for {len(body.query)} of query")
    prompts: Sequence[str] = body.prompts or [""] * len(body.query)
    labels = body.labels or [None] * len(body.query)
    samples = [
        Sample(query.removeprefix(prompt), f"query[{index}]", label, f"labels[{index}]", prompt)
        for index, (query, prompt, label) in enumerate(zip(body.query, prompts, labels, strict=True))
    ]
    scored = await scores(samples, call)
    rewards = [reward(rollout, sample.reference) for rollout, sample in zip(scored, samples, strict=True)]
    columns = [
        (component.name, [rollout.components[place].score for rollout in scored])
        for place, component in enumerate(scored[0].components if scored else ())
    ]
    return GetRewardAnswer(rewards, columns[0][1] if columns else [], dict(columns))


class Slime(msgspec.Struct):
    """Slime, slime/rollout/rm_hub: `--rm-type remote_rm --rm-url URL`. The prompt is text, or a chat of messages."""

    response: str
    prompt: Any = None
    label: Any = None


async def slime(body: Slime, call: Call) -> float:
    """Score one sample, slime's way: the answer is the number.

    Raises:
        BadInputError: the prompt is neither text nor a chat, or the label is no reference.
        NoRewardError: it has no reward.
    """
    sample = Sample(body.response, "response", body.label, "label", chat(body.prompt, "prompt"))
    (scored,) = await scores([sample], call)
    return reward(scored, sample.reference)


class LlamaFactory(msgspec.Struct):
    """LLaMA-Factory, train/ppo/ppo_utils.py: prompt and response as one text, and no reference."""

    messages: list[str]
    model: str = ""


class LlamaFactoryAnswer(msgspec.Struct):
    """A score a message."""

    scores: list[float]


async def llama_factory(body: LlamaFactory, call: Call) -> LlamaFactoryAnswer:
    """Score texts, LLaMA-Factory's way: only recipes that need no reference can.

    Raises:
        NoRewardError: a text has no reward.
    """
    samples = [Sample(text, f"messages[{index}]", None, "recipe") for index, text in enumerate(body.messages)]
    return LlamaFactoryAnswer([reward(rollout, "recipe") for rollout in await scores(samples, call)])


class Sample(NamedTuple):
    """A completion, its label and its prompt, and the fields of the request that the first two came in."""

    completion: str
    field: str
    label: object
    reference: str
    prompt: str | Sequence[Mapping[str, str]] = ""


async def scores(samples: Sequence[Sample], call: Call) -> list[reward_pb2.RolloutScore]:
    """Score completions, each against its label; none is judged where one cannot be.

    Raises:
        BadInputError: a sample cannot be scored; the request's field is named.
    """
    groups = [_group(sample, call) for sample in samples]
    return await asyncio.gather(*(_score(*each, call) for each in zip(samples, groups, strict=True)))


async def _score(sample: Sample, built: reward_pb2.RolloutGroup, call: Call) -> reward_pb2.RolloutScore:
    try:
        scored = await call.singles.scores(built, call.settings)
    except BadInputError as error:
        for ours, theirs in (("task", sample.reference), (COMPLETION, sample.field)):
            if error.field == ours or error.field.startswith(f"{ours}."):
                raise type(error)(theirs + error.field.removeprefix(ours), error.message) from None
        raise
    return scored.rollouts[0]


def _group(sample: Sample, call: Call) -> reward_pb2.RolloutGroup:
    try:
        whole: TaskFields = {"prompt": sample.prompt, **task_fields(sample.label)}
        return group([without_eos(sample.completion, call.settings.eos)], **whole)
    except InvalidInputError as error:
        name, _, message = str(error).partition(": ")
        raise BadInputError(_inside(sample.reference, name), message or name) from None


def _inside(reference: str, path: str) -> str:
    """Name a part of a label, or of the task that it made, by the field that it came in."""
    name = path.partition(".")[0].partition("[")[0]
    if name == "label":
        return reference + path.removeprefix(name)
    return f"{reference}.{path}" if name in TaskFields.__annotations__ else reference


def chat(prompt: object, field: str) -> str | list[Mapping[str, str]]:
    """Read a prompt: text, or a chat.

    Raises:
        BadInputError: it is neither.
    """
    if prompt is None or isinstance(prompt, str):
        return prompt or ""
    if not isinstance(prompt, list):
        raise BadInputError(field, "is text or a list of messages")
    return [_turn(turn, f"{field}[{index}]") for index, turn in enumerate(cast("list[object]", prompt))]


def _turn(turn: object, field: str) -> Mapping[str, str]:
    if not isinstance(turn, Mapping):
        raise BadInputError(field, "is no message with `role` and `content`")
    given = cast("Mapping[str, object]", turn)
    role, content = given.get("role", "user"), given.get("content")
    if not isinstance(role, str):
        raise BadInputError(f"{field}.role", "is text")
    if not isinstance(content, str | list | None):
        raise BadInputError(f"{field}.content", "is text, or a list of parts")
    return {"role": role, "content": said(given.get("content"))}


def said(content: object, between: str = "") -> str:
    """Read a message's content: text, or parts of it."""
    if isinstance(content, str):
        return content
    parts = cast("list[object]", content) if isinstance(content, list) else []
    texts = (cast("Mapping[str, object]", part).get("text") for part in parts if isinstance(part, Mapping))
    return between.join(text for text in texts if isinstance(text, str))
