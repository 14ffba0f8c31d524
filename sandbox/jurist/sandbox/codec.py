"""Plain values as JSON text: the only thing that crosses from a program to whoever judges it.

None, bool, int, float, str and list stand for themselves; everything else is `{"t": tag, "v": ..}`. What arrives is
built from its description by the receiver, so that no object of the program (and none of its `__eq__`) ever comes
along. Values of other types are refused by name, never guessed at.

What is read may be hostile: depth is capped, integers travel in hexadecimal (decimal digits cost quadratic time),
fractions as two integers of bounded size, a decimal that raises when it is compared is refused, and so is a set or dict
whose keys collide on purpose.
"""

from __future__ import annotations

import base64
import collections
import importlib
import json.encoder
import sys
from typing import TYPE_CHECKING, Any, Final, Protocol, cast

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

__all__ = [
    "UnfitValueError",
    "decoded",
    "encoded",
    "keep_objects",
    "number_objects",
    "packed",
    "read",
    "rebuild_arrays",
    "represent_objects",
    "unpacked",
    "written",
]

DEPTH: Final = 100
"""Levels of nesting; both sides stay far from the interpreter's recursion limit."""
SMALL_INTEGER: Final = 1 << 53
"""Up to here integers are JSON numbers, which every reader agrees on."""
SAME_HASH: Final = 50
"""Keys of one container that may share a hash value; chance gives two or three."""
FRACTION_BITS: Final = 1 << 14
"""Of a numerator or denominator: reducing a fraction takes quadratic time. Some 5,000 digits."""
ITERATOR_ITEMS: Final = 1_000_000
"""What is drawn from a generator at most, since it may be endless."""

_DECODER: Final = json.JSONDecoder()
_ENCODER: Final = getattr(json.encoder, "c_make_encoder")(  # noqa: B009  no stub knows it
    *(None, None, json.encoder.encode_basestring_ascii, None, ": ", ", ", False, False, True)
)
"""What `json.dumps` makes at each call: soon done, but at the price of memory that a process just forked must copy."""

BUILTIN_TYPES: Final = {
    kind.__name__: kind
    for kind in (bool, bytearray, bytes, complex, dict, float, frozenset, int, list, object, range, set, str, tuple)
} | {"NoneType": type(None)}


OBJECT: Final = "object"
"""The tag of an object that stays where it is, and is spoken of by its number."""


class Keeper(Protocol):
    """Keeps what does not travel, and describes it. Where it `draws`, iterators travel, some items at a time."""

    draws: bool

    def described(self, value: object) -> list[object]:
        """Describe an object: its number, its class's name, and whether it is a plain value, too."""
        ...

    def drawn(self, iterator: Iterator[object]) -> list[object]:
        """Describe an iterator: its first items, and the object that the rest comes from, if there is one."""
        ...

    def kept(self, number: int) -> object:
        """Give an object that a number speaks of."""

    def named(self, kind: str, items: list[object]) -> object:
        """Give a named tuple of the class of that name."""


_KEEPERS: Final[list[Keeper]] = []
"""What keeps objects that do not travel, in a process that does: one or none."""


class UnfitValueError(ValueError):
    """Raised for a value of a type that does not travel, one too deep, or a description that is none."""


_THEMSELVES: Final = frozenset((str, float, bool, type(None)))


def _integer(value: int) -> object:
    return value if -SMALL_INTEGER <= value <= SMALL_INTEGER else {"t": "int", "v": hex(value)}


def _pairs(items: Iterable[tuple[object, object]], depth: int) -> list[list[object]]:
    return [[encoded(key, depth), encoded(value, depth)] for key, value in items]


def _items(items: Iterable[object], depth: int) -> list[object]:
    described: list[object] = []
    for item in items:
        kind = type(item)
        # Most items of long lists stand for themselves: seen here, that saves a call for each.
        if kind in _THEMSELVES or (kind is int and isinstance(item, int) and -SMALL_INTEGER <= item <= SMALL_INTEGER):
            described.append(item)
        else:
            described.append(encoded(item, depth))
    return described


def _drawn(items: Iterator[object], depth: int) -> list[object]:
    drawn: list[object] = []
    for item in items:
        if len(drawn) == ITERATOR_ITEMS:
            message = "an iterator of too many items"
            raise UnfitValueError(message)
        drawn.append(encoded(item, depth))
    return drawn


def _iterated(value: Any, depth: int) -> object:  # noqa: ANN401
    """Encode an iterator or a dictionary's view."""
    tag = _ITERATORS[type(value)]
    if not _KEEPERS:
        return {"t": "iterator" if tag == "iterator" else "list", "v": _drawn(iter(value), depth)}
    if tag != "iterator":
        return {"t": tag, "v": _drawn(iter(value), depth)}
    keeper = _KEEPERS[0]
    return {"t": "generator", "v": keeper.drawn(value)} if keeper.draws else _kept(value)


def _kept(value: object) -> object:
    return {"t": OBJECT, "v": _KEEPERS[0].described(value)}


def _default(factory: object, depth: int) -> object:
    """Describe what makes values for keys that a dictionary lacks: a plain type, or an object that can be called."""
    if _KEEPERS or type(factory) in _ENCODERS or factory in BUILTIN_TYPES.values():
        return encoded(factory, depth)
    return None


def _numpy(value: Any, depth: int) -> object:  # noqa: ANN401  numpy may not be there to name its types
    """Encode a numpy array or scalar."""
    if hasattr(value, "shape") and value.shape != ():
        return {"t": "ndarray", "v": [str(value.dtype), encoded(value.tolist(), depth)]}
    return encoded(value.item(), depth)


def _iterators() -> dict[type, str]:
    """Iterators travel as what they yield, as do a dictionary's views where no object is kept."""

    def generator() -> Iterator[None]:
        yield None

    nothing: dict[str, str] = {}
    kinds: list[type] = [map, filter, zip, enumerate, reversed, type(iter([""])), type(iter(("",))), type(generator())]
    return {
        type(nothing.keys()): "keys",
        type(nothing.items()): "items",
        type(nothing.values()): "values",
    } | dict.fromkeys(kinds, "iterator")


_ITERATORS: Final = _iterators()

_ENCODERS: Final[dict[type, Callable[[Any, int], object]]] = {
    type(None): lambda value, depth: value,  # noqa: ARG005
    bool: lambda value, depth: value,  # noqa: ARG005
    int: lambda value, depth: _integer(value),  # noqa: ARG005
    float: lambda value, depth: value,  # noqa: ARG005
    str: lambda value, depth: value,  # noqa: ARG005
    list: _items,
    tuple: lambda value, depth: {"t": "tuple", "v": _items(value, depth)},
    set: lambda value, depth: {"t": "set", "v": _items(value, depth)},
    frozenset: lambda value, depth: {"t": "frozenset", "v": _items(value, depth)},
    dict: lambda value, depth: {"t": "dict", "v": _pairs(value.items(), depth)},
    collections.OrderedDict: lambda value, depth: {"t": "OrderedDict", "v": _pairs(value.items(), depth)},
    collections.Counter: lambda value, depth: {"t": "Counter", "v": _pairs(value.items(), depth)},
    collections.defaultdict: lambda value, depth: {
        "t": "defaultdict",
        "v": [_default(value.default_factory, depth), _pairs(value.items(), depth)],
    },
    collections.deque: lambda value, depth: {"t": "deque", "v": [value.maxlen, _items(value, depth)]},
    bytes: lambda value, depth: {"t": "bytes", "v": base64.b64encode(value).decode()},  # noqa: ARG005
    bytearray: lambda value, depth: {"t": "bytearray", "v": base64.b64encode(value).decode()},  # noqa: ARG005
    complex: lambda value, depth: {"t": "complex", "v": [value.real, value.imag]},  # noqa: ARG005
    range: lambda value, depth: {"t": "range", "v": _items((value.start, value.stop, value.step), depth)},
    slice: lambda value, depth: {"t": "slice", "v": _items((value.start, value.stop, value.step), depth)},
}


_LATE_ENCODERS: Final[dict[tuple[str, str], Callable[[Any, int], object]]] = {
    ("decimal", "Decimal"): lambda value, depth: {"t": "Decimal", "v": str(value)},  # noqa: ARG005
    ("fractions", "Fraction"): lambda value, depth: {
        "t": "Fraction",
        "v": _items((value.numerator, value.denominator), depth),
    },
    ("pathlib", "PosixPath"): lambda value, depth: {"t": "Path", "v": str(value)},  # noqa: ARG005
    ("uuid", "UUID"): lambda value, depth: {"t": "UUID", "v": str(value)},  # noqa: ARG005
    ("datetime", "datetime"): lambda value, depth: {"t": "datetime", "v": value.isoformat()},  # noqa: ARG005
    ("datetime", "date"): lambda value, depth: {"t": "date", "v": value.isoformat()},  # noqa: ARG005
    ("datetime", "time"): lambda value, depth: {"t": "time", "v": value.isoformat()},  # noqa: ARG005
    ("datetime", "timedelta"): lambda value, depth: {  # noqa: ARG005
        "t": "timedelta",
        "v": [value.days, value.seconds, value.microseconds],
    },
}
"""By module and name: a value of theirs has imported them, and a box need not."""


def _late_encoder(kind: type) -> Callable[[Any, int], object] | None:
    encoder = _LATE_ENCODERS.get((kind.__module__, kind.__qualname__))
    # Anybody can call a class so.
    return encoder if getattr(sys.modules.get(kind.__module__), kind.__qualname__, None) is kind else None


def encoded(value: object, depth: int = DEPTH) -> object:  # noqa: PLR0911  a way for each kind
    """Describe a value in what JSON knows.

    A subclass of tuple, such as a named one, travels as a tuple; other subclasses are refused, unless this process
    keeps them (`keep_objects`).

    Raises:
        UnfitValueError: the value, or one inside it, is of a type that does not travel, or lies too deep.
    """
    if depth <= 0:
        message = f"a value nested more than {DEPTH} deep"
        raise UnfitValueError(message)
    kind = type(value)
    encoder = _ENCODERS.get(kind) or _late_encoder(kind)
    if encoder is not None:
        return encoder(value, depth - 1)
    if kind in _ITERATORS:
        return _iterated(value, depth - 1)
    if isinstance(value, type) and value in BUILTIN_TYPES.values():
        return {"t": "type", "v": value.__name__}
    if kind.__module__ == "numpy":
        return _numpy(value, depth - 1)
    if isinstance(value, tuple):
        items: tuple[object, ...] = tuple.__getitem__(value, slice(None))  # pyright: ignore[reportUnknownVariableType, reportUnknownMemberType]
        names: object = getattr(kind, "_fields", None)
        if isinstance(names, tuple):
            described = [kind.__name__, list(map(str, cast("tuple[object, ...]", names))), _items(items, depth - 1)]
            return {"t": "namedtuple", "v": described}
        return {"t": "tuple", "v": _items(items, depth - 1)}
    if _KEEPERS:
        return _kept(value)
    message = f"a value of type {kind.__name__!r}, which is no plain value"
    raise UnfitValueError(message)


def _checked_keys(keys: list[Any]) -> list[Any]:
    try:
        hashes = collections.Counter(hash(key) for key in keys)
    except TypeError as error:
        raise UnfitValueError(str(error)) from None
    if hashes and hashes.most_common(1)[0][1] > SAME_HASH:
        message = "too many keys with one hash value"
        raise UnfitValueError(message)
    return keys


def _mapping(value: Any, depth: int) -> dict[Any, Any]:  # noqa: ANN401
    pairs = [(decoded(key, depth), decoded(item, depth)) for key, item in value]
    _checked_keys([key for key, _ in pairs])
    return dict(pairs)


def _list(value: Any, depth: int) -> list[Any]:  # noqa: ANN401
    if not isinstance(value, list):
        message = "a description without its list"
        raise UnfitValueError(message)
    return [decoded(item, depth) for item in cast("list[object]", value)]


def _nested(value: Any, depth: int) -> object:  # noqa: ANN401
    """Take an array's nested lists for it: its type and shape are what somebody hostile says, and may be huge."""
    _, items = value
    return decoded(items, depth)


def _array(value: Any, depth: int) -> object:  # noqa: ANN401
    """Rebuild an array where numpy is loaded; elsewhere its nested lists."""
    name, items = value
    plain = decoded(items, depth)
    numpy = sys.modules.get("numpy")
    return plain if numpy is None else numpy.array(plain, dtype=str(name))


def rebuild_arrays() -> None:
    """Let arrays arrive in this process as such: for boxes, where what they take is limited."""
    _DECODERS["ndarray"] = _array


def keep_objects(keeper: Keeper) -> None:
    """Let objects that do not travel be spoken of by numbers, in the process that has them."""
    _KEEPERS[:] = [keeper]
    _DECODERS[OBJECT] = lambda value, depth: keeper.kept(value)  # noqa: ARG005
    _DECODERS["namedtuple"] = lambda value, depth: keeper.named(str(value[0]), _list(value[2], depth))


def represent_objects(
    kind: type,
    number: Callable[[Any], int],
    represent: Callable[[int, str, bool], object],
    generator: Callable[[list[object], object], object],
) -> None:
    """Let a `kind` represent such objects in the process that speaks of them, and a `generator` their iterators.

    `represent` is given what `Keeper.described` says; `generator` the first items, and the object that has the rest, or
    None.
    """
    number_objects(kind, number)
    _DECODERS[OBJECT] = lambda value, depth: represent(int(value[0]), str(value[1]), value[2] is True)  # noqa: ARG005
    _DECODERS["generator"] = lambda value, depth: generator(_list(value[0], depth), decoded(value[1], depth))
    _DECODERS["namedtuple"] = _named


def number_objects(kind: type, number: Callable[[Any], int]) -> None:
    """Let what is of a `kind` be spoken of by numbers, too."""
    _ENCODERS[kind] = lambda value, depth: {"t": OBJECT, "v": number(value)}  # noqa: ARG005


def _named(value: Any, depth: int) -> object:  # noqa: ANN401
    """Rebuild a named tuple, of a class that has the fields alone."""
    kind, names, items = value
    build: Callable[..., Any] = collections.namedtuple  # noqa: PYI024  its names are known here alone
    return build(str(kind), [str(name) for name in cast("list[object]", names)])(*_list(items, depth))


def _late(module: str) -> Any:  # noqa: ANN401  modules have no types of their own
    """Import a module of the standard library when its first value arrives."""
    return importlib.import_module(module)


def _fraction(value: Any, depth: int) -> object:  # noqa: ANN401
    # From a text or a float `Fraction` would make what they stand for: "1e999999999" has a billion digits.
    numerator, denominator = _list(value, depth)
    if not (type(numerator) is int and type(denominator) is int):
        message = "a fraction that is not of integers"
        raise UnfitValueError(message)
    if max(numerator.bit_length(), denominator.bit_length()) > FRACTION_BITS:
        message = f"a fraction of more than {FRACTION_BITS} bits"
        raise UnfitValueError(message)
    return _late("fractions").Fraction(numerator, denominator)


def _decimal(value: Any, depth: int) -> object:  # noqa: ANN401, ARG001
    number = _late("decimal").Decimal(str(value))
    if number.is_snan():
        message = "a signalling NaN, which cannot be compared"
        raise UnfitValueError(message)
    return number


_DECODERS: Final[dict[str, Callable[[Any, int], object]]] = {
    "int": lambda value, depth: int(value, 16),  # noqa: ARG005
    "tuple": lambda value, depth: tuple(_list(value, depth)),
    "namedtuple": lambda value, depth: tuple(_list(value[2], depth)),
    "slice": lambda value, depth: slice(*_list(value, depth)),
    "list": _list,
    "iterator": lambda value, depth: iter(_list(value, depth)),
    "set": lambda value, depth: set(_checked_keys(_list(value, depth))),
    "frozenset": lambda value, depth: frozenset(_checked_keys(_list(value, depth))),
    "dict": _mapping,
    "OrderedDict": lambda value, depth: collections.OrderedDict(_mapping(value, depth)),
    "Counter": lambda value, depth: collections.Counter(_mapping(value, depth)),
    "defaultdict": lambda value, depth: collections.defaultdict(decoded(value[0], depth), _mapping(value[1], depth)),
    "values": lambda value, depth: dict(enumerate(_list(value, depth))).values(),
    "keys": lambda value, depth: dict.fromkeys(_checked_keys(_list(value, depth))).keys(),
    "items": lambda value, depth: _mapping(((pair["v"][0], pair["v"][1]) for pair in value), depth).items(),
    "deque": lambda value, depth: collections.deque(_list(value[1], depth), value[0]),
    "bytes": lambda value, depth: base64.b64decode(value),  # noqa: ARG005
    "bytearray": lambda value, depth: bytearray(base64.b64decode(value)),  # noqa: ARG005
    "complex": lambda value, depth: complex(*value),  # noqa: ARG005
    "range": lambda value, depth: range(*_list(value, depth)),
    "Decimal": _decimal,
    "Fraction": _fraction,
    "Path": lambda value, depth: _late("pathlib").Path(str(value)),  # noqa: ARG005
    "UUID": lambda value, depth: _late("uuid").UUID(str(value)),  # noqa: ARG005
    "datetime": lambda value, depth: _late("datetime").datetime.fromisoformat(value),  # noqa: ARG005
    "date": lambda value, depth: _late("datetime").date.fromisoformat(value),  # noqa: ARG005
    "time": lambda value, depth: _late("datetime").time.fromisoformat(value),  # noqa: ARG005
    "timedelta": lambda value, depth: _late("datetime").timedelta(*value),  # noqa: ARG005
    "type": lambda value, depth: BUILTIN_TYPES[value],  # noqa: ARG005
    "ndarray": _nested,
}


def decoded(value: object, depth: int = DEPTH) -> Any:  # noqa: ANN401  any plain value
    """Build the value that a description stands for.

    Raises:
        UnfitValueError: it is no description, lies too deep, or was made to be slow.
    """
    if depth <= 0:
        message = f"a value nested more than {DEPTH} deep"
        raise UnfitValueError(message)
    if isinstance(value, list):
        return _list(value, depth - 1)
    if not isinstance(value, dict):
        return value
    described = cast("dict[str, Any]", value)
    try:
        return _DECODERS[described["t"]](described["v"], depth - 1)
    except UnfitValueError:
        raise
    except (ArithmeticError, AttributeError, LookupError, SyntaxError, TypeError, ValueError) as error:
        message = f"not a value's description: {type(error).__name__}"
        raise UnfitValueError(message) from None


def packed(value: object) -> str:
    """Write a value as one line of JSON.

    Raises:
        UnfitValueError: as `encoded`.
    """
    return written(encoded(value))


def written(described: object) -> str:
    """Write what `encoded` gave as JSON."""
    return "".join(_ENCODER(described, 0))


def read(text: str) -> object:
    """Read JSON.

    Raises:
        UnfitValueError: it is none.
    """
    try:
        described, end = cast("tuple[object, int]", _DECODER.raw_decode(text))
    except (RecursionError, ValueError):
        described, end = None, -1
    if end != len(text):
        message = "not JSON"
        raise UnfitValueError(message)
    return described


def unpacked(text: str) -> Any:  # noqa: ANN401  any plain value
    """Read a value that `packed` wrote, or somebody hostile.

    Raises:
        UnfitValueError: as `decoded`.
    """
    return decoded(read(text))
