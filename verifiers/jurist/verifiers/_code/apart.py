"""Fits test code to a process apart from the program's, or says why it does not fit.

There the program's functions are stand-ins, its classes can be constructed and asked, and a call whose value is dropped
changes its arguments. What tests do to the process itself (patch its modules, catch what it prints, leave files for it)
would be done to the wrong one: a right program would fail, so such tests are refused.
"""

from __future__ import annotations

import ast
import builtins
from functools import lru_cache
from typing import TYPE_CHECKING, Final, cast

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["CHANGING", "fitted", "reaching"]

CHANGING: Final = "__changing__"
"""What the sandbox gives test code to call a function through that changes its arguments."""
SOLUTION: Final = "solution"
REACHING: Final = frozenset(
    {"patch", "redirect_stdout", "redirect_stderr", "inspect", "open", "tempfile", "makedirs", "mkdir", "rmtree"}
    | {"listdir", "exists", "isfile", "mkdtemp", "mkstemp", "NamedTemporaryFile", "TemporaryDirectory"}
)
"""What patches, listens to or looks into the process that it is in, or makes and reads files, which the program has
elsewhere: names of the standard library's."""
FIXTURES: Final = frozenset({"monkeypatch", "mocker", "capsys", "capfd", "caplog", "tmp_path", "tmpdir"})
WRITING: Final = frozenset({"write_text", "write_bytes"})
"""Methods that are of files, whosever they are."""
STREAMS: Final = frozenset({"stdin", "stdout", "stderr", "argv"})
OWNERS: Final = frozenset({"builtins", "os.environ", SOLUTION})


def _parsed(code: str) -> ast.Module | None:
    try:
        return ast.parse(code)
    except (MemoryError, RecursionError, SyntaxError, ValueError):
        return None  # the box says what is wrong with it


@lru_cache(maxsize=256)  # a group's rollouts share it
def reaching(code: str) -> str:
    """Say what in test code reaches into the process that it runs in; "" where nothing does."""
    tree = _parsed(code)
    if tree is None:
        return ""
    own = _Own(tree)
    reached = (found for node in ast.walk(tree) for found in (*_reaches(node, own), *_changed(node, own)))
    return next((f"`{name}` (line {line})" for name, line in reached), "")


class _Own:
    """The names that test code has of its own, not of the program's."""

    def __init__(self, tree: ast.Module) -> None:
        self.defined: set[str] = set()
        self.imported: dict[str, str] = {}
        """By the name that it has here: what it is called at home."""
        self.of_program: set[str] = {SOLUTION}
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                self.defined.add(node.name)
            elif isinstance(node, ast.ImportFrom) and node.module == SOLUTION:
                self.of_program |= {alias.asname or alias.name for alias in node.names}
            elif isinstance(node, ast.Import | ast.ImportFrom):
                for alias in node.names:
                    self.imported[alias.asname or alias.name.partition(".")[0]] = alias.name
        self.imported.pop(SOLUTION, None)

    def __contains__(self, name: str) -> bool:
        return name not in self.of_program and (
            name in self.defined or name in self.imported or name in vars(builtins) or name == "self"
        )


def _reaches(node: ast.AST, own: _Own) -> Iterator[tuple[str, int]]:
    if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
        opens = node.id == "open" and node.id in own and node.id not in own.defined
        if opens or own.imported.get(node.id) in REACHING:
            yield node.id, node.lineno
    elif isinstance(node, ast.arg) and node.arg in FIXTURES:
        yield node.arg, node.lineno
    elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Load):
        if node.attr in WRITING or (node.attr in REACHING and _root(node) in own.imported):
            yield ast.unparse(node), node.lineno
    elif isinstance(node, ast.Attribute | ast.Subscript) and not isinstance(node.ctx, ast.Load):
        owner = ast.unparse(node.value)
        stream = owner == "sys" and isinstance(node, ast.Attribute) and node.attr in STREAMS
        if stream or owner in OWNERS:
            yield f"{ast.unparse(node)} = ..", node.lineno
    elif isinstance(node, ast.ClassDef):
        bases = (base.id for base in node.bases if isinstance(base, ast.Name))
        yield from ((f"class {node.name}({base})", node.lineno) for base in bases if base not in own)


def _changed(node: ast.AST, own: _Own) -> Iterator[tuple[str, int]]:
    """Find what a body compares with a constant after it was an argument of a call whose value is used.

    It may have been changed by the call. What is compared with its own beginning is there to show that it was not.
    """
    beginnings: dict[str, str] = {}
    handed: set[str] = set()
    body: object = getattr(node, "body", None)  # a lambda's is no list
    for statement in cast("list[ast.stmt]", body) if isinstance(body, list) else []:
        if isinstance(statement, ast.Assert):
            yield from ((name, statement.lineno) for name in _compared(statement, handed, beginnings))
        if isinstance(statement, ast.Assign) and isinstance(statement.targets[0], ast.Name):
            beginnings[statement.targets[0].id] = ast.dump(statement.value)
            handed.discard(statement.targets[0].id)
        dropped = isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Call)
        if isinstance(statement, ast.Assign | ast.Assert) and not dropped:
            calls = [part for part in ast.walk(statement) if isinstance(part, ast.Call) and _root(part.func) not in own]
            handed |= {argument.id for call in calls for argument in call.args if isinstance(argument, ast.Name)}


def _compared(statement: ast.Assert, handed: set[str], beginnings: dict[str, str]) -> Iterator[str]:
    test = statement.test
    if not (isinstance(test, ast.Compare) and isinstance(test.ops[0], ast.Eq)):
        return
    for side, other in ((test.left, test.comparators[0]), (test.comparators[0], test.left)):
        name = _root(side) if isinstance(side, ast.Name | ast.Subscript) else ""
        if name in handed and _constant(other) and ast.dump(other) != beginnings.get(name):
            yield name


def _constant(node: ast.expr) -> bool:
    return not any(isinstance(part, ast.Name | ast.Call) for part in ast.walk(node))


def _root(node: ast.expr) -> str:
    while isinstance(node, ast.Attribute | ast.Subscript | ast.Call):
        node = node.func if isinstance(node, ast.Call) else node.value
    return node.id if isinstance(node, ast.Name) else ""


@lru_cache(maxsize=256)
def fitted(code: str) -> str:
    """Have calls of the program's functions whose value is dropped change their arguments."""
    tree = _parsed(code)
    if tree is None:
        return code
    own = _Own(tree)
    functions = [call.func for call in _dropped(tree) if _root(call.func) not in own]
    lines = [line.encode() for line in code.splitlines(keepends=True)]
    for function in sorted(functions, key=lambda node: (node.lineno, node.col_offset), reverse=True):
        last, end = cast("int", function.end_lineno) - 1, cast("int", function.end_col_offset)
        lines[last] = lines[last][:end] + b")" + lines[last][end:]
        first, start = function.lineno - 1, function.col_offset
        lines[first] = lines[first][:start] + f"{CHANGING}(".encode() + lines[first][start:]
    return b"".join(lines).decode()


def _dropped(tree: ast.Module) -> Iterator[ast.Call]:
    """Find the calls with a variable among their arguments whose value nobody looks at."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
            call = node.value
            given = [*call.args, *(keyword.value for keyword in call.keywords)]
            if any(isinstance(argument, ast.Name | ast.Attribute | ast.Subscript | ast.Starred) for argument in given):
                yield call
