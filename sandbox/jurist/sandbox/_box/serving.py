"""The tested side of function calls: it answers with plain values, and whatever it says is only ever a value.

To test code, which may construct the program's classes, an object is a number: what is done to it is done here.
"""

from __future__ import annotations

import builtins
import contextlib
import operator
import sys
from collections import Counter, OrderedDict, defaultdict, deque
from functools import partial
from types import CoroutineType, FunctionType, ModuleType
from typing import TYPE_CHECKING, Any, Final, cast

from jurist.sandbox import codec
from jurist.sandbox._box import wire
from jurist.sandbox._box.remote import OPERATION, Remote

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Reversible
    from contextlib import AbstractContextManager

MESSAGE_CHARACTERS: Final = 2_000
"""Of an exception's text."""
SOLUTION: Final = "solution"
"""The name of a program whose functions are called."""
BUILTINS: Final = (
    *("abs", "bool", "complex", "divmod", "float", "format", "hash", "int", "isinstance", "issubclass", "iter", "len"),
    *("repr", "round", "str"),
)
LEFT, LENT = f"{OPERATION}left", f"{OPERATION}lent"
"""Operations on arguments of the call before: what became of them, and which one it answered with, if any; and under
which numbers they stay."""
BECOME, BECOME_NAMED = f"{OPERATION}become", f"{OPERATION}become_named"
"""Operations that change what has such a number, or a name in the program."""
CHANGEABLE: Final = (list, dict, set, bytearray, deque, Counter, OrderedDict, defaultdict)
ERROR: Final = f"{OPERATION}error"
"""The operation that makes an exception for the tests, and tells its text and what it holds."""
DRAWN: Final = 1_000
"""Items of a generator that come at a time: it may be endless."""
WHOLE: Final = slice(None)
PLAIN: Final[Mapping[type, Callable[[Any], Any]]] = {
    str: str.__str__,
    int: int.__int__,
    float: float.__pos__,
    bytes: lambda value: bytes.__getitem__(value, WHOLE),
    list: lambda value: cast("Any", list).__getitem__(value, WHOLE),
    dict: lambda value: dict(cast("Any", dict).items(value)),
    set: lambda value: set(cast("Any", set).__iter__(value)),
    frozenset: lambda value: frozenset(cast("Any", frozenset).__iter__(value)),
}
"""What an object of a class below one of these is as a plain value, whatever its own methods say."""


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
    if isinstance(found, type) and issubclass(found, Exception):
        return {"t": "exception", "v": [kind.__name__ for kind in found.__mro__]}
    for kind, told in ((ModuleType, "module"), (type, "class"), (FunctionType, "callable")):
        if isinstance(found, kind):
            return {"t": told}
    if callable(found):
        return {"t": "callable"}
    try:
        return codec.encoded(found)
    except codec.UnfitValueError:  # which is no matter unless the tests use it
        return {"t": "unfit"}


def _raised(error: BaseException, *, whole: bool, awaited: bool = False) -> bytes:
    """Tell an exception: its text, the names of its classes and, as a `whole`, where these are and what it holds."""
    try:
        text = str(error)[:MESSAGE_CHARACTERS]
    except BaseException:  # noqa: BLE001  the exception's own method may raise anything
        text = ""
    packed = codec.packed(["", "Exception"])
    # So may its class's, and what it holds need not be plain.
    with contextlib.suppress(BaseException):
        told: list[object] = [text, *(kind.__name__ for kind in type(error).__mro__)]
        packed = codec.packed(told)
        if whole:
            modules = [kind.__module__ for kind in type(error).__mro__]
            packed = codec.packed([*told, {"modules": modules, "args": error.args, "held": vars(error)}])
    return (wire.AWAITED_RAISED if awaited else wire.RAISED) + packed.encode()


def _alone() -> int:
    value: list[object] = []
    return sys.getrefcount(value)


ALONE: Final = _alone()
"""References to what one variable alone holds."""


def become(ours: Any, theirs: Any) -> None:  # noqa: ANN401
    """Change a value into what the other process has made of its own.

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


def _copied(way: str, value: object) -> object:
    import copy  # noqa: PLC0415  as above

    return getattr(copy, way)(value)


def _seeded(*seeds: Any) -> None:  # noqa: ANN401
    import random  # noqa: PLC0415  as above

    random.seed(*seeds)


def _reversed(value: Reversible[object]) -> list[object]:
    return list(reversed(value))


def _following(iterator: Iterator[object]) -> list[object]:
    """Give the next item in a list, or none: an end would be an exception that ends more than it should."""
    try:
        return [next(iterator)]
    except StopIteration:
        return []


class _Drawing:
    """An iterator that is drawn from some items at a time; what it raises comes after the items before."""

    def __init__(self, iterator: Iterator[object]) -> None:
        self._iterator = iterator
        self._error: BaseException | None = None

    def some(self) -> tuple[list[object], _Drawing | None]:
        """Give some items, and what may have more."""
        if self._error is not None:
            raise self._error
        items: list[object] = []
        try:
            for item in self._iterator:
                items.append(item)
                if len(items) == DRAWN:
                    return items, self
        except BaseException as error:
            if not items:
                raise
            self._error = error
            return items, self
        return items, None


def _reader(value: object) -> Callable[[Any], Any] | None:
    return next((read for base, read in PLAIN.items() if isinstance(value, base)), None)


def _plain(value: Any) -> Any:  # noqa: ANN401
    """Give what an object of a class below a plain one is as one, whatever its own methods say."""
    read = _reader(value)
    if read is None:
        message = "no plain value"
        raise codec.UnfitValueError(message)
    return read(value)


class _Keeper:
    """Keeps the program's objects, each under one number."""

    def __init__(self, namespace: Mapping[str, Any]) -> None:
        self.draws = True
        self._namespace = namespace
        self._objects: list[object] = []
        self._numbers: dict[int, int] = {}

    def _number(self, value: object) -> int:
        number = self._numbers.setdefault(id(value), len(self._objects))
        if number == len(self._objects):
            self._objects.append(value)  # which keeps its identity from being another's
        return number

    def described(self, value: object) -> list[object]:
        return [self._number(value), type(value).__name__, _reader(value) is not None]

    def drawn(self, iterator: Iterator[object]) -> list[object]:
        items, rest = _Drawing(iterator).some()
        return [[codec.encoded(item) for item in items], codec.encoded(rest)]

    def kept(self, number: int) -> object:
        return self._objects[number]

    def named(self, kind: str, items: list[object]) -> object:
        found: Any = self._namespace.get(kind)
        known = isinstance(found, type) and issubclass(cast("type[object]", found), tuple)
        made: object = found(*items) if known else tuple(items)
        return made


class _Server:
    """Answers requests on one namespace; what was looked up once stays, as `Solution` does in trainers' own graders."""

    def __init__(self, namespace: Mapping[str, Any], *, objects: bool) -> None:
        self.namespace = namespace
        self.callables: dict[str, Callable[..., Any]] = {}
        self.objects = objects
        self.keeper = _Keeper(namespace)
        self.latest: dict[int | str, object] = {}
        self.answer: object = None
        if objects:
            codec.keep_objects(self.keeper)

    def _operation(self, name: str) -> Callable[..., Any]:
        if name in BUILTINS:
            return cast("Callable[..., Any]", getattr(builtins, name))
        own: dict[str, Callable[..., Any]] = {
            "become": self._become,
            "become_named": self._become_named,
            "call": _called,
            "class": type,
            "copy": partial(_copied, "copy"),
            "deepcopy": partial(_copied, "deepcopy"),
            "delattr": delattr,
            "draw": _Drawing.some,
            "enter": _entered,
            "error": self._error,
            "exit": self._exited,
            "get": getattr,
            "left": self._left,
            "lent": self._lent,
            "named": partial(_found, self.namespace),
            "next": _following,
            "plain": _plain,
            "reversed": _reversed,
            "seed": _seeded,
            "setattr": setattr,
            "step": self._step,
        }
        return own.get(name) or cast("Callable[..., Any]", getattr(operator, f"__{name}__"))

    def _callable(self, name: str) -> Callable[..., Any]:
        if name not in self.callables:
            operates = name.startswith(OPERATION)
            self.callables[name] = self._operation(name[1:]) if operates else _found(self.namespace, name)
        return self.callables[name]

    def _left(self, *positions: int | str) -> list[object]:
        """Give what became of arguments of the latest call, and the position of the one that it answered with."""
        answered = (at for at in positions if self.latest[at] is self.answer)
        return [[self.latest[at] for at in positions], next(answered, None)]

    def _lent(self, *positions: int | str) -> list[object]:
        """Keep such arguments, which an object may have kept, and describe them."""
        return [self.keeper.described(self.latest[at]) for at in positions]

    def _become(self, number: int, value: object) -> None:
        become(self.keeper.kept(number), value)

    def _become_named(self, name: str, value: object) -> None:
        become(_found(self.namespace, name), value)

    def _error(self, name: str, arguments: tuple[object, ...], keywords: dict[str, object]) -> tuple[object, ...]:
        error: BaseException = _found(self.namespace, name)(*arguments, **keywords)
        held: dict[str, object] = {"args": error.args, "held": vars(error)}
        return self.keeper.described(error)[0], str(error), held

    def _step(self) -> None:
        """Keep iterators from here on: the tests will do more with them than look at their items."""
        self.keeper.draws = False

    def _exited(self, manager: AbstractContextManager[Any], names: list[str], text: str) -> bool:
        """Leave a context, with the nearest to an exception of the tests' if there is one."""
        kinds = (self.namespace.get(name, getattr(builtins, name, None)) for name in names)
        kind = next((kind for kind in kinds if isinstance(kind, type) and issubclass(kind, BaseException)), None)
        return bool(manager.__exit__(kind, None if kind is None else kind(text), None))

    def called(self, name: str, arguments: object, keywords: object) -> bytes:
        given: list[object] = codec.decoded(arguments)
        named: dict[str, object] = codec.decoded(keywords) if keywords else {}
        if name in {LEFT, LENT}:
            return wire.VALUE + codec.packed(self._callable(name)(*given)).encode()
        self.latest = dict(zip((*range(len(given)), *named), (*given, *named.values()), strict=True))
        self.answer = None
        value = self._callable(name)(*given, **named)
        tag = wire.VALUE
        if self.objects and type(value) is CoroutineType:
            try:
                tag, value = wire.AWAITED, _awaited(value)
            except BaseException as error:  # noqa: BLE001  the program may raise anything
                return _raised(error, whole=self.objects, awaited=True)
        described = codec.encoded(value)
        if self.objects and type(value) in CHANGEABLE:
            if sys.getrefcount(value) > ALONE and tag == wire.VALUE:
                tag, described = wire.HELD, [*self.keeper.described(value)[:1], described]
            self.answer = value
        body = tag + codec.written(described).encode()
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
            return _raised(error, whole=self.objects)


def serve(namespace: Mapping[str, Any], *, objects: bool) -> None:
    """Answer until the other side closes its end.

    A request is a function's name, its arguments, and its keywords or None; "" and the names that are asked about; or,
    with `objects`, an operation.
    """
    server = _Server(namespace, objects=objects)
    while True:
        try:
            name, arguments, keywords = wire.read_plain(wire.PEER)
        except (EOFError, OSError):
            return
        wire.write_all(wire.PEER, wire.framed(server.answered(name, arguments, keywords)))
