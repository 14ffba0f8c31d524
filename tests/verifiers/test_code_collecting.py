"""Tests written for pytest or unittest are called, or refused; how they run: tests/sandbox/test_styles.py."""

from __future__ import annotations

import pytest

from jurist.verifiers import Abstain, Cause, Sample, Task
from jurist.verifiers._code.collecting import collected
from jurist.verifiers.code_tests import CodeTests

BESIDE = "\ndef test_one():\n    assert f(1) == 2\n"
REFUSED = {
    "a fixture": "def test_with_a_fixture(number):\n    assert f(number) == 4\n",
    "a class of pytest's": "class TestTwo:\n    def test_two(self):\n        assert f(2) == 4\n",
    "parameters": "import pytest\n@pytest.mark.parametrize('n', [1, 2])\ndef test_more(n):\n    assert f(n) == 2 * n\n",
    "an asynchronous test": "async def test_later():\n    assert f(2) == 4\n",
    "a skipped test": """
import unittest
class A(unittest.TestCase):
    @unittest.skip('no')
    def test_two(self):
        assert f(2) == 5
""",
    "a test that skips itself": """
import unittest
class A(unittest.TestCase):
    def test_two(self):
        self.skipTest('no')
""",
}


@pytest.mark.parametrize("test", REFUSED.values(), ids=REFUSED)
def test_what_only_its_own_runner_can_call_is_refused(test: str) -> None:
    task = Task(extra={"tests": {"test": test + BESIDE, "entry_point": "f"}})
    verdict = CodeTests().verdict(Sample(task=task, completion="```python\ndef f(x): return 2 * x\n```"))

    assert isinstance(verdict, Abstain)
    assert verdict.cause is Cause.INVALID_REFERENCE
    assert "`" in verdict.reason


@pytest.mark.parametrize(
    "code",
    [
        "def check(candidate):\n    assert candidate(1) == 2  # the solution's\n",
        "assert f(1) == 2",
        'text = """\ndef test_x():\n"""\nassert f(text)',
        "class Testing:\n    pass\n",
        "def test(:",
        "def test" + "(" * 10_000,
    ],
)
def test_other_code_stays_as_it_is(code: str) -> None:
    assert collected(code) == code


def test_classes_that_descend_from_each_other_are_no_loop() -> None:
    assert "loadTests" not in collected("class A(B):\n    pass\nclass B(A):\n    def test_x(self): ...\n")
