"""Trainers' samples to groups: what a completion's text is, and what its row of the data set says of the task."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from jurist.client import InvalidInputError, group, task_fields
from jurist.client._eos import without_eos
from jurist.client._labels import choices
from jurist.client._values import is_list, is_missing, is_object, json_object, kind_of, own, whole
from jurist.v1 import reward_pb2

if TYPE_CHECKING:
    from jurist.client import TaskFields
    from jurist.trainers._settings import Settings

__all__ = ["Sample", "grouped", "sample_of", "task_of", "text_of"]

REFERENCES = (
    "answers",
    "answer",
    "solution",
    "ground_truth",
    "label",
    "target",
    "expected_answer",
    "reference_answer",
)
TESTS = ("tests", "test_cases", "test_list", "verification_info", "input_output", "unit_tests")
SPREAD: tuple[tuple[tuple[str, ...], Any], ...] = (
    (("test", "entry_point", "test_info"), str),  # HumanEval, KodCode
    (("private_test_cases", "public_test_cases", "metadata", "fn_name"), (str, list)),  # LiveCodeBench
    (("inputs", "outputs", "fn_name"), list),  # APPS, PRIME
)
"""Columns that are a problem's tests together, and the type of the first; it and another must not be empty."""
BESIDE = {"test_list": ("test_setup_code", "test_imports", "entry_point"), "test_cases": ("fn_name",)}
"""What says more of the tests in such a column: MBPP, PrimeIntellect."""
PROTOCOLS = frozenset(protocol.name for protocol in reward_pb2.Tests.DESCRIPTOR.oneofs_by_name["protocol"].fields)
CHOICES = ("choices", "options")
FINISHED = {True: reward_pb2.FINISH_REASON_LENGTH, False: reward_pb2.FINISH_REASON_STOP}


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One completion as a trainer hands it over; `tokens` is its length, `truncated` whether it was cut, if known.

    Samples of one task that name different groups (`together`) are kept apart.
    """

    completion: str
    task: TaskFields
    tokens: int | None = None
    truncated: bool | None = None
    together: str = ""


def sample_of(  # noqa: PLR0913  # a column each
    settings: Settings,
    completion: object,
    row: Mapping[str, object],
    prompt: object = "",
    *,
    tokens: object = None,
    truncated: bool | None = None,
    together: object = "",
    eos: Sequence[str] = (),
) -> Sample | InvalidInputError:
    """Read a sample, or say what is wrong with it, which is this sample's trouble alone.

    `eos` are the texts of special tokens that are taken off the completion's end.
    """
    try:
        return Sample(
            completion=without_eos(text_of(completion), eos),
            task=task_of(row, prompt, settings),
            tokens=None if tokens is None else whole(tokens, "completion_tokens"),
            truncated=truncated,
            together=str(together),
        )
    except InvalidInputError as error:
        return error
    except Exception as error:  # noqa: BLE001  # a row holds what it likes, and no other row pays for it
        return InvalidInputError(f"row: cannot be read: {type(error).__name__}: {error}")


def text_of(completion: object) -> str:
    """Return what was said, of text, of a chat's turns, or of one turn's parts.

    Of a chat the assistant's last turn counts; a thought that the server cut out of it (`reasoning_content`) is put
    back between its tags. A turn that calls tools, or thinks, and says nothing beside is the model's own and an empty
    text. Where there is no completion at all there is nothing to judge: an empty text would be judged, as wrong.

    Raises:
        InvalidInputError: there is none, or it is neither text nor a chat.
    """
    spoken = _last(own(completion))
    if is_missing(spoken):
        raise InvalidInputError("completion: there is none")
    turn = cast("Mapping[str, object]", spoken) if is_object(spoken) else None
    if turn is not None and _content(turn) is None and not (_calls(turn) or _thought(turn)):
        raise InvalidInputError("completion: there is none: the assistant's turn has neither text nor a call")
    return _said(spoken, "completion")


def _last(completion: object) -> object:
    """Return the assistant's last turn of a chat that names roles; anything else as it is."""
    if not is_list(completion):
        return completion
    roles = [
        cast("Mapping[str, object]", turn).get("role") if isinstance(turn, Mapping) else None for turn in completion
    ]
    spoken = [turn for turn, role in zip(completion, roles, strict=True) if role == "assistant"]
    if not completion or (any(roles) and not spoken):
        raise InvalidInputError("completion: there is none: the chat has no turn of the assistant's")
    return spoken[-1] if spoken else completion


def _said(content: object, path: str) -> str:
    """Return the text of a turn, of its parts or of some turns; none where there is none."""
    content = own(content)
    match content:
        case None:
            return ""
        case str():
            return content
        case Mapping():
            turn = cast("Mapping[str, object]", content)
            said, thought = _said(_content(turn), path), _thought(turn)
            return said if thought is None else f"<think>{thought}</think>\n{said}"
        case _ if is_list(content):  # parts of one turn, or a chat with no role named
            return "".join(_said(part, f"{path}[{index}]") for index, part in enumerate(content))
        case _:
            raise InvalidInputError(f"{path}: must be text or a chat, not {kind_of(content)}")


def _content(turn: Mapping[str, object]) -> object:
    return turn.get("content", turn.get("text"))


def _calls(turn: Mapping[str, object]) -> bool:
    return bool(turn.get("tool_calls") or turn.get("function_call"))


def _thought(turn: Mapping[str, object]) -> str | None:
    thought = turn.get("reasoning_content") or turn.get("reasoning")
    return thought if isinstance(thought, str) else None


def task_of(row: Mapping[str, object], prompt: object, settings: Settings) -> TaskFields:
    """Return the task that a row of the data set states; a reference may be any label that `task_fields` reads.

    Raises:
        InvalidInputError: the reference is of no such form, or what else is sent is nothing that JSON holds.
    """
    named = (settings.reference,) if settings.reference else REFERENCES
    tests, label = _tests(row), task_fields(_first(row, named))
    task: TaskFields = {**tests, **label}  # a problem's reference solution may lie beside its tests
    options = own(_first(row, CHOICES))
    if isinstance(options, Sequence) and not isinstance(options, str):
        task.setdefault("choices", choices(cast("Sequence[object]", options), "choices"))
    language = row.get("language")
    if isinstance(language, str):
        task.setdefault("language", language)
    named_extra = {name: _cell(row[name]) for name in settings.extra.split(",") if name in row}
    extra = {**(tests.get("extra") or {}), **(label.get("extra") or {}), **named_extra}
    if extra:
        task["extra"] = json_object(extra, "extra", exactly=True)
    task.setdefault("prompt", _prompt(prompt))
    return task


def _cell(value: object) -> object:
    return None if is_missing(value) else value


def _first(row: Mapping[str, object], names: Sequence[str]) -> object:
    return next((row[name] for name in names if row.get(name) is not None), None)


def _tests(row: Mapping[str, object]) -> TaskFields:
    """Read the tests of a programming problem, in the contract's form or in one that `code_tests` knows."""
    column, tests = next(((name, found) for name in TESTS if (found := own(row.get(name)))), ("", None))
    if isinstance(tests, Mapping) and PROTOCOLS & cast("Mapping[str, object]", tests).keys():
        return {"tests": json_object(cast("Mapping[str, object]", tests), "tests")}
    beside = {name: value for name in BESIDE.get(column, ()) if (value := own(row.get(name)))}
    if beside:
        return {"extra": {column: tests, **beside}}
    if tests:
        return {"extra": {"tests": tests}}
    for columns, kind in SPREAD:
        given = {name: value for name in columns if (value := own(row.get(name)))}
        if isinstance(given.get(columns[0]), kind) and len(given) > 1:
            begun = "test" in given and isinstance(row.get("prompt"), str)  # HumanEval's begins the program
            return {"extra": {**given, "prompt": row["prompt"]} if begun else given}
    return {}


def _prompt(prompt: object) -> str | Sequence[Mapping[str, str]]:
    prompt = own(prompt)
    if isinstance(prompt, str):
        return prompt
    if not isinstance(prompt, Sequence):
        return ""
    turns: list[Mapping[str, str]] = []
    for index, turn in enumerate(cast("Sequence[object]", prompt)):
        if not isinstance(turn, Mapping):
            raise InvalidInputError(f"prompt[{index}]: must be a turn of a chat, not {kind_of(turn)}")
        said = cast("Mapping[str, object]", turn)
        content = _said(said.get("content"), f"prompt[{index}].content")
        turns.append({"role": str(said.get("role", "user")), "content": content})
    return turns


def grouped(
    samples: Sequence[Sample | InvalidInputError],
) -> tuple[list[reward_pb2.RolloutGroup], list[tuple[int, int] | InvalidInputError]]:
    """Gather samples of equal tasks into groups; returns these and each sample's place, group and rollout.

    What cannot be sent has its error in place of a place.
    """
    members: dict[tuple[str, str], list[int]] = {}
    places: list[tuple[int, int] | InvalidInputError] = [(0, 0)] * len(samples)
    for index, sample in enumerate(samples):
        if isinstance(sample, InvalidInputError):
            places[index] = sample
        else:
            key = sample.together, json.dumps(sample.task, sort_keys=True, default=repr)
            members.setdefault(key, []).append(index)
    groups: list[reward_pb2.RolloutGroup] = []
    for indices in members.values():
        rows = [cast("Sample", samples[index]) for index in indices]
        try:
            built = group([row.completion for row in rows], group_id=str(len(groups)), **rows[0].task)
        except InvalidInputError as error:  # of the task, which they share
            for index in indices:
                places[index] = error
            continue
        for place, (row, index) in enumerate(zip(rows, indices, strict=True)):
            rollout = built.rollouts[place]
            if row.tokens is not None:
                rollout.completion_tokens = row.tokens
            if row.truncated is not None:
                rollout.finish_reason = FINISHED[row.truncated]
            places[index] = len(groups), place
        groups.append(built)
    return groups, places
