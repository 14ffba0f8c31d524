"""Decides whether two expressions are equal: exactly, modulo primes, by size, in doubles, in many digits.

"Different" is a proof but for rounding; "equal" is one for rational numbers and otherwise a matter of odds below
2^-60 (agreement at random points modulo primes) or of agreement in a hundred digits. The points are seeded from the two
expressions, so that the same question always has the same answer.
"""

from __future__ import annotations

import math
from fractions import Fraction
from hashlib import blake2b
from itertools import islice
from random import Random
from typing import TYPE_CHECKING, Any

from jurist.verifiers._math.evaluation import UndefinedError, UnsupportedError
from jurist.verifiers._math.numerics import GUARD_DIGITS, ROUNDING, Numerics, doubles, many_digits
from jurist.verifiers._math.rationals import rational
from jurist.verifiers._math.residues import PRIMES, Residues
from jurist.verifiers._math.rules import Finding
from jurist.verifiers._math.sizes import sizes_differ
from jurist.verifiers._math.tree import Apply, Number, Symbol, Tree, free_symbols, walk

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

__all__ = ["identical", "infinity", "is_worked_out", "order", "real_value"]

DRAWS = 48
"""Points tried before giving up on finding some where both expressions are real."""
DRAWS_OF_INTEGRALS = 10
"""As above, where each costs a hundred evaluations."""
POINTS = 5
"""Points at which two functions must agree in doubles."""
FEWEST_POINTS = 2
"""Points in the common domain below which nothing can be said."""
CONFIRMED_POINTS = 2
"""Of these, points at which they must agree in many digits too."""
DIGITS = 40
"""Of the confirmation at a point."""
CONSTANT_DIGITS = (50, 150)
"""Of the two confirmations for constants: the second sees what the first rounds away."""
NEAR = 1e-7
"""Relative difference below which doubles say nothing."""
LEAST_DOUBLE = 1e-9
"""Of two values: smaller ones may be what rounding leaves of zero, and are left to more digits."""
MAX_LOSS = 1e5
"""By how much rounding may have grown in an integral that is taken for equal."""
FEWEST_DIGITS = 10
"""Left of many digits, below which they say nothing either."""
QUADRATURE_ERROR = 1e-9
"""Relative, of a numerical integral."""
COUNTERS = {"!", "!!", "binom", "sum", "prod"}
"""Heads whose symbols count something: they are tried at small integers."""
ASKED = frozenset({"limit", "antiderivative", "derivative", "gcd", "lcm"})
"""Heads that only a computer algebra system evaluates."""


def identical(left: Tree, right: Tree) -> Finding:  # noqa: PLR0911 - one case after the other
    """Compare two expressions as functions on their common real domain, up to removable singularities."""
    if isinstance(left, Number) and isinstance(right, Number):
        return Finding(left.value == right.value, "exact value")
    try:
        one, other = rational(left), rational(right)
    except UndefinedError:
        return Finding(equal=False, how="a value that does not exist")
    if one is not None and other is not None:
        return Finding(one == other, "exact value")
    names = sorted(free_symbols(left) | free_symbols(right))
    if not names:
        return _constants(left, right)
    if left == right and not _has(left, "/", "^", "ln", "log", "tan"):
        return Finding(equal=True, how="same expression")
    seed = blake2b("\0".join(sorted((repr(left), repr(right)))).encode("utf-8", "replace"), digest_size=8).digest()
    counters = (_counters(left) | _counters(right)) & frozenset(names)
    random = Random(int.from_bytes(seed))  # noqa: S311 - sample points are no secret
    equal = _by_residues(left, right, names, counters, random)
    if equal is not None:
        return Finding(equal, "values modulo primes at random points")
    equal = _by_points(left, right, names, counters, random)
    return Finding(equal, "values at random points" if equal is not None else "no method settles it")


def _constants(left: Tree, right: Tree) -> Finding:
    if _has_symbol(left, "inf") or _has_symbol(right, "inf"):
        return Finding(left == right if not _asked(left, right) else None, "infinity")
    equal = _by_residues(left, right, [], frozenset(), Random(0))  # noqa: S311 - nothing is drawn
    if equal is not None:
        return Finding(equal, "values modulo primes")
    if sizes_differ(left, right):
        return Finding(equal=False, how="different sizes")
    equal = _by_digits(left, right)
    if equal is None and left == right and not _asked(left, right):
        return Finding(equal=True, how="same expression")
    return Finding(equal, "numerical value" if equal is not None else "no method settles it")


def _has(tree: Tree, *heads: str) -> bool:
    return any(isinstance(node, Apply) and node.head in heads for node in walk(tree))


def _has_symbol(tree: Tree, name: str) -> bool:
    return any(isinstance(node, Symbol) and node.name == name for node in walk(tree))


def is_worked_out(tree: Tree) -> bool:
    """Tell an expression whose value must be worked out first: a limit, a sum, an integral."""
    return _has(tree, *ASKED, "integral", "sum", "prod")


def _asked(left: Tree, right: Tree) -> bool:
    return is_worked_out(left) or is_worked_out(right)


def _counters(tree: Tree) -> frozenset[str]:
    names: frozenset[str] = frozenset()
    for node in walk(tree):
        if isinstance(node, Apply) and node.head in COUNTERS:
            parts = node.args[2:] if node.head in {"sum", "prod"} else node.args
            for part in parts:
                names |= free_symbols(part)
    return names


def _exponents(tree: Tree) -> frozenset[str]:
    """Name the variables in exponents."""
    powers = [node.args[1] for node in walk(tree) if isinstance(node, Apply) and node.head == "^"]
    return frozenset[str]().union(*map(free_symbols, powers))


def _by_residues(
    left: Tree, right: Tree, names: Sequence[str], counters: frozenset[str], random: Random
) -> bool | None:
    """Compare modulo primes; None if the expressions have no residues."""
    points = frozenset(names) - counters
    raised = (_exponents(left) | _exponents(right)) & points
    try:
        for draw in range(6 if counters else 4 if raised else 1):
            for prime in PRIMES:
                values = {name: 3 + draw if name in counters else random.randrange(2, prime) for name in names}
                for place, name in enumerate(sorted(raised)):  # (-1)^n is told apart by odd and even n alone
                    values[name] += (values[name] + (draw >> (place % 2))) % 2
                for offset, name in enumerate(sorted(counters)):
                    values[name] += 2 * offset
                one = Residues(values, prime, points).value(left)
                if one != Residues(values, prime, points).value(right):
                    return False
    except UndefinedError:
        return False
    except UnsupportedError:
        return None
    return True


Value = Any
"""A float or an mpmath number: mpmath has no types."""


def _try(tree: Tree, context: Any, symbols: dict[str, Fraction], *, complex_values: bool) -> tuple[Value, float]:  # noqa: ANN401
    """Evaluate at a point; the value, and by how much sums were smaller than their terms on the way."""
    numerics = Numerics(context, symbols, complex_values=complex_values)
    value = numerics.value(tree)
    if context is doubles() and not abs(value) < 1e300:  # noqa: PLR2004 - overflown, or no number
        raise UnsupportedError
    return value, numerics.loss


def _differ(left: tuple[Value, float], right: tuple[Value, float]) -> bool:
    """Tell whether two doubles differ by more than their rounding can account for."""
    size = max(abs(left[0]), abs(right[0]))
    if size < LEAST_DOUBLE:
        return False
    return bool(abs(left[0] - right[0]) > (NEAR + 4 * ROUNDING * max(left[1], right[1])) * size)


def _agree(left: Tree, right: Tree, digits: int, symbols: dict[str, Fraction], *, complex_values: bool) -> bool:
    """Compare two values in many digits."""
    context = many_digits(digits)
    one, one_loss = _try(left, context, symbols, complex_values=complex_values)
    other, other_loss = _try(right, context, symbols, complex_values=complex_values)
    least = context.mpf(10) ** (GUARD_DIGITS - digits)
    one, other = (value if abs(value) > least else context.zero for value in (one, other))
    trusted = digits - GUARD_DIGITS - math.log10(max(one_loss, other_loss))
    if trusted < FEWEST_DIGITS and one != other:
        raise UnsupportedError
    return bool(abs(one - other) <= max(abs(one), abs(other)) * context.mpf(10) ** -trusted)


def _by_digits(left: Tree, right: Tree) -> bool | None:
    """Compare two constants in doubles, and if they agree in many digits."""
    for complex_values in (False, True):
        try:
            return _digits(left, right, complex_values=complex_values)
        except UndefinedError:
            if complex_values:
                return False
        except UnsupportedError:
            return None
    return None


def _digits(left: Tree, right: Tree, *, complex_values: bool) -> bool | None:
    complex_values = complex_values or _has_symbol(left, "i") or _has_symbol(right, "i")
    try:
        one = _try(left, doubles(), {}, complex_values=complex_values)
        other = _try(right, doubles(), {}, complex_values=complex_values)
    except UnsupportedError:
        one = other = (0.0, math.inf)
    if _differ(one, other):
        return False
    if _has(left, "integral") or _has(right, "integral"):
        size = max(abs(one[0]), abs(other[0]))
        exact = max(one[1], other[1]) < MAX_LOSS
        return True if size and exact and abs(one[0] - other[0]) < QUADRATURE_ERROR * size else None
    return all(_agree(left, right, digits, {}, complex_values=complex_values) for digits in CONSTANT_DIGITS)


def _draws(names: Sequence[str], counters: frozenset[str], random: Random) -> Iterator[dict[str, Fraction]]:
    """Draw points: near one, within it, beyond it, of either sign, and at whole numbers."""
    for draw in range(DRAWS):
        point: dict[str, Fraction] = {}
        for index, name in enumerate(names):
            if name in counters or draw % 8 == 2:  # noqa: PLR2004 - now and then
                point[name] = Fraction(random.randrange(2, 9) + index)
                continue
            size = (Fraction(97, 100), Fraction(3), Fraction(9), Fraction(40))[draw % 4]
            negative = draw % 2 and not draw >> (1 + index % 3) & 1
            point[name] = (-size if negative else size) * Fraction(random.randrange(1, 1 << 20), 1 << 20)
        yield point


def _by_points(left: Tree, right: Tree, names: Sequence[str], counters: frozenset[str], random: Random) -> bool | None:
    """Compare two functions at random points of their common domain."""
    if _has(left, *ASKED) or _has(right, *ASKED):
        return None
    complex_values = _has_symbol(left, "i") or _has_symbol(right, "i")
    agreed: list[dict[str, Fraction]] = []
    draws = DRAWS_OF_INTEGRALS if _has(left, "integral") or _has(right, "integral") else DRAWS
    least = 2 + 2 ** (1 + min(len(names), 2))
    for draw, point in enumerate(islice(_draws(names, counters, random), draws)):
        try:
            one = _try(left, doubles(), point, complex_values=complex_values)
            other = _try(right, doubles(), point, complex_values=complex_values)
        except (UndefinedError, UnsupportedError, OverflowError):
            continue
        if _differ(one, other):
            return False
        agreed.append(point)
        if len(agreed) >= POINTS and draw + 1 >= least:
            break
    if len(agreed) < FEWEST_POINTS:
        return None
    if _has(left, "integral") or _has(right, "integral"):
        return True
    return _confirmed(left, right, agreed[:CONFIRMED_POINTS], complex_values=complex_values)


def _confirmed(left: Tree, right: Tree, points: list[dict[str, Fraction]], *, complex_values: bool) -> bool | None:
    try:
        return all(_agree(left, right, DIGITS, point, complex_values=complex_values) for point in points)
    except (UndefinedError, UnsupportedError):
        return None


def real_value(tree: Tree, convert: Callable[[Value], Fraction] | None = None) -> Fraction | None:
    """Evaluate a constant to a rational number within 10^-45 of it, relatively; None if it has no real value."""
    exact = None
    try:
        exact = rational(tree)
        if exact is None:
            value, _ = _try(tree, many_digits(CONSTANT_DIGITS[0]), {}, complex_values=False)
            exact = (convert or _fraction)(value)
    except (UndefinedError, UnsupportedError):
        return None
    return exact


def _fraction(value: Value) -> Fraction:
    """Convert a finite mpmath number of moderate size."""
    sign, mantissa, exponent, _ = getattr(value, "_mpf_", (0, 0, 0, 0))
    if getattr(value, "imag", 0) or abs(exponent) > 100_000:  # noqa: PLR2004 - some 30,000 digits
        raise UnsupportedError
    whole = Fraction(int(mantissa)) * Fraction(2) ** exponent
    return -whole if sign else whole


def order(left: Tree, right: Tree) -> int | None:
    """Tell whether a constant is less than (-1), equal to (0) or greater than (1) another; None if it has no order."""
    for tree, sign in ((left, 1), (right, -1)):
        infinite = infinity(tree)
        if infinite:
            return 0 if infinity(left) == infinity(right) else infinite * sign
    one, other = real_value(left), real_value(right)
    if one is None or other is None:
        return None
    if one == other:
        return 0
    if abs(one - other) > max(abs(one), abs(other)) / 10**30:
        return 1 if one > other else -1
    equal = identical(left, right).equal
    return None if equal is None else 0 if equal else 1 if one > other else -1


def infinity(tree: Tree) -> int:
    """Tell whether a tree is infinity, and of which sign; 0 if it is not."""
    if isinstance(tree, Symbol):
        return int(tree.name == "inf")
    if isinstance(tree, Apply) and tree.head == "neg":
        return -infinity(tree.args[0])
    return 0
