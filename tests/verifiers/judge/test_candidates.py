"""What the judge is shown: the view that was asked for, within its cap."""

from __future__ import annotations

import pytest

from jurist.verifiers import Message, Task
from jurist.verifiers._judge.candidates import Candidate, Shown, question_of, shown

FULL = "<think>Perhaps 41?</think> The sum of both is wanted.\n\nThe answer is 42."


@pytest.mark.parametrize(
    ("view", "text"),
    [
        ("answer", "42."),
        ("summary", "The sum of both is wanted.\n\nThe answer is 42."),
        ("all", FULL),
    ],
)
def test_a_view_is_a_part_of_the_completion(view: Shown, text: str) -> None:
    assert shown(FULL, view, 2_000) == Candidate(text, truncated=False)


@pytest.mark.parametrize(
    ("completion", "answer"),
    [
        (r"It is \boxed{5}, I think.", "5"),
        ("<answer>Paris</answer>", "Paris"),
        ("The answer is Paris, of course.", "Paris, of course."),
        ("So x + y = 7", "7"),
        ("It was Napoleon who lost at Waterloo.", "It was Napoleon who lost at Waterloo."),
        ("Two reasons.\nFirst, cost.\nSecond, speed.", "Two reasons.\nFirst, cost.\nSecond, speed."),
        ("First I got 24, but I had swapped the digits; the answer is 42.", "42."),
        (r"\boxed{}", r"\boxed{}"),
    ],
)
def test_the_answer_is_what_is_marked_or_announced_else_all(completion: str, answer: str) -> None:
    found = shown(completion, "answer", 2_000)

    assert found is not None
    assert found.text == answer


@pytest.mark.parametrize("view", ["answer", "summary"])
def test_a_thought_that_never_ends_has_no_answer(view: Shown) -> None:
    assert shown("<think>so the answer is 42", view, 2_000) is None
    assert shown("<think>so the answer is 42", "all", 2_000) is not None


def test_of_a_long_text_both_ends_are_shown_and_it_is_said() -> None:
    found = shown("a" * 900 + "b" * 300 + "c" * 900, "all", 1_800)

    assert found == Candidate("a" * 900 + "\n[300 characters left out]\n" + "c" * 900, truncated=True)


def test_a_chat_is_shown_with_who_said_what() -> None:
    turns = (Message("system", "Be brief."), Message("user", "6 * 7?"))

    assert question_of(Task(prompt="6 * 7?")) == "6 * 7?"
    assert question_of(Task(prompt="6 * 7?", messages=turns[1:])) == "6 * 7?"
    assert question_of(Task(messages=turns)) == "[system]\nBe brief.\n\n[user]\n6 * 7?"
