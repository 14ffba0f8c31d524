"""The test side's way to the program: its functions, its objects, and what both sides change.

A program could change what it is compared with, so what a function does to its arguments stays where it is, unless the
test code wants it (`shared`). But where a program passes that has changed what the tests still hold, or has an object
whose list they have changed since, it is tried once more, and then each side sees what the other does: it must pass
both times.
"""

from __future__ import annotations

import sys
import threading
import types
from collections import deque
from functools import partial
from typing import TYPE_CHECKING, Any, Final, NoReturn, cast

from jurist.sandbox import codec
from jurist.sandbox._box import serving, wire
from jurist.sandbox._box.errors import Errors
from jurist.sandbox._box.remote import OPERATION, Remote
from jurist.sandbox._box.usage import is_like_a_classes

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Iterator

SOLVER: Final = "Solution"
"""The class that is none under test, but a place for functions."""
DEEPER: Final = codec.DEPTH + 8
HELD: Final = 64
"""Lists that the program has, too, and that may still be changed."""
WATCHED_ITEMS: Final = 1_000
"""Longer ones are not compared with what they were before, at each call."""
ALONE: Final = 2
"""References to a value that `_Held` alone has, and whoever counts them: the tests can change it no more."""
NO_ANSWER: Final = "the program's process sent what is no answer"


class Link:
    """Calls the program's functions.

    `meant` are the exceptions that end things, of `errors.ENDS_LOOPS` and `EXITS`, which the test code wants as such;
    `names_class` says of a name whether it wants a class there.
    With `shares` the tests see how a function changes arguments that they still hold, and an object sees how they
    change what it was given; without, `changed` says whether that would have been so.
    """

    def __init__(
        self,
        *,
        meant: Container[str] = (),
        names_class: Callable[[str], bool] = is_like_a_classes,
        shares: bool = False,
    ) -> None:
        self.used = False
        self.changed = False
        self._shares = shares
        self.names_class = names_class
        self._lock = threading.RLock()
        self.lacking: set[str] = set()
        """Names that the tests have asked the program for, in vain."""
        self.plain: set[str] = set()
        """Names of plain values in the program."""
        self._under_test: set[str] = set()
        self._held: deque[_Held] = deque(maxlen=HELD)
        self.errors = Errors(meant, lambda *made: self.call(serving.ERROR, made, {}))
        codec.represent_objects(Remote, Remote.__number__, partial(Remote, self), self._generated)

    def _exchange(self, name: str, arguments: object, keywords: object) -> tuple[bytes, str]:
        try:
            with self._lock:  # tests may have threads
                wire.write_all(wire.PEER, wire.plain((name, arguments, keywords)))
                answer = wire.read_frame(wire.PEER, wire.ANSWER_BYTES + 1)
        except (EOFError, OSError):
            wire.conclude(wire.GONE)
        except OverflowError as error:
            wire.conclude("wrong_answer", str(error))
        return answer[:1], answer[1:].decode(errors="replace")

    def _answer(self, name: str, arguments: object, keywords: object) -> tuple[bytes, Any]:
        tag, body = self._exchange(name, arguments, keywords)
        if tag == wire.UNFIT:
            wire.conclude("wrong_answer", body)
        try:
            return tag, codec.read(body)
        except codec.UnfitValueError:
            wire.conclude("wrong_answer", NO_ANSWER)

    def names(self, wanted: list[str]) -> list[tuple[str, str, Any]]:
        """Ask what names stand for in the program: the kind of each, and what says more of it."""
        self._settle()
        tag, described = self._answer("", wanted, None)
        if tag == wire.RAISED:
            wire.conclude("runtime_error", str(described))
        if not isinstance(described, list) or len(cast("list[object]", described)) != len(wanted):
            wire.conclude("wrong_answer", NO_ANSWER)
        return [
            (name, _kind(given), given) for name, given in zip(wanted, cast("list[object]", described), strict=True)
        ]

    def call(
        self,
        name: str,
        arguments: tuple[object, ...],
        keywords: dict[str, object],
        *,
        shared: bool = False,
        unpacked: bool = False,
    ) -> Any:  # noqa: ANN401
        """Call a function of the program and give its value, or raise what it raised.

        The arguments may be such as the test code has unpacked: then it still holds them.
        """
        self.used = True
        self._settle()
        lasting = _lasting(arguments, keywords, all_of_them=shared or unpacked)
        try:
            # What came from the program is never too deep to go back.
            given = codec.encoded(list(arguments), DEEPER), codec.encoded(keywords, DEEPER) if keywords else None
        except codec.UnfitValueError as error:
            answered = any(map(self._is_drawn, (*arguments, *keywords.values())))
            reason = f"an argument of {name} cannot be passed on: {error}"
            wire.conclude("wrong_answer" if answered else "test_error", reason)
        with self._lock:
            tag, body = self._answer(name, *given)
            same = self._follow(lasting, shared=shared or self._shares) if lasting else None
            if tag == wire.AWAITED_RAISED:
                return _failed(self.errors.rebuilt(body))
            if tag not in {wire.VALUE, wire.HELD, wire.AWAITED}:
                raise self.errors.rebuilt(body)
            value = self._held_value(body) if tag == wire.HELD else wire.value_of(body)
            if same is not None:
                self.changed |= not self._shares
                value = lasting[same] if self._shares else value
            if lasting and (name.startswith(OPERATION) or type(value) is Remote):
                self._lend(lasting)
        return _done(value) if tag == wire.AWAITED else value

    def _held_value(self, body: object) -> Any:  # noqa: ANN401
        """Give a list that the program still holds, and let it see what the tests do to that later."""
        try:
            number, described = cast("tuple[int, object]", body)
        except (TypeError, ValueError):
            wire.conclude("wrong_answer", NO_ANSWER)
        value = wire.value_of(described)
        if type(value) in serving.CHANGEABLE:
            self._hold(value, partial(self._change, serving.BECOME, number))
        return value

    def _follow(self, lasting: dict[int | str, Any], *, shared: bool) -> int | str | None:
        """Notice what the latest call has made of its arguments, or make it of those here.

        The answer is the position of the one that the call answered with, if there is one.
        """
        tag, body = self._exchange(serving.LEFT, codec.encoded(list(lasting)), None)
        if tag != wire.VALUE and shared:
            wire.conclude("wrong_answer", f"what became of an argument does not travel: {body}")
        if tag != wire.VALUE:
            self.changed = True
            return None
        try:
            left, same = codec.unpacked(body)
            for ours, theirs in zip(lasting.values(), left, strict=True):
                if codec.encoded(ours, DEEPER) == codec.encoded(theirs, DEEPER):
                    continue
                if shared:
                    serving.become(ours, theirs)
                else:
                    self.changed = True
            same = same if same in lasting else None
        except (TypeError, ValueError):
            wire.conclude("wrong_answer", NO_ANSWER)
        return same

    def _lend(self, lasting: dict[int | str, Any]) -> None:
        """Let an object see what the tests do later to what it was given, or notice it."""
        applied: list[Callable[[object], None]] = [self._notice] * len(lasting)
        if self._shares:
            _, described = self._answer(serving.LENT, codec.encoded(list(lasting)), None)
            try:
                numbers = [int(number) for number, _, _ in described]
            except (TypeError, ValueError):
                wire.conclude("wrong_answer", NO_ANSWER)
            applied = [partial(self._change, serving.BECOME, number) for number in numbers]
        for value, apply in zip(lasting.values(), applied, strict=False):
            self._hold(value, apply)

    def _notice(self, _: object) -> None:
        self.changed = True

    def _change(self, operation: str, which: int | str, value: object) -> None:
        self._answer(operation, [which, codec.encoded(value, DEEPER)], None)

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

    def hold_named(self, name: str, value: object) -> None:
        """Let the program see what the tests do later to a list that has a name there."""
        if type(value) in serving.CHANGEABLE:
            self._hold(value, partial(self._change, serving.BECOME_NAMED, name))

    def _hold(self, value: Any, apply: Callable[[object], None]) -> None:  # noqa: ANN401
        if len(value) <= WATCHED_ITEMS:
            self._held.append(_Held(value, apply, codec.encoded(value, DEEPER)))

    def _settle(self) -> None:
        """Give the program what the tests have made of lists that it has, too."""
        for held in list(self._held):
            try:
                now = codec.encoded(held.value, DEEPER)
            except codec.UnfitValueError as error:
                wire.conclude("test_error", f"what is put into a list of the program's cannot be passed on: {error}")
            if now != held.before:
                held.before = now
                held.apply(held.value)
            if sys.getrefcount(held.value) <= ALONE and held in self._held:
                self._held.remove(held)

    def seed(self, *seeds: object) -> None:
        """Have the program draw the random numbers that the tests expect; that alone is no test of it."""
        self._answer(f"{OPERATION}seed", codec.encoded(list(seeds)), None)

    def step(self) -> None:
        """Have the program's iterators stay objects, which can be sent to and closed."""
        self._answer(f"{OPERATION}step", [], None)

    def is_under_test(self, kind: str) -> bool:
        """Whether the tests have named a class of that name: an object of it is no surprise then."""
        return kind in self._under_test

    def refuse(self, kind: str, *, blameless: bool) -> NoReturn:
        """Conclude, for tests that hand a plain value to an object that may have been made to accept any."""
        reason = f"an object of class {kind!r}, where tests in a process apart take a plain value"
        wire.conclude("test_error" if blameless else "wrong_answer", reason)

    def _is_drawn(self, argument: object) -> bool:
        """Tell an answer that is drawn from the program, and may not be passed on: a coroutine, or what never ends."""
        ours = getattr(argument, "gi_code", None) is Link._generated.__code__
        return ours or isinstance(argument, types.CoroutineType)

    def _generated(self, items: list[object], rest: object) -> Iterator[object]:
        """Yield what an iterator of the program's does."""
        while True:
            yield from items
            if not isinstance(rest, Remote):
                return
            drawn = rest.__one__("draw")
            if not isinstance(drawn, tuple) or len(cast("tuple[object, ...]", drawn)) != 2:  # noqa: PLR2004
                wire.conclude("wrong_answer", NO_ANSWER)
            items, rest = cast("tuple[list[object], object]", drawn)


class _Held:
    """A list that the program has, too: what is done when tests have changed it, and its description before that."""

    def __init__(self, value: object, apply: Callable[[object], None], before: object) -> None:
        self.value = value
        self.apply = apply
        self.before = before


def _kind(described: object) -> str:
    return str(cast("dict[str, object]", described).get("t")) if isinstance(described, dict) else ""


async def _failed(error: BaseException) -> NoReturn:
    raise error


async def _done(value: object) -> object:
    return value


class Function:
    """Calls a function of the program's."""

    def __init__(self, link: Link, name: str) -> None:
        self.__name__ = self.__qualname__ = name
        self._link = link

    def __call__(self, *arguments: object, **keywords: object) -> Any:  # noqa: ANN401  whatever it returns
        return self._link.call(self.__name__, arguments, keywords)

    def __sharing__(self, *arguments: object, **keywords: object) -> Any:  # noqa: ANN401
        return self._link.call(self.__name__, arguments, keywords, shared=True)

    def __unpacked__(self, *arguments: object, **keywords: object) -> Any:  # noqa: ANN401
        return self._link.call(self.__name__, arguments, keywords, unpacked=True)

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
    counted = Function(cast("Link", _Scale()), "")
    variable: list[object] = []
    if counted([]) >= counted(variable):
        return 0, 0
    return counted([]), counted([], more=None)


TEMPORARY: Final = _temporary()


def _lasting(arguments: tuple[object, ...], keywords: dict[str, object], *, all_of_them: bool) -> dict[int | str, Any]:
    """Give the arguments that the tests may look at again, and that a program may change, by position or name."""
    temporary = 0 if all_of_them else TEMPORARY[bool(keywords)]
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
