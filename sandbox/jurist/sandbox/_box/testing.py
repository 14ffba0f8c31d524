"""The test side of assertions: it runs the task's own test code, and never an instruction of the program's.

The program's functions appear as stand-ins that send their arguments to the program's process and rebuild a plain value
from the answer. So there is nothing to patch, no frame to look into and no object of the program's to compare with
(`remote.py` has what they are here); an exception arrives as the builtin one of its name.

Lists that a function changes in place are changed here where its value is dropped (`CHANGING`), and nowhere else: a
program could otherwise change what it is compared with.
"""

from __future__ import annotations

import _socket
import builtins
import contextlib
import importlib
import io
import os
import sys
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
CHANGED: Final = "changed"
"""The attribute of a stand-in that calls it for what it does to its arguments."""
CHANGING: Final = "__changing__"
"""What test code calls a function through whose value it drops; `code_tests` writes it there."""
SOLVER: Final = "Solution"
"""The class that is none under test, but a place for functions."""
CHANGEABLE: Final = (list, dict, set, bytearray, deque)
MISSING: Final = object()
"""A name that the program has nothing for that could stand here."""


def _conclude(ending: str, reason: str = "") -> NoReturn:
    """Give the verdict and end at once, past every `except` and `finally` of the test code."""
    os.write(wire.CHANNEL, wire.verdict(ending, reason[:REASON_CHARACTERS]))
    os._exit(0)


class _RemoteError:
    """Marks exceptions that came from the program."""


class Link:
    """Calls the program's functions."""

    def __init__(self, *, ends_loops: bool = False) -> None:
        self.used = False
        self.under_test = False
        """Whether the tests have named a class of the program's: objects of it are no surprise then."""
        self._ends_loops = ends_loops
        self._errors: dict[str, type[Exception]] = {}
        codec.represent_objects(Remote, Remote.__number__, partial(Remote, self))

    def _answer(self, name: str, arguments: object, keywords: object) -> tuple[bytes, Any]:
        try:
            wire.write_all(wire.PEER, wire.plain((name, arguments, keywords)))
            answer = wire.read_frame(wire.PEER, wire.ANSWER_BYTES + 1)
        except (EOFError, OSError):
            _conclude(wire.GONE)
        except OverflowError as error:
            _conclude("wrong_answer", str(error))
        tag, body = answer[:1], answer[1:].decode(errors="replace")
        if tag == wire.UNFIT:
            _conclude("wrong_answer", body)
        try:
            return tag, codec.read(body)
        except codec.UnfitValueError:
            _conclude("wrong_answer", "the program's process sent what is no answer")

    def names(self, wanted: list[str]) -> Iterator[tuple[str, object]]:
        """Ask what names stand for in the program: the description of each."""
        tag, described = self._answer("", wanted, None)
        if tag == wire.RAISED:
            _conclude("runtime_error", str(described))
        return zip(wanted, cast("list[object]", described) if isinstance(described, list) else (), strict=False)

    def call(self, name: str, arguments: tuple[object, ...], keywords: dict[str, object]) -> Any:  # noqa: ANN401
        """Call a function of the program and give its value, or raise what it raised."""
        self.used = True
        try:
            given = codec.encoded(list(arguments)), codec.encoded(keywords) if keywords else None
        except codec.UnfitValueError as error:
            _conclude("test_error", f"an argument of {name} cannot be passed on: {error}")
        tag, body = self._answer(name, *given)
        if tag not in {wire.VALUE, wire.AWAITED}:
            raise self._rebuilt(body)
        try:
            value = codec.decoded(body)
        except codec.UnfitValueError as error:
            _conclude("wrong_answer", str(error))
        return _done(value) if tag == wire.AWAITED else value

    def named(self, name: str) -> Any:  # noqa: ANN401
        """Give a class of the program's."""
        self.under_test |= name != SOLVER
        found = self.call(f"{OPERATION}named", (name,), {})
        return Remote(self, found.__number__(), name, makes=True) if isinstance(found, Remote) else found

    def change(self, name: str, *arguments: object, **keywords: object) -> None:
        """Call a function, and do to the arguments here what it did to them there."""
        answer = self.call(serving.CHANGING, (name, *arguments), keywords)
        try:
            changed, changed_keywords = answer
            pairs = [
                *zip(arguments, changed, strict=True),
                *((keywords[key], changed_keywords[key]) for key in keywords),
            ]
            for ours, theirs in pairs:
                _become(ours, theirs)
        except (KeyError, TypeError, ValueError):
            _conclude("wrong_answer", "the program's process sent what is no answer")

    def refuse(self, kind: str) -> NoReturn:
        """Conclude, for tests that hand a plain value to an object that may have been made to accept any."""
        reason = f"an object of class {kind!r}, where tests in a process apart take a plain value"
        _conclude("test_error" if self.under_test else "wrong_answer", reason)

    def error(self, name: str, kinds: list[str]) -> type[Exception]:
        """Make a class for the program's exception of that name, below the nearest builtin one."""
        self._errors[name] = type(name, (_builtin(kinds),), {})
        return self._errors[name]

    def _rebuilt(self, body: object) -> Exception:
        """Make the exception that is nearest to the program's own; one that would end the program ends the test.

        What ends loops is an error instead, as in generators (PEP 479), unless the test code means it.
        """
        told = cast("list[object]", body) if isinstance(body, list) else []
        message, *names = map(str, told or ["", "an exception"])
        if "Exception" not in names:
            _conclude("runtime_error", f"{names[0] if names else 'an exception'}: {message}")
        if not self._ends_loops and any(name in ENDS_LOOPS for name in names):
            message, names = f"{names[0]}: {message}", ["RuntimeError"]
        own = next((self._errors[name] for name in names if name in self._errors), None)
        try:
            error = (own or _builtin(names))(message)
        except TypeError:  # some want more arguments
            error = Exception(message)
        error.__cause__ = None
        error.add_note(_RemoteError.__name__)
        return error


def _builtin(names: list[str]) -> type[Exception]:
    """Give the first of these exceptions that is a builtin one."""
    kinds = (getattr(builtins, name, None) for name in names)
    return next((kind for kind in kinds if isinstance(kind, type) and issubclass(kind, Exception)), Exception)


async def _done(value: object) -> object:
    return value


def _become(ours: Any, theirs: Any) -> None:  # noqa: ANN401
    """Change a value into what the program has made of its own.

    Raises:
        TypeError: it is of another type now.
    """
    kind = cast("type[object]", type(ours))
    if issubclass(kind, CHANGEABLE) and kind is not type(theirs):
        raise TypeError
    if issubclass(kind, list | bytearray):
        ours[:] = theirs
    elif issubclass(kind, CHANGEABLE):
        ours.clear()
        (ours.extend if issubclass(kind, deque) else ours.update)(theirs)
    elif kind is not Remote and getattr(ours, "shape", ()) != ():  # numpy's
        ours[...] = theirs


def _names_in(code: types.CodeType) -> set[str]:
    found = set(code.co_names)
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            found |= _names_in(constant)
    return found


def _stand_in(link: Link, name: str) -> Any:  # noqa: ANN401
    """Give what calls a function of the program's; for a class, as which one is named, what makes objects of it."""
    if name.lstrip("_")[:1].isupper():
        return link.named(name)

    def call(*arguments: object, **keywords: object) -> Any:  # noqa: ANN401  whatever it returns
        return link.call(name, arguments, keywords)

    call.__name__ = call.__qualname__ = name
    setattr(call, CHANGED, partial(link.change, name))
    return call


def _changing(function: Any) -> Any:  # noqa: ANN401
    """Give what calls a function for what it does to its arguments."""
    if isinstance(function, Remote):
        return function.__changing__
    return getattr(function, CHANGED, function)


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


class Tests:
    """Test code that is ready to be tried on programs; its own beginning, the prelude, has run."""

    def __init__(self, source: str, prelude: str, entry_point: str) -> None:
        self.code = compile(source, TEST_FILE, "exec", dont_inherit=True)
        self.lines = source.splitlines()
        self.entry_point = entry_point
        self.names: dict[str, Any] = {"__name__": "__main__", "__builtins__": builtins, CHANGING: _changing}
        exec(compile(prelude, "prelude.py", "exec", dont_inherit=True), self.names)  # noqa: S102  the task's own
        unknown = _names_in(self.code) - self.names.keys() - {entry_point}
        for name in unknown:
            if (meant := _meant_by(name)) is not None:
                self.names[name] = meant
        if entry_point:
            self.names[entry_point] = None
        self.ends_loops = any(name in ENDS_LOOPS for name in unknown)
        self.wanted = sorted(unknown - self.names.keys() - vars(builtins).keys() - _defined(self.code))

    def run(self, link: Link) -> None:
        """Try a program, whose functions have stand-ins here; raises whatever the test code raises."""
        if self.entry_point:
            self.names[self.entry_point] = _stand_in(link, self.entry_point)
        for name, described in link.names(self.wanted) if self.wanted else ():
            if (meant := _meant(link, name, described)) is not MISSING:
                self.names[name] = meant
        sys.modules[serving.SOLUTION] = _Solution(link)
        exec(self.code, self.names)  # noqa: S102  the task's own


def _tag(described: object) -> object:
    return cast("dict[str, object]", described).get("t") if isinstance(described, dict) else ""


def _meant(link: Link, name: str, described: object) -> object:
    """Give what a name of the program is here: a stand-in, a class, or a plain value."""
    kind = _tag(described)
    if kind == "callable":
        return _stand_in(link, name)
    if kind == "exception":
        return link.error(name, list(map(str, cast("dict[str, list[object]]", described).get("v", ()))))
    if kind in {"missing", "module"}:
        return MISSING
    link.used = True
    if kind == "unfit":
        return MISSING
    try:
        return codec.decoded(described)
    except codec.UnfitValueError as error:
        _conclude("wrong_answer", str(error))


class _Solution(types.ModuleType):
    """The program, for test code that imports it; what it imports by name and is not there, the program lacks."""

    def __init__(self, link: Link) -> None:
        super().__init__(serving.SOLUTION)
        self._link = link

    def __getattr__(self, name: str) -> object:
        if name.startswith("__"):  # an import asks for these
            raise AttributeError(name)
        for _, described in self._link.names([name]):
            if (meant := _meant(self._link, name, described)) is not MISSING:
                return meant
        _conclude("runtime_error", f"the program has no {name} that tests could use")


def _defined(code: types.CodeType) -> set[str]:
    """Find the functions and classes that test code defines at its top: nobody need be asked about them."""
    return {constant.co_name for constant in code.co_consts if isinstance(constant, types.CodeType)}


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
    lacks = isinstance(error, ImportError) or (isinstance(error, NameError) and error.name in ALIASES)
    if lacks or not link.used:
        _conclude("test_error", f"{type(error).__name__}: {error}; {where}")
    _conclude("wrong_answer", f"{type(error).__name__}: {error}; {where}")


def _serve_group(attempt: Callable[[], NoReturn]) -> NoReturn:
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
                attempt()
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
    _attempt(tests)


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


def _attempt(tests: Tests) -> NoReturn:
    """Try the program behind the peer socket and give the verdict."""
    link = Link(ends_loops=tests.ends_loops)
    try:
        tests.run(link)
    except SystemExit as error:
        if error.code:
            _conclude("wrong_answer", f"the tests ended with {error.code!r}")
    except Exception as error:  # noqa: BLE001  the task's code may raise anything
        _judge(error, link, tests.lines)
    if not link.used:  # tests that try nothing would pass every program
        _conclude("test_error", "the test code never used the program")
    _conclude("ok")
