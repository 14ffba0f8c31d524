"""Building groups and reading scores."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any, cast

from google.protobuf.json_format import ParseDict, ParseError

from jurist.client._errors import InvalidInputError
from jurist.v1 import reward_pb2

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["advantages", "group", "message", "recipe_message", "rewards"]


def group(  # noqa: PLR0913  # a task has that many fields
    completions: Sequence[str],
    *,
    answers: Sequence[str] | str = (),
    prompt: str | Sequence[Mapping[str, str]] = "",
    choices: Sequence[str] = (),
    language: str = "",
    extra: Mapping[str, object] | None = None,
    completion_tokens: Sequence[int] | None = None,
    truncated: Sequence[bool] | None = None,
    rollout_ids: Sequence[str] | None = None,
    group_id: str = "",
    recipe: str | Mapping[str, object] | reward_pb2.Recipe | None = None,
) -> reward_pb2.RolloutGroup:
    """Build the group of completions sampled for one prompt.

    Args:
        completions: What the model wrote, without the prompt. Lone surrogates, which a cut tokenizer can leave and
            UTF-8 cannot carry, become U+FFFD.
        answers: The reference answers; any one of them will do.
        prompt: Text, or a chat of `{"role": ..., "content": ...}`.
        choices: The options of a multiple-choice question, A first.
        language: The language wanted, as an IETF tag.
        extra: Fields of your own, as JSON.
        completion_tokens: Each completion's length in tokens.
        truncated: Whether each completion was cut at a length limit.
        rollout_ids: Unique within the group; "0", "1", ... when left out.
        group_id: Unique within a call; made up when left out.
        recipe: A recipe of this group's own.

    Raises:
        InvalidInputError: the sequences differ in length.
    """
    for name, column in (
        ("completion_tokens", completion_tokens),
        ("truncated", truncated),
        ("rollout_ids", rollout_ids),
    ):
        if column is not None and len(column) != len(completions):
            text = f"{name}: {len(column)} for {len(completions)} completions"
            raise InvalidInputError(text)
    built = reward_pb2.RolloutGroup(group_id=group_id or uuid.uuid4().hex)
    task = built.task
    task.SetInParent()
    if isinstance(prompt, str):
        task.prompt = _utf8(prompt)
    else:
        for turn in prompt:
            task.messages.add(role=turn["role"], content=_utf8(turn["content"]))
    task.answers.extend([answers] if isinstance(answers, str) else answers)
    task.choices.extend(choices)
    task.language = language
    if extra:
        task.extra.update(cast("Any", extra))
    for index, completion in enumerate(completions):
        built.rollouts.add(
            completion=_utf8(completion),
            rollout_id=rollout_ids[index] if rollout_ids else "",
            completion_tokens=completion_tokens[index] if completion_tokens else None,
            finish_reason=_finish(truncated[index] if truncated else None),
        )
    if recipe is not None:
        built.recipe.CopyFrom(recipe_message(recipe))
    return built


def _finish(truncated: bool | None) -> reward_pb2.FinishReason.ValueType:  # noqa: FBT001  # a column's value
    if truncated is None:
        return reward_pb2.FINISH_REASON_UNSPECIFIED
    return reward_pb2.FINISH_REASON_LENGTH if truncated else reward_pb2.FINISH_REASON_STOP


def _utf8(text: str) -> str:
    if text.isascii():
        return text
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def message(like: reward_pb2.RolloutGroup | Mapping[str, object], index: int) -> reward_pb2.RolloutGroup:
    """Take a group as a message, or as the contract's JSON.

    Raises:
        InvalidInputError: the JSON is no group; it names the field.
    """
    if isinstance(like, reward_pb2.RolloutGroup):
        return like
    try:
        return ParseDict(dict(like), reward_pb2.RolloutGroup())
    except ParseError as error:
        text = f"groups[{index}]: {error}"
        raise InvalidInputError(text) from None


def recipe_message(like: str | Mapping[str, object] | reward_pb2.Recipe) -> reward_pb2.Recipe:
    """Take a recipe by its name, as the contract's JSON or as a message.

    Raises:
        InvalidInputError: the JSON is no recipe.
    """
    if isinstance(like, str):
        return reward_pb2.Recipe(name=like)
    if isinstance(like, reward_pb2.Recipe):
        return like
    try:
        return ParseDict(dict(like), reward_pb2.Recipe())
    except ParseError as error:
        text = f"recipe: {error}"
        raise InvalidInputError(text) from None


def rewards(scores: reward_pb2.GroupScores) -> list[float | None]:
    """Return each rollout's reward, None where it has none."""
    return [rollout.reward if rollout.HasField("reward") else None for rollout in scores.rollouts]


def advantages(scores: reward_pb2.GroupScores) -> list[float | None]:
    """Return each rollout's advantage, None where it has none."""
    return [rollout.advantage if rollout.HasField("advantage") else None for rollout in scores.rollouts]
