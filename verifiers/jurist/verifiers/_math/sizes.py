"""How large a value is, in logarithms: tells 9^9^9^9 and 10^8! from 1 without computing them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from jurist.verifiers._math.evaluation import Arithmetic, UndefinedError, UnsupportedError
from jurist.verifiers._math.rationals import rational
from jurist.verifiers._math.tree import Apply, Symbol, Tree

if TYPE_CHECKING:
    from fractions import Fraction

__all__ = ["Size", "Sizes", "sizes_differ"]

ROUNDING = 1e-15
"""Relative error of one operation on doubles."""
LGAMMA_ROUNDING = 1e-14
"""Relative error of the logarithm of a factorial."""
LARGEST_COUNT = 10**300
"""Of factors: within a double's range."""
MODERATE = 1e200
"""Logarithms below this are far from those that no double holds."""
LEAST_GAP = 1e-9
"""Between two logarithms that are told apart."""


@dataclass(frozen=True, slots=True)
class Size:
    """A real number as its sign and the natural logarithm of its absolute value; infinite beyond e^(10^308).

    `error` bounds what rounding has done to the logarithm.
    """

    sign: int
    logarithm: float
    error: float = 0.0


class Sizes(Arithmetic[Size]):
    """Evaluates to sign and logarithm."""

    def number(self, value: Fraction) -> Size:
        if not value:
            return Size(0, -math.inf)
        top, bottom = math.log(abs(value.numerator)), math.log(value.denominator)
        return Size(1 if value > 0 else -1, top - bottom, ROUNDING * (top + bottom + 1))

    def symbol(self, name: str) -> Size:
        if name in {"pi", "e"}:
            return Size(1, math.log(getattr(math, name)), ROUNDING)
        return super().symbol(name)

    def add(self, left: Size, right: Size) -> Size:
        large, small = (left, right) if left.logarithm >= right.logarithm else (right, left)
        if not small.sign:
            return large
        if math.isinf(large.logarithm):
            if left.sign == right.sign:
                return large
            raise UnsupportedError
        gap = small.logarithm - large.logarithm
        if large.sign == small.sign:
            return Size(large.sign, large.logarithm + math.log1p(math.exp(gap)), left.error + right.error + ROUNDING)
        if gap > -1e-3:  # noqa: PLR2004 - too much cancels
            raise UnsupportedError
        return Size(
            large.sign, large.logarithm + math.log1p(-math.exp(gap)), 1e3 * (left.error + right.error + ROUNDING)
        )

    def multiply(self, left: Size, right: Size) -> Size:
        if not left.sign or not right.sign:
            return Size(0, -math.inf)
        total = left.logarithm + right.logarithm
        if math.isnan(total):
            raise UnsupportedError
        error = left.error + right.error + ROUNDING * (abs(left.logarithm) + abs(right.logarithm))
        return Size(left.sign * right.sign, total, error)

    def divide(self, left: Size, right: Size) -> Size:
        if not right.sign:
            raise UndefinedError
        return self.multiply(left, Size(right.sign, -right.logarithm, right.error))

    def integer(self, tree: Tree) -> int:
        value = rational(tree)
        if value is None or value.denominator != 1:
            raise UnsupportedError
        return value.numerator

    def power(self, base: Tree, exponent: Tree) -> Size:
        number, power = self.value(base), self.value(exponent)
        if number.sign <= 0 or (math.isinf(power.logarithm) and not number.logarithm):
            raise UnsupportedError
        if not power.sign or not number.logarithm:
            return Size(1, 0.0)
        if abs(number.logarithm) <= 2 * number.error:
            raise UnsupportedError  # so near to one that it may lie on either side
        if power.logarithm > 700:  # noqa: PLR2004 - a double's range
            return Size(1, math.copysign(math.inf, power.sign * number.logarithm))
        factor = math.exp(power.logarithm)
        error = factor * number.error + abs(factor * number.logarithm) * (power.error + ROUNDING)
        return Size(1, power.sign * factor * number.logarithm, error)

    def function(self, head: str, args: tuple[Tree, ...]) -> Size:  # noqa: PLR0911 - one case after the other
        if head == "sqrt" or (head == "exp" and len(args) == 1):
            value = self.value(args[0])
            if head == "sqrt":
                return Size(value.sign, value.logarithm / 2, value.error) if value.sign >= 0 else self.fail()
            if value.logarithm > 700:  # noqa: PLR2004 - a double's range
                return Size(1, value.sign * math.inf)
            size = math.exp(value.logarithm)
            return Size(1, value.sign * size, size * (value.error + ROUNDING))
        if head in {"ln", "log"}:
            logarithm = self.logarithm(args[0])
            return self.divide(logarithm, self.logarithm(args[1])) if head == "log" else logarithm
        if head in {"!", "gamma"}:
            value = self.value(args[0])
            if head == "gamma":
                value = self.add(value, Size(-1, 0.0))
            if value.sign <= 0 or value.logarithm > 600:  # noqa: PLR2004 - a double's range
                return Size(1, math.inf) if value.sign > 0 else self.fail()
            size = math.lgamma(math.exp(value.logarithm) + 1)
            return Size(1, size, (size + 1) * (LGAMMA_ROUNDING + 2 * value.error))
        if head == "binom" and len(args) == 2:  # noqa: PLR2004 - it takes two
            top, bottom = rational(args[0]), rational(args[1])
            if top is None or bottom is None or not 0 <= bottom <= top or top > 10**300:
                return self.fail()
            sizes = [math.lgamma(float(part) + 1) for part in (top, bottom, top - bottom)]
            return Size(1, sizes[0] - sizes[1] - sizes[2], LGAMMA_ROUNDING * (1 + sum(sizes)))
        exact = rational(Apply(head, args))
        return self.number(exact) if exact is not None else self.fail()

    def logarithm(self, tree: Tree) -> Size:
        """Take the logarithm of a value that is far from one."""
        value = self.value(tree)
        if value.sign != 1 or math.isinf(value.logarithm) or abs(value.logarithm) < 1:
            return self.fail()
        error = value.error / abs(value.logarithm) + ROUNDING
        return Size(1 if value.logarithm > 0 else -1, math.log(abs(value.logarithm)), error)

    def loop(self, head: str, body: Tree, index: str, bounds: tuple[int, int]) -> Size:
        low, high = bounds
        if head == "prod" and body == Symbol(index) and 1 <= low <= high < LARGEST_COUNT:
            sizes = math.lgamma(high + 1), math.lgamma(low)
            return Size(1, sizes[0] - sizes[1], LGAMMA_ROUNDING * (1 + sum(sizes)))
        return super().loop(head, body, index, bounds)

    def fail(self) -> Size:
        """Give up."""
        raise UnsupportedError


def sizes_differ(left: Tree, right: Tree) -> bool:
    """Tell whether two constants differ for certain, by sign or by size."""
    try:
        one, other = Sizes({}).value(left), Sizes({}).value(right)
    except (UnsupportedError, UndefinedError, OverflowError, ValueError):
        return False
    if one.sign != other.sign:
        return True
    if not one.sign or (math.isinf(one.logarithm) and math.isinf(other.logarithm)):
        return False
    if math.isinf(one.logarithm) or math.isinf(other.logarithm):
        return min(abs(one.logarithm), abs(other.logarithm)) < MODERATE
    gap = abs(one.logarithm - other.logarithm)
    return gap > LEAST_GAP + 4 * (one.error + other.error) and not math.isnan(gap)
