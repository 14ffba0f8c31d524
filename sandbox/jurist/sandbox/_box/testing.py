"""The test side of assertions: it runs the task's own test code, and never an instruction of the program's.

The program's functions appear as stand-ins that send their arguments to the program's process and rebuild a plain value
from the answer. So there is nothing to patch, no frame to look into and no object of the program's to compare with
(`remote.py` has what they are here); an exception arrives as the nearest one that is known here.

Lists that a function changes in place are changed here where the test code says so (`SHARING`), and nowhere else: a
program could otherwise change what it is compared with. But where a program passes that has changed another list which
the tests still hold, or has an object whose list they have changed since, it is tried once more, and then each side
sees what the other does: it must pass both times.
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
import threading
import traceback
import types
from collections import deque
from functools import partial
from typing import TYPE_CHECKING, Any, Final, NoReturn, cast

from jurist.sandbox import codec
from jurist.sandbox._box import harness, kernel, serving, wire
from jurist.sandbox._box.remote import OPERATION, Remote

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ALIASES: Final = {"np": "numpy", "pd": "pandas"}
"""Module names that test code uses without importing them, since the program or its prompt did."""
HELPERS: Final = {"isclose": "math", "deepcopy": "copy"}
"""Functions that it so uses, by the module where they are: a program's own `isclose` would decide what is close."""
TEST_FILE: Final = "tests.py"
REASON_CHARACTERS: Final = 300
ENDS_LOOPS: Final = ("StopIteration", "StopAsyncIteration")
"""Exceptions that end what calls a function for each of some values, such as `all(map(..))`, as if all were done."""
SHARING: Final = "__sharing__"
"""What test code calls a function through that changes its arguments; `code_tests` writes it there."""
SAME, ASSERT_SAME, ASSERT_NOT_SAME = "__same__", "__assert_same__", "__assert_not_same__"
"""What it has in the place of `is` and of unittest's."""
SOLVER: Final = "Solution"
"""The class that is none under test, but a place for functions."""
DEEPER: Final = codec.DEPTH + 8
HELD: Final = 16
"""Lists that were an object's attributes and may still be changed."""
NO_ANSWER: Final = "the program's process sent what is no answer"


def _conclude(ending: str, reason: str = "") -> NoReturn:
    """Give the verdict and end at once, past every `except` and `finally` of the test code."""
    os.write(wire.CHANNEL, wire.verdict(ending, reason[:REASON_CHARACTERS]))
    os._exit(0)


class _RemoteError:
    """Marks exceptions that came from the program."""


class Link:
    """Calls the program's functions.

    With `shares` the tests see how a function changes arguments that they still hold, and an object sees how they
    change what it was given; without, `changed` says whether that would have been so.
    """

    def __init__(self, *, ends_loops: bool = False, shares: bool = False) -> None:
        self.used = False
        self.changed = False
        self._shares = shares
        self._lock = threading.RLock()
        self.lacking: set[str] = set()
        """Names that the tests have asked the program for, in vain."""
        self._under_test: set[str] = set()
        self._held: deque[_Held] = deque(maxlen=HELD)
        self._ends_loops = ends_loops
        self._errors: dict[str, type[Exception]] = {}
        codec.represent_objects(Remote, Remote.__number__, partial(Remote, self), self._generated)

    def _exchange(self, name: str, arguments: object, keywords: object) -> tuple[bytes, str]:
        try:
            with self._lock:  # tests may have threads
                wire.write_all(wire.PEER, wire.plain((name, arguments, keywords)))
                answer = wire.read_frame(wire.PEER, wire.ANSWER_BYTES + 1)
        except (EOFError, OSError):
            _conclude(wire.GONE)
        except OverflowError as error:
            _conclude("wrong_answer", str(error))
        return answer[:1], answer[1:].decode(errors="replace")

    def _answer(self, name: str, arguments: object, keywords: object) -> tuple[bytes, Any]:
        tag, body = self._exchange(name, arguments, keywords)
        if tag == wire.UNFIT:
            _conclude("wrong_answer", body)
        try:
            return tag, codec.read(body)
        except codec.UnfitValueError:
            _conclude("wrong_answer", NO_ANSWER)

    def names(self, wanted: list[str]) -> list[tuple[str, str, Any]]:
        """Ask what names stand for in the program: the kind of each, and what says more of it."""
        tag, described = self._answer("", wanted, None)
        if tag == wire.RAISED:
            _conclude("runtime_error", str(described))
        if not isinstance(described, list) or len(cast("list[object]", described)) != len(wanted):
            _conclude("wrong_answer", NO_ANSWER)
        return [
            (name, _kind(given), given) for name, given in zip(wanted, cast("list[object]", described), strict=True)
        ]

    def call(
        self, name: str, arguments: tuple[object, ...], keywords: dict[str, object], *, shared: bool = False
    ) -> Any:  # noqa: ANN401
        """Call a function of the program and give its value, or raise what it raised."""
        self.used = True
        self._settle()
        lasting = _lasting(arguments, keywords, shared=shared)
        try:
            # What came from the program is never too deep to go back.
            given = codec.encoded(list(arguments), DEEPER), codec.encoded(keywords, DEEPER) if keywords else None
        except codec.UnfitValueError as error:
            answered = any(isinstance(argument, types.CoroutineType) for argument in (*arguments, *keywords.values()))
            reason = f"an argument of {name} cannot be passed on: {error}"
            _conclude("wrong_answer" if answered else "test_error", reason)
        with self._lock:
            tag, body = self._answer(name, *given)
            if lasting:
                self._follow(lasting, shared=shared or self._shares)
            if tag == wire.AWAITED_RAISED:
                return _failed(self._rebuilt(body))
            if tag not in {wire.VALUE, wire.AWAITED}:
                raise self._rebuilt(body)
            value = _value(body)
            if lasting and (name.startswith(OPERATION) or type(value) is Remote):
                self._lend(lasting)
        return _done(value) if tag == wire.AWAITED else value

    def _follow(self, lasting: dict[int | str, Any], *, shared: bool) -> None:
        """Notice what the latest call has made of its arguments, or make it of those here."""
        tag, body = self._exchange(serving.LEFT, codec.encoded(list(lasting)), None)
        if tag != wire.VALUE:  # what does not travel cannot be compared
            return
        try:
            for ours, theirs in zip(lasting.values(), codec.unpacked(body), strict=True):
                if codec.encoded(ours, DEEPER) == codec.encoded(theirs, DEEPER):
                    continue
                if shared:
                    serving.become(ours, theirs)
                else:
                    self.changed = True
        except (TypeError, ValueError):
            _conclude("wrong_answer", NO_ANSWER)

    def _lend(self, lasting: dict[int | str, Any]) -> None:
        """Let an object see what the tests do later to what it was given, or notice it."""
        applied: list[Callable[[object], None]] = [self._notice] * len(lasting)
        if self._shares:
            _, described = self._answer(serving.LENT, codec.encoded(list(lasting)), None)
            try:
                numbers = [int(number) for number, _, _ in described]
            except (TypeError, ValueError):
                _conclude("wrong_answer", NO_ANSWER)
            applied = [partial(self._make, number) for number in numbers]
        for value, apply in zip(lasting.values(), applied, strict=False):
            self._held.append(_Held(value, apply, codec.encoded(value, DEEPER)))

    def _notice(self, _: object) -> None:
        self.changed = True

    def _make(self, number: int, value: object) -> None:
        self._answer(serving.BECOME, [number, codec.encoded(value)], None)

    def named(self, name: str) -> Any:  # noqa: ANN401
        """Give what has a name in the program."""
        return self.call(f"{OPERATION}named", (name,), {})

    def made_by(self, name: str) -> Any:  # noqa: ANN401
        """Give a class of the program's, what is made by which takes values."""
        found = self.named(name)
        if not isinstance(found, Remote):
            return found
        if name != SOLVER:
            self._under_test.add(name)
        return Remote(self, found.__number__(), name, makes=True)

    def hold(self, owner: Remote, name: str, value: object) -> None:
        """Remember a list that was an object's attribute: what is appended here is to be there, too."""
        if type(value) in serving.CHANGEABLE:
            self._held.append(_Held(value, partial(setattr, owner, name), codec.encoded(value)))

    def _settle(self) -> None:
        """Give the program's objects what the tests have made of their lists."""
        for held in list(self._held):
            try:
                now = codec.encoded(held.value)
            except codec.UnfitValueError as error:
                _conclude("test_error", f"what is put into an object's list cannot be passed on: {error}")
            if now != held.before:
                held.before = now
                held.apply(held.value)

    def seed(self, *seeds: object) -> None:
        """Have the program draw the random numbers that the tests expect; that alone is no test of it."""
        self._answer(f"{OPERATION}seed", codec.encoded(list(seeds)), None)

    def is_under_test(self, kind: str) -> bool:
        """Whether the tests have named a class of that name: an object of it is no surprise then."""
        return kind in self._under_test

    def refuse(self, kind: str, *, blameless: bool) -> NoReturn:
        """Conclude, for tests that hand a plain value to an object that may have been made to accept any."""
        reason = f"an object of class {kind!r}, where tests in a process apart take a plain value"
        _conclude("test_error" if blameless else "wrong_answer", reason)

    def errors(self, described: dict[str, list[str]]) -> dict[str, type[Exception]]:
        """Make classes for the program's exceptions of these names, below each other and the nearest builtin one."""
        for name, kinds in sorted(described.items(), key=lambda item: len(item[1])):
            above = next((self._errors[kind] for kind in kinds[1:] if kind in self._errors), None)
            self._errors[name] = type(name, (above or _nearest(kinds, []),), {})
        return self._errors

    def _generated(self, items: list[object], rest: object) -> Iterator[object]:
        """Yield what an iterator of the program's does."""
        while True:
            yield from items
            if not isinstance(rest, Remote):
                return
            drawn = rest.__one__("draw")
            if not isinstance(drawn, tuple) or len(cast("tuple[object, ...]", drawn)) != 2:  # noqa: PLR2004
                _conclude("wrong_answer", NO_ANSWER)
            items, rest = cast("tuple[list[object], object]", drawn)

    def _rebuilt(self, body: object) -> Exception:
        """Make the exception that is nearest to the program's own; one that would end the program ends the test.

        What ends loops is an error instead, as in generators (PEP 479), unless the test code means it.
        """
        told = cast("list[object]", body) if isinstance(body, list) else []
        more = told.pop() if told and isinstance(told[-1], dict) else None
        message, *names = map(str, told or ["", "an exception"])
        if "Exception" not in names:
            _conclude("runtime_error", f"{names[0] if names else 'an exception'}: {message}")
        if not self._ends_loops and any(name in ENDS_LOOPS for name in names):
            message, names, more = f"{names[0]}: {message}", ["RuntimeError"], None
        held = cast("dict[str, Any]", _value(more)) if more is not None else {}
        modules = held.get("modules")
        own = next((self._errors[name] for name in names if name in self._errors), None)
        kind = own or _nearest(names, cast("list[object]", modules) if isinstance(modules, list) else [])
        error = _made(kind, message, held)
        error.__cause__ = None
        error.add_note(_RemoteError.__name__)
        return error


class _Held:
    """A list that an object has, too: what is done when the tests have changed it, and its description before that."""

    def __init__(self, value: object, apply: Callable[[object], None], before: object) -> None:
        self.value = value
        self.apply = apply
        self.before = before


def _value(body: object) -> Any:  # noqa: ANN401
    try:
        return codec.decoded(body)
    except codec.UnfitValueError as error:
        _conclude("wrong_answer", str(error))


def _kind(described: object) -> str:
    return str(cast("dict[str, object]", described).get("t")) if isinstance(described, dict) else ""


def _nearest(names: list[str], modules: list[object]) -> type[Exception]:
    """Give the first of these exceptions that is a builtin one, or of a module that the tests, too, have imported."""
    for index, name in enumerate(names):
        module = sys.modules.get(str(modules[index]) if index < len(modules) else "builtins")
        kind = getattr(module, name, None)
        if isinstance(kind, type) and issubclass(kind, Exception):
            return kind
    return Exception


def _made(kind: type[Exception], message: str, held: dict[str, Any]) -> Exception:
    """Make an exception that holds what the program's does, and has its text."""
    arguments: object = held.get("args")
    values = cast("tuple[object, ...]", arguments) if isinstance(arguments, tuple) else (message,)
    error = Exception(message)
    bare: Callable[..., Exception] = partial(kind.__new__, kind)
    for make, given in ((bare, values), (kind, (message,)), (kind, values)):
        with contextlib.suppress(Exception):  # some want more arguments, or others
            error = make(*given)
    error.args = values
    if isinstance(held.get("held"), dict):
        vars(error).update(held["held"])
    if str(error) != message:  # its class says what it likes
        error = _worded(error, message)
    return error


def _saying(message: str) -> Callable[[object], str]:
    return lambda _: message


def _worded(error: Exception, message: str) -> Exception:
    """Give an exception another text."""
    kind = type(error)
    try:
        error.__class__ = type(kind.__name__, (kind,), {"__str__": _saying(message), "__module__": kind.__module__})
    except TypeError:  # a builtin one's layout
        error.args = (message,)
    return error


async def _failed(error: Exception) -> NoReturn:
    raise error


async def _done(value: object) -> object:
    return value


def _free_names(table: symtable.SymbolTable) -> set[str]:
    """Find the names that code reads and nothing in it binds."""
    top = table.get_type() == "module"
    used = {
        symbol.get_name()
        for symbol in table.get_symbols()
        if symbol.is_referenced() and (symbol.is_global() or top) and not (top and symbol.is_assigned())
    }
    return used.union(*map(_free_names, table.get_children()))


class _Function:
    """Calls a function of the program's."""

    def __init__(self, link: Link, name: str) -> None:
        self.__name__ = self.__qualname__ = name
        self._link = link

    def __call__(self, *arguments: object, **keywords: object) -> Any:  # noqa: ANN401  whatever it returns
        return self._link.call(self.__name__, arguments, keywords)

    def __sharing__(self, *arguments: object, **keywords: object) -> Any:  # noqa: ANN401
        return self._link.call(self.__name__, arguments, keywords, shared=True)

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401
        """Ask for what a function holds: what it was wrapped with, say."""
        return getattr(self._link.named(self.__name__), name)


def _references(arguments: tuple[object, ...], keywords: dict[str, object]) -> list[int]:
    return [sys.getrefcount(value) for value in (*arguments, *keywords.values())]


class _Scale:
    """In the place of a link, counts the references to an argument."""

    def call(self, _: str, arguments: tuple[object, ...], keywords: dict[str, object]) -> int:
        return _references(arguments, keywords)[0]


def _temporary() -> tuple[int, int]:
    """Count the references to an argument that nobody else holds, in a call without keywords and in one with some.

    They are 0 where this interpreter counts those of a variable alike.
    """
    counted = _Function(cast("Link", _Scale()), "")
    variable: list[object] = []
    if counted([]) >= counted(variable):
        return 0, 0
    return counted([]), counted([], more=None)


TEMPORARY: Final = _temporary()


def _lasting(arguments: tuple[object, ...], keywords: dict[str, object], *, shared: bool) -> dict[int | str, Any]:
    """Give the arguments that the tests may look at again, and that a program may change, by position or name."""
    temporary = 0 if shared else TEMPORARY[bool(keywords)]
    counts = _references(arguments, keywords)
    positions = (*range(len(arguments)), *keywords)
    given: Any = (*arguments, *keywords.values())
    return {
        at: value
        for at, value, count in zip(positions, given, counts, strict=True)
        if count > temporary and (type(value) in serving.CHANGEABLE or _is_array(value))
    }


def _is_array(value: Any) -> bool:  # noqa: ANN401
    return type(value).__module__ == "numpy" and hasattr(value, "shape") and value.shape != ()


def _sharing(function: Any) -> Any:  # noqa: ANN401
    """Give what calls a function and shows what it does to its arguments."""
    return function.__sharing__ if isinstance(function, Remote | _Function) else function


def _same(one: object, other: object) -> bool:
    """Whether two are one; of lists that went to the program or came from it nobody can tell."""
    if isinstance(one, Remote) and isinstance(other, Remote):
        return one.__number__() == other.__number__()
    kind: type = type(one)
    if one is not other and kind is type(other) and kind in serving.CHANGEABLE:
        _conclude("test_error", f"whether one {kind.__name__} is another: only `in_process` can tell")
    return one is other


def _assert_same(one: object, other: object, message: object = None) -> None:
    assert _same(one, other), message  # noqa: S101  in test code


def _assert_not_same(one: object, other: object, message: object = None) -> None:
    assert not _same(one, other), message  # noqa: S101  as above


FITTINGS: Final = {
    SHARING: _sharing,
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
        self.lines = source.splitlines()
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
        self.ends_loops = any(name in ENDS_LOOPS for name in unknown)
        self.seeds = "seed" in source
        self.wanted = sorted(unknown - self.names.keys() - vars(builtins).keys())

    def run(self, link: Link) -> None:
        """Try a program, whose functions have stand-ins here; raises whatever the test code raises."""
        if self.entry_point:
            meant = _meant(link, [self.entry_point]) if _is_a_classes(self.entry_point) else {}
            self.names[self.entry_point] = meant.get(self.entry_point) or _Function(link, self.entry_point)
        self.names |= _meant(link, self.wanted)
        if self.entry_point:  # which is all that was asked of the program
            link.lacking.clear()
        if self.seeds:
            _share_seeds(link)
        sys.modules[serving.SOLUTION] = _Solution(link)
        exec(self.code, self.names)  # noqa: S102  the task's own


def _is_a_classes(name: str) -> bool:
    """Tell a class's name: a function that turns out to be a class is none under test."""
    return name.lstrip("_")[:1].isupper()


def _are_names(given: object) -> bool:
    return isinstance(given, list) and all(isinstance(name, str) for name in cast("list[object]", given))


def _meant(link: Link, wanted: list[str]) -> dict[str, object]:
    """Give what names of the program are here: stand-ins, classes, or plain values."""
    described = link.names(wanted) if wanted else []
    errors = {name: _value(given.get("v")) for name, kind, given in described if kind == "exception"}
    if not all(map(_are_names, errors.values())):
        _conclude("wrong_answer", NO_ANSWER)
    meant: dict[str, object] = {**link.errors(errors)}
    for name, kind, given in described:
        if kind == "class" and _is_a_classes(name):
            meant[name] = link.made_by(name)
        elif kind in {"callable", "class"}:
            meant[name] = _Function(link, name)
        elif kind in {"missing", "module", "unfit"}:
            link.lacking.add(name)
            link.used |= kind == "unfit"
        elif kind != "exception":
            link.used = True
            meant[name] = _value(given)
    return meant


class _Solution(types.ModuleType):
    """The program, for test code that imports it; what it imports by name and is not there, the program lacks."""

    def __init__(self, link: Link) -> None:
        super().__init__(serving.SOLUTION)
        self._link = link

    def __getattr__(self, name: str) -> object:
        if name.startswith("__"):  # an import asks for these
            raise AttributeError(name)
        meant = _meant(self._link, [name])
        if name in meant:
            return meant[name]
        _conclude("runtime_error", f"the program has no {name} that tests could use")


def _where(error: BaseException, lines: list[str]) -> str:
    """Say which line of the test code it was."""
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename == TEST_FILE]
    number = frames[-1].lineno if frames else None
    if number is None or not 0 < number <= len(lines):
        return ""
    return f"line {number}: {lines[number - 1].strip()}"


def _judge(error: Exception, link: Link, lines: list[str]) -> NoReturn:
    where = _where(error, lines)
    if _RemoteError.__name__ in getattr(error, "__notes__", ()):
        _conclude("runtime_error", f"{type(error).__name__}: {error}")
    if isinstance(error, AssertionError):
        _conclude("wrong_answer", where or "an assertion did not hold")
    if isinstance(error, NameError) and error.name in link.lacking and error.name not in ALIASES:
        _conclude("runtime_error", f"{type(error).__name__}: {error}")
    lacks = isinstance(error, ImportError) or (isinstance(error, NameError) and error.name in ALIASES)
    if lacks or not link.used:
        _conclude("test_error", f"{type(error).__name__}: {error}; {where}")
    _conclude("wrong_answer", f"{type(error).__name__}: {error}; {where}")


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
        _conclude("test_error", f"{type(error).__name__}: {error}")
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
        _conclude("test_error", f"SyntaxError: {error}")
    except SystemExit as error:
        _conclude("wrong_answer", f"the tests ended with {error.code!r}")
    except Exception as error:  # noqa: BLE001  the task's code may raise anything
        _judge(error, link, job["tests"].splitlines())
    _conclude("ok")


def _attempt(tests: Tests, shares: bool) -> NoReturn:  # noqa: FBT001
    """Try the program behind the peer socket and give the verdict."""
    link = Link(ends_loops=tests.ends_loops, shares=shares)
    try:
        tests.run(link)
    except SystemExit as error:
        if error.code:
            _conclude("wrong_answer", f"the tests ended with {error.code!r}")
    except Exception as error:  # noqa: BLE001  the task's code may raise anything
        _judge(error, link, tests.lines)
    if not link.used:  # tests that try nothing would pass every program
        _conclude("test_error", "the test code never used the program")
    _conclude("ok", wire.CHANGED if link.changed else "")
