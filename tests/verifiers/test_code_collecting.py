"""Tests written for pytest or unittest are called, or refused; how they run: tests/sandbox/test_styles.py."""

from __future__ import annotations

import pytest

from jurist.verifiers import Abstain, Cause, Sample, Task
from jurist.verifiers._code.collecting import collected
from jurist.verifiers.code_tests import CodeTests

BESIDE = "\ndef test_one():\n    assert f(1) == 2\n"
REFUSED = {
    "a fixture": "def test_with_a_fixture(number):\n    assert f(number) == 4\n",
    "a class with a fixture": "class TestTwo:\n    def test_two(self, number):\n        assert f(number) == 4\n",
    "a class with more around": "class TestTwo:\n    def setup_class(cls):\n        cls.n = 2\n"
    "    def test_two(self):\n        assert f(self.n) == 4\n",
    "a derived class": "class TestTwo(Base):\n    def test_two(self):\n        assert f(2) == 4\n",
    "parameters that it does not take": "import pytest\n@pytest.mark.parametrize('n', [1])\ndef test_more(n, m):\n"
    "    assert f(n) == m\n",
    "parameters that pytest makes": "import pytest\n@pytest.mark.parametrize('n', [pytest.param(1, id='a')])\n"
    "def test_more(n):\n    assert f(n) == 2\n",
    "indirect parameters": "import pytest\n@pytest.mark.parametrize('n', [1], indirect=True)\ndef test_more(n):\n"
    "    assert f(n) == 2\n",
    "a mark that skips": "import pytest\n@pytest.mark.skip\ndef test_two():\n    assert f(2) == 4\n",
    "an asynchronous test of a class that waits for none": "import unittest\nclass A(unittest.TestCase):\n"
    "    async def test_later(self):\n        assert f(2) == 4\n",
    "a test under a condition": "if True:\n    def test_b():\n        assert f(5) == 6\n",
    "a class inside another": "class TestA:\n    class TestB:\n        def test_b(self):\n"
    "            assert f(5) == 6\n",
    "a class that inherits tests": "class TestA:\n    def test_a(self):\n        pass\n"
    "class TestB(TestA):\n    n = 5\n",
    "another name": "def check():\n    assert f(5) == 6\ntest_b = check\n",
    "a generator": "def test_b():\n    yield None\n    assert f(5) == 6\n",
    "a module's beginning": "n = 1\ndef setUpModule():\n    global n\n    n = 5\n",
    "parameters that change": "import pytest\nCASES = [5]\n@pytest.mark.parametrize('a', CASES)\ndef test_a(a):\n"
    "    assert f(a) == 6\nCASES = []\n",
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
