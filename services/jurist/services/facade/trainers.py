"""The requests of trainers that call a reward server of their own kind. Each is named with where it was read.

None of these answers can say "no reward", so a completion without one is an error that the trainer tries again: never
a number that was made up.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import msgspec

from jurist.client import group, task_fields
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
    "Slime",
    "get_reward",
    "llama_factory",
    "single",
    "slime",
]


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
        BadInputError: a list has another length than `query`.
        NoRewardError: a completion has no reward.
    """
    for name in ("prompts", "labels"):
        given = len(getattr(body, name))
        if given not in {0, len(body.query)}:
            raise BadInputError(name, f"{given} for {len(body.query)} queries")
    prompts = body.prompts or [""] * len(body.query)
    labels = body.labels or [None] * len(body.query)
    scored = await asyncio.gather(
        *(
            single(query.removeprefix(prompt), label, prompt, call)
            for query, prompt, label in zip(body.query, prompts, labels, strict=True)
        )
    )
    rewards = [reward(rollout) for rollout in scored]
    columns = [
        (component.name, [rollout.components[place].score for rollout in scored])
        for place, component in enumerate(scored[0].components if scored else ())
    ]
    return GetRewardAnswer(rewards, columns[0][1] if columns else [], dict(columns))


class Slime(msgspec.Struct):
    """Slime, slime/rollout/rm_hub: `--rm-type remote_rm --rm-url URL`."""

    prompt: Any
    response: str
    label: Any = None


async def slime(body: Slime, call: Call) -> float:
    """Score one sample, slime's way: the answer is the number.

    Raises:
        NoRewardError: it has no reward.
    """
    prompt = body.prompt if isinstance(body.prompt, str) else ""
    return reward(await single(body.response, body.label, prompt, call))


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
    scored = await asyncio.gather(*(single(text, None, "", call) for text in body.messages))
    return LlamaFactoryAnswer([reward(rollout) for rollout in scored])


async def single(completion: str, label: object, prompt: str, call: Call) -> reward_pb2.RolloutScore:
    """Score one completion against its label."""
    task = task_fields(label)
    task.setdefault("prompt", prompt)
    scores = await call.singles.scores(group([without_eos(completion, call.settings.eos)], **task), call.settings)
    return scores.rollouts[0]
