"""Calls what test code in the style of pytest or unittest leaves to these to call, sets of parameters included.

What cannot be called here is refused and never left out: a program would be paid for tests that nobody ran.
"""

from __future__ import annotations

import ast
import re
from functools import lru_cache
from typing import TYPE_CHECKING, Final, NoReturn

from jurist.verifiers._code.shapes import BadTestsError

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["collected"]

SKIPPING: Final = frozenset({"skip", "skipIf", "skipUnless", "skipTest", "expectedFailure"})
MARK: Final = "pytest.mark"
AROUND_MODULES: Final = frozenset(
    {"setUpModule", "tearDownModule", "setup_module", "teardown_module", "setup_function", "teardown_function"}
)
AROUND: Final = frozenset({"__init__", "setup_class", "teardown_class", "setup", "teardown", "teardown_method"})
"""What surrounds the tests of a class in ways that are not followed here."""
LOADING: Final = "__import__('unittest').defaultTestLoader.loadTestsFromTestCase({}).debug()"


@lru_cache(maxsize=256)
def collected(code: str) -> str:
    """Return test code with the calls behind it, and without imports of all of `solution`: its names are there.

    Raises:
        BadTestsError: it needs more of pytest or unittest than there is.
    """
    if not any(sign in code for sign in ("def test", "TestCase", "solution")):
        return code
    try:
        tree = ast.parse(code)
    except (MemoryError, RecursionError, SyntaxError, ValueError):
        return code  # the box says what is wrong with it
    _refuse_hidden(tree)
    calls = [call for node in tree.body for call in _calls(node, tree)]
    imports = any(isinstance(node, ast.ImportFrom) and _is_of_all(node) for node in ast.walk(tree))
    if not calls and not imports:
        return code
    adapted = _Adapted(code).visit(tree)
    written = ast.unparse(ast.fix_missing_locations(adapted))
    # Marks are all that most tests want pytest for, which a box may lack.
    written = written if "pytest." in written else re.sub(r"(?m)^import pytest$", "pass", written)
    return "\n".join([written, *calls, ""])


def _calls(node: ast.stmt, tree: ast.Module) -> list[str]:
    """Say how a function or class at the top is called, if it is a test."""
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test"):
        return _function(node, tree)
    if isinstance(node, ast.ClassDef):
        return _class(node, tree)
    return []


def _refuse_hidden(tree: ast.Module) -> None:
    """Refuse tests, and what pytest or unittest does around them, where nobody here would look.

    Raises:
        BadTestsError: there are some.
    """
    for statement in tree.body:
        match statement:
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                if statement.name in AROUND_MODULES:
                    _refuse(statement.name, "is for a runner to call")
            case ast.ClassDef():
                _refuse_inside(statement.body, "is a class of tests inside another", ast.ClassDef)
            case _ if not _is_main(statement):
                _refuse_alias(statement)
                _refuse_inside(ast.walk(statement), "is a test under a condition", ast.FunctionDef, ast.ClassDef)
            case _:
                pass
    for node in ast.walk(tree):
        for mark in getattr(node, "decorator_list", ()):
            if (found := _parametrized(mark)) and _bound_again(tree, found[2]):
                _refuse(getattr(node, "name", ""), "has parameters that may be others behind it")


def _refuse_inside(parts: Iterable[ast.AST], why: str, *kinds: type[ast.AST]) -> None:
    for part in parts:
        if isinstance(part, kinds) and _named(part).lower().startswith("test"):
            _refuse(_named(part), why)
        if isinstance(part, ast.stmt):
            _refuse_alias(part)


def _named(node: ast.AST) -> str:
    return str(getattr(node, "name", ""))


def _refuse_alias(node: ast.stmt) -> None:
    match node:
        case ast.Assign(targets=[ast.Name() as target], value=ast.Name() | ast.Lambda()) if target.id.startswith(
            "test"
        ):
            _refuse(target.id, "may be a test")
        case _:
            pass


def _is_main(node: ast.stmt) -> bool:
    return isinstance(node, ast.If) and "__name__" in ast.unparse(node.test)


def _function(node: ast.FunctionDef | ast.AsyncFunctionDef, tree: ast.Module) -> list[str]:
    if not node.decorator_list and _needed(node) and node.name in _called(tree):
        return []  # a helper
    return [_call(node, node.name)]


def _call(node: ast.FunctionDef | ast.AsyncFunctionDef, called: str, *, bound: bool = False) -> str:
    """Call a test, with each of the sets of values that it is to have."""
    sets = [found for mark in node.decorator_list if (found := _parametrized(mark))]
    marks = len(sets) + sum(_is_asynchronous(mark) for mark in node.decorator_list)
    if marks != len(node.decorator_list):
        _refuse(node.name, "is more than a plain function")
    if {name for names, _, _ in sets for name in names} != _needed(node, bound=bound):
        _refuse(node.name, "takes what pytest would give it")
    given = (
        f"**dict(zip({names!r}, __{index}__))" if several else f"{names[0]}=__{index}__"
        for index, (names, several, _) in enumerate(sets)
    )
    if any(isinstance(part, ast.Yield | ast.YieldFrom) for part in ast.walk(node)):
        _refuse(node.name, "yields")
    call = f"{called}({', '.join(given)})"
    if isinstance(node, ast.AsyncFunctionDef):
        call = f"__import__('asyncio').run({call})"
    loops = (f" for __{index}__ in {values}" for index, (_, _, values) in enumerate(sets))
    return f"[{call}{''.join(loops)}]"


def _parametrized(mark: ast.expr) -> tuple[list[str], bool, str] | None:
    """Read `@pytest.mark.parametrize("a, b", [(1, 2), ..])`.

    The names, whether each set is a list of a value for each, and the sets as they are written.
    """
    if not (isinstance(mark, ast.Call) and ast.unparse(mark.func) == f"{MARK}.parametrize" and len(mark.args) == 2):  # noqa: PLR2004
        return None
    names, values = mark.args[0], ast.unparse(mark.args[1])
    if "pytest" in values or {word.arg for word in mark.keywords} - {"ids"}:
        return None
    if isinstance(names, ast.List | ast.Tuple):
        return [str(name.value) for name in names.elts if isinstance(name, ast.Constant)], True, values
    if not (isinstance(names, ast.Constant) and isinstance(names.value, str)):
        return None
    written = [name.strip() for name in names.value.split(",")]
    return written, len(written) > 1, values


def _is_asynchronous(mark: ast.expr) -> bool:
    return ast.unparse(mark) == f"{MARK}.asyncio"


def _needed(node: ast.FunctionDef | ast.AsyncFunctionDef, *, bound: bool = False) -> set[str]:
    """Name the arguments that a test cannot do without, but for the object that it is bound to."""
    arguments = [*node.args.posonlyargs, *node.args.args]
    required = arguments[bound : len(arguments) - len(node.args.defaults)]
    keywords = zip(node.args.kwonlyargs, node.args.kw_defaults, strict=True)
    return {argument.arg for argument in required} | {word.arg for word, default in keywords if default is None}


def _class(node: ast.ClassDef, tree: ast.Module) -> list[str]:
    tests = [part for part in node.body if getattr(part, "name", "").startswith("test")]
    if _is_case(node, tree):
        if SKIPPING & {name for part in ast.walk(node) if (name := _name(part))}:
            _refuse(node.name, "skips tests, or expects them to fail")
        waits = any(isinstance(part, ast.AsyncFunctionDef) for part in node.body)
        if waits and not any(_name(base) == "IsolatedAsyncioTestCase" for base in node.bases):
            _refuse(node.name, "has tests that are asynchronous")
        return [LOADING.format(node.name)]
    if not node.name.startswith("Test") or node.name in _called(tree) or not (tests or node.bases):
        return []
    if node.bases or node.decorator_list or AROUND & {getattr(part, "name", "") for part in node.body}:
        _refuse(node.name, "is a class of tests that only pytest calls")
    begun = any(getattr(part, "name", "") == "setup_method" for part in node.body)
    calls: list[str] = []
    for test in tests:
        assert isinstance(test, ast.FunctionDef | ast.AsyncFunctionDef)  # noqa: S101  # nothing else is called test..
        if not begun:
            calls.append(_call(test, f"{node.name}().{test.name}", bound=True))
        elif test.decorator_list:
            _refuse(node.name, "is a class of tests that only pytest calls")
        else:
            calls += [f"__case__ = {node.name}()", "__case__.setup_method()"]
            calls.append(_call(test, f"__case__.{test.name}", bound=True))
    return calls


def _is_case(node: ast.ClassDef, tree: ast.Module) -> bool:
    """Tell whether a class is one of unittest's, by itself or by a class of the same code."""
    bases = {_name(base) for base in node.bases}
    if bases & {"TestCase", "IsolatedAsyncioTestCase"}:
        return True
    others = [other for other in tree.body if isinstance(other, ast.ClassDef) and other is not node]
    return any(other.name in bases and _is_case(other, ast.Module(list(others), [])) for other in others)


def _called(tree: ast.Module) -> set[str]:
    """Name what is called, but for what is only where the tests are a program of their own."""
    parts = (part for node in tree.body if not _is_main(node) for part in ast.walk(node))
    return {_name(part.func) for part in parts if isinstance(part, ast.Call)}


def _bound_again(tree: ast.Module, names: str) -> bool:
    """Whether a name in an expression is bound more than once: its value behind the code may be another."""
    bound = [name.id for name in ast.walk(tree) if isinstance(name, ast.Name) and isinstance(name.ctx, ast.Store)]
    read = {name.id for name in ast.walk(ast.parse(names)) if isinstance(name, ast.Name)}
    return any(bound.count(name) > 1 for name in read)


def _name(node: ast.AST) -> str:
    return node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else ""


def _refuse(name: str, why: str) -> NoReturn:
    message = f"`{name}` {why}"
    raise BadTestsError(message)


class _Adapted(ast.NodeTransformer):
    """Leaves out what ends the test code before its calls, imports what is there, or is followed in the calls."""

    def __init__(self, code: str) -> None:
        self._mains = {"unittest.main", "main"} if "from unittest import" in code else {"unittest.main"}

    def visit_Expr(self, node: ast.Expr) -> ast.stmt:
        """Drop `unittest.main()`, which ends the process."""
        ends = isinstance(node.value, ast.Call) and ast.unparse(node.value.func) in self._mains
        return ast.Pass() if ends else node

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.stmt:
        """Drop the marks."""
        return _unmarked(self.generic_visit(node))

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> ast.stmt:
        """Drop the marks."""
        return _unmarked(self.generic_visit(node))

    def visit_ImportFrom(self, node: ast.ImportFrom) -> ast.stmt:
        """Drop `from solution import *`: a module that answers for the program cannot list its names."""
        return ast.Pass() if _is_of_all(node) else node


def _is_of_all(node: ast.ImportFrom) -> bool:
    return node.module == "solution" and node.names[0].name == "*"


def _unmarked(node: ast.AST) -> ast.stmt:
    assert isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)  # noqa: S101
    node.decorator_list = [mark for mark in node.decorator_list if not (_parametrized(mark) or _is_asynchronous(mark))]
    return node
