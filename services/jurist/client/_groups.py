"""Building groups and reading scores."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from typing import Any, TypedDict, cast

from google.protobuf.json_format import ParseDict, ParseError

from jurist.client._errors import InvalidInputError
from jurist.v1 import reward_pb2

__all__ = ["TaskFields", "abstentions", "advantages", "group", "message", "recipe_message", "rewards"]


class TaskFields(TypedDict, total=False):
    """What a completion answers and how it is scored, as for `group`."""

    answers: Sequence[str] | str
    prompt: str | Sequence[Mapping[str, str]]
    choices: Sequence[str]
    tests: Mapping[str, object] | reward_pb2.Tests | None
    language: str
    extra: Mapping[str, object] | None
    recipe: str | Mapping[str, object] | reward_pb2.Recipe | None


def group(  # noqa: PLR0913  # a task has that many fields
    completions: Sequence[str],
    *,
    answers: Sequence[str] | str = (),
    prompt: str | Sequence[Mapping[str, str]] = "",
    choices: Sequence[str] = (),
    tests: Mapping[str, object] | reward_pb2.Tests | None = None,
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
        tests: The tests of a programming problem: the contract's JSON, or a message.
        language: The language wanted, as an IETF tag.
        extra: Fields of your own, as JSON.
        completion_tokens: Each completion's length in tokens.
        truncated: Whether each completion was cut at a length limit.
        rollout_ids: Unique within the group; "0", "1", ... when left out.
        group_id: Unique within a call; made up when left out.
        recipe: A recipe of this group's own.

    Raises:
        InvalidInputError: the sequences differ in length, or `tests` or `recipe` is not what the contract says.
    """
    if isinstance(completions, str):
        raise InvalidInputError("completions: a list of texts, not one text")
    for name, column in (
        ("completion_tokens", completion_tokens),
        ("truncated", truncated),
        ("rollout_ids", rollout_ids),
    ):
        if column is not None and len(column) != len(completions):
            raise InvalidInputError(f"{name}: {len(column)} for {len(completions)} completions")
    built = reward_pb2.RolloutGroup(group_id=_utf8(group_id) or uuid.uuid4().hex)
    task = built.task
    task.SetInParent()
    if isinstance(prompt, str):
        task.prompt = _utf8(prompt)
    else:
        for turn in prompt:
            task.messages.add(role=_utf8(turn["role"]), content=_utf8(turn["content"]))
    task.answers.extend(map(_utf8, [answers] if isinstance(answers, str) else answers))
    task.choices.extend(map(_utf8, choices))
    if tests is not None:
        task.tests.CopyFrom(_tests_message(tests))
    task.language = _utf8(language)
    if extra:
        task.extra.update(cast("Any", _utf8_json(extra)))
    for index, completion in enumerate(completions):
        built.rollouts.add(
            completion=_utf8(completion),
            rollout_id="" if rollout_ids is None else _utf8(rollout_ids[index]),
            completion_tokens=None if completion_tokens is None else int(completion_tokens[index]),
            finish_reason=_finish(None if truncated is None else bool(truncated[index])),
        )
    if recipe is not None:
        built.recipe.CopyFrom(recipe_message(recipe))
    return built


def _tests_message(like: Mapping[str, object] | reward_pb2.Tests) -> reward_pb2.Tests:
    if isinstance(like, reward_pb2.Tests):
        return like
    try:
        return ParseDict(cast("Any", _utf8_json(like)), reward_pb2.Tests())
    except ParseError as error:
        raise InvalidInputError(f"tests: {error}") from None


def _finish(truncated: bool | None) -> reward_pb2.FinishReason.ValueType:  # noqa: FBT001  # a column's value
    if truncated is None:
        return reward_pb2.FINISH_REASON_UNSPECIFIED
    return reward_pb2.FINISH_REASON_LENGTH if truncated else reward_pb2.FINISH_REASON_STOP


def _utf8(text: str) -> str:
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text


def _utf8_json(value: object) -> object:
    """Return a JSON value with every text in it fit for UTF-8."""
    if isinstance(value, str):
        return _utf8(value)
    if isinstance(value, Mapping):
        return {_utf8_json(name): _utf8_json(inner) for name, inner in cast("Mapping[object, object]", value).items()}
    if isinstance(value, Sequence) and not isinstance(value, bytes):
        return [_utf8_json(inner) for inner in cast("Sequence[object]", value)]
    return value


def message(like: reward_pb2.RolloutGroup | Mapping[str, object], path: str) -> reward_pb2.RolloutGroup:
    """Take a group as a message, or as the contract's JSON.

    Raises:
        InvalidInputError: the JSON is no group; `path` and protobuf name the field.
    """
    if isinstance(like, reward_pb2.RolloutGroup):
        return like
    try:
        return ParseDict(cast("Any", _utf8_json(like)), reward_pb2.RolloutGroup())
    except ParseError as error:
        raise InvalidInputError(f"{path}: {error}") from None


def recipe_message(like: str | Mapping[str, object] | reward_pb2.Recipe) -> reward_pb2.Recipe:
    """Take a recipe by its name, as the contract's JSON or as a message.

    Raises:
        InvalidInputError: the JSON is no recipe.
    """
    if isinstance(like, str):
        return reward_pb2.Recipe(name=_utf8(like))
    if isinstance(like, reward_pb2.Recipe):
        return like
    try:
        return ParseDict(cast("Any", _utf8_json(like)), reward_pb2.Recipe())
    except ParseError as error:
        raise InvalidInputError(f"recipe: {error}") from None


def rewards(scores: reward_pb2.GroupScores) -> list[float | None]:
    """Return each rollout's reward, None where it has none."""
    return [rollout.reward if rollout.HasField("reward") else None for rollout in scores.rollouts]


def advantages(scores: reward_pb2.GroupScores) -> list[float | None]:
    """Return each rollout's advantage, None where it has none."""
    return [rollout.advantage if rollout.HasField("advantage") else None for rollout in scores.rollouts]


def abstentions(rollout: reward_pb2.RolloutScore) -> str:
    """Say why a rollout has no reward: which verifiers abstained, with their causes and reasons."""
    return "; ".join(
        f"{component.name}: {reward_pb2.Cause.Name(component.abstention.cause).removeprefix('CAUSE_')}"
        f" ({component.reason})"
        for component in rollout.components
        if component.HasField("abstention")
    )
