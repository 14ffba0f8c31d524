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
    "pytest's class": "class TestDouble:\n    three = 3\n    def test_two(self):\n        assert double(2) == 4\n"
    "    def test_three(self):\n        assert double(self.three) == 6\n",
    "pytest's class that begins": "class TestDouble:\n    def setup_method(self):\n        self.three = 3\n"
    "    def test_two(self):\n        self.three = 2\n        assert double(self.three) == 4\n"
    "    def test_three(self):\n        assert double(self.three) == 6\n",
    "parameters": "import pytest\n@pytest.mark.parametrize('n, wanted', [(2, 4), (3, 6)], ids=['a', 'b'])\n"
    "def test_all(n, wanted):\n    assert double(n) == wanted\n",
    "two parameters": "import pytest\n@pytest.mark.parametrize('n', [2, 3])\n@pytest.mark.parametrize(['k'], [(2,)])\n"
    "def test_all(n, k):\n    assert double(n) == k * n\n",
    "coroutines": "import pytest\n@pytest.mark.asyncio\nasync def test_all():\n    assert double(3) == 6\n",
    "unittest's coroutines": "import unittest\nclass A(unittest.IsolatedAsyncioTestCase):\n"
    "    async def test_all(self):\n        self.assertEqual(double(3), 6)\n",
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
CLOSE = "def check(candidate):\n    assert isclose(candidate(1.5), 3.0, rel_tol=1e-6)\n"
LOOKED_FOR = """
import solution
try:
    from solution import triple
except ImportError:
    triple = lambda x: 3 * x
assert hasattr(solution, "double") and solution.double(2) == 4 and triple(2) == 6
"""
RE = """
def check(candidate):
    assert re.sub("a", str(candidate(2)), square("a")) == "4"
def square(x):
    return x
"""
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
        (LOOKED_FOR, RIGHT, "passed"),
        (LOOKED_FOR, RIGHT + "def triple(x):\n    return x\n", "wrong_answer"),
        ("import solution\nassert solution.triple(2) == 6\n", RIGHT, "runtime_error"),
        (TESTS["pytest"], "import math as double\n", "runtime_error"),
        (TESTS["check"], RIGHT + "if __name__ == '__main__':\n    double(int(input()))\n", "passed"),
        (TESTS["check"], RIGHT + "if __name__ == '__main__':\n    raise SystemExit(0)\n", "passed"),
        (CLOSE, RIGHT, "passed"),
(RE, RIGHT + "re = None\n", "passed"),
        (CLOSE, WRONG + "def isclose(*_):\n    return True\n", "wrong_answer"),
        ("s = 2\n" + TESTS["check"], RIGHT + "class State:\n    pass\ns = State()\n", "passed"),
    ],
    ids=[
        "right", "stops the loop", "stops by accident", "is meant to stop", "a builtin's name",
        "a builtin's name, wrong", "a builtin instead", "a name that may be missing", "a name that is not missing",
        "a name that is missing", "a module instead", "guarded input", "guarded exit",
        "a helper that nobody imports", "a module in the end of a name", "a helper of the program's own",
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


ANY_ORDER = """
import sys

given, expected, actual = (open(path).read().split() for path in sys.argv[1:])
print(int(sorted(actual) == sorted(expected)))
"""


async def test_a_checker_that_prints_its_verdict_is_heard(sandbox: Supervisor) -> None:
    tests = {"official_tests": [{"input": "2 1", "output": "1 2"}], "generated_checker": ANY_ORDER}
    scores: list[float] = []
    for program in ("print(input())", "print('1 2')", "print(3)"):
        sample = Sample(task=Task(extra={"tests": tests}), completion=f"```python\n{program}\n```")
        ask = CodeTests().verdict(sample)
        assert isinstance(ask, Ask)
        (asked,) = ask.questions
        assert isinstance(asked, Program)
        verdict = CodeTests().verdict(sample, [await sandbox.run(asked)])
        assert isinstance(verdict, Score), verdict
        scores.append(verdict.value)

    assert scores == [1.0, 1.0, 0.0]


STACK = """
class Empty(LookupError):
    pass

class Stack:
    LIMIT = 9
    def __init__(self, items=()):
        self.items = list(items)
    def push(self, item):
        self.items.append(item)
        return self
    def pop(self):
        if not self.items:
            raise Empty("nothing to pop")
        return self.items.pop()
    def top(self):
        return Node(self.items[-1])
    def extended(self, items):
        for item in list(items):
            self.push(item)
        return self
    def shown(self):
        return list(self.items)
    @property
    def held(self):
        return self.items
    @property
    def copied(self):
        return list(self.items)
    def absorb(self, items):
        while items:
            self.push(items.pop())
    def __len__(self):
        return len(self.items)
    def __contains__(self, item):
        return item in self.items
    def __eq__(self, other):
        return isinstance(other, Stack) and self.items == other.items
    def __add__(self, other):
        return Stack(self.items + other.items)
    def __iter__(self):
        yield from self.items
    def __enter__(self):
        return self
    def __exit__(self, *error):
        self.items.clear()
    @classmethod
    def of(cls, *items):
        return cls(items)

class Node:
    def __init__(self, value, left=None):
        self.value = value
        self.left = left

def made(*items):
    return Stack(items)

def deepest(node):
    return node.value if node.left is None else deepest(node.left)

async def later(x):
    return x + 1

def arranged(items):
    items.sort()

def count(counts, item):
    counts[item] = counts.get(item, 0) + 1

def least(items):
    items.sort()
    return items.pop(0)
def copied(items):
    return items[:]
def top(items):
    return sorted(items)[-1]
def picky(items):
    if not all(isinstance(item, int) for item in items):
        raise TypeError
    items.clear()

"""
OF_OBJECTS = {
    "methods": "s = Stack()\ns.push(1)\ns.push(2)\nassert s.pop() == 2 and len(s) == 1 and 1 in s and 3 not in s\n",
    "attributes": "s = Stack([1])\nassert s.items == [1] and Stack.LIMIT == 9\ns.items = [4]\nassert s.pop() == 4\n",
    "missing attributes": "assert not hasattr(Stack(), 'size') and getattr(Stack(), 'size', 3) == 3\n",
    "items": "assert list(Stack([1, 2])) == [1, 2] and sum(Stack([3, 4])) == 7\n"
    "assert [x for x in Stack('ab')] == ['a', 'b']\n",
    "truth": "assert Stack([1]) and not Stack()\n",
    "equality": "assert Stack([1]) == Stack([1]) and Stack([1]) != Stack([2])\n"
    "assert Stack([1]) + Stack([2]) == Stack([1, 2])\n",
    "types": "assert isinstance(Stack(), Stack) and not isinstance(Node(1), Stack)\n"
    "assert isinstance(Stack.of(1), Stack)\n",
    "links": "n = Node(1, Node(2))\nassert n.left.value == 2 and n.left.left is None and deepest(n) == 2\n"
    "n.left.left = Node(3)\nassert deepest(n) == 3\n",
    "answers": "assert made(1, 2).items == [1, 2] and len(made(1)) == 1 and Stack([5]).top().value == 5\n",
    "chains": "assert Stack().push(1) == Stack([1]) and Stack().push(1).pop() == 1\n",
    "exceptions": "try:\n    Stack().pop()\nexcept Empty as error:\n    assert 'nothing' in str(error)\n"
    "else:\n    assert False\n"
    "try:\n    Stack().pop()\nexcept LookupError:\n    pass\n",
    "contexts": "with Stack([1]) as s:\n    assert len(s) == 1\nassert len(s) == 0\n",
    "copies": "import copy\ns = Stack([1])\nt = copy.deepcopy(s)\nt.push(2)\nassert len(s) == 1 and len(t) == 2\n",
    "unittest": "import unittest\nclass T(unittest.TestCase):\n    def setUp(self):\n        self.s = Stack()\n"
    "    def test_it(self):\n        self.s.push(1)\n        self.assertEqual(self.s.pop(), 1)\n"
    "        with self.assertRaises(Empty):\n            self.s.pop()\n",
    "imports": "from solution import Stack as S, Empty\n\ndef test_it():\n    assert S([1]).pop() == 1\n",
    "arguments that are changed": "x = [3, 1]\narranged(x)\nassert x == [1, 3]\nStack().absorb(x)\nassert x == []\n",
    "arguments beside an answer": "x = [3, 1]\nassert arranged(x) is None\nassert x == [1, 3]\n",
    "arguments left alone": "x = [3, 1]\nassert made(*x).items == x\ns = Stack(x)\n"
    "assert s.pop() == 1 and x == [3, 1]\nx.append(5)\nassert s.items == [3]\n",
    "arguments that hold state": "h = [3, 1, 2]\nassert least(h) == 1\nassert least(h) == 2 and least(items=h) == 3\n"
    "h = [5, 4]\nassert [least(h) for _ in range(2)] == [4, 5]\nh = [2, 1]\nout = []\n"
    "while h:\n    out.append(least(h))\nassert out == [1, 2]\n",
    "arguments looked at": "x = [3, 1]\nassert arranged(x) is None and x == [1, 3]\nx = [2, 1]\nr = arranged(items=x)\n"
    "assert 2 in x\nassert all(x[i] <= x[i + 1] for i in range(1))\n",
    "answers that are held": "s = Stack([1])\ns.shown().append(2)\nassert len(s) == 1\ns.held.append(3)\n"
    "assert len(s) == 2\ns.copied.append(4)\nassert len(s) == 2\n",
    "answers that are copies": "x = [1, 2]\ny = copied(x)\ny[0] = 9\nassert x == [1, 2] and y == [9, 2]\n",
    "arguments unpacked": "x = [[3, 1]]\ny = {'items': [3, 1]}\nassert top(*x) == top(**y) == 3\n"
    "assert (x, y) == ([[3, 1]], {'items': [3, 1]})\n",
    "arguments by name": "def test_it():\n    x = [3, 1]\n    assert len(Stack().extended(items=x)) == 2\n"
    "    assert x == [3, 1]\n",
    "arguments of what fails": "x = [3, 'a']\ntry:\n    picky(x)\nexcept TypeError:\n    assert x == [3, 'a']\n"
    "else:\n    assert False\n",
    "long lists that are let go": "s = Stack(list(range(50_000)))\nassert len(s.items) == 50_000\n"
    "for n in range(3_000):\n    assert n in s\n",
    "arguments with one name": "x = [3, 1]\nassert arranged(x) is None\nassert x == [1, 3]\n"
    "x = [2, 1]\nassert arranged(x) is None\nassert x == [1, 2]\n",
    "arguments of collections": "from collections import Counter, OrderedDict, defaultdict\n"
    "for x in (Counter(a=3), OrderedDict(a=3), defaultdict(int, a=3)):\n    count(x, 'b')\n    count(x, 'a')\n"
    "    assert x == {'a': 4, 'b': 1}\n",
    "coroutines": "import asyncio\nassert asyncio.run(later(1)) == 2\nasync def both():\n"
    "    return await asyncio.gather(later(1), later(2))\nassert asyncio.run(both()) == [2, 3]\n",
}


BREAKS = {
    "methods": ("self.items.append(item)", "pass"),
    "attributes": ("self.items = list(items)", "self.items = []"),
    "missing attributes": ("LIMIT = 9", "size = 9"),
    "items": ("yield from self.items", "yield from self.items[1:]"),
    "truth": ("return len(self.items)", "return 1"),
    "equality": ("and self.items == other.items", ""),
    "types": ("return cls(items)", "return Node(items)"),
    "links": ("self.left = left", "self.left = None"),
    "answers": ("self.value = value", "self.value = None"),
    "chains": ("return self\n    def pop", "return Stack()\n    def pop"),
    "exceptions": ("raise Empty", "raise KeyError"),
    "contexts": ("self.items.clear()", "pass"),
    "copies": ("self.items.append(item)", "pass"),
    "unittest": ("raise Empty", "raise KeyError"),
    "imports": ("self.items = list(items)", "self.items = []"),
    "arguments that are changed": ("items.sort()", "items = sorted(items)"),
    "arguments beside an answer": ("items.sort()", "items = sorted(items)"),
    "arguments left alone": ("self.items = list(items)", "self.items = items"),
    "arguments that hold state": ("return items.pop(0)", "return items[0]"),
    "arguments looked at": ("items.sort()", "items.reverse() if items[0] == 3 else None"),
    "answers that are held": (
        "shown(self):\n        return list(self.items)",
        "shown(self):\n        return self.items",
    ),
    "answers that are copies": ("return items[:]", "return items"),
    "arguments unpacked": ("return sorted(items)[-1]", "items.sort()\n    return items[-1]"),
    "arguments by name": ("in list(items):", "in [items.pop(), items.pop()]:"),
    "arguments of what fails": ("raise TypeError", "items.clear()\n        raise TypeError"),
    "long lists that are let go": ("return item in self.items", "return item < 2_000"),
    "arguments with one name": ("items.sort()", "items = sorted(items)"),
    "arguments of collections": ("counts[item] =", "counts = counts | {item: 1}; counts[item] ="),
    "coroutines": ("return x + 1", "return x"),
}


async def passes_whole_alone(sandbox: Supervisor, test: str, source: str, change: tuple[str, str]) -> None:
    """The test passes the program, from a process apart, and not when the change has broken it."""
    right = await judged(sandbox, test, source, "")
    wrong = await judged(sandbox, test, source.replace(*change), "")

    assert isinstance(right, Score), right
    assert (right.value, right.details["in_process"]) == (1.0, False), right.reason
    assert isinstance(wrong, Score), wrong
    assert wrong.value == 0.0


@pytest.mark.parametrize("style", OF_OBJECTS)
async def test_classes_of_the_program_are_tested_from_a_process_apart(sandbox: Supervisor, style: str) -> None:
    await passes_whole_alone(sandbox, OF_OBJECTS[style], STACK, BREAKS[style])


YES = """
class Yes:
    def __getattr__(self, name):
        return Yes()
    def __call__(self, *arguments):
        return self
    def __eq__(self, other):
        return True
    def __bool__(self):
        return True
    def __contains__(self, item):
        return True
    def __abs__(self):
        return 0.0
    __sub__ = __rsub__ = __add__ = __radd__ = __lt__ = __gt__ = __le__ = __ge__ = __ne__ = __eq__
    def __hash__(self):
        return hash(4)
    def __iter__(self):
        while True:
            yield Yes()
    def __len__(self):
        return 4
    def __index__(self):
        return 3
"""
UNIT = "import unittest\nclass T(unittest.TestCase):\n    def test_it(self):\n        self.{}\n"


@pytest.mark.parametrize(
    "test",
    [
        "assert double(2) == 4",
        "assert 4 == double(2)",
        "assert not double(2) != 4",
        "assert double(2) in [4, 5]",
        "assert double(2) in {4}",
        "assert 4 in double(2)",
        "assert double('a').startswith('aa')",
        "assert double([1]).count(1) == 2",
        "assert double(2) < 5",
        "assert abs(double(2) - 4) < 1e-6",
        "assert {4: 'a'}.get(double(2)) == 'a'",
        "assert [4] == [double(2)]",
        "assert isinstance(double(2), int)",
        UNIT.format("assertEqual(double(2), 4)"),
        UNIT.format("assertAlmostEqual(double(2), 4)"),
        UNIT.format("assertIn(4, double(2))"),
        "from unittest.mock import ANY\nassert (double(2), 1) == (4, ANY)",
        "assert Solution().double(2) == 4",
        "assert Solution().double('a').startswith('aa')",
        "assert sum([double(1), double(2)]) == 6",
        "assert max(double(2), 3) == 4",
        "assert sorted([double(2), 1]) == [1, 4]",
        "assert type(double(2)) is int",
        "assert double(2).__class__ == int",
    ],
)
async def test_an_object_that_says_yes_to_everything_passes_nothing(sandbox: Supervisor, test: str) -> None:
    source = YES + "def double(x):\n    return Yes()\nclass Solution:\n    def double(self, x):\n        return Yes()\n"

    verdict = await judged(sandbox, test, source, "double")

    assert isinstance(verdict, Score), verdict
    assert verdict.value == 0.0


@pytest.mark.parametrize("code", ["", "0"])
async def test_a_program_that_exits_passes_nothing(sandbox: Supervisor, code: str) -> None:
    source = f"import sys\ndef double(x):\n    sys.exit({code})\n"

    for test in ("try:\n    assert double(2) == 4\nexcept ValueError:\n    raise SystemExit", TESTS["unittest"]):
        verdict = await judged(sandbox, test, source, "double")
        assert isinstance(verdict, Score), verdict
        assert verdict.value == 0.0


async def test_a_class_in_place_of_a_function_passes_nothing(sandbox: Supervisor) -> None:
    source = YES + "double = Yes\nYes.__init__ = lambda self, *x: None\n"

    for test in ("assert double(2) == 4", "assert abs(double(2) - 4) < 1e-6", "assert double('a').startswith('aa')"):
        verdict = await judged(sandbox, test, source, "double")
        assert isinstance(verdict, Score), verdict
        assert verdict.value == 0.0


@pytest.mark.parametrize(
    ("test", "source"),
    [
        ("x = [3, 1, 2]\nassert double(x) == x\n", "def double(x):\n    x.clear()\n    return []\n"),
        ("x = [3, 1, 2]\ny = double(x)\nassert y == sum(x)\n", "def double(x):\n    x[:] = [0]\n    return 0\n"),
        (
            "x = [[2], [1]]\nassert all(double(y) == y * 2 for y in x)\n",
            "def double(x):\n    x.clear()\n    return []\n",
        ),
    ],
)
async def test_a_program_changes_nothing_that_it_is_compared_with(sandbox: Supervisor, test: str, source: str) -> None:
    verdict = await judged(sandbox, test, source, "double")

    assert isinstance(verdict, Score), verdict
    assert verdict.value == 0.0


async def test_a_program_that_passes_only_where_its_changes_are_unseen_fails_for_the_whole_group(
    sandbox: Supervisor,
) -> None:
    test = "x = [2, 1]\nassert double(x) == [1, 2]\nassert x == [2, 1]\n"
    sorts, copies = "def double(x):\n    x.sort()\n    return x\n", "def double(x):\n    return sorted(x)\n"

    verdicts = [
        await judged(sandbox, test, source, "double") for source in (copies, sorts, copies, sorts, sorts, copies)
    ]

    scores = [verdict.value for verdict in verdicts if isinstance(verdict, Score)]
    assert scores == [1.0, 0.0, 1.0, 0.0, 0.0, 1.0]


KINDS = """
import enum, json, random, sys
from collections import defaultdict, namedtuple
from contextlib import contextmanager

Point = namedtuple("Point", "x y")
class Level(enum.IntEnum):
    LOW = 1
    HIGH = 3
class Node:
    only = None
    def __init__(self, value):
        self.value = value
        self.children = []
        self.options = {}
    def total(self):
        return self.value + sum(child.total() for child in self.children)
    @classmethod
    def single(cls):
        cls.only = cls.only or cls(0)
        return cls.only
class Count:
    def __init__(self, most):
        self.most = most
    def __iter__(self):
        self.at = 0
        return self
    def __next__(self):
        if self.at >= self.most:
            raise StopIteration
        self.at += 1
        return self.at
class Vector:
    def __init__(self, *parts):
        self.parts = parts
    def __mul__(self, factor):
        return Vector(*(factor * part for part in self.parts))
    __rmul__ = __mul__
    def __iadd__(self, other):
        self.parts = tuple(map(sum, zip(self.parts, other.parts)))
        return self
    def __format__(self, how):
        return how + str(self.parts)
class AppError(Exception):
    pass
class Short(AppError):
    def __init__(self, need):
        super().__init__(f"short of {need}")
        self.need = need
class Undone:
    state = "new"
    def __enter__(self):
        return self
    def __exit__(self, kind, error, trace):
        self.state = "undone" if kind else "done"
        return kind is ValueError
def mirrored(point):
    return Point(point.y, point.x)
def level(n):
    return Level.HIGH if n > 5 else Level.LOW
def numbers():
    n = 0
    while True:
        yield n
        n += 1
def averaging():
    total, count = 0, 0
    while True:
        total += yield total / max(count, 1)
        count += 1
def failing():
    yield 1
    raise ValueError("later")
def pay(need):
    raise Short(need)
def adder(n):
    return lambda m: n + m
count = 0
seen = []
def counted(item):
    global count
    count += 1
    seen.append(item)
    return count
def grouped(words):
    groups = defaultdict(list)
    for word in words:
        groups[len(word)].append(word)
    return groups
def letters(words):
    return {word[0]: word for word in words}.keys()
def counters():
    return defaultdict(lambda: defaultdict(int))
def leave(code):
    sys.exit(code)
def account():
    return Node(5)
def drawn():
    return random.random()
def read(text):
    return json.loads(text)
async def awaited(n):
    if n < 0:
        raise ValueError("below")
    return n
"""
FOUND = {
    "named tuples": """
p = Point(1, 2)
assert p.x == 1 and mirrored(p) == (2, 1) and mirrored(p).x == 2
""",
    "enumerations": """
assert level(9) == 3 and level(9) == Level.HIGH and level(9) is Level.HIGH and level(1) < 3
""",
    "identity": """
assert Node.single() is Node.single() and Node(1) is not Node(1)
""",
    "lists of an object": """
n = Node(1)
n.children.append(Node(2))
n.options["a"] = 1
assert n.total() == 3 and n.options == {"a": 1}
""",
    "iterators": """
assert list(Count(3)) == [1, 2, 3]
c = iter(Count(3))
assert next(c) == 1 and next(c) == 2
""",
    "endless generators": """
from itertools import islice
assert list(islice(numbers(), 3)) == [0, 1, 2]
g = numbers()
assert [next(g) for _ in range(1500)][-1] == 1499
""",
    "generators that are sent to": """
g = averaging()
next(g)
assert g.send(4) == 4 and g.send(2) == 3
g.close()
assert next(g, "closed") == "closed" and [n for n, _ in zip(numbers(), "abc")] == [0, 1, 2]
""",
    "generators that fail": """
g = failing()
assert next(g) == 1
try:
    next(g)
except ValueError as error:
    assert str(error) == "later"
else:
    assert False
""",
    "arithmetic": """
v = Vector(1, 2) * 3
assert v.parts == (3, 6) and (2 * Vector(1)).parts == (2,)
v += Vector(1, 1)
assert v.parts == (4, 7) and f"{v:n}" == "n(4, 7)"
""",
    "what exceptions hold": """
try:
    pay(3)
except AppError as error:
    assert isinstance(error, Short) and error.need == 3 and str(error) == "short of 3"
else:
    assert False
""",
    "exceptions that tests make": """
assert Short(5).need == 5 and str(Short(5)) == "short of 5" and isinstance(Short(need=1), AppError)
try:
    raise Short(2)
except AppError as error:
    assert error.need == 2
""",
    "exceptions of modules": """
import json
try:
    read("{")
except json.JSONDecodeError as error:
    assert error.pos == 1
else:
    assert False
""",
    "contexts": """
u = Undone()
with u:
    raise ValueError
assert u.state == "undone"
u = Undone()
try:
    with u:
        raise KeyError
except KeyError:
    pass
assert u.state == "undone"
""",
    "what a program's names are now": """
assert count == 0 and counted("a") == 1 and count == 1
def check():
    assert counted("b") == 2 and seen == ["a", "b"]
check()
seen.clear()
seen.append("c")
assert counted("d") == 3 and seen == ["c", "d"]
""",
    "types of objects": """
assert type(Node(1)) is Node and type(Node(1)) is not Vector and type(Node(1)) == Node and type(adder(1)(2)) is int
assert type(account()).__name__ == account().__class__.__name__ == "Node"
""",
    "views and factories": """
assert letters(["ab", "ba"]) == {"a", "b"} and grouped(["a"])[2] == [] and counters()["a"]["b"] == 0
""",
    "exits": """
try:
    leave(3)
except SystemExit as error:
    assert error.code == 3
else:
    assert False
""",
    "closures": """
assert adder(3)(4) == 7 and list(map(adder(1), [1, 2])) == [2, 3]
""",
    "objects of functions": """
a = account()
assert a.total() == 5 and a.value == 5
""",
    "threads": """
from concurrent.futures import ThreadPoolExecutor
with ThreadPoolExecutor(8) as pool:
    assert list(pool.map(adder(1), range(200))) == list(range(1, 201))
""",
    "seeds": """
import random
random.seed(3)
a = drawn()
random.seed(3)
assert drawn() == a == random.Random(3).random()
""",
    "coroutines that fail": """
import asyncio
async def both():
    return await asyncio.gather(awaited(1), awaited(-1), return_exceptions=True)
good, bad = asyncio.run(both())
assert good == 1 and isinstance(bad, ValueError)
""",
}
BROKEN = {
    "named tuples": ("Point(point.y, point.x)", "Point(*point)"),
    "enumerations": ("n > 5", "n < 5"),
    "identity": ("cls.only or cls(0)", "cls(0)"),
    "lists of an object": ("self.value + sum", "self.value - sum"),
    "iterators": ("self.at += 1", "self.at += 2"),
    "endless generators": ("n += 1", "n += 2"),
    "generators that are sent to": ("total / max(count, 1)", "total"),
    "generators that fail": ('raise ValueError("later")', "yield 2"),
    "arithmetic": ("factor * part", "factor + part"),
    "what exceptions hold": ("self.need = need", "self.need = 0"),
    "exceptions that tests make": ("short of {need}", "short"),
    "exceptions of modules": ("return json.loads(text)", "raise ValueError(text)"),
    "contexts": ('"undone" if kind else "done"', '"done"'),
    "what a program's names are now": ("seen.append(item)", "pass"),
    "types of objects": ("return Node(5)", "return Vector(5)"),
    "views and factories": ("groups = defaultdict(list)", "groups = defaultdict(list, {2: [1]})"),
    "exits": ("sys.exit(code)", "sys.exit(4)"),
    "closures": ("n + m", "n - m"),
    "objects of functions": ("return Node(5)", "return Node(6)"),
    "threads": ("n + m", "n - m"),
    "seeds": ("random.random()", "random.SystemRandom().random()"),
    "coroutines that fail": ("n < 0", "n > 0"),
}


@pytest.mark.parametrize("kind", FOUND)
async def test_what_a_program_is_made_of_is_what_its_tests_find(sandbox: Supervisor, kind: str) -> None:
    await passes_whole_alone(sandbox, FOUND[kind], KINDS, BROKEN[kind])


SPYING = """
class Spy:
    def __contains__(self, item):
        global seen
        seen = item
        return True
    def __getattr__(self, name):
        return lambda *items: True
class Part:
    def __init__(self):
        self.seen = self.name = Spy()
    def answer(self):
        return seen
"""


@pytest.mark.parametrize(
    "test",
    [
        "p = Part()\nassert 41 in p.seen\nassert p.answer() == 41\n",
        "assert Part().name.startswith('Dr')\n",
        "assert Part().seen.index(41) == 0\n",
        "import copy\nassert 5 in copy.copy(Part()).seen\n",
        "assert Part().name > 3\n",
        "assert Part().name + 1 == 4\n",
    ],
)
async def test_what_is_expected_reaches_no_attribute(sandbox: Supervisor, test: str) -> None:
    verdict = await judged(sandbox, test, SPYING, "Part")

    assert isinstance(verdict, Score), verdict
    assert verdict.value == 0.0


TWICE = {"t": "namedtuple", "v": ["P", ["\ufb01", "fi"], [1, 2]]}
"""Two names that Python takes for one."""
DESCRIPTIONS: list[object] = [
    *(5, None, [], [{"t": []}], [{"t": "exception", "v": 5}], [{"t": "exception", "v": [1]}]),
    [{"t": "exception", "v": TWICE}],
]
FORGED = """
import json, os, struct
def forge(body):
    length, = struct.unpack("!I", os.read(4, 4))
    os.read(4, length)
    os.write(4, struct.pack("!I", len(body) + 1) + b"N" + body)
"""


@pytest.mark.parametrize(
    "source",
    [
        "pass",
        "import math as double",
        "class TestCase:\n    pass\ndef double(x):\n    return TestCase()",
        "async def double(x):\n    return 4",
        "class double(Exception):\n    pass",
        "def double(x):\n    while True:\n        yield 4",
        *(f"{FORGED}forge(json.dumps({described!r}).encode())\nos._exit(0)" for described in DESCRIPTIONS),
    ],
)
@pytest.mark.parametrize("entry_point", ["", "double"])
async def test_a_program_cannot_choose_not_to_be_judged(sandbox: Supervisor, source: str, entry_point: str) -> None:
    test = UNIT.format("assertAlmostEqual(double(double(1)), 4)")

    verdict = await judged(sandbox, test, source, entry_point)

    assert isinstance(verdict, Score), verdict
    assert verdict.value == 0.0


OTHERS = {
    "a class for a function": (
        "assert Find_Min([2, 1]) == 1",
        "class Find_Min:\n    def __init__(self, x):\n        pass",
    ),
    "a class for a candidate": (
        "def check(candidate):\n    assert candidate([2, 1]) == 1\ncheck(Find_Min)",
        "class Find_Min:\n    def __init__(self, x):\n        pass",
    ),
    "a class for a constant": ("assert PI == 3.14\nassert double(1) == 2", "class PI:\n    pass\ndouble = abs"),
    "an exception for a class": ("s = Stack()\ns.push(1)\nassert s.top() == 1", "class Stack(Exception):\n    pass"),
    "an exception for a function": ("assert len(double('a')) == 2", "class double(Exception):\n    pass"),
    "a view for a list": ("assert double({1: 2}) == [2]", "def double(x):\n    return x.values()"),
    "what is too deep": (
        "x = [1]\nassert double(x) == 2\nassert x == [1]",
        "def double(x):\n    for _ in range(200):\n        x.append([])\n        x = x[-1]\n    return 2",
    ),
}


@pytest.mark.parametrize(("test", "source"), OTHERS.values(), ids=OTHERS)
async def test_another_kind_of_thing_than_the_tests_want_is_wrong(sandbox: Supervisor, test: str, source: str) -> None:
    for entry_point in ("", "Find_Min" if "Find_Min" in test else "double"):
        verdict = await judged(sandbox, test, source, entry_point)
        assert isinstance(verdict, Score), verdict
        assert verdict.value == 0.0
