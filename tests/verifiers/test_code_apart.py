"""Test code is fitted to a process apart, or refused; how it runs there: tests/sandbox/test_styles.py."""

from __future__ import annotations

import pytest

from jurist.sandbox import Asserts, Program
from jurist.verifiers import Abstain, Ask, Cause, Sample, Task
from jurist.verifiers._code.apart import fitted, reaching
from jurist.verifiers.code_tests import CodeTests

REACHING = {
    "a patch": "from unittest.mock import patch\nwith patch('builtins.input'):\n    assert f() == 1\n",
    "a patch by another name": "from unittest import mock as m\nwith m.patch('time.sleep'):\n    f()\n",
    "a stream": "import io, sys\nsys.stdout = io.StringIO()\nf()\nassert sys.stdout.getvalue() == '1'\n",
    "a redirection": "import contextlib, io\nwith contextlib.redirect_stdout(io.StringIO()) as out:\n    f()\n",
    "a fixture": "def shows(capsys):\n    f()\n    assert capsys.readouterr().out == '1'\n",
    "a module": "import solution\nsolution.LIMIT = 3\nassert f(2) == 3\n",
    "a variable of the environment": "import os\nos.environ['A'] = 'b'\nassert f() == 'b'\n",
    "a file": "with open('a.txt', 'w') as file:\n    file.write('1')\nassert f('a.txt') == 1\n",
    "a path": "from pathlib import Path\nPath('a.txt').write_text('1')\nassert f('a.txt') == 1\n",
    "a folder": "import tempfile\nwith tempfile.TemporaryDirectory() as folder:\n    assert f(folder) == 0\n",
    "a look inside": "import inspect\nassert len(inspect.signature(f).parameters) == 2\n",
    "an argument that is compared with": "x = [3, 1]\nk = f(x)\nassert len(x) == 2\nassert k == sum(x)\n",
    "what was made of an argument": "x = [3, 1]\nk = f(x)\nassert len(x) == 2\nall = sum(x)\nassert k == all\n",
    "an assertion of the program's": "assert_equal(f(2), 4)\n",
    "a coroutine's items": "async def all():\n    return [x async for x in f()]\n",
    "variables of the environment": "import os\nos.environ.update(A='b')\nassert f() == 'b'\n",
    "a pattern": "match f(2):\n    case Node(x=1):\n        pass\n",
    "a subclass": "from solution import Base\nclass Mine(Base):\n    pass\nassert f(Mine()) == 1\n",
}


@pytest.mark.parametrize("code", REACHING.values(), ids=REACHING)
def test_what_reaches_into_the_programs_process_is_refused_unless_it_is_allowed(code: str) -> None:
    sample = Sample(task=Task(extra={"tests": {"test": code, "entry_point": "f"}}), completion="```python\nf = 1\n```")

    verdict = CodeTests().verdict(sample)
    allowed = CodeTests(together=True).verdict(sample)

    assert isinstance(verdict, Abstain)
    assert verdict.cause is Cause.INVALID_REFERENCE
    assert "(line " in verdict.reason
    assert isinstance(allowed, Ask)
    (program,) = allowed.questions
    assert isinstance(program, Program)
    assert program.tests == Asserts(code=code, entry_point="f", in_process=True)


@pytest.mark.parametrize(
    "code",
    [
        "import tempfile\nfrom unittest.mock import patch\nassert f(2) == 4\n",
        "from solution import inspect, open\nassert inspect(open('a')) == 1\n",
        "def patch(x):\n    return x\nassert patch(f(2)) == 4\n",
        "files = FileSystem()\nfiles.mkdir('/a')\nassert files.exists('/a')\n",
        "import html\nassert html.unescape(f(2)).replace('a', 'b') == 'b'\n",
        "import sys\nassert f(sys.maxsize) == 1 and sys.stdout\n",
        "import os\nassert f(os.sep) == os.environ.get('A')\n",
        "class Mine(dict):\n    pass\nclass More(Mine):\n    pass\nassert f(2) == 4\n",
        "x = [2, 1]\nassert f(x) == [1, 2]\nassert x == [2, 1]\n",
        "x = [2, 1]\ny = f(x)\nassert y == sorted(x) and y[0] == 1\nx = [3]\nassert x == [3]\n",
        "x = [2, 1]\nf(x)\nassert x == [1, 2]\n",
        "x = [2, 1]\ny = sorted(x)\nassert x == [1]\n",
        "not python (",
    ],
)
def test_names_that_merely_look_like_it_are_none(code: str) -> None:
    assert reaching(code) == ""


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("x = [2]\nf(x)\nassert x == [4]\n", "x = [2]\n__sharing__(f)(x)\nassert x == [4]\n"),
        ("s.g.h(x, 1)\n", "__sharing__(s.g.h)(x, 1)\n"),
        ("é = 'é'; f(\n    *x,\n)\n", "é = 'é'; __sharing__(f)(\n    *x,\n)\n"),
        ("f(a=x)  # why\n", "__sharing__(f)(a=x)  # why\n"),
        ("f([1])\nf('a')\n", None),
        ("k = f(x)\nassert x[:k] == [1, 2]\n", "k = __sharing__(f)(x)\nassert x[:k] == [1, 2]\n"),
        ("assert f(x) is None\nassert [1] == x\n", "assert __sharing__(f)(x) is None\nassert [1] == x\n"),
        ("k = f(x)\nassert k == 2 and x == w\n", "k = __sharing__(f)(x)\nassert k == 2 and x == w\n"),
        ("k = f(x)\nself.assertEqual(x, [1])\n", "k = __sharing__(f)(x)\nself.assertEqual(x, [1])\n"),
        ("y = x[:]\nk = f(x)\nassert x == y\n", "y = x[:]\nk = __sharing__(f)(x)\nassert x == y\n"),
        (
            "k = f(x)\nfor i in range(k):\n    assert x[i] == w[i]\n",
            "k = __sharing__(f)(x)\nfor i in range(k):\n    assert x[i] == w[i]\n",
        ),
        ("x = [2]\ny = f(x)\nassert x == [2]\n", None),
        ("y = f(x)\nassert y == sorted(x)\n", None),
        ("y = f(x)\nassert f(x) == 1\n", "y = __sharing__(f)(x)\nassert __sharing__(f)(x) == 1\n"),
        ("y = f(x)\nassert f(x) == sum(x)\n", None),
        (
            "y = [f(x) for _ in range(3)]\nz = [f(x) for x in y]\n",
            "y = [__sharing__(f)(x) for _ in range(3)]\nz = [f(x) for x in y]\n",
        ),
        ("while h:\n    out.append(f(h))\n", "while h:\n    out.append(__sharing__(f)(h))\n"),
        ("assert f(*x) == f(**y) == f([1])\n", "assert __unpacked__(f)(*x) == __unpacked__(f)(**y) == f([1])\n"),
        ("k = f(a=x)\nassert 0 in x\n", "k = __sharing__(f)(a=x)\nassert 0 in x\n"),
        ("assert f(x) is None and x == [1]\n", "assert __sharing__(f)(x) is None and x == [1]\n"),
        ("y = x\nassert f(x) == 1\nassert f(x) == len(y)\n", None),
        ("y = {'a': [x]}\nassert f(x) == 1\nassert f(x) == len(y['a'][0])\n", None),
        ("x = y[0]\nassert f(x) == 1\nassert f(x) == len(y[0])\n", None),
        ("for c in d:\n    y = f(x)\nassert y == len(x)\n", None),
        ("assert f(x)(x) == 1\n", "assert __sharing__(__sharing__(f)(x))(x) == 1\n"),
        ("x = [2]\nassert f(x) == 1\nx = [3]\nassert f(x) == 2\n", None),
        ("def a():\n    x = [1]\n    f(x) == 1\ndef b():\n    x = [1]\n    f(x) == len(x)\n", None),
        ("import random\nrandom.shuffle(x)\nprint(x)\n", None),
        ("def helper(x):\n    pass\nhelper(x)\nself.assertTrue(x)\n", None),
        ("assert f(x) is y\n", "assert (__same__(f(x), y))\n"),
        ("assert type(f(x)) is Node\n", "assert (__same__(__type__(f(x)), Node))\n"),
        ("assert g(f(x)).__class__.__name__ == 'N'\n", "assert __type__(g(f(x))).__name__ == 'N'\n"),
        ("def type(x):\n    pass\nassert type(f) == 'f'\n", None),
        ("assert f(x) is not y and z is None\n", "assert (not __same__(f(x), y)) and z is None\n"),
        ("assert f(x) is not y\nf(x) == 1\n", "assert (not __same__(__sharing__(f)(x), y))\n__sharing__(f)(x) == 1\n"),
        ("self.assertIs(f(x), y)\n", "__assert_same__(f(x), y)\n"),
        ("s = 'a\u2028b'; f(x)\n", "s = 'a\u2028b'; __sharing__(f)(x)\n"),
        ("not python (", None),
    ],
)
def test_calls_that_change_their_arguments_and_identities_are_fitted(code: str, expected: str | None) -> None:
    assert fitted(code) == (expected or code)
