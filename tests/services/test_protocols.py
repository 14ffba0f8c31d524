"""The recipes of AIME, MATH-500 and GPQA judge as their protocols say; `docs/math.md` has the prompts."""

from __future__ import annotations

import pytest

from jurist.services.cookbook import Cookbook, bind
from jurist.verifiers import Sample, Score, Task, Verifier


def scored(recipe: str, completion: str, answer: str, choices: tuple[str, ...] = ()) -> float:
    (term,) = bind(Cookbook()[recipe]).terms(None)
    assert isinstance(term.verifier, Verifier)
    verdict = term.verifier.verdict(Sample(task=Task(answers=(answer,), choices=choices), completion=completion))
    assert isinstance(verdict, Score), verdict
    return verdict.value


@pytest.mark.parametrize(
    ("completion", "answer", "score"),
    [
        ("Hence \\boxed{073}.", "73", 1.0),
        ("Hence \\boxed{73}.", "073", 1.0),
        ("\\boxed{000}", "0", 1.0),
        ("\\boxed{72} ... no: $m+n=\\boxed{73}$", "73", 1.0),
        ("\\boxed{73} ... no: \\boxed{72}", "73", 0.0),
        ("\\boxed{1073}", "73", 0.0),
        ("\\boxed{-73}", "73", 0.0),
        ("\\boxed{73.0001}", "73", 0.0),
        ("\\boxed{7300\\%}", "7300", 0.0),
        ("\\boxed{73, 74}", "73", 0.0),
        ("The answer is 73.", "73", 0.0),
        ("<think>\\boxed{73}</think>", "73", 0.0),
    ],
)
def test_aime_takes_the_integer_in_the_last_box(completion: str, answer: str, score: float) -> None:
    assert scored("aime", completion, answer) == score


@pytest.mark.parametrize(
    ("completion", "answer", "score"),
    [
        ("\\boxed{\\frac{14}{3}}", "\\frac{14}{3}", 1.0),
        ("\\boxed{14/3}", "\\frac{14}{3}", 1.0),
        ("\\boxed{4\\frac23}", "\\frac{14}{3}", 1.0),
        ("\\boxed{4.67}", "\\frac{14}{3}", 0.0),
        ("\\boxed{(3, \\pi/2)}", "\\left( 3, \\frac{\\pi}{2} \\right)", 1.0),
        ("\\boxed{x \\in [-2,7]}", "x \\in [-2,7]", 1.0),
        ("\\boxed{Evelyn}", "\\text{Evelyn}", 1.0),
        ("\\boxed{90}", "90^\\circ", 1.0),
        ("The answer is $\\frac{14}{3}$.", "\\frac{14}{3}", 0.0),
    ],
)
def test_math_500_takes_the_last_box_in_any_form(completion: str, answer: str, score: float) -> None:
    assert scored("math_500", completion, answer) == score


@pytest.mark.parametrize(
    ("completion", "answer", "score"),
    [
        ("It decays fastest.\nAnswer: C", "C", 1.0),
        ("It decays fastest.\nAnswer: $C$", "C", 1.0),
        ("**Answer: (C)**", "C", 1.0),
        ("Answer: A\nWait.\nAnswer: C", "C", 1.0),
        ("Answer: 10^-8 s", "C", 1.0),
        ("Answer: A or C", "C", 0.0),
        ("Answer: E", "C", 0.0),
        ("The others fail.", "C", 0.0),
    ],
)
def test_gpqa_takes_the_letter_of_the_options_as_shown(completion: str, answer: str, score: float) -> None:
    shown = ("10^-2 s", "10^-4 s", "10^-8 s", "10^-16 s")
    assert scored("gpqa", completion, answer, shown) == score
