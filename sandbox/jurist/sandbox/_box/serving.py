"""The tested side of function calls: it answers with plain values, and whatever it says is only ever a value."""

from __future__ import annotations

import json
from types import FunctionType, ModuleType
from typing import TYPE_CHECKING, Any, Final

from jurist.sandbox import codec
from jurist.sandbox._box import wire

if TYPE_CHECKING:
    from collections.abc import Mapping

MESSAGE_CHARACTERS: Final = 2_000
"""Of an exception's text."""
NO_KEYWORDS: Final[dict[str, object]] = {"t": "dict", "v": []}


def _found(namespace: Mapping[str, Any], name: str) -> Any:  # noqa: ANN401  whatever the program defined
    """Look a name up as trainers' data means it: at the top, or as a method of `class Solution`."""
    if name in namespace:
        return namespace[name]
    solution = namespace.get("Solution")
    if isinstance(solution, type) and hasattr(solution, name):
        return getattr(solution(), name)
    message = f"name {name!r} is not defined"
    raise NameError(message)


def _described(namespace: Mapping[str, Any], name: str) -> object:
    try:
        found = _found(namespace, name)
    except NameError:
        return {"kind": "missing"}
    if isinstance(found, ModuleType):
        return {"kind": "module", "name": found.__name__}
    if isinstance(found, FunctionType | type) or callable(found):
        return {"kind": "callable"}
    return {"kind": "value", "value": codec.encoded(found)}


def _raised(error: BaseException) -> bytes:
    names = [kind.__name__ for kind in type(error).__mro__]
    try:
        text = str(error)[:MESSAGE_CHARACTERS]
    except BaseException:  # noqa: BLE001  the exception's own method may raise anything
        text = ""
    return wire.RAISED + json.dumps({"names": names, "message": text}).encode()


class _Server:
    """Answers requests on one namespace; what was looked up once stays, as `Solution` does in trainers' own graders."""

    def __init__(self, namespace: Mapping[str, Any]) -> None:
        self.namespace = namespace
        self.callables: dict[str, Any] = {}

    def called(self, request: Mapping[str, Any]) -> bytes:
        name = str(request["call"])
        if name not in self.callables:
            self.callables[name] = _found(self.namespace, name)
        arguments = codec.decoded(request["args"])
        value = self.callables[name](*arguments, **codec.decoded(request.get("kwargs", NO_KEYWORDS)))
        body = wire.VALUE + codec.packed(value).encode()
        if len(body) > wire.ANSWER_BYTES:
            return wire.UNFIT + f"a value of {len(body)} bytes".encode()
        return body

    def answered(self, request: Mapping[str, Any]) -> bytes:
        """Answer one request; only what ends the process comes out as an exception."""
        try:
            if "names" in request:
                described = {name: _described(self.namespace, name) for name in request["names"]}
                return wire.NAMES + json.dumps(described).encode()
            return self.called(request)
        except codec.UnfitValueError as error:
            return wire.UNFIT + str(error).encode(errors="replace")
        except BaseException as error:  # noqa: BLE001  the program may raise anything
            return _raised(error)


def serve(namespace: Mapping[str, Any]) -> None:
    """Answer until the other side closes its end."""
    server = _Server(namespace)
    while True:
        try:
            request = wire.read_request(wire.PEER)
        except (EOFError, OSError):
            return
        wire.write_all(wire.PEER, wire.framed(server.answered(request)))
