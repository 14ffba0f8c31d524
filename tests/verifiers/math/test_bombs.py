"""Answers made to cost much: decided at once, or left to the worker that can be killed."""

from __future__ import annotations

import time

import pytest

from jurist.verifiers import Ask, Sample, Score, Task
from jurist.verifiers.math_answer import MathAnswer

MOST_CPU_S = 0.05

DECIDED = (
    "9^{9^{9^{9}}}", "3^{3^{3^{31}}}", "2^{2^{2^{2^{2^{2}}}}}", "100000000!", "((((9!)!)!)!)!", "\\frac{1}{1997!}",
    "2^{-119}", "5^{776}", "\\binom{1800}{900}", "\\binom{10^9}{5\\cdot 10^8}", "(x+1)^{5000}", "(x+y+z)^{200}",
    "\\sum_{k=1}^{10^{12}} k^3", "\\prod_{k=1}^{1000} k", "1.0e400", "10^{-400}", "e^{-10^{100}}", "e^{10^{100}}",
    "\\sqrt[3]{10^{9999}+1}", "(1+i)^{10^{100}}", "\\gcd(10^{3999},10^{3888})", "\\frac{1}{10^{10^{10}}}",
    "\\int_0^1 \\sin(x^{x^{x}}) dx", "x" * 100_000, "(" * 10_000, "{" * 4_000 + "}" * 4_000,
    "\\frac{1}{" * 1_500 + "2" + "}" * 1_500,
    "\\boxed{" * 2_000 + "6" + "}" * 2_000, "2^" * 1_000 + "2", "-" * 2_001 + "6",
    "5" + "!" * 500, "\\sqrt" * 800 + "5",
    ",".join(f"x+{i}" for i in range(300)), "\\pm 1" * 300, "|x" * 300, "\\unknown{5}{6}", "\ud800",
    "\\def\\x{\\x\\x}\\x",
)  # fmt: skip


@pytest.mark.parametrize("answer", DECIDED, ids=lambda answer: answer[:30].encode("ascii", "replace").decode())
def test_a_bomb_is_wrong_without_computer_algebra_in_fifty_milliseconds(answer: str) -> None:
    MathAnswer().verdict(Sample(task=Task(answers=("\\sqrt 2",)), completion="\\boxed{\\sqrt 3}"))  # loads mpmath
    spent_s: list[float] = []
    for reference in ("5", "7", "11"):  # the least of three: a busy machine takes CPU time, too
        start = time.process_time()
        verdict = MathAnswer().verdict(Sample(task=Task(answers=(reference,)), completion=f"\\boxed{{{answer}}}"))
        spent_s.append(time.process_time() - start)
        assert isinstance(verdict, Score), verdict
        assert verdict.value == 0.0
    assert min(spent_s) < MOST_CPU_S


@pytest.mark.parametrize(
    "answer",
    ["\\sin(10^{10^{10}})", "\\prod_{k=1}^{20000}(1+\\frac{1}{k^{k}})", "\\lfloor 10^{10^{6}}\\pi\\rfloor"],
)
def test_a_bomb_that_no_bound_settles_is_asked_about_in_fifty_milliseconds(answer: str) -> None:
    given = Sample(task=Task(answers=("5",)), completion=f"\\boxed{{{answer}}}")
    start = time.process_time()
    verdict = MathAnswer().verdict(given)
    assert isinstance(verdict, Ask)
    assert time.process_time() - start < MOST_CPU_S


@pytest.mark.parametrize(
    ("gold", "answer"),
    [
        ("\\frac{1}{1997!}", "\\frac{1}{1997!}"),
        ("5^{777}", "5\\cdot 5^{776}"),
        ("\\binom{1800}{900}", "\\frac{1800!}{900!\\,900!}"),
        ("9^{9^{9^{9}}}", "9^{9^{9^{9}}}"),
        ("9^{9^{9}}\\cdot 9", "9^{9^{9}+1}"),
        ("0", "0\\cdot 9^{9^{9^9}}"),
        ("1", "1^{9^{9^{9}}}"),
        ("(x+1)^{5000}", "(1+x)^{2500}(x+1)^{2500}"),
    ],
)
def test_a_huge_value_equals_itself_in_another_form(gold: str, answer: str) -> None:
    verdict = MathAnswer().verdict(Sample(task=Task(answers=(gold,)), completion=f"\\boxed{{{answer}}}"))
    assert isinstance(verdict, Score)
    assert verdict.value == 1.0
