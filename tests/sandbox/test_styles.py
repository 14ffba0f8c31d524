"""Test code is run in the styles that data sets write it in, and a style that nothing calls is no pass."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from jurist.sandbox import Program
from jurist.verifiers import Abstain, Ask, Cause, Sample, Score, Task, Verdict
from jurist.verifiers.code_tests import CodeTests

if TYPE_CHECKING:
    from jurist.sandbox._supervisor import Supervisor

pytestmark = pytest.mark.asyncio(loop_scope="session")

RIGHT = "def double(x):\n    if x < 0:\n        raise ValueError('below zero')\n    return 2 * x\n"
WRONG = "def double(x):\n    return x * x\n"
RAISES = "def double(x):\n    return 2 * y\n"
TESTS = {
    "asserts": "assert double(2) == 4\nassert double(3) == 6\n",
    "check": "def check(candidate):\n    assert candidate(2) == 4\n    assert candidate(3) == 6\n",
    "pytest": "from solution import double\n\ndef test_two():\n    assert double(2) == 4\n\ndef test_three():\n"
    "    assert double(3) == 6\n",
    "pytest with an import over lines": "from solution import (\n    double,\n)\n\ndef test_all():\n"
    "    assert [double(n) for n in (2, 3)] == [4, 6]\n",
    "unittest": "import unittest\n\nclass TestCases(unittest.TestCase):\n    def setUp(self):\n        self.three = 3\n"
    "    def test_two(self):\n        self.assertEqual(double(2), 4)\n    def test_three(self):\n"
    "        self.assertEqual(double(self.three), 6)\n    def test_below(self):\n"
    "        with self.assertRaises(ValueError):\n            double(-1)\n\n"
    "if __name__ == '__main__':\n    unittest.main()\n",
    "pytest with a name of its own": "from solution import double as twice; import math\n\ndef test_all():\n"
    "    assert [twice(n) for n in (2, 3)] == [4, math.floor(6.5)]\n",
    "pytest with the module": "import solution\n\ndef test_all():\n"
    "    assert [solution.double(n) for n in (2, 3)] == [4, 6]\n",
    "pytest with all names": "from solution import *\n\ndef test_all():\n"
    "    assert [double(n) for n in (2, 3)] == [4, 6]\n",
    "pytest with a helper": "def test_one(n, wanted):\n    assert double(n) == wanted\n\ndef test_all():\n"
    "    test_one(2, 4)\n    test_one(3, 6)\n",
    "unittest over lines": "from unittest import TestCase, main\nclass Base(TestCase):\n    number = 2\n"
    "class A(Base):\n    def test_it(self):\n        assert double(self.number + 1) == 6\n"
    "if __name__ == '__main__':\n    main(\n        verbosity=2\n    )\n",
    "unittest's names": "from unittest import TestCase\nclass A(TestCase):\n    def test_two(self):\n"
    "        assert double(2) == 4\nclass B(TestCase):\n    def test_three(self):\n        assert double(3) == 6\n",
}


async def judged(sandbox: Supervisor, test: str, source: str, entry_point: str) -> Verdict:
    task = Task(extra={"tests": {"test": test, "entry_point": entry_point}})
    sample = Sample(task=task, completion=f"```python\n{source}```")
    ask = CodeTests().verdict(sample)
    assert isinstance(ask, Ask)
    (program,) = ask.questions
    assert isinstance(program, Program)
    verdict = CodeTests().verdict(sample, [await sandbox.run(program)])
    assert not isinstance(verdict, Ask)
    return verdict


# To whom `check` is to be given, nobody can know without the name.
@pytest.mark.parametrize(
    ("style", "entry_point"),
    [(style, name) for style in TESTS for name in ("double", "") if name or style != "check"],
)
@pytest.mark.parametrize(
    ("source", "verdict"),
    [(RIGHT, "passed"), (WRONG, "wrong_answer"), (RAISES, "runtime_error")],
    ids=["right", "wrong", "raises"],
)
async def test_it_passes_the_right_program_alone(
    sandbox: Supervisor, style: str, entry_point: str, source: str, verdict: str
) -> None:
    score = await judged(sandbox, TESTS[style], source, entry_point)

    assert isinstance(score, Score), score
    assert score.details["verdict"] == verdict, score.reason
    assert score.value == float(verdict == "passed")


ALL_MAPPED = (
    "def check(candidate):\n    assert all(map(lambda pair: candidate(pair[0]) == pair[1], [(2, 4), (3, 6)]))\n"
)
NAMED = "from solution import double, sum\n\ndef test_all():\n    assert double(2) == 4\n    assert sum([1, 2]) == 3\n"
MEANT = (
    "def check(candidate):\n    try:\n        candidate(-1)\n"
    "    except StopIteration:\n        return\n    assert False\n"
)


@pytest.mark.parametrize(
    ("test", "source", "verdict"),
    [
        (ALL_MAPPED, RIGHT, "passed"),
        (ALL_MAPPED, "def double(x):\n    raise StopIteration\n", "runtime_error"),
        (ALL_MAPPED, "def double(x):\n    return next(iter([]))\n", "runtime_error"),
        (MEANT, "def double(x):\n    raise StopIteration('none')\n", "passed"),
        (NAMED, RIGHT + "def sum(items):\n    return 3\n", "passed"),
        (NAMED, RIGHT + "def sum(items):\n    return 0\n", "wrong_answer"),
        (NAMED, RIGHT, "runtime_error"),
        (TESTS["pytest"], "import math as double\n", "runtime_error"),
        (TESTS["check"], RIGHT + "if __name__ == '__main__':\n    double(int(input()))\n", "passed"),
        (TESTS["check"], RIGHT + "if __name__ == '__main__':\n    raise SystemExit(0)\n", "passed"),
        ("s = 2\n" + TESTS["check"], RIGHT + "class State:\n    pass\ns = State()\n", "passed"),
    ],
    ids=[
        "right", "stops the loop", "stops by accident", "is meant to stop", "a builtin's name",
        "a builtin's name, wrong", "a builtin instead", "a module instead", "guarded input", "guarded exit",
        "an unplain name of the tests' own",
    ],
)  # fmt: skip
async def test_the_program_has_what_is_the_programs(sandbox: Supervisor, test: str, source: str, verdict: str) -> None:
    score = await judged(sandbox, test, source, "double" if "check" in test else "")

    assert isinstance(score, Score), score
    assert score.details["verdict"] == verdict, score.reason


async def test_a_module_that_the_tests_lack_is_no_fault_of_the_programs(sandbox: Supervisor) -> None:
    test = "def check(candidate):\n    assert candidate(2) == 4\n    import nowhere\n"
    verdict = await judged(sandbox, test, RIGHT, "double")

    assert isinstance(verdict, Abstain)
    assert "nowhere" in verdict.reason


@pytest.mark.parametrize(
    "test",
    [
        "def check(candidate):\n    assert candidate(2) == 4\n",
        "import a_module_that_is_nowhere\nassert double(2) == 4\n",
        "assert True\n",
    ],
)
async def test_what_never_tries_the_program_is_the_tasks_fault(sandbox: Supervisor, test: str) -> None:
    verdict = await judged(sandbox, test, RIGHT, "")

    assert isinstance(verdict, Abstain)
    assert verdict.cause is Cause.INVALID_REFERENCE
