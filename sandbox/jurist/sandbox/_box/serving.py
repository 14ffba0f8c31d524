"""The tested side of function calls: it answers with plain values, and whatever it says is only ever a value.

To test code, which may construct the program's classes, an object is a number: what is done to it is done here.
"""

from __future__ import annotations

import builtins
import operator
import sys
from functools import partial
from types import CoroutineType, FunctionType, ModuleType
from typing import TYPE_CHECKING, Any, Final, cast

from jurist.sandbox import codec
from jurist.sandbox._box import wire
from jurist.sandbox._box.remote import OPERATION

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from contextlib import AbstractContextManager

MESSAGE_CHARACTERS: Final = 2_000
"""Of an exception's text."""
SOLUTION: Final = "solution"
"""The name of a program whose functions are called."""
BUILTINS: Final = ("bool", "complex", "float", "hash", "int", "isinstance", "iter", "len", "repr", "round", "str")
CHANGING: Final = f"{OPERATION}changing"
"""The operation that does another one, and answers with what became of its arguments."""


def rename(module: ModuleType) -> None:
    """Let a program be imported rather than run: what it does as `__main__` is for its own users."""
    module.__name__ = SOLUTION
    sys.modules[SOLUTION] = module  # classes are looked up by it


def _found(namespace: Mapping[str, Any], name: str) -> Any:  # noqa: ANN401  whatever the program defined
    """Look a name up as trainers' data means it: at the top, or a method of `Solution` or of a class that it names."""
    if name in namespace:
        return namespace[name]
    owner, _, method = name.rpartition(".")
    owned = namespace.get(owner or "Solution")
    if isinstance(owned, type) and hasattr(owned, method):
        return getattr(owned(), method)
    message = f"name {name!r} is not defined"
    raise NameError(message)


def _described(namespace: Mapping[str, Any], name: str) -> object:
    try:
        found = _found(namespace, name)
    except NameError:
        return {"t": "missing"}
    if isinstance(found, ModuleType):
        return {"t": "module"}
    if isinstance(found, type) and issubclass(found, Exception):
        return {"t": "exception", "v": [kind.__name__ for kind in found.__mro__]}
    if isinstance(found, FunctionType | type) or callable(found):
        return {"t": "callable"}
    try:
        return codec.encoded(found)
    except codec.UnfitValueError:  # which is no matter unless the tests use it
        return {"t": "unfit"}


def _raised(error: BaseException) -> bytes:
    try:
        text = str(error)[:MESSAGE_CHARACTERS]
    except BaseException:  # noqa: BLE001  the exception's own method may raise anything
        text = ""
    try:
        told = codec.packed([text, *(kind.__name__ for kind in type(error).__mro__)])
    except BaseException:  # noqa: BLE001  so may its class's
        told = codec.packed(["", "Exception"])
    return wire.RAISED + told.encode()


def _awaited(value: Any) -> Any:  # noqa: ANN401
    """Give what a coroutine returns: whoever awaits its stand-in finds it done."""
    if type(value) is not CoroutineType:
        return value
    import asyncio  # noqa: PLC0415  which no other program needs

    return asyncio.run(cast("Any", value))


def _called(function: Callable[..., Any], *arguments: object, **keywords: object) -> object:
    return function(*arguments, **keywords)


def _entered(manager: AbstractContextManager[Any]) -> object:
    return manager.__enter__()


def _exited(manager: AbstractContextManager[Any]) -> object:
    return manager.__exit__(None, None, None)


def _copied(way: str, value: object) -> object:
    import copy  # noqa: PLC0415  as above

    return getattr(copy, way)(value)


def _following(iterator: Any) -> list[object]:  # noqa: ANN401
    """Give the next item in a list, or none: an end would be an exception that ends more than it should."""
    for item in iterator:
        return [item]
    return []


class _Server:
    """Answers requests on one namespace; what was looked up once stays, as `Solution` does in trainers' own graders."""

    def __init__(self, namespace: Mapping[str, Any]) -> None:
        self.namespace = namespace
        self.callables: dict[str, Callable[..., Any]] = {}
        self._objects: list[object] = []

    def keep_objects(self) -> None:
        """Answer with numbers for what is not plain, and let it be spoken of by them."""

        def keep(value: object) -> int:
            self._objects.append(value)
            return len(self._objects) - 1

        codec.keep_objects(keep, self._objects.__getitem__)

    def _operation(self, name: str) -> Callable[..., Any]:
        if name in BUILTINS:
            return cast("Callable[..., Any]", getattr(builtins, name))
        own: dict[str, Callable[..., Any]] = {
            "call": _called,
            "changing": self._changed,
            "copy": partial(_copied, "copy"),
            "deepcopy": partial(_copied, "deepcopy"),
            "delattr": delattr,
            "enter": _entered,
            "exit": _exited,
            "get": getattr,
            "named": partial(_found, self.namespace),
            "next": _following,
            "setattr": setattr,
        }
        return own.get(name) or cast("Callable[..., Any]", getattr(operator, f"__{name}__"))

    def _callable(self, name: str) -> Callable[..., Any]:
        if name not in self.callables:
            operates = name.startswith(OPERATION)
            self.callables[name] = self._operation(name[1:]) if operates else _found(self.namespace, name)
        return self.callables[name]

    def _changed(self, name: str, *arguments: object, **keywords: object) -> list[object]:
        _awaited(self._callable(name)(*arguments, **keywords))
        return [list(arguments), keywords]

    def called(self, name: str, arguments: object, keywords: object) -> bytes:
        value = self._callable(name)(*codec.decoded(arguments), **(codec.decoded(keywords) if keywords else {}))
        tag = wire.VALUE
        if type(value) is CoroutineType:
            tag, value = wire.AWAITED, _awaited(value)
        body = tag + codec.packed(value).encode()
        if len(body) > wire.ANSWER_BYTES:
            return wire.UNFIT + f"a value of {len(body)} bytes".encode()
        return body

    def answered(self, name: str, arguments: object, keywords: object) -> bytes:
        """Answer one request; only what ends the process comes out as an exception."""
        try:
            if not name:
                described = [_described(self.namespace, wanted) for wanted in cast("list[str]", arguments)]
                return wire.NAMES + codec.written(described).encode()
            return self.called(name, arguments, keywords)
        except codec.UnfitValueError as error:
            return wire.UNFIT + str(error).encode(errors="replace")
        except BaseException as error:  # noqa: BLE001  the program may raise anything
            return _raised(error)


def serve(namespace: Mapping[str, Any], *, objects: bool) -> None:
    """Answer until the other side closes its end.

    A request is a function's name, its arguments, and its keywords or None; "" and the names that are asked about; or,
    with `objects`, an operation.
    """
    server = _Server(namespace)
    if objects:
        server.keep_objects()
    while True:
        try:
            name, arguments, keywords = wire.read_plain(wire.PEER)
        except (EOFError, OSError):
            return
        wire.write_all(wire.PEER, wire.framed(server.answered(name, arguments, keywords)))
