"""Exceptions of the program's as its tests see them: the nearest ones that are known here, with what they hold."""

from __future__ import annotations

import contextlib
import sys
from functools import partial
from typing import TYPE_CHECKING, Any, Final, cast

from jurist.sandbox import codec
from jurist.sandbox._box import wire

if TYPE_CHECKING:
    from collections.abc import Callable, Container

ENDS_LOOPS: Final = ("StopIteration", "StopAsyncIteration")
"""Exceptions that end what calls a function for each of some values, such as `all(map(..))`, as if all were done."""
EXITS: Final = "SystemExit"
"""The one that ends the test code so. It and those above are themselves where the test code names them."""
NUMBER, TEXT = "__number__", "__text__"
"""Attributes of one that the tests have made: what the program knows it by, and its text."""
REMOTE: Final = "of the program's"
"""A note of all these exceptions."""


def is_remote(error: BaseException) -> bool:
    """Tell an exception that came from the program."""
    return REMOTE in getattr(error, "__notes__", ())


class Errors:
    """Makes these exceptions; `meant` are those of `ENDS_LOOPS` and `EXITS` that the test code names.

    One that the tests make themselves is made by the program: `ask` gives its text, and what it holds.
    """

    def __init__(self, meant: Container[str], ask: Callable[..., Any]) -> None:
        self._meant = meant
        self._ask = ask
        self._classes: dict[str, type[BaseException]] = {}

    def classes(self, described: dict[str, list[str]]) -> dict[str, type[BaseException]]:
        """Make classes for exceptions of these names, below each other and the nearest builtin one."""
        for name, kinds in sorted(described.items(), key=lambda item: len(item[1])):
            above = next((self._classes[kind] for kind in kinds[1:] if kind in self._classes), None)
            made = {"__init__": self._maker(name), "__str__": _text}
            self._classes[name] = type(name, (above or _nearest(kinds, []),), made)
            codec.number_objects(self._classes[name], _number)
        return self._classes

    def _maker(self, name: str) -> Callable[..., None]:
        def make(error: BaseException, *arguments: object, **keywords: object) -> None:
            try:
                number, text, held = self._ask(name, arguments, keywords)
                error.args = held["args"]
                vars(error).update(held["held"])
            except (AttributeError, KeyError, TypeError, ValueError) as unreadable:
                if is_remote(unreadable):
                    raise
                wire.conclude("wrong_answer", "the program made no exception of it")
            vars(error).update({NUMBER: number, TEXT: str(text)})

        return make

    def rebuilt(self, body: object) -> BaseException:
        """Make the exception that is nearest to the program's own; one that would end the program ends the test.

        What ends loops is an error instead, as in generators (PEP 479), unless the test code means it.
        """
        told = cast("list[object]", body) if isinstance(body, list) else []
        more = told.pop() if told and isinstance(told[-1], dict) else None
        message, *names = map(str, told or ["", "an exception"])
        if "Exception" not in names and not (EXITS in names and EXITS in self._meant):
            wire.conclude("runtime_error", f"{names[0] if names else 'an exception'}: {message}")
        if any(name in ENDS_LOOPS and name not in self._meant for name in names):
            message, names, more = f"{names[0]}: {message}", ["RuntimeError"], None
        held = cast("dict[str, Any]", wire.value_of(more)) if more is not None else {}
        modules = held.get("modules")
        own = next((self._classes[name] for name in names if name in self._classes), None)
        kind = own or _nearest(names, cast("list[object]", modules) if isinstance(modules, list) else [])
        error = _made(kind, message, held, is_own=own is not None)
        error.__cause__ = None
        error.add_note(REMOTE)
        return error


def _nearest(names: list[str], modules: list[object]) -> type[BaseException]:
    """Give the first of these exceptions that is a builtin one, or of a module that the tests, too, have imported."""
    for index, name in enumerate(names):
        module = sys.modules.get(str(modules[index]) if index < len(modules) else "builtins")
        kind = getattr(module, name, None)
        if isinstance(kind, type) and issubclass(kind, Exception | SystemExit):
            return kind
    return Exception


def _made(kind: type[BaseException], message: str, held: dict[str, Any], *, is_own: bool) -> BaseException:
    """Make an exception that holds what the program's does, and has its text."""
    arguments: object = held.get("args")
    values = cast("tuple[object, ...]", arguments) if isinstance(arguments, tuple) else (message,)
    error: BaseException = Exception(message)
    bare: Callable[..., BaseException] = partial(kind.__new__, kind)
    for make, given in ((bare, values), *(() if is_own else ((kind, (message,)), (kind, values)))):
        with contextlib.suppress(Exception):  # some want more arguments, or others
            error = make(*given)
    error.args = values
    if isinstance(held.get("held"), dict):
        vars(error).update(held["held"])
    if str(error) != message:  # its class says what it likes
        error = _worded(error, message)
    return error


def _number(error: BaseException) -> int:
    """Give what the program knows one by that the tests have made."""
    if NUMBER not in vars(error):
        message = f"an exception of the program's, {type(error).__name__}"
        raise codec.UnfitValueError(message)
    return cast("int", vars(error)[NUMBER])


def _text(error: BaseException) -> str:
    """Give the text of one that the tests have made."""
    own = vars(error).get(TEXT)
    return BaseException.__str__(error) if own is None else str(own)


def _saying(message: str) -> Callable[[object], str]:
    return lambda _: message


def _worded(error: BaseException, message: str) -> BaseException:
    """Give an exception another text."""
    kind = type(error)
    try:
        error.__class__ = type(kind.__name__, (kind,), {"__str__": _saying(message), "__module__": kind.__module__})
    except TypeError:  # a builtin one's layout
        error.args = (message,)
    return error
