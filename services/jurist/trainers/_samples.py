"""Trainers' samples to groups: what a completion's text is, and what its row of the data set says of the task."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from jurist.client import group, task_fields
from jurist.client._labels import plain
from jurist.v1 import reward_pb2

if TYPE_CHECKING:
    from jurist.client import TaskFields
    from jurist.trainers._settings import Settings

__all__ = ["Sample", "grouped", "task_of", "text_of"]

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
    """One completion as a trainer hands it over; `tokens` is its length, `truncated` whether it was cut, if known."""

    completion: str
    task: TaskFields
    tokens: int | None = None
    truncated: bool | None = None


def text_of(content: object) -> str:
    """Return what was said, of text, of a chat's turns, or of one turn's parts.

    Of a chat the assistant's last turn counts; a thought that the server cut out of it (`reasoning_content`) is put
    back between its tags.
    """
    match content:
        case str():
            return content
        case Mapping():
            turn = cast("Mapping[str, object]", content)
            said = text_of(turn.get("content", turn.get("text", "")))
            thought = turn.get("reasoning_content") or turn.get("reasoning")
            return f"<think>{thought}</think>\n{said}" if isinstance(thought, str) else said
        case Sequence():
            turns = [cast("Mapping[str, object]", turn) for turn in cast("Sequence[object]", content)]
            spoken = [turn for turn in turns if turn.get("role") == "assistant"]
            if spoken:
                return text_of(spoken[-1])
            return "".join(text_of(turn) for turn in turns)  # parts of one turn, or a chat with no role named
        case None:
            return ""
        case _:
            raise TypeError(f"a completion is text or a chat, not {type(content).__name__}")


def task_of(row: Mapping[str, object], prompt: object, settings: Settings) -> TaskFields:
    """Return the task that a row of the data set states; a reference may be any label that `task_fields` reads.

    Raises:
        InvalidInputError: the reference is of no such form.
    """
    named = (settings.reference,) if settings.reference else REFERENCES
    tests, label = _tests(row), task_fields(_first(row, named))
    task: TaskFields = {**tests, **label}  # a problem's reference solution may lie beside its tests
    choices = plain(_first(row, CHOICES))
    if isinstance(choices, Sequence) and not isinstance(choices, str):
        task.setdefault("choices", [str(choice) for choice in cast("Sequence[object]", choices)])
    language = row.get("language")
    if isinstance(language, str):
        task.setdefault("language", language)
    named_extra = {name: plain(row[name]) for name in settings.extra.split(",") if name in row}
    extra = {**(tests.get("extra") or {}), **(label.get("extra") or {}), **named_extra}
    if extra:
        task["extra"] = extra
    task.setdefault("prompt", _prompt(prompt))
    return task


def _first(row: Mapping[str, object], names: Sequence[str]) -> object:
    return next((row[name] for name in names if row.get(name) is not None), None)


def _tests(row: Mapping[str, object]) -> TaskFields:
    """Read the tests of a programming problem, in the contract's form or in one that `code_tests` knows."""
    column, tests = next(((name, found) for name in TESTS if (found := plain(row.get(name)))), ("", None))
    if isinstance(tests, Mapping) and PROTOCOLS & cast("Mapping[str, object]", tests).keys():
        return {"tests": cast("Mapping[str, object]", tests)}
    beside = {name: value for name in BESIDE.get(column, ()) if (value := plain(row.get(name)))}
    if beside:
        return {"extra": {column: tests, **beside}}
    if tests:
        return {"extra": {"tests": tests}}
    for columns, kind in SPREAD:
        given = {name: value for name in columns if (value := plain(row.get(name)))}
        if isinstance(given.get(columns[0]), kind) and len(given) > 1:
            begun = "test" in given and isinstance(row.get("prompt"), str)  # HumanEval's begins the program
            return {"extra": {**given, "prompt": row["prompt"]} if begun else given}
    return {}


def _prompt(prompt: object) -> str | Sequence[Mapping[str, str]]:
    prompt = plain(prompt)
    if isinstance(prompt, str):
        return prompt
    if not isinstance(prompt, Sequence):
        return ""
    turns = (cast("Mapping[str, object]", turn) for turn in cast("Sequence[object]", prompt))
    return [{"role": str(turn.get("role", "user")), "content": text_of(turn.get("content"))} for turn in turns]


def grouped(samples: Sequence[Sample]) -> tuple[list[reward_pb2.RolloutGroup], list[tuple[int, int]]]:
    """Gather samples of equal tasks into groups; returns these and each sample's place, group and rollout."""
    members: dict[str, list[int]] = {}
    for index, sample in enumerate(samples):
        key = json.dumps(sample.task, sort_keys=True, default=repr)
        members.setdefault(key, []).append(index)
    places: list[tuple[int, int]] = [(0, 0)] * len(samples)
    groups: list[reward_pb2.RolloutGroup] = []
    for indices in members.values():
        rows = [samples[index] for index in indices]
        built = group([row.completion for row in rows], group_id=str(len(groups)), **rows[0].task)
        for place, (row, index) in enumerate(zip(rows, indices, strict=True)):
            rollout = built.rollouts[place]
            if row.tokens is not None:
                rollout.completion_tokens = row.tokens
            if row.truncated is not None:
                rollout.finish_reason = FINISHED[row.truncated]
            places[index] = len(groups), place
        groups.append(built)
    return groups, places
