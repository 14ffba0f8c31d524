"""The tested side of function calls: it answers with plain values, and whatever it says is only ever a value."""

from __future__ import annotations

import sys
from types import FunctionType, ModuleType
from typing import TYPE_CHECKING, Any, Final, cast

from jurist.sandbox import codec
from jurist.sandbox._box import wire

if TYPE_CHECKING:
    from collections.abc import Mapping

MESSAGE_CHARACTERS: Final = 2_000
"""Of an exception's text."""
SOLUTION: Final = "solution"
"""The name of a program whose functions are called."""


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


class _Server:
    """Answers requests on one namespace; what was looked up once stays, as `Solution` does in trainers' own graders."""

    def __init__(self, namespace: Mapping[str, Any]) -> None:
        self.namespace = namespace
        self.callables: dict[str, Any] = {}

    def called(self, name: str, arguments: object, keywords: object) -> bytes:
        if name not in self.callables:
            self.callables[name] = _found(self.namespace, name)
        value = self.callables[name](*codec.decoded(arguments), **(codec.decoded(keywords) if keywords else {}))
        body = wire.VALUE + codec.packed(value).encode()
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


def serve(namespace: Mapping[str, Any]) -> None:
    """Answer until the other side closes its end.

    A request is a function's name, its arguments, and its keywords or None; or "" and the names that are asked about.
    """
    server = _Server(namespace)
    while True:
        try:
            name, arguments, keywords = wire.read_plain(wire.PEER)
        except (EOFError, OSError):
            return
        wire.write_all(wire.PEER, wire.framed(server.answered(name, arguments, keywords)))
