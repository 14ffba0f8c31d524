"""The test side of assertions: it runs the task's own test code, and never an instruction of the program's.

The program's functions appear as stand-ins that send their arguments to the program's process and rebuild a plain value
from the answer. So there is nothing to patch, no frame to look into and no object of the program's to compare with
(`link.py` calls it, `remote.py` has what its objects are here, `errors.py` its exceptions).
"""

from __future__ import annotations

import _socket
import builtins
import contextlib
import importlib
import io
import os
import random
import symtable
import sys
import traceback
import types
from functools import partial
from typing import TYPE_CHECKING, Any, Final, NoReturn, cast

from jurist.sandbox._box import harness, kernel, serving, wire
from jurist.sandbox._box.errors import ENDS_LOOPS, EXITS, REMOTE, is_remote
from jurist.sandbox._box.link import NO_ANSWER, Function, Link
from jurist.sandbox._box.remote import Remote
from jurist.sandbox._box.usage import is_like_a_classes, names_class

if TYPE_CHECKING:
    from collections.abc import Callable

ALIASES: Final = {"np": "numpy", "pd": "pandas"}
"""Module names that test code uses without importing them, since the program or its prompt did."""
HELPERS: Final = {"isclose": "math", "deepcopy": "copy"}
"""Functions that it so uses, by the module where they are: a program's own `isclose` would decide what is close."""
TEST_FILE: Final = "tests.py"
SHARING: Final = "__sharing__"
"""What test code calls a function through that changes its arguments; `code_tests` writes it there."""
UNPACKED: Final = "__unpacked__"
"""What it calls one through whose arguments it unpacks from something else."""
SAME, ASSERT_SAME, ASSERT_NOT_SAME, TYPE = "__same__", "__assert_same__", "__assert_not_same__", "__type__"
"""What it has in the place of `is`, of unittest's, and of `type`."""


def _free_names(table: symtable.SymbolTable) -> set[str]:
    """Find the names that code reads and nothing in it binds."""
    top = table.get_type() == "module"
    used = {
        symbol.get_name()
        for symbol in table.get_symbols()
        if symbol.is_referenced() and (symbol.is_global() or top) and not (top and symbol.is_assigned())
    }
    return used.union(*map(_free_names, table.get_children()))


def _sharing(function: Any) -> Any:  # noqa: ANN401
    """Give what calls a function and shows what it does to its arguments."""
    return function.__sharing__ if isinstance(function, Remote | Function) else function


def _unpacked(function: Any) -> Any:  # noqa: ANN401
    """Give what calls a function with what was unpacked; an object's calls do not tell it apart."""
    return function.__unpacked__ if isinstance(function, Function) else function


def _same(one: object, other: object) -> bool:
    """Whether two are one; of lists that went to the program or came from it nobody can tell."""
    if isinstance(one, Remote) and isinstance(other, Remote):
        return one.__number__() == other.__number__()
    kind: type = type(one)
    if one is not other and kind is type(other) and kind in serving.CHANGEABLE:
        wire.conclude("test_error", f"whether one {kind.__name__} is another: only `in_process` can tell")
    return one is other


def _assert_same(one: object, other: object, message: object = None) -> None:
    assert _same(one, other), message  # noqa: S101  in test code


def _assert_not_same(one: object, other: object, message: object = None) -> None:
    assert not _same(one, other), message  # noqa: S101  as above


def _type(value: object) -> Any:  # noqa: ANN401
    return value.__one__("class") if isinstance(value, Remote) else type(value)


FITTINGS: Final = {
    TYPE: _type,
    SHARING: _sharing,
    UNPACKED: _unpacked,
    SAME: _same,
    ASSERT_SAME: _assert_same,
    ASSERT_NOT_SAME: _assert_not_same,
}


def _is_called(name: str, source: str) -> bool:
    at = source.find(f"{name}(")
    while at > 0 and (source[at - 1].isalnum() or source[at - 1] in "_."):
        at = source.find(f"{name}(", at + 1)
    return at >= 0


def _meant_by(name: str) -> object:
    """Import what a test's free name plainly means, never what the program says it means; None where nothing is."""
    actual = ALIASES.get(name, name)
    try:
        if name in HELPERS:
            return getattr(importlib.import_module(HELPERS[name]), name)
        if actual in sys.stdlib_module_names or name in ALIASES:
            return importlib.import_module(actual)
    except ImportError:
        pass
    return None


def _share_seeds(link: Link) -> None:
    """Seed the program's random numbers whenever test code seeds its own."""
    original = random.seed

    def seed(*seeds: Any, **more: Any) -> None:  # noqa: ANN401  as `random.seed`
        original(*seeds, **more)
        link.seed(*seeds)

    random.seed = seed


class Tests:
    """Test code that is ready to be tried on programs; its own beginning, the prelude, has run."""

    def __init__(self, source: str, prelude: str, entry_point: str) -> None:
        self.code = compile(source, TEST_FILE, "exec", dont_inherit=True)
        self.source = source
        self.entry_point = entry_point
        self.names: dict[str, Any] = {"__name__": "__main__", "__builtins__": builtins, **FITTINGS}
        exec(compile(prelude, "prelude.py", "exec", dont_inherit=True), self.names)  # noqa: S102  the task's own
        table = symtable.symtable(source, TEST_FILE, "exec")
        bound = {symbol.get_name() for symbol in table.get_symbols() if symbol.is_assigned() or symbol.is_imported()}
        unknown = _free_names(table) - bound - self.names.keys() - {entry_point}
        for name in unknown:
            # No module is called: a function of the program's may have the name of one.
            if (name in HELPERS or not _is_called(name, source)) and (meant := _meant_by(name)) is not None:
                self.names[name] = meant
        if entry_point:
            self.names[entry_point] = None
        self.meant = unknown & {*ENDS_LOOPS, EXITS}
        self.seeds = "seed" in source
        self.steps = any(f".{method}(" in source for method in ("send", "throw", "close"))
        self.wanted = sorted(unknown - self.names.keys() - vars(builtins).keys())

    def names_class(self, name: str) -> bool:
        """Whether the test code takes a name of the program's for a class's."""
        return names_class(self.source, name, self.entry_point)

    def run(self, link: Link) -> None:
        """Try a program, whose functions have stand-ins here; raises whatever the test code raises."""
        if self.entry_point:
            meant = _meant(link, [self.entry_point]) if is_like_a_classes(self.entry_point) else {}
            self.names[self.entry_point] = meant.get(self.entry_point) or Function(link, self.entry_point)
        self.names |= _meant(link, self.wanted)
        if self.entry_point:  # which is all that was asked of the program
            link.lacking.clear()
        if self.seeds:
            _share_seeds(link)
        if self.steps:
            link.step()
        sys.modules[serving.SOLUTION] = _Solution(link)
        names = _Names(self.names, link) if link.plain else self.names
        exec(self.code, names)  # noqa: S102  the task's own


class _Names(dict[str, Any]):
    """The test code's names, of which those of plain values in the program are what they are there now."""

    def __init__(self, names: dict[str, Any], link: Link) -> None:
        super().__init__(names)
        self._link = link

    def __getitem__(self, name: str) -> Any:  # noqa: ANN401
        if name in self._link.plain:
            self |= _meant(self._link, [name])
        return super().__getitem__(name)


def _are_names(given: object) -> bool:
    return isinstance(given, list) and all(isinstance(name, str) for name in cast("list[object]", given))


def _meant(link: Link, wanted: list[str]) -> dict[str, object]:
    """Give what names of the program are here: stand-ins, classes, or plain values."""
    described = link.names(wanted) if wanted else []
    errors = {name: wire.value_of(given.get("v")) for name, kind, given in described if kind == "exception"}
    if not all(map(_are_names, errors.values())):
        wire.conclude("wrong_answer", NO_ANSWER)
    meant: dict[str, object] = {**link.errors.classes(errors)}
    for name, kind, given in described:
        if kind == "class" and link.names_class(name):
            meant[name] = link.made_by(name)
        elif kind in {"callable", "class"}:
            meant[name] = Function(link, name)
        elif kind in {"missing", "module", "unfit"}:
            link.lacking.add(name)
            link.used |= kind == "unfit"
        elif kind == "exception":
            link.used = True
        else:
            link.used = True
            link.plain.add(name)
            meant[name] = wire.value_of(given)
            link.hold_named(name, meant[name])
    return meant


class _Solution(types.ModuleType):
    """The program, for test code that imports it; what is not there, the program lacks."""

    def __init__(self, link: Link) -> None:
        super().__init__(serving.SOLUTION)
        self._link = link

    def __getattr__(self, name: str) -> object:
        if name.startswith("__"):  # an import asks for these
            raise AttributeError(name)
        meant = _meant(self._link, [name])
        if name not in meant:
            error = AttributeError(f"the program has no {name} that tests could use")
            error.add_note(REMOTE)
            raise error
        return meant[name]


def _where(error: BaseException, lines: list[str]) -> str:
    """Say which line of the test code it was."""
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename == TEST_FILE]
    number = frames[-1].lineno if frames else None
    if number is None or not 0 < number <= len(lines):
        return ""
    return f"line {number}: {lines[number - 1].strip()}"


def _judge(error: BaseException, link: Link, source: str) -> NoReturn:
    where = _where(error, source.splitlines())
    if is_remote(error):
        wire.conclude("runtime_error", f"{type(error).__name__}: {error}")
    if isinstance(error, ImportError) and error.name == serving.SOLUTION:  # of a name that it has not
        wire.conclude("runtime_error", str(error))
    if isinstance(error, AssertionError):
        wire.conclude("wrong_answer", where or "an assertion did not hold")
    if isinstance(error, NameError) and error.name in link.lacking and error.name not in ALIASES:
        wire.conclude("runtime_error", f"{type(error).__name__}: {error}")
    lacks = isinstance(error, ImportError) or (isinstance(error, NameError) and error.name in ALIASES)
    if lacks or not link.used:
        wire.conclude("test_error", f"{type(error).__name__}: {error}; {where}")
    wire.conclude("wrong_answer", f"{type(error).__name__}: {error}; {where}")


def _serve_group(attempt: Callable[[bool], NoReturn]) -> NoReturn:
    """Fork for each program whose socket arrives; what one does to the test code's state the next does not see."""
    channel = _socket.socket(fileno=wire.CHANNEL)
    fork = kernel.forker(0)
    while True:
        message, descriptors = wire.received(channel)
        if not message:
            os._exit(0)
        pid = fork()
        if pid == 0:
            if descriptors[0] != wire.PEER:  # a prelude may have opened files
                os.dup2(descriptors[0], wire.PEER, inheritable=False)
            try:
                attempt(message == wire.SHARE)
            finally:
                os._exit(1)
        os.close(descriptors[0])
        _, status = os.waitpid(pid, 0)
        if status != 0:
            wire.write_all(wire.CHANNEL, wire.verdict("", f"ended with wait status {status}"))


def test(job: dict[str, Any]) -> NoReturn:
    """Run test code against the program behind the peer socket, or against each that is sent (`standing`)."""
    harness.bound(job["limits"])
    for descriptor in (wire.CHANNEL, wire.PEER):
        with contextlib.suppress(OSError):  # a standing one has no peer yet
            os.set_inheritable(descriptor, False)  # noqa: FBT003  os's own
    os.write(wire.CHANNEL, wire.READY)
    sys.stdin = io.StringIO()
    sys.stdout = sys.stderr = io.StringIO()
    try:
        tests = Tests(job["code"], job["prelude"], job["entry_point"])
    except Exception as error:  # noqa: BLE001  the task's code may raise anything
        wire.conclude("test_error", f"{type(error).__name__}: {error}")
    if job["standing"]:
        _serve_group(partial(_attempt, tests))
    _attempt(tests, job["shares"])


def test_together(job: dict[str, Any], names: dict[str, Any]) -> NoReturn:
    """Run test code where the program ran, in its names, and give the verdict, after a word that it should not know."""
    os.write(wire.CHANNEL, job["word"])
    link = Link()
    link.used = True
    try:
        exec(compile(job["tests"], TEST_FILE, "exec", dont_inherit=True), names)  # noqa: S102  the task's own
    except SyntaxError as error:
        wire.conclude("test_error", f"SyntaxError: {error}")
    except SystemExit as error:
        wire.conclude("wrong_answer", f"the tests ended with {error.code!r}")
    except Exception as error:  # noqa: BLE001  the task's code may raise anything
        _judge(error, link, job["tests"])
    wire.conclude("ok")


def _attempt(tests: Tests, shares: bool) -> NoReturn:  # noqa: FBT001
    """Try the program behind the peer socket and give the verdict."""
    link = Link(meant=tests.meant, names_class=tests.names_class, shares=shares)
    try:
        tests.run(link)
    except SystemExit as error:
        if is_remote(error):
            _judge(error, link, tests.source)
        if error.code:
            wire.conclude("wrong_answer", f"the tests ended with {error.code!r}")
    except Exception as error:  # noqa: BLE001  the task's code may raise anything
        _judge(error, link, tests.source)
    if not link.used:  # tests that try nothing would pass every program
        wire.conclude("test_error", "the test code never used the program")
    wire.conclude("ok", wire.CHANGED if link.changed else "")
