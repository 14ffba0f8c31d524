"""Compares what a program printed or returned with what was expected. Pure, linear, and explicit about its rule.

White space is ASCII's alone, no Unicode form is normalised, and only LF ends a line.
"""

from __future__ import annotations

import collections
import decimal
import fractions
import math
import operator
import re
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import TYPE_CHECKING, Any, Final, Literal, cast

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["TEXT_MODES", "Mode", "TextMode", "text_difference", "value_difference"]

TextMode = Literal["exact", "lines", "tokens", "tokens_ci", "float", "set_lines", "any_of"]
Mode = Literal[TextMode, "value"]

TOLERANCE: Final = 1e-6
"""Of floats, absolute and relative, where the caller says nothing."""
TINY: Final = 1e-9
"""Two returned floats this near are equal however small they are: what is left where zero was meant."""
SHOWN_CHARACTERS: Final = 60
"""Of a token or line in a reason."""
# Room for every token that fits into an output; the default context rounds exponents beyond a million to infinity.
_CONTEXT: Final = decimal.Context(prec=60, Emin=decimal.MIN_EMIN, Emax=decimal.MAX_EMAX, traps=[])

_NUMBER: Final = re.compile(rb"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_DECIMAL: Final = re.compile(rb"[+-]?(?:[0-9]*\.[0-9]*(?:[eE][+-]?[0-9]+)?|[0-9]+[eE][+-]?[0-9]+)")
_WORD: Final = re.compile(rb"[+-]?(?:nan|inf|infinity)", re.IGNORECASE)


def _shown(text: bytes) -> str:
    whole = text.decode(errors="replace")
    return repr(whole if len(whole) <= SHOWN_CHARACTERS else whole[:SHOWN_CHARACTERS] + "..")


def _first_difference(
    expected: Sequence[bytes], actual: Sequence[bytes], equal: Callable[[bytes, bytes], bool], unit: str
) -> str | None:
    """Find it among the parts of both; of the actual ones those beyond the expected number may be one."""
    for number, (wanted, given) in enumerate(zip(expected, actual, strict=False), start=1):
        if not equal(wanted, given):
            return f"{unit} {number} is {_shown(given)}, expected {_shown(wanted)}"
    if len(actual) > len(expected):
        return f"more {unit}s than the {len(expected)} expected"
    if len(actual) < len(expected):
        return f"{len(actual)} {unit}s, expected {len(expected)}"
    return None


def _exact(expected: bytes, actual: bytes) -> str | None:
    if actual in {expected, expected + b"\n"} or expected == actual + b"\n":
        return None
    place = next((i for i, (a, b) in enumerate(zip(expected, actual, strict=False)) if a != b), None)
    return f"byte {place + 1} differs" if place is not None else f"{len(actual)} bytes, expected {len(expected)}"


def _lines(text: bytes, most: int = -1) -> list[bytes]:
    """Split into lines, after `most` of them no further."""
    kept = text.rstrip(b" \t\r\n")
    return [line.rstrip(b" \t\r") for line in kept.split(b"\n", most)] if kept else []


def _closeness(abs_tolerance: float, rel_tolerance: float) -> Callable[[bytes, bytes], bool]:
    """Compare tokens, as numbers where the expected one is a decimal."""
    # As written: a number exactly at the edge is inside, which binary fractions would miss.
    absolute, relative = decimal.Decimal(repr(float(abs_tolerance))), decimal.Decimal(repr(float(rel_tolerance)))
    return lambda wanted, given: _close(wanted, given, absolute, relative)


def _close(wanted: bytes, given: bytes, absolute: decimal.Decimal, relative: decimal.Decimal) -> bool:
    if wanted == given:
        return True
    if _WORD.fullmatch(wanted):
        return wanted.lower() == given.lower()
    if not (_DECIMAL.fullmatch(wanted) and _NUMBER.fullmatch(wanted) and _NUMBER.fullmatch(given)):
        return False
    one, two = _CONTEXT.create_decimal(wanted.decode()), _CONTEXT.create_decimal(given.decode())
    if not (one.is_finite() and two.is_finite()):
        return False
    apart = _CONTEXT.abs(_CONTEXT.subtract(one, two))
    return apart <= absolute or apart <= _CONTEXT.multiply(relative, _CONTEXT.abs(one))


def _set_lines(expected: bytes, actual: bytes) -> str | None:
    wanted_lines = _lines(expected)
    given_lines = _lines(actual, len(wanted_lines))
    if len(given_lines) > len(wanted_lines):
        return f"more lines than the {len(wanted_lines)} expected"
    wanted, given = collections.Counter(wanted_lines), collections.Counter(given_lines)
    if wanted == given:
        return None
    for line, count in (given - wanted).items():
        return f"{count} surplus of line {_shown(line)}"
    return f"line {_shown(next(iter(wanted - given)))} is missing"


def _by_line(expected: bytes, actual: bytes) -> str | None:
    wanted = _lines(expected)
    return _first_difference(wanted, _lines(actual, len(wanted)), operator.eq, "line")


_WHOLE: Final = {"exact": _exact, "lines": _by_line, "set_lines": _set_lines}


def text_difference(
    mode: TextMode,
    expected: str | Sequence[str],
    actual: bytes,
    abs_tolerance: float = TOLERANCE,
    rel_tolerance: float = TOLERANCE,
) -> str | None:
    """Say in a line where an output differs; None where it does not.

    `expected` is several texts for `any_of` alone. The tolerances, from 0, are those of `float`: either will do.
    """
    if mode == "any_of":
        choices = [expected] if isinstance(expected, str) else list(expected)
        differences = [text_difference("tokens", choice, actual) for choice in choices]
        return None if None in differences or not choices else f"none of {len(choices)} outputs: {differences[0]}"
    wanted = cast("str", expected).encode(errors="surrogatepass")
    if mode in _WHOLE:
        return _WHOLE[mode](wanted, actual)
    if mode == "tokens_ci":
        wanted, actual = wanted.lower(), actual.lower()
    equal = _closeness(abs_tolerance, rel_tolerance) if mode == "float" else operator.eq
    tokens = wanted.split()
    # No further than that: sixteen megabytes of short tokens would be three hundred as objects.
    return _first_difference(tokens, actual.split(None, len(tokens)), equal, "token")


TEXT_MODES: Final[tuple[TextMode, ...]] = ("exact", "lines", "tokens", "tokens_ci", "float", "set_lines", "any_of")


_NUMBERS: Final = int | float | complex | decimal.Decimal | fractions.Fraction


class _Values:
    """Typed equality of plain values, one instance a comparison."""

    def __init__(self, abs_tolerance: float, rel_tolerance: float, *, text_keys: bool) -> None:
        self._abs = abs_tolerance
        self._rel = rel_tolerance
        self._text_keys = text_keys
        # JSON has no tuples: a task cannot tell them from lists.
        self._containers: tuple[tuple[Any, Callable[[Any, Any], bool]], ...] = (
            ((list, tuple), self._sequences),
            (collections.deque, self._sequences),
            (Mapping, self._mappings),
            (AbstractSet, self._sets),
        )

    def equal(self, wanted: object, given: object) -> bool:
        if isinstance(wanted, bool | None) or isinstance(given, bool | None):
            return wanted is given
        if isinstance(wanted, _NUMBERS):
            return self._numbers(cast("complex", wanted), given)
        for kind, compare in self._containers:
            if isinstance(wanted, kind):
                return isinstance(given, kind) and compare(wanted, given)
        return type(wanted) is type(given) and wanted == given

    def _numbers(self, wanted: complex | decimal.Decimal | fractions.Fraction, given: object) -> bool:
        if not isinstance(given, _NUMBERS):
            return False
        if isinstance(wanted, complex) or isinstance(given, complex):
            return (
                isinstance(wanted, complex)
                and isinstance(given, complex)
                and self._floats(wanted.real, given.real)
                and self._floats(wanted.imag, given.imag)
            )
        if isinstance(wanted, float) and isinstance(given, float):
            return self._floats(wanted, given)
        # Python compares an int, a Decimal or a Fraction with a float exactly, at any size.
        return bool(wanted == given)

    def _floats(self, wanted: float, given: float) -> bool:
        if math.isnan(wanted) or math.isnan(given):
            return math.isnan(wanted) and math.isnan(given)
        # isclose lets an infinity be near nothing but itself.
        return math.isclose(given, wanted, rel_tol=0.0, abs_tol=max(self._rel * min(abs(wanted), 1e300), self._abs))

    def _sequences(self, wanted: Sequence[object], given: Sequence[object]) -> bool:
        return len(wanted) == len(given) and all(map(self.equal, wanted, given))

    def _mappings(self, wanted: Mapping[object, object], given: Mapping[object, object]) -> bool:
        if len(wanted) != len(given):
            return False
        if self._text_keys and all(type(key) is str for key in wanted) and all(type(key) is int for key in given):
            given = {str(key): value for key, value in given.items()}
        kinds = {key: key for key in given}
        return all(
            key in given and self._key(key, kinds[key]) and self.equal(value, given[key])
            for key, value in wanted.items()
        )

    def _sets(self, wanted: AbstractSet[object], given: AbstractSet[object]) -> bool:
        kinds = {key: key for key in given}
        return len(wanted) == len(given) and all(key in kinds and self._key(key, kinds[key]) for key in wanted)

    def _key(self, wanted: object, given: object) -> bool:
        """Tell `True` from 1, which hash and compare alike, also inside a tuple or a frozen set."""
        return self.equal(wanted, given)


def value_difference(
    expected: object,
    actual: object,
    abs_tolerance: float = TINY,
    rel_tolerance: float = TOLERANCE,
    *,
    text_keys: bool = False,
) -> str | None:
    """Say in a line that a value differs; None where it does not.

    bool is not int; an int equals a float of exactly that value; floats are near within either tolerance; nan equals
    nan; lists and tuples are alike, since JSON knows one of them; keys of a mapping come in any order. With `text_keys`
    the keys of an expected mapping may be texts for want of integers in JSON.
    """
    try:
        if _Values(abs_tolerance, rel_tolerance, text_keys=text_keys).equal(expected, actual):
            return None
    except (RecursionError, ValueError):  # the latter: keys of more digits than Python will write
        return "nested too deep to compare"
    return f"{_brief(actual)}, expected {_brief(expected)}"


def _brief(value: object) -> str:
    try:
        text = repr(value)
    except (RecursionError, ValueError):  # integers of more digits than Python will write
        return f"a large {type(value).__name__}"
    return text if len(text) <= SHOWN_CHARACTERS else text[:SHOWN_CHARACTERS] + ".."
