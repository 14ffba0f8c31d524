"""Exact rational values, with a bound on their size that is checked before the work is done."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import TYPE_CHECKING

from jurist.verifiers._math.evaluation import Arithmetic, UndefinedError, UnsupportedError
from jurist.verifiers._math.tree import Number, Tree

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Rationals", "rational"]

MAX_BITS = 40_000
"""Of a numerator or a denominator: 12,000 digits multiply in well under a millisecond."""
MAX_ROOT_BITS = 6_000
"""Of a number whose higher root is taken: Newton's method divides it some forty times."""
MAX_FACTORIAL = 3_000
"""3000! has 30,000 bits."""


def rational(tree: Tree, symbols: Mapping[str, Fraction] | None = None) -> Fraction | None:
    """Evaluate exactly; None where the value is no rational number, is too large, or cannot be told here.

    Raises:
        UndefinedError: there is no value.
    """
    if isinstance(tree, Number):
        return tree.value
    try:
        return Rationals(symbols or {}).value(tree)
    except UnsupportedError:
        return None


class Rationals(Arithmetic[Fraction]):
    """Evaluates to exact fractions."""

    def number(self, value: Fraction) -> Fraction:
        return value

    def vanishes(self, value: Fraction) -> bool:
        return not value

    def add(self, left: Fraction, right: Fraction) -> Fraction:
        return _bounded(left + right)

    def multiply(self, left: Fraction, right: Fraction) -> Fraction:
        return _bounded(left * right)

    def divide(self, left: Fraction, right: Fraction) -> Fraction:
        if not right:
            raise UndefinedError
        return _bounded(left / right)

    def integer(self, tree: Tree) -> int:
        value = self.value(tree)
        if value.denominator != 1:
            raise UnsupportedError
        return value.numerator

    def power(self, base: Tree, exponent: Tree) -> Fraction:
        number, power = self.value(base), self.value(exponent)
        if not number:
            if power > 0:
                return number
            raise UndefinedError
        if power.denominator != 1:
            number, power = _root(number, power.denominator), Fraction(power.numerator)
        bits = max(number.numerator.bit_length(), number.denominator.bit_length())
        if abs(number) != 1 and bits * abs(power) > MAX_BITS:
            raise UnsupportedError
        if abs(number) == 1:
            power = Fraction(power.numerator % 2)
        return number**power.numerator

    def function(self, head: str, args: tuple[Tree, ...]) -> Fraction:  # noqa: C901, PLR0911, PLR0912 - one case after the other
        if head in {"gcd", "lcm", "min", "max", "binom", "mod"}:
            return _of_several(head, [self.value(arg) for arg in args])
        if head == "root":
            degree = self.integer(args[1])
            return _root(self.value(args[0]), degree) if degree > 0 else self.fail()
        if head == "log" and len(args) == 2:  # noqa: PLR2004 - with its base
            return _logarithm(self.value(args[0]), self.value(args[1]))
        if head == "call" or len(args) != 1:
            return self.fail()
        value = self.value(args[0])
        match head:
            case "sqrt":
                return _root(value, 2)
            case "!":
                return Fraction(math.factorial(_natural(value, MAX_FACTORIAL)))
            case "!!":
                return Fraction(math.prod(range(_natural(value, MAX_FACTORIAL), 0, -2)))
            case "abs":
                return abs(value)
            case "floor":
                return Fraction(math.floor(value))
            case "ceil":
                return Fraction(math.ceil(value))
            case "sgn":
                return Fraction((value > 0) - (value < 0))
            case "ln" if value == 1:
                return Fraction(0)
            case "exp" if not value:
                return Fraction(1)
            case "ln" if not value:
                raise UndefinedError
            case _:
                return self.fail()

    def fail(self) -> Fraction:
        """Give up."""
        raise UnsupportedError


def _bounded(value: Fraction) -> Fraction:
    if value.numerator.bit_length() > MAX_BITS or value.denominator.bit_length() > MAX_BITS:
        raise UnsupportedError
    return value


def _natural(value: Fraction, limit: int) -> int:
    if value.denominator != 1 or value.numerator > limit:
        raise UnsupportedError
    if value < 0:
        raise UndefinedError
    return value.numerator


def _root(value: Fraction, degree: int) -> Fraction:
    """Take a root that is rational; odd roots of negative numbers are negative."""
    if value < 0:
        if degree % 2 == 0:
            raise UnsupportedError
        return -_root(-value, degree)
    if not 0 < degree <= 64:  # noqa: PLR2004 - no one writes a higher root that comes out
        raise UnsupportedError
    return Fraction(_whole_root(value.numerator, degree), _whole_root(value.denominator, degree))


def _whole_root(value: int, degree: int) -> int:
    if value < 2:  # noqa: PLR2004 - 0 and 1 are their own roots
        return value
    if degree == 2:  # noqa: PLR2004 - the square root
        root = math.isqrt(value)
    else:
        bits = value.bit_length()
        if bits > MAX_ROOT_BITS:
            raise UnsupportedError
        root = 1 << (bits // degree + 1)
        while True:
            better = ((degree - 1) * root + value // root ** (degree - 1)) // degree
            if better >= root:
                break
            root = better
    if root**degree != value:
        raise UnsupportedError
    return root


def _logarithm(value: Fraction, base: Fraction) -> Fraction:
    """Take a logarithm that is an integer."""
    if value <= 0 or base <= 0 or base == 1:
        raise UndefinedError
    guess = round((math.log(value.numerator) - math.log(value.denominator))
                  / (math.log(base.numerator) - math.log(base.denominator)))  # fmt: skip
    if (
        abs(guess) <= MAX_BITS // max(base.numerator.bit_length(), base.denominator.bit_length())
        and base**guess == value
    ):
        return Fraction(guess)
    raise UnsupportedError


def _of_several(head: str, values: list[Fraction]) -> Fraction:
    if head in {"gcd", "lcm"}:
        if not values:
            raise UnsupportedError
        tops, bottoms = [value.numerator for value in values], [value.denominator for value in values]
        if head == "gcd":
            return Fraction(math.gcd(*tops), math.lcm(*bottoms))
        return Fraction(math.lcm(*tops), math.gcd(*bottoms))
    if head in {"min", "max"} and values:
        return (min if head == "min" else max)(values)
    if len(values) != 2:  # noqa: PLR2004 - both take two
        raise UnsupportedError
    left, right = values
    if head == "mod":
        if not right:
            raise UndefinedError
        return left % right
    count = _natural(right, MAX_FACTORIAL)
    if left.denominator != 1 or abs(left) > MAX_FACTORIAL:
        raise UnsupportedError
    top = left.numerator
    return Fraction(math.comb(top, count) if top >= 0 else (-1) ** count * math.comb(count - top - 1, count))
