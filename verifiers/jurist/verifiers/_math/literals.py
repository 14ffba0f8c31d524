"""Number literals: integers, decimals, repeating decimals, scientific notation, each with its exact value."""

from __future__ import annotations

import re
from fractions import Fraction

from jurist.verifiers._math.tree import Number

__all__ = ["literal", "repeating"]

MAX_EXPONENT = 5_000
"""Of e-notation: a power of ten of this size is still cheap; larger ones are no answer of a problem."""
MAX_DIGITS = 4_000
"""Of one integer: below the limit at which Python refuses to read one."""

_LITERAL = re.compile(r"(\d*)(?:\.(\d*))?(?:\((\d+)\))?(?:[eE]([+-]?\d+))?(\.\.\.)?")
_TAIL = re.compile(r"(\d+?)\1+$")
_WHOLE_TAIL_DIGITS = 3


def literal(text: str) -> Number | None:
    """Read `12`, `.5`, `1.6e-19`, `0.(3)`, `0.333...`; None where it is too large or no number."""
    found = _LITERAL.fullmatch(text)
    if found is None or len(text) > MAX_DIGITS:
        return None
    whole, decimals, period, exponent, dots = found.groups()
    if period is not None:
        return repeating(whole, decimals or "", period)
    if dots and decimals:
        tail = _TAIL.search(decimals)
        if tail is not None and len(tail[0]) >= _WHOLE_TAIL_DIGITS:
            return repeating(whole, decimals[: tail.start()], tail[1])
    if exponent is None and not decimals:
        return Number(Fraction(int(whole or "0")))
    power = int(exponent or "0")
    if abs(power) > MAX_EXPONENT:
        return None
    decimals = decimals or ""
    value = Fraction(int(whole + decimals or "0")) * Fraction(10) ** (power - len(decimals))
    return Number(value, len(decimals) - power, len((whole + decimals).lstrip("0")))


def repeating(whole: str, decimals: str, period: str) -> Number:
    """Read `whole.decimals(period)`: a repeating decimal is exact."""
    head = Fraction(int(whole + decimals or "0"), 10 ** len(decimals))
    tail = Fraction(int(period), (10 ** len(period) - 1) * 10 ** len(decimals))
    return Number(head + tail)
