"""What adapters make of completions and rows, in every form that trainers hand them over."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from jurist.client import InvalidInputError, group
from jurist.trainers import Settings
from jurist.trainers._samples import Sample, grouped, task_of, text_of
from jurist.v1 import reward_pb2

STDIO = {"stdio": {"cases": [{"stdin": "1", "expected_stdout": "2"}]}}
CHAT = [{"role": "user", "content": "q"}]


@pytest.mark.parametrize(
    ("completion", "text"),
    [
        ("42", "42"),
        ([{"role": "assistant", "content": "42"}], "42"),
        ([{"role": "assistant", "content": "no"}, {"role": "tool"}, {"role": "assistant", "content": "42"}], "42"),
        ([{"role": "assistant", "content": [{"type": "text", "text": "4"}, {"type": "text", "text": "2"}]}], "42"),
        ([{"role": "assistant", "content": "42", "reasoning_content": "6*7"}], "<think>6*7</think>\n42"),
        ([{"role": "assistant", "content": None}], ""),
        ([], ""),
    ],
)  # fmt: skip
def test_a_completion_is_what_the_assistant_said_last(completion: Any, text: str) -> None:
    assert text_of(completion) == text


@pytest.mark.parametrize(
    ("row", "task"),
    [
        ({"answer": "42"}, {"answers": ["42"]}),
        ({"solution": "\\boxed{42}", "answer": None}, {"answers": ["\\boxed{42}"]}),
        ({"ground_truth": ["42", "43"]}, {"answers": ["42", "43"]}),
        ({"ground_truth": np.array(["42"], dtype=object)}, {"answers": ["42"]}),
        ({"label": np.float64(0.5)}, {"answers": ["0.5"]}),
        ({"label": 42}, {"answers": ["42"]}),
        ({"label": float("nan")}, {}),
        ({"label": np.float64("nan")}, {}),
        ({"label": [None, "42", float("nan")]}, {"answers": ["42"]}),
        ({"answer": "B", "options": ["x"], "language": "en"}, {"answers": ["B"], "choices": ["x"], "language": "en"}),
        ({"tests": STDIO}, {"tests": STDIO}),
        ({"tests": {"inputs": ["1"], "outputs": ["2"]}}, {"extra": {"tests": {"inputs": ["1"], "outputs": ["2"]}}}),
        ({"test_list": ["assert f(1) == 2"]}, {"extra": {"tests": ["assert f(1) == 2"]}}),
        (
            {"test_list": ["assert f(1) == e"], "test_setup_code": "", "test_imports": ["from math import e"]},
            {"extra": {"test_list": ["assert f(1) == e"], "test_imports": ["from math import e"]}},
        ),
        (
            {"test_cases": [{"input": [1], "output": [2]}], "fn_name": "f"},
            {"extra": {"test_cases": [{"input": [1], "output": [2]}], "fn_name": "f"}},
        ),
        ({"test": "check(f)", "entry_point": "f"}, {"extra": {"test": "check(f)", "entry_point": "f"}}),
        (
            {"test": "def test_f(): ...", "test_info": [{"function_name": "f"}], "solution": "def f(x): ..."},
            {
                "answers": ["def f(x): ..."],
                "extra": {"test": "def test_f(): ...", "test_info": [{"function_name": "f"}]},
            },
        ),
        (
            {"prompt": "def f(x):\n", "test": "check(f)", "entry_point": "f"},
            {"extra": {"prompt": "def f(x):\n", "test": "check(f)", "entry_point": "f"}},
        ),
        ({"prompt": CHAT, "test": "check(f)", "entry_point": "f"}, {"extra": {"test": "check(f)", "entry_point": "f"}}),
        ({"test": "", "entry_point": "", "test_list": ["assert f(1)"]}, {"extra": {"tests": ["assert f(1)"]}}),
        ({"inputs": [], "outputs": [], "tests": STDIO}, {"tests": STDIO}),
        ({"inputs": ["1"], "outputs": ["2"], "tests": STDIO}, {"tests": STDIO}),
        (
            {"private_test_cases": "", "public_test_cases": "[1]", "input_output": "{}"},
            {"extra": {"tests": "{}"}},
        ),
        ({"private_test_cases": "", "public_test_cases": "[1]"}, {}),  # what is public alone is not the test
        ({"test": "check(f)", "answer": "42"}, {"answers": ["42"]}),  # a column of that name alone says nothing
        (
            {"public_test_cases": "[]", "private_test_cases": "[..]", "metadata": '{"func_name": "f"}', "date": "x"},
            {"extra": {"public_test_cases": "[]", "private_test_cases": "[..]", "metadata": '{"func_name": "f"}'}},
        ),
        (
            {"inputs": np.array(["1", "2"]), "outputs": np.array(["2", "3"]), "fn_name": None},
            {"extra": {"inputs": ["1", "2"], "outputs": ["2", "3"]}},
        ),
        ({"inputs": "a prompt", "outputs": "a completion", "answer": "42"}, {"answers": ["42"]}),
        (
            {"input_output": '{"inputs": ["1"]}', "solution": {"extra": {"level": 3}}},
            {"extra": {"tests": '{"inputs": ["1"]}', "level": 3}},
        ),
        ({"answer": {"answers": ["1"], "language": "de"}}, {"answers": ["1"], "language": "de"}),
        ({}, {}),
    ],
)  # fmt: skip
def test_a_row_states_its_task(row: dict[str, object], task: dict[str, object]) -> None:
    assert task_of(row, "q", Settings()) == task | {"prompt": "q"}


def test_columns_can_be_named() -> None:
    settings = Settings(reference="gold", extra="level,source")

    task = task_of({"answer": "no", "gold": "7", "level": 3, "source": "x", "other": 1}, CHAT, settings)

    assert task == {"answers": ["7"], "extra": {"level": 3, "source": "x"}, "prompt": CHAT}


def test_what_is_no_reference_is_refused() -> None:
    with pytest.raises(InvalidInputError, match="label: object is no reference"):
        task_of({"answer": object()}, "", Settings())
    with pytest.raises(InvalidInputError, match="label: bytes are no reference"):
        task_of({"answer": b"42"}, "", Settings())


def test_a_prompt_may_be_an_array_of_turns() -> None:
    assert task_of({}, np.array(CHAT, dtype=object), Settings()) == {"prompt": CHAT}


def test_samples_of_one_task_travel_as_one_group() -> None:
    task = {"answers": ["1"], "prompt": "a"}
    other = {"answers": ["2"], "prompt": "b"}
    samples = [
        Sample(completion="x", task=task, tokens=3, truncated=True),  # type: ignore[arg-type]
        Sample(completion="y", task=other),  # type: ignore[arg-type]
        Sample(completion="z", task=dict(task), truncated=False),  # type: ignore[arg-type]
    ]

    groups, places = grouped(samples)

    assert places == [(0, 0), (1, 0), (0, 1)]
    assert [[rollout.completion for rollout in each.rollouts] for each in groups] == [["x", "z"], ["y"]]
    assert groups[0].rollouts[0].completion_tokens == 3
    assert [rollout.finish_reason for rollout in groups[0].rollouts] == [
        reward_pb2.FINISH_REASON_LENGTH,
        reward_pb2.FINISH_REASON_STOP,
    ]
    assert groups[0].task == group([""], answers="1", prompt="a").task
