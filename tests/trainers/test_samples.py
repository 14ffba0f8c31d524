"""What adapters make of completions and rows, in every form that trainers hand them over."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from jurist.client import InvalidInputError, group
from jurist.trainers import Settings
from jurist.trainers._samples import Sample, grouped, sample_of, task_of, text_of
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
        ([{"role": "assistant", "content": ""}], ""),
        ([{"role": "assistant", "content": []}], ""),
        ([{"role": "assistant", "content": None, "tool_calls": [{"name": "f"}]}], ""),
        ([{"role": "assistant", "tool_calls": [{"name": "f"}]}], ""),
        ([{"role": "assistant", "content": None, "reasoning_content": "6*7"}], "<think>6*7</think>\n"),
        (np.array([{"role": "assistant", "content": "42"}], dtype=object), "42"),
        (["4", {"type": "text", "text": "2"}], "42"),
    ],
)  # fmt: skip
def test_a_completion_is_what_the_assistant_said_last(completion: Any, text: str) -> None:
    assert text_of(completion) == text


@pytest.mark.parametrize(
    ("completion", "fault"),
    [
        (None, "completion: there is none"),
        (float("nan"), "completion: there is none"),
        ([], "completion: there is none"),
        ([{"role": "assistant", "content": None}], "completion: there is none"),
        ([{"role": "assistant", "content": None, "tool_calls": []}], "completion: there is none"),
        ([{"role": "assistant", "content": "42"}, {"role": "assistant"}], "completion: there is none"),
        ([{"role": "user", "content": "6 * 7?"}], "completion: there is none: the chat has no turn of the assistant's"),
        (42, "completion: must be text or a chat, not int"),
        (b"42", "completion: must be text or a chat, not bytes"),
        ([{"role": "assistant", "content": [42]}], "completion[0]: must be text or a chat, not int"),
    ],
)  # fmt: skip
def test_what_is_missing_or_no_text_is_no_empty_completion(completion: Any, fault: str) -> None:
    with pytest.raises(InvalidInputError) as raised:
        text_of(completion)
    assert str(raised.value).startswith(fault)


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


def test_a_row_is_read_by_itself_whatever_it_holds() -> None:
    class Odd(dict[str, object]):
        def get(self, *_: object) -> object:
            raise KeyError("odd")

    assert str(sample_of(Settings(), "42", {"answer": {"answers": [{1}]}})) == "label.answers[0]: set is no JSON"
    assert str(sample_of(Settings(), None, {"answer": "42"})) == "completion: there is none"
    assert str(sample_of(Settings(), "42", {}, tokens=2**63)).startswith("completion_tokens: must be in 0 to ")
    assert str(sample_of(Settings(), "42", {}, ["hi"])) == "prompt[0]: must be a turn of a chat, not str"
    assert str(sample_of(Settings(), "42", Odd())) == "row: cannot be read: KeyError: 'odd'"


@pytest.mark.parametrize(
    ("row", "fault"),
    [
        ({"test_cases": [{"input": {1}}]}, "extra.tests[0].input: set is no JSON"),
        ({"test_cases": [{"input": [2**60 + 1]}]}, "extra.tests[0].input[0]: an integer that a double does not hold"),
        ({"tests": {"stdio": {"cases": [{"stdin": b"1"}]}}}, "tests.stdio.cases[0].stdin: bytes are no JSON"),
        ({"options": [{1}]}, "choices[0]: set is no JSON"),
        ({"level": b"1"}, "extra.level: bytes are no JSON"),
    ],
)
def test_what_a_row_holds_and_json_does_not_is_named(row: dict[str, object], fault: str) -> None:
    assert str(sample_of(Settings(extra="level"), "42", row)).startswith(fault)


def test_a_column_that_is_not_sent_may_hold_anything() -> None:
    row = {"answer": "42", "metadata": {"at": {1}}, "inputs": b"1"}

    assert task_of(row, "q", Settings()) == {"answers": ["42"], "prompt": "q"}
    assert task_of({"level": float("nan")}, "q", Settings(extra="level")) == {"extra": {"level": None}, "prompt": "q"}


def test_a_turn_of_the_prompt_may_say_nothing() -> None:
    prompt = [*CHAT, {"role": "assistant", "content": None, "tool_calls": [{"name": "f"}]}]

    assert task_of({}, prompt, Settings())["prompt"] == [*CHAT, {"role": "assistant", "content": ""}]


def test_what_cannot_be_sent_has_its_error_in_place_of_a_place() -> None:
    good = {"answers": ["1"]}
    faulty = {"tests": {"stdio": 5}}
    missing = InvalidInputError("completion: there is none")

    groups, places = grouped(
        [
            Sample(completion="x", task=faulty),  # type: ignore[arg-type]
            missing,
            Sample(completion="y", task=good),  # type: ignore[arg-type]
            Sample(completion="z", task=good),  # type: ignore[arg-type]
        ]
    )

    assert isinstance(places[0], InvalidInputError)
    assert places[1:] == [missing, (0, 0), (0, 1)]
    assert len(groups) == 1


def test_samples_of_one_task_and_different_groups_travel_apart() -> None:
    samples = [Sample(completion=text, task={"answers": ["1"]}, together=text[0]) for text in ("a1", "b1", "a2")]

    groups, places = grouped(samples)

    assert places == [(0, 0), (1, 0), (0, 1)]
    assert len(groups) == 2


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
