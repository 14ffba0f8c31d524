"""Building groups and reading scores."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from typing import Any, TypedDict, TypeVar, cast

from google.protobuf.json_format import ParseDict, ParseError
from google.protobuf.message import Message

from jurist.client._errors import InvalidInputError
from jurist.client._values import json_object, kind_of, text, texts, utf8, whole
from jurist.v1 import reward_pb2

__all__ = ["TaskFields", "abstentions", "advantages", "group", "message", "recipe_message", "rewards"]


M = TypeVar("M", bound=Message)


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
        InvalidInputError: the sequences differ in length, or a field is not what the contract says; the message begins
            with its name. None and NaN are no texts, and no numbers.
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
    built = reward_pb2.RolloutGroup(group_id=text(group_id, "group_id") or uuid.uuid4().hex)
    task = built.task
    task.SetInParent()
    if isinstance(prompt, str):
        task.prompt = utf8(prompt)
    else:
        for index, turn in enumerate(_turns(prompt)):
            role, content = (text(turn.get(name), f"prompt[{index}].{name}") for name in ("role", "content"))
            task.messages.add(role=role, content=content)
    task.answers.extend(texts([answers] if isinstance(answers, str) else answers, "answers"))
    task.choices.extend(texts(choices, "choices"))
    if tests is not None:
        task.tests.CopyFrom(tests if isinstance(tests, reward_pb2.Tests) else _parsed(tests, reward_pb2.Tests, "tests"))
    task.language = text(language, "language")
    if extra:
        task.extra.update(cast("Any", json_object(extra, "extra", exactly=True)))
    for index, completion in enumerate(completions):
        built.rollouts.add(
            completion=text(completion, f"completions[{index}]"),
            rollout_id="" if rollout_ids is None else text(rollout_ids[index], f"rollout_ids[{index}]"),
            completion_tokens=(
                None if completion_tokens is None else whole(completion_tokens[index], f"completion_tokens[{index}]")
            ),
            finish_reason=_finish(None if truncated is None else bool(truncated[index])),
        )
    if recipe is not None:
        built.recipe.CopyFrom(recipe_message(recipe))
    return built


def _turns(prompt: object) -> Sequence[Mapping[str, object]]:
    if not isinstance(prompt, Sequence):
        raise InvalidInputError(f"prompt: must be text or a chat, not {kind_of(prompt)}")
    turns = cast("Sequence[object]", prompt)
    for index, turn in enumerate(turns):
        if not isinstance(turn, Mapping):
            raise InvalidInputError(f"prompt[{index}]: must be an object, not {kind_of(turn)}")
    return cast("Sequence[Mapping[str, object]]", turns)


def _parsed(like: object, kind: type[M], path: str) -> M:
    """Read the contract's JSON; what it refuses is named by `path` and protobuf."""
    try:
        return ParseDict(cast("Any", json_object(like, path)), kind())
    except (ParseError, AttributeError, TypeError, ValueError, OverflowError, RecursionError) as error:
        raise InvalidInputError(f"{path}: {error}") from None


def _finish(truncated: bool | None) -> reward_pb2.FinishReason.ValueType:  # noqa: FBT001  # a column's value
    if truncated is None:
        return reward_pb2.FINISH_REASON_UNSPECIFIED
    return reward_pb2.FINISH_REASON_LENGTH if truncated else reward_pb2.FINISH_REASON_STOP


def message(like: reward_pb2.RolloutGroup | Mapping[str, object], path: str) -> reward_pb2.RolloutGroup:
    """Take a group as a message, or as the contract's JSON.

    Raises:
        InvalidInputError: the JSON is no group; `path` and protobuf name the field.
    """
    return like if isinstance(like, reward_pb2.RolloutGroup) else _parsed(like, reward_pb2.RolloutGroup, path)


def recipe_message(like: str | Mapping[str, object] | reward_pb2.Recipe) -> reward_pb2.Recipe:
    """Take a recipe by its name, as the contract's JSON or as a message.

    Raises:
        InvalidInputError: the JSON is no recipe.
    """
    if isinstance(like, str):
        return reward_pb2.Recipe(name=utf8(like))
    return like if isinstance(like, reward_pb2.Recipe) else _parsed(like, reward_pb2.Recipe, "recipe")


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
