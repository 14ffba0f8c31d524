"""Numerical values: in doubles to tell what differs, in many digits to tell what agrees.

Both are mpmath's contexts (`fp` computes with Python's own floats), loaded when first needed: most answers never are.
"""

from __future__ import annotations

import math
import threading
from fractions import Fraction
from functools import cache
from hashlib import blake2b
from importlib import import_module
from typing import TYPE_CHECKING, Any, cast

from jurist.verifiers._math.evaluation import Arithmetic, UndefinedError, UnsupportedError
from jurist.verifiers._math.rationals import rational
from jurist.verifiers._math.tree import Apply, Chain, Symbol, Text, Tree

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Numerics", "doubles", "many_digits"]

MAX_LOGARITHM = 500_000.0
"""Of a value: beyond e^500000 the exponent itself would cost too much."""
MAX_ANGLE = 1e12
"""Of a trigonometric function's argument: reducing larger ones costs as many digits as they have."""
MAX_GAMMA = 1e6
"""Of a factorial's argument."""
MAX_ZETA = 60
"""Of zeta's argument: it nears one faster than digits show."""
GUARD_DIGITS = 14
"""Of a computation in many digits, not trusted; a sum that is smaller than this leaves is zero."""
ALL_LOST = 1e16
"""How much smaller than its terms a sum may be of which a double shows nothing."""
ROUNDING = 1e-14
"""Relative error granted to a double that comes out of some dozen operations."""
WORST_INTEGRAL = 0.01
"""Relative error of a numerical integral that still tells something."""
QUADRATURE_POINTS = 16
"""Of one Gauss-Legendre panel."""

_LOCAL = threading.local()


@cache
def doubles() -> Any:  # noqa: ANN401 - mpmath has no types
    """Give arithmetic in Python's own floats."""
    return _mpmath().fp


@cache
def _mpmath() -> Any:  # noqa: ANN401 - it has no types
    """Load mpmath: 40 ms, which most answers never need."""
    return import_module("mpmath")


def many_digits(digits: int) -> Any:  # noqa: ANN401 - mpmath has no types
    """Give arithmetic in `digits` decimal digits; one context a thread, since it changes its precision at work."""
    contexts = cast("dict[int, Any]", _LOCAL.__dict__.setdefault("contexts", {}))
    if digits not in contexts:
        contexts[digits] = _mpmath().MPContext()
        contexts[digits].dps = digits
    return contexts[digits]


class Numerics(Arithmetic[Any]):
    """Evaluates with an mpmath context.

    Args:
        context: arithmetic in doubles or in many digits.
        symbols: exact values of the variables.
        complex_values: whether even roots and logarithms of negative numbers have values.
    """

    def __init__(self, context: Any, symbols: Mapping[str, Fraction], *, complex_values: bool) -> None:  # noqa: ANN401
        self.context = context
        self.exact_symbols = dict(symbols)
        super().__init__({name: self.number(value) for name, value in symbols.items()})
        self.complex_values = complex_values
        self.integrating = False
        self.loss = 1.0
        """By how much a sum was ever smaller than its terms: so many digits are lost."""
        self.smallest = 0.0 if context is doubles() else context.mpf(10) ** (GUARD_DIGITS - context.dps)

    def number(self, value: Fraction) -> Any:  # noqa: ANN401
        try:
            return self.context.mpf(value.numerator) / value.denominator
        except OverflowError as error:
            raise UnsupportedError from error

    def symbol(self, name: str) -> Any:  # noqa: ANN401
        if name in self.symbols:
            return self.symbols[name]
        match name:
            case "pi":
                return +self.context.pi
            case "e":
                return +self.context.e
            case "i" if self.complex_values:
                return self.context.mpc(0, 1)
            case _:
                raise UnsupportedError(name)

    def add(self, left: Any, right: Any) -> Any:  # noqa: ANN401
        total = left + right
        size, left_over = max(abs(left), abs(right)), abs(total)
        if left_over <= size * self.smallest:
            if size and self.context is doubles():
                self.loss = max(self.loss, ALL_LOST)  # nothing is left, or all that is left was rounded away
            return self.context.zero
        if left_over < size:
            self.loss = max(self.loss, float(size / left_over))
        return total

    def multiply(self, left: Any, right: Any) -> Any:  # noqa: ANN401
        return left * right

    def divide(self, left: Any, right: Any) -> Any:  # noqa: ANN401
        if not right:
            raise UndefinedError
        return left / right

    def integer(self, tree: Tree) -> int:
        value = self.exact(tree)
        if value is None or value.denominator != 1:
            raise UnsupportedError
        return value.numerator

    def exact(self, tree: Tree) -> Fraction | None:
        """Evaluate to an exact number, if it is one at the point that is tried."""
        return rational(tree, self.exact_symbols)

    def loop(self, head: str, body: Tree, index: str, bounds: tuple[int, int]) -> Any:  # noqa: ANN401
        low, high = bounds
        if high - low > 2_000:  # noqa: PLR2004 - terms of a sum, some microseconds each
            raise UnsupportedError
        outer = self.exact_symbols.get(index), self.symbols.get(index)
        total = self.number(Fraction(int(head == "prod")))
        for count in range(low, high + 1):
            self.exact_symbols[index] = Fraction(count)
            self.symbols[index] = self.number(Fraction(count))
            total = (self.add if head == "sum" else self.multiply)(total, self.value(body))
        self.exact_symbols.pop(index, None)
        self.symbols.pop(index, None)
        if outer[0] is not None:
            self.exact_symbols[index], self.symbols[index] = outer[0], outer[1]
        return total

    def power(self, base: Tree, exponent: Tree) -> Any:  # noqa: ANN401
        exact = self.exact(exponent)
        if base == Symbol("e") and "e" not in self.symbols and (exact is None or exact.denominator != 1):
            return self.exponential(self.value(exponent))
        number = self.value(base)
        if exact is None:
            return self.real_power(number, self.value(exponent))
        if not number:
            if exact > 0:
                return number
            raise UndefinedError
        if exact.denominator == 1:
            self.check_size(number, exact.numerator)
            return number**exact.numerator
        return self.root_power(number, exact)

    def root_power(self, number: Any, exponent: Fraction) -> Any:  # noqa: ANN401
        """Raise to a fraction; odd roots of negative numbers are negative."""
        if not _is_complex(number) and number < 0:
            if exponent.denominator % 2:
                sign = -1 if exponent.numerator % 2 else 1
                return sign * self.root_power(-number, exponent)
            if not self.complex_values:
                raise UndefinedError
        self.check_size(number, float(exponent))
        return self.context.power(number, self.number(exponent))

    def real_power(self, number: Any, exponent: Any) -> Any:  # noqa: ANN401
        """Raise to an exponent that is no fraction."""
        if not number:
            raise UndefinedError
        if not _is_complex(number) and number < 0 and not self.complex_values:
            raise UndefinedError
        self.check_size(number, exponent)
        return self.exponential(exponent * self.context.log(number))

    def check_size(self, number: Any, exponent: Any) -> None:  # noqa: ANN401
        """Refuse a power whose size is out of reach."""
        logarithm = abs(self.context.log(abs(number))) * abs(exponent)
        if logarithm > (700 if self.context is doubles() else MAX_LOGARITHM):
            raise UnsupportedError

    def exponential(self, exponent: Any) -> Any:  # noqa: ANN401
        """Take e to a power of bounded size."""
        if abs(exponent) > (700 if self.context is doubles() else MAX_LOGARITHM):
            raise UnsupportedError
        return self.context.exp(exponent)

    def function(self, head: str, args: tuple[Tree, ...]) -> Any:  # noqa: ANN401
        try:
            return self.known(head, args)
        except (ZeroDivisionError, ValueError) as error:
            raise UndefinedError from error
        except (OverflowError, TypeError, self.context.NoConvergence) as error:
            raise UnsupportedError from error

    def known(self, head: str, args: tuple[Tree, ...]) -> Any:  # noqa: ANN401, C901, PLR0911, PLR0912 - a table of functions
        context = self.context
        if head in {"gcd", "lcm", "floor", "ceil", "mod", "sgn"}:
            exact = self.exact(Apply(head, args))
            if exact is not None:
                return self.number(exact)
        if head == "integral":
            return self.integral(args)
        if head == "call":
            return self.unknown(args)
        if head == "cases":
            return self.piece(args)
        values = [self.value(arg) for arg in args]
        value = values[0]
        match head:
            case "sqrt":
                return self.root_power(value, Fraction(1, 2)) if value else value
            case "root":
                degree = self.exact(args[1])
                if degree is None or not degree:
                    raise UnsupportedError
                return self.root_power(value, 1 / degree) if value else value
            case "ln":
                return self.logarithm(value)
            case "log":
                return self.divide(self.logarithm(value), self.logarithm(values[1]))
            case "exp":
                return self.exponential(value)
            case "abs":
                return abs(value)
            case "deg":
                return value * context.pi / 180
            case "min" | "max" if not any(map(_is_complex, values)):
                return (min if head == "min" else max)(values)
            case "floor" | "ceil" | "sgn" | "mod" if not any(map(_is_complex, values)):
                return self.stepped(head, values)
            case "re" | "im" | "conj" | "arg":
                return getattr(context, head)(context.mpc(value))
            case "!" | "gamma":
                if abs(value) > (150 if context is doubles() else MAX_GAMMA):
                    raise UnsupportedError
                return context.gamma(value + (head == "!"))
            case "binom":
                return context.binomial(*values)
            case "zeta":
                if abs(value) > MAX_ZETA:
                    raise UnsupportedError(head)
                return context.zeta(value)
            case _ if head in TRIGONOMETRIC:
                return self.trigonometric(head, value)
            case _:
                raise UnsupportedError(head)

    def piece(self, rows: tuple[Tree, ...]) -> Any:  # noqa: ANN401
        """Evaluate the piece of a function whose condition holds."""
        for row in rows:
            match row:
                case Apply(args=(body, Text(words="otherwise"))):
                    return self.value(body)
                case Apply(args=(body, Chain(terms=terms, signs=signs))):
                    if all(self.holds(*link) for link in zip(terms, signs, terms[1:], strict=False)):
                        return self.value(body)
                case _:
                    raise UnsupportedError
        raise UndefinedError

    def holds(self, left: Tree, sign: str, right: Tree) -> bool:
        """Tell whether an inequality holds at the point that is tried."""
        gap = self.value(left) - self.value(right)
        if _is_complex(gap) or sign not in {"<", "<=", ">", ">=", "=", "!="}:
            raise UnsupportedError
        return bool({"<": gap < 0, "<=": gap <= 0, ">": gap > 0, ">=": gap >= 0, "=": gap == 0, "!=": gap != 0}[sign])

    def logarithm(self, value: Any) -> Any:  # noqa: ANN401
        """Take the natural logarithm."""
        if not value or (not self.complex_values and (_is_complex(value) or value < 0)):
            raise UndefinedError
        return self.context.log(value)

    def stepped(self, head: str, values: list[Any]) -> Any:  # noqa: ANN401
        """Evaluate a function with jumps, away from them."""
        context, value = self.context, values[0]
        if head == "sgn":
            return context.sign(value)
        quotient = value / values[1] if head == "mod" else value
        if abs(quotient - round(quotient)) < 1e-9:  # noqa: PLR2004 - on which side of the jump is not known
            raise UnsupportedError
        if head == "mod":
            return value - values[1] * context.floor(quotient)
        return context.floor(value) if head == "floor" else context.ceil(value)

    def trigonometric(self, head: str, value: Any) -> Any:  # noqa: ANN401
        """Evaluate a circular or hyperbolic function or an inverse of one."""
        if abs(value) > (1e6 if self.context is doubles() else MAX_ANGLE):
            raise UnsupportedError
        if head[-1] == "h" and head[:2] != "ar" and abs(value) > 300:  # noqa: PLR2004 - within doubles
            raise UnsupportedError
        name = TRIGONOMETRIC[head]
        result = self.by_name(name, value)
        if not self.complex_values and _is_complex(result):
            raise UndefinedError
        pole = 1e9 if self.context is doubles() else 1e25
        if head in {"tan", "sec", "csc", "cot"} and abs(result) > pole:
            raise UndefinedError
        return result

    def by_name(self, name: str, value: Any) -> Any:  # noqa: ANN401
        """Apply a function by name; mpmath's doubles lack a few, which its digits have."""
        function = getattr(self.context, name, None)
        if function is not None:
            return function(value)
        result = getattr(many_digits(20), name)(value)
        return complex(result) if _is_complex(result) else float(result)

    def unknown(self, args: tuple[Tree, ...]) -> Any:  # noqa: ANN401
        """Evaluate a function that nobody defined, as if it were random: equal at equal arguments alone."""
        values = [self.context.nstr(self.context.mpc(self.value(arg)), 9) for arg in args[1:]]
        digest = blake2b(repr((args[0], values)).encode("utf-8", "replace"), digest_size=6).digest()
        return self.number(Fraction(int.from_bytes(digest), 1 << 48))

    def integral(self, args: tuple[Tree, ...]) -> Any:  # noqa: ANN401
        """Integrate over a bounded interval, if two rules agree."""
        body, variable, low, high = args
        if not isinstance(variable, Symbol) or self.context is not doubles() or self.integrating:
            raise UnsupportedError  # an integral within an integral squares the cost
        self.integrating = True
        ends = self.value(low), self.value(high)
        if any(map(_is_complex, ends)):
            raise UnsupportedError
        coarse, fine = (self.panels(body, variable.name, ends, count) for count in (2, 3))
        self.integrating = False
        error = abs(coarse - fine) / max(abs(fine), 1e-9)
        self.loss = max(self.loss, error / ROUNDING)
        if error > WORST_INTEGRAL:
            raise UnsupportedError
        return fine

    def panels(self, body: Tree, name: str, ends: tuple[float, float], count: int) -> Any:  # noqa: ANN401
        """Apply the Gauss-Legendre rule to `count` equal panels."""
        low, width = ends[0], (ends[1] - ends[0]) / count
        outer = self.exact_symbols.get(name)
        total = 0.0
        for panel in range(count):
            for node, weight in legendre():
                point = Fraction(low + width * (panel + (node + 1) / 2))
                self.exact_symbols[name], self.symbols[name] = point, float(point)
                total += weight * width / 2 * self.value(body)
        self.exact_symbols.pop(name, None)
        self.symbols.pop(name, None)
        if outer is not None:
            self.exact_symbols[name], self.symbols[name] = outer, float(outer)
        return total


@cache
def legendre() -> tuple[tuple[float, float], ...]:
    """Compute the nodes and weights of the Gauss-Legendre rule by Newton's method."""
    count = QUADRATURE_POINTS
    found: list[tuple[float, float]] = []
    for index in range(count):
        node = math.cos(math.pi * (index + 0.75) / (count + 0.5))
        slope = 1.0
        for _ in range(60):
            before, now = 1.0, node
            for degree in range(2, count + 1):
                before, now = now, ((2 * degree - 1) * node * now - (degree - 1) * before) / degree
            slope = count * (node * now - before) / (node * node - 1)
            node -= now / slope
        found.append((node, 2 / ((1 - node * node) * slope * slope)))
    return tuple(found)


def _is_complex(value: Any) -> bool:  # noqa: ANN401
    return bool(getattr(value, "imag", 0)) or isinstance(value, complex)


_CIRCULAR = ("sin", "cos", "tan", "cot", "sec", "csc")
_HYPERBOLIC = ("sinh", "cosh", "tanh", "coth")
TRIGONOMETRIC = {
    **{name: name for name in (*_CIRCULAR, *_HYPERBOLIC, "sech", "csch")},
    **{f"arc{name}": f"a{name}" for name in _CIRCULAR},
    **{f"ar{name}": f"a{name}" for name in _HYPERBOLIC},
}
"""What a function is called here, and what mpmath calls it."""
