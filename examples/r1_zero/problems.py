"""The task, and the texts that the model learns from before it is rewarded: sums of three digits, thought aloud.

First a corpus that adds up, from which the model learns to add. Then a cold start in R1's template that shows several
habits, most of them bad: some thoughts guess, some drop a tag, half are in Spanish. Which of them pay is what
reinforcement learning is to find out.
"""

from __future__ import annotations

import random
from itertools import product
from typing import NamedTuple

__all__ = ["Problem", "cold_start", "corpus", "problems", "vocabulary"]

DIGITS = range(1, 10)
HELD_OUT = 129  # of 729
SOUND = 0.15  # the share of cold-start thoughts that add up instead of guessing
WHOLE = 0.6  # the share that keeps to the template
THOUGHTS = {
    "en": ("we add {1} to {0} which makes {2} and then {3} which makes {4}", "we just guess that it is {4}"),
    "es": ("sumamos {1} a {0} lo que hace {2} y luego {3} lo que hace {4}", "vamos a adivinar que es {4}"),
}
BROKEN = (
    "{thought} </think> <answer> {answer} </answer>",
    "<think> {thought} <answer> {answer} </answer>",
    "<think> {thought} </think> {answer}",
    "<think> {thought} </think> <answer> {answer}",
)
KEPT = "<think> {thought} </think> <answer> {answer} </answer>"


class Problem(NamedTuple):
    """Three digits to add."""

    numbers: tuple[int, int, int]

    @property
    def prompt(self) -> str:
        """The question, as the model reads it."""
        return " + ".join(map(str, self.numbers)) + " ="

    @property
    def answer(self) -> str:
        """The sum."""
        return str(sum(self.numbers))


def problems() -> tuple[list[Problem], list[Problem]]:
    """Return the problems to train on, and those held out of cold start and training."""
    every = [Problem(numbers) for numbers in product(DIGITS, repeat=3)]
    random.Random(0).shuffle(every)
    return every[HELD_OUT:], every[:HELD_OUT]


def corpus(problem: Problem, dice: random.Random) -> str:
    """Write one text that adds up, without a template."""
    return _thought(problem, dice.choice(list(THOUGHTS)), sum(problem.numbers), sound=True)


def cold_start(problem: Problem, dice: random.Random) -> str:
    """Write one completion of the cold start."""
    sound = dice.random() < SOUND
    total = sum(problem.numbers) if sound else dice.randrange(3, 28)
    thought = _thought(problem, dice.choice(list(THOUGHTS)), total, sound=sound)
    template = KEPT if dice.random() < WHOLE else dice.choice(BROKEN)
    return template.format(thought=thought, answer=total)


def _thought(problem: Problem, language: str, total: int, *, sound: bool) -> str:
    first, second, third = problem.numbers
    adding, guessing = THOUGHTS[language]
    return (adding if sound else guessing).format(first, second, first + second, third, total)


def vocabulary() -> list[str]:
    """List every word that a prompt or completion may hold."""
    words = {str(number) for number in range(28)} | {"+", "="}
    for text in (*BROKEN, KEPT, *(thought for pair in THOUGHTS.values() for thought in pair)):
        words |= {word for word in text.split() if "{" not in word}
    return sorted(words)
