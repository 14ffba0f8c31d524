"""Calls what test code in the style of pytest or unittest leaves to these to call.

What cannot be called here is refused and never left out: a program would be paid for tests that nobody ran.
"""

from __future__ import annotations

import ast
from functools import lru_cache
from typing import Final, NoReturn

from jurist.verifiers._code.shapes import BadTestsError

__all__ = ["collected"]

SKIPPING: Final = frozenset({"skip", "skipIf", "skipUnless", "skipTest", "expectedFailure"})
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
    calls = [call for node in tree.body for call in _calls(node, tree)]
    imports = any(isinstance(node, ast.ImportFrom) and _is_of_all(node) for node in ast.walk(tree))
    if not calls and not imports:
        return code
    adapted = _Adapted(code).visit(tree)
    return "\n".join([ast.unparse(ast.fix_missing_locations(adapted)), *calls, ""])


def _calls(node: ast.stmt, tree: ast.Module) -> list[str]:
    """Say how a function or class at the top is called, if it is a test."""
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test"):
        return _function(node, tree)
    if isinstance(node, ast.ClassDef):
        return _class(node, tree)
    return []


def _function(node: ast.FunctionDef | ast.AsyncFunctionDef, tree: ast.Module) -> list[str]:
    if node.decorator_list or isinstance(node, ast.AsyncFunctionDef):
        _refuse(node.name, "is more than a plain function")
    needed = len(node.args.posonlyargs + node.args.args) - len(node.args.defaults)
    if needed or None in node.args.kw_defaults:
        if node.name not in _called(tree):
            _refuse(node.name, "takes what pytest would give it")
        return []
    return [f"{node.name}()"]


def _class(node: ast.ClassDef, tree: ast.Module) -> list[str]:
    tests = [part for part in node.body if getattr(part, "name", "").startswith("test")]
    if not _is_case(node, tree):
        if tests and node.name.startswith("Test") and node.name not in _called(tree):
            _refuse(node.name, "is a class of tests that only pytest calls")
        return []
    if SKIPPING & {name for part in ast.walk(node) if (name := _name(part))}:
        _refuse(node.name, "skips tests, or expects them to fail")
    if any(isinstance(part, ast.AsyncFunctionDef) for part in node.body):
        _refuse(node.name, "has tests that are asynchronous")
    return [LOADING.format(node.name)]


def _is_case(node: ast.ClassDef, tree: ast.Module) -> bool:
    """Tell whether a class is one of unittest's, by itself or by a class of the same code."""
    bases = {_name(base) for base in node.bases}
    if bases & {"TestCase", "IsolatedAsyncioTestCase"}:
        return True
    others = [other for other in tree.body if isinstance(other, ast.ClassDef) and other is not node]
    return any(other.name in bases and _is_case(other, ast.Module(list(others), [])) for other in others)


def _called(tree: ast.Module) -> set[str]:
    return {_name(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}


def _name(node: ast.AST) -> str:
    return node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else ""


def _refuse(name: str, why: str) -> NoReturn:
    message = f"`{name}` {why}"
    raise BadTestsError(message)


class _Adapted(ast.NodeTransformer):
    """Leaves out what ends the test code before its calls, or imports what is there."""

    def __init__(self, code: str) -> None:
        self._mains = {"unittest.main", "main"} if "from unittest import" in code else {"unittest.main"}

    def visit_Expr(self, node: ast.Expr) -> ast.stmt:
        """Drop `unittest.main()`, which ends the process."""
        ends = isinstance(node.value, ast.Call) and ast.unparse(node.value.func) in self._mains
        return ast.Pass() if ends else node

    def visit_ImportFrom(self, node: ast.ImportFrom) -> ast.stmt:
        """Drop `from solution import *`: a module that answers for the program cannot list its names."""
        return ast.Pass() if _is_of_all(node) else node


def _is_of_all(node: ast.ImportFrom) -> bool:
    return node.module == "solution" and node.names[0].name == "*"
