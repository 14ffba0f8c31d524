"""Fits test code to a process apart from the program's, or says why it does not fit.

There the program's functions are stand-ins, its classes can be constructed and asked, and a call that is to change its
arguments, since its value is dropped or they are looked at afterwards, is marked. What tests do to the process itself
(patch its modules, catch what it prints, leave files for it) would be done to the wrong one: a right program would
fail, so such tests are refused.
"""

from __future__ import annotations

import ast
import builtins
import re
from collections import Counter
from functools import lru_cache
from itertools import accumulate
from typing import TYPE_CHECKING, Final, cast

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["fitted", "reaching"]

SHARING: Final = "__sharing__"
"""What the sandbox gives test code to call a function through that changes its arguments."""
UNPACKED: Final = "__unpacked__"
"""What it gives it to call one through whose arguments are unpacked from what the test code still holds."""
SAME: Final = "__same__"
"""What it gives it in the place of `is`: an object of the program's is spoken of by more than one of the tests' own."""
TYPE: Final = "__type__"
"""And of `type`, for which all of them are alike."""
ASSERTED: Final = {"assertIs": "__assert_same__", "assertIsNot": "__assert_not_same__"}
SOLUTION: Final = "solution"
_IS: Final = re.compile(rb"\s+is(\s+not)?\s+")
REACHING: Final = frozenset(
    {"patch", "redirect_stdout", "redirect_stderr", "catch_warnings", "setrecursionlimit", "inspect", "pickle"}
    | {"open", "tempfile", "makedirs", "mkdir", "rmtree", "listdir", "exists", "isfile", "mkdtemp", "mkstemp"}
    | {"NamedTemporaryFile", "TemporaryDirectory", "get_type_hints", "iscoroutinefunction"}
    | {"asdict", "astuple", "fields", "is_dataclass", "replace"}
)
"""What patches, listens to or looks into the process that it is in, or makes and reads files, which the program has
elsewhere: names of the standard library's."""
FIXTURES: Final = frozenset({"monkeypatch", "mocker", "capsys", "capfd", "caplog", "tmp_path", "tmpdir"})
LOOKING: Final = frozenset(
    {"write_text", "write_bytes", "assertWarns", "assertWarnsRegex", "assertLogs", "assertNoLogs"}
    | {"__doc__", "__annotations__", "__code__"}
)
"""Attributes that do so, whosever they are, but for those of the tests themselves."""
SCOPES: Final = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
LOOPS: Final = (ast.For, ast.While, ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
STREAMS: Final = frozenset({"stdin", "stdout", "stderr", "argv"})
OWNERS: Final = frozenset({"builtins", "os.environ", SOLUTION})
SURROUNDINGS: Final = frozenset(
    {f"os.environ.{change}" for change in ("clear", "pop", "setdefault", "update")} | {"os.putenv", "os.chdir"}
)


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
    reached = (*(found for node in ast.walk(tree) for found in _reaches(node, own)), *_entangled(tree, own))
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
    """Find what test code does to its process by a name."""
    match node:
        case ast.Name(ctx=ast.Load()):
            opens = node.id == "open" and node.id in own and node.id not in own.defined
            if opens or own.imported.get(node.id) in REACHING:
                yield node.id, node.lineno
        case ast.arg() if node.arg in FIXTURES:
            yield node.arg, node.lineno
        case ast.Attribute(ctx=ast.Load()):
            looks = node.attr in LOOKING and not (node.attr.startswith("__") and _root(node) in own)
            reaches = node.attr in REACHING and _module(node.value) in own.imported
            if looks or reaches or ast.unparse(node) in SURROUNDINGS:
                yield ast.unparse(node), node.lineno
        case ast.Attribute() | ast.Subscript():
            owner = ast.unparse(node.value)
            stream = owner == "sys" and isinstance(node, ast.Attribute) and node.attr in STREAMS
            if stream or owner in OWNERS:
                yield f"{ast.unparse(node)} = ..", node.lineno
        case _:
            yield from _takes_for_own(node, own)


def _takes_for_own(node: ast.AST, own: _Own) -> Iterator[tuple[str, int]]:
    """Find where a class of the program's would have to be a class here, or something of its to be waited for."""
    match node:
        case ast.ClassDef():
            bases = (base for base in node.bases if isinstance(base, ast.Name | ast.Attribute))
            strange = (ast.unparse(base) for base in bases if _root(base) not in own)
            yield from ((f"class {node.name}({base})", node.lineno) for base in strange)
        case ast.Call(func=ast.Name(id=name)) if _asserts(name) and name not in own:
            yield f"{name}(..)", node.lineno
        case ast.MatchClass() if _root(node.cls) not in own:
            yield f"case {ast.unparse(node.cls)}(..)", node.lineno
        case ast.AsyncFor() | ast.AsyncWith():
            yield "async for" if isinstance(node, ast.AsyncFor) else "async with", node.lineno
        case ast.comprehension(is_async=1):
            yield "async for", node.target.lineno
        case _:
            pass


def _asserts(name: str) -> bool:
    """Tell a helper that decides, which the program would bring: that of tests is theirs."""
    return name.startswith("assert") or name in {"approx", "allclose", "almost_equal", "approx_equal"}


class _Handed:
    """A variable that was an argument of the program's calls whose value is used, and what was done to it since."""

    def __init__(self, *, looked_at: bool) -> None:
        self.calls: list[ast.Call] = []
        self.repeated = False
        """Whether one of them is made more than once on what it has left."""
        self.asserted = 0
        """The line where something is asserted of it that only a call can have made so."""
        self.looked_at = looked_at
        """Whether anything else depends on it, such as what is compared with a call's value."""

    @property
    def is_changed(self) -> bool:
        """Whether it matters what the calls make of it."""
        return bool(self.asserted) or self.repeated or len(self.calls) > 1


class _Body:
    """Reads a body's statements, in their order, for the variables that the program is handed in it.

    What is compared with its own beginning is there to show that it was not changed, and what is compared with a call's
    value is what this depends on.
    """

    def __init__(self, statements: list[ast.stmt], own: _Own) -> None:
        self.handed: list[tuple[str, _Handed]] = []
        self._own = own
        self._current: dict[str, _Handed] = {}
        self._beginnings: dict[str, str] = {}
        self._results: set[str] = set()
        self._aliased: set[str] = set()
        """Variables whose value may have another name: what is read by that is not told apart."""
        for statement in statements:
            if not isinstance(statement, SCOPES):
                self._give(statement)
            self._look(statement)
            self._bind(statement)

    def _give(self, statement: ast.stmt) -> None:
        """Note what the program's calls are given, but for a call whose value is dropped, which shares all of it."""
        dropped = statement.value if isinstance(statement, ast.Expr) else None
        loops = [part for part in ast.walk(statement) if isinstance(part, LOOPS)]
        for call in (call for call in _calls(statement, self._own) if call is not dropped):
            around = [loop for loop in loops if call in ast.walk(loop)]
            for name in _names_given(call):
                if any(name in _bound(loop) for loop in around):
                    continue  # it is another one each time
                if name not in self._current:
                    self._current[name] = _Handed(looked_at=name in self._aliased)
                    self.handed.append((name, self._current[name]))
                self._current[name].calls.append(call)
                self._current[name].repeated |= bool(around)

    def _look(self, statement: ast.stmt) -> None:
        """Note where else a statement reads what was handed."""
        if not self._current:
            return
        inner = [part for part in _parts(statement) if isinstance(part, ast.stmt)]
        # How often a loop runs is no value.
        passed = statement.test if isinstance(statement, ast.While) else None
        here = [part for part in _parts(statement) if isinstance(part, ast.expr) and part is not passed]
        loads = Counter(name for part in here for name in _loaded(part))
        for call in (call for part in here for call in _calls(part, self._own)):
            loads.subtract(_names_given(call))
        if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Call):
            loads.subtract([_root(statement.value.func)])  # `x.append(1)` tells nothing of x
        for sides in _asserted(statement):
            loads.subtract(self._pinned(sides, statement.lineno))
        for name in self._current.keys() & {name for name, count in loads.items() if count > 0}:
            self._current[name].looked_at = True
        for part in inner:
            self._look(part)

    def _pinned(self, sides: tuple[ast.expr, ...], line: int) -> Iterator[str]:
        """Name the variables of which an assertion says what they are, whatever a call gave, once for each reading."""
        for name, handed in self._current.items():
            reading = [side for side in sides if name in _read(side, self._own)]
            if len(reading) != 1:
                continue
            (left,) = reading
            others = [side for side in sides if side is not left]
            beside = {other for side in others or sides for other in _loaded(side)} - {name}
            called = any(_calls(side, self._own) for side in others or sides)
            gives = isinstance(left, ast.Name) and name in self._results
            if called or gives or beside & (self._results | self._current.keys()):
                continue
            begun = self._beginnings.get(name)
            unchanged = isinstance(left, ast.Name) and begun is not None and begun in map(ast.dump, others)
            handed.asserted = handed.asserted or (0 if unchanged else line)
            yield from (loaded for loaded in _loaded(left) if loaded == name)

    def _bind(self, statement: ast.stmt) -> None:
        """Note which variables have another value now, and which of them depend on a call's."""
        depends = bool(_calls(statement, self._own)) or not self._results.isdisjoint(_loaded(statement))
        for name in _bound(statement):
            if isinstance(statement, ast.Assign | ast.AnnAssign):
                self._current.pop(name, None)
                self._beginnings[name] = ast.dump(statement.value) if statement.value is not None else ""
                self._results.discard(name)
                self._aliased.discard(name)
                if aliases := _aliases(statement.value):
                    self._aliased |= aliases | {name}
            elif name in self._current:
                self._current[name].looked_at = True
            if depends:
                self._results.add(name)


def _handed(tree: ast.Module, own: _Own) -> list[tuple[str, _Handed]]:
    """Find what the program is handed, in every body."""
    bodies: Iterator[object] = (
        getattr(node, field, None) for node in ast.walk(tree) for field in ("body", "orelse", "finalbody")
    )  # a lambda's is no list
    return [
        found for body in bodies if isinstance(body, list) for found in _Body(cast("list[ast.stmt]", body), own).handed
    ]


def _entangled(tree: ast.Module, own: _Own) -> Iterator[tuple[str, int]]:
    """Find what a call is to change, and what else depends on: a program could change what it is compared with."""
    return ((name, handed.asserted) for name, handed in _handed(tree, own) if handed.asserted and handed.looked_at)


def _changing(tree: ast.Module, own: _Own) -> set[ast.Call]:
    """Find the calls whose value is used that are to change their arguments, on which nothing else depends."""
    handed = [handed for _, handed in _handed(tree, own)]
    looked_at = {call for each in handed if each.looked_at for call in each.calls}
    return {call for each in handed if each.is_changed for call in each.calls} - looked_at


def _asserted(statement: ast.stmt) -> Iterator[tuple[ast.expr, ...]]:
    """Give the parts of an assertion that must hold each: both sides of a comparison, or the whole."""
    match statement:
        case ast.Assert(test=ast.BoolOp(op=ast.And(), values=operands)):
            pass
        case ast.Assert(test=operand):
            operands = [operand]
        case ast.Expr(value=ast.Call(func=ast.Attribute(attr=name), args=args)) if name.startswith("assert"):
            yield tuple(args[:2])
            return
        case _:
            return
    for operand in operands:
        match operand:
            case ast.Compare(left=left, comparators=[right]):
                yield left, right
            case _:
                yield (operand,)


def _parts(node: ast.AST) -> Iterator[ast.AST]:
    """Give a statement's statements and expressions."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.stmt | ast.expr):
            yield child
        else:
            yield from _parts(child)


def _loaded(node: ast.AST) -> list[str]:
    return [part.id for part in ast.walk(node) if isinstance(part, ast.Name) and isinstance(part.ctx, ast.Load)]


def _aliases(value: ast.AST | None) -> set[str]:
    """Name the variables whose value, or a part of it, another variable has when it is given this."""
    match value:
        case ast.Name(id=name):
            return {name}
        case ast.Subscript(slice=ast.Slice()):
            return set()
        case ast.Subscript(value=owner) | ast.Attribute(value=owner) | ast.Starred(value=owner):
            return _aliases(owner)
        case ast.List() | ast.Tuple() | ast.Set() | ast.Dict() | ast.IfExp() | ast.BoolOp():
            return {name for part in ast.iter_child_nodes(value) for name in _aliases(part)}
        case _:
            return set()


def _bound(node: ast.AST) -> set[str]:
    return {part.id for part in ast.walk(node) if isinstance(part, ast.Name) and isinstance(part.ctx, ast.Store)}


def _names_given(call: ast.Call) -> list[str]:
    given = (*call.args, *(keyword.value for keyword in call.keywords))
    return [argument.id for argument in given if isinstance(argument, ast.Name)]


def _read(node: ast.AST, own: _Own) -> set[str]:
    """Name the variables that are looked at where they stand: an object's attributes are where it is."""
    if isinstance(node, ast.Name):
        return {node.id}
    if isinstance(node, ast.Attribute) or (isinstance(node, ast.Call) and _root(node.func) not in own):
        return set()
    return {name for part in ast.iter_child_nodes(node) for name in _read(part, own)}


def _calls(node: ast.AST, own: _Own) -> list[ast.Call]:
    """Find calls of the program's."""
    return [part for part in ast.walk(node) if isinstance(part, ast.Call) and _root(part.func) not in own]


def _module(node: ast.expr) -> str:
    """Name what a chain of attributes begins with; "" where anything else is in it."""
    while isinstance(node, ast.Attribute):
        node = node.value
    return node.id if isinstance(node, ast.Name) else ""


def _root(node: ast.expr) -> str:
    while isinstance(node, ast.Attribute | ast.Subscript | ast.Call):
        node = node.func if isinstance(node, ast.Call) else node.value
    return node.id if isinstance(node, ast.Name) else ""


@lru_cache(maxsize=256)
def fitted(code: str) -> str:
    """Have calls of the program's functions that are to change their arguments do so, and objects be the same."""
    tree = _parsed(code)
    if tree is None:
        return code
    own = _Own(tree)
    text = _Text(code)
    calls = _marked(tree, own)
    # Of what begins at one place the inner one first: what is edited later comes before it.
    for call in sorted(calls, key=lambda call: (call.end_lineno, call.end_col_offset)):
        text.surround(call.func, f"{calls[call]}(", ")")
    for node in ast.walk(tree):
        if isinstance(node, ast.Compare):
            text.compare(node)
        elif isinstance(node, ast.Attribute) and node.attr in ASSERTED and _root(node) == "self":
            text.replace(node, ASSERTED[node.attr])
        elif isinstance(node, ast.Attribute) and node.attr == "__class__" and isinstance(node.ctx, ast.Load):
            text.wrap(node, node.value, TYPE)
        elif isinstance(node, ast.Call) and _asks_type(node, own):
            text.replace(node.func, TYPE)
    return text.edited()


def _marked(tree: ast.Module, own: _Own) -> dict[ast.Call, str]:
    """Find the calls of the program's functions that go through something, and what that is."""
    unpacking = (call for call in _calls(tree, own) if isinstance(call.func, ast.Name) and _unpacks(call))
    statements = (node.value for node in ast.walk(tree) if isinstance(node, ast.Expr))
    dropped = (value for value in statements if isinstance(value, ast.Call) and _drops(value, own))
    return dict.fromkeys(unpacking, UNPACKED) | dict.fromkeys((*_changing(tree, own), *dropped), SHARING)


def _unpacks(call: ast.Call) -> bool:
    starred = any(isinstance(argument, ast.Starred) for argument in call.args)
    return starred or any(keyword.arg is None for keyword in call.keywords)


def _asks_type(call: ast.Call, own: _Own) -> bool:
    named = isinstance(call.func, ast.Name) and call.func.id == "type" and "type" not in own.defined
    return named and len(call.args) == 1


class _Text:
    """Code and what is to be edited in it: places are counted in bytes, as the parser does."""

    def __init__(self, code: str) -> None:
        # Where Python ends lines, which is not everywhere that `splitlines` does.
        lines = re.findall(rb"[^\r\n]*(?:\r\n?|\n)|[^\r\n]+", code.encode())
        self._starts = [0, *accumulate(map(len, lines))]
        self._code = b"".join(lines)
        self._edits: list[tuple[int, int, bytes]] = []

    def _span(self, node: ast.expr) -> tuple[int, int]:
        first, last = node.lineno - 1, cast("int", node.end_lineno) - 1
        return self._starts[first] + node.col_offset, self._starts[last] + cast("int", node.end_col_offset)

    def surround(self, node: ast.expr, before: str, after: str) -> None:
        start, end = self._span(node)
        self._edits += [(start, start, before.encode()), (end, end, after.encode())]

    def replace(self, node: ast.expr, text: str) -> None:
        self._edits.append((*self._span(node), text.encode()))

    def wrap(self, node: ast.expr, inner: ast.expr, function: str) -> None:
        """Put a call of a function with what a node begins with in its place."""
        (start, end), (_, whole_end) = self._span(inner), self._span(node)
        self._edits += [(start, start, f"{function}(".encode()), (end, whole_end, b")")]

    def compare(self, node: ast.Compare) -> None:
        """Edit `a is b`, which stands without parentheses, unless it is of a constant."""
        operands = (node.left, node.comparators[0])
        if len(node.ops) > 1 or any(isinstance(operand, ast.Constant) for operand in operands):
            return
        (start, left), (right, end) = map(self._span, operands)
        if (found := _IS.fullmatch(self._code[left:right])) is not None:
            before = f"(not {SAME}(" if found[1] else f"({SAME}("
            self._edits += [(start, start, before.encode()), (left, right, b", "), (end, end, b"))")]

    def edited(self) -> str:
        code = self._code
        for start, end, text in sorted(self._edits, key=lambda edit: edit[:2], reverse=True):
            code = code[:start] + text + code[end:]
        return code.decode()


def _drops(call: ast.Call, own: _Own) -> bool:
    """Tell a call of the program's, with a variable among its arguments, whose value nobody looks at."""
    given = [*call.args, *(keyword.value for keyword in call.keywords)]
    varies = any(isinstance(argument, ast.Name | ast.Attribute | ast.Subscript | ast.Starred) for argument in given)
    return varies and _root(call.func) not in own
