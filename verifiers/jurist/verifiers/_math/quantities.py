"""Compares single values: numbers and expressions with their decimals, percent signs, degrees and units."""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction

from jurist.verifiers._math.evaluation import UndefinedError
from jurist.verifiers._math.identity import identical, infinity, is_worked_out, real_value
from jurist.verifiers._math.rationals import rational
from jurist.verifiers._math.rules import Finding, Rules
from jurist.verifiers._math.tree import Apply, Number, Symbol, Text, Tree, free_symbols, walk
from jurist.verifiers._math.units import Unit, unit_of

__all__ = ["Quantity", "equal_scalars", "equal_values", "quantity"]

ATTACHED = frozenset("msghLlN")
"""Units that are often written right after their number, as variables are: `5m`."""
COLLECTIONS = frozenset({"()", "[]", "(]", "[)", "{}", "braces", "list", "either", "group"})
DOUBLE_DIGITS = (15, 16, 17)
"""Of a number that a program printed: the shortest text of the nearest double, which is no rounding of the value."""
DEGREE = Unit((("angle", 1),), Fraction(1))


@dataclass(frozen=True, slots=True)
class Quantity:
    """A value apart from its unit and its percent sign."""

    value: Tree
    unit: Unit | None = None
    percent: bool = False
    phrase: str = ""


def _attached(tree: Tree) -> Quantity | None:
    r"""Read letters right behind an answer's number as its unit: `5m`, `9.8 \\frac{m}{s^2}`."""
    match tree:
        case Apply(head="*", args=(Number() as number, letters)):
            phrase = _phrase(letters)
            unit = unit_of(phrase) if phrase else None
            return None if unit is None or not unit.dimension else Quantity(number, unit, phrase=phrase)
        case _:
            return None


def _phrase(tree: Tree) -> str:
    match tree:
        case Symbol(name=name) if name in ATTACHED:
            return name
        case Apply(head="^", args=(Symbol(name=name), Number(value=power))) if name in ATTACHED and power in {2, 3}:
            return f"{name}^{power}"
        case Apply(head="/", args=(top, bottom)):
            return f"{_phrase(top)}/{_phrase(bottom)}" if _phrase(top) and _phrase(bottom) else ""
        case _:
            return ""


def quantity(tree: Tree) -> Quantity | None:
    """Take a value apart; None if the words beside it are no unit."""
    match tree:
        case Apply(head="unit", args=(value, Text(words=phrase))):
            unit = unit_of(phrase)
            inner = quantity(value)
            if unit is None or inner is None:
                return None
            return Quantity(inner.value, inner.unit or unit, inner.percent, phrase)
        case Apply(head="deg", args=(value,)):
            return Quantity(value, DEGREE)
        case Apply(head="%", args=(value,)):
            return Quantity(value, percent=True)
        case Apply(head="neg", args=(value,)):
            inner = quantity(value)
            return None if inner is None else replace(inner, value=Apply("neg", (inner.value,)))
        case _:
            return Quantity(tree)


def equal_values(reference: Tree, answer: Tree, rules: Rules) -> Finding:
    """Compare two values under the rules of units, percent and decimals."""
    if isinstance(reference, Number) and isinstance(answer, Number):
        return _plain(reference, answer, rules)
    if _wordy(reference) or _wordy(answer):
        return Finding(reference == answer, "words in it")
    one, other = quantity(reference), quantity(answer)
    if one is not None and not free_symbols(one.value):
        other = _attached(answer) or other
    if one is None or other is None:
        return Finding(equal=False, how="the words beside the number are no unit")
    if one.unit is not None or other.unit is not None:
        return _with_units(one, other, rules)
    if one.percent or other.percent:
        return _with_percent(one, other, rules)
    return _plain(one.value, other.value, rules)


def equal_scalars(reference: Tree, answer: Tree, rules: Rules) -> Finding:
    """Compare two values that have neither unit, percent sign nor words."""
    attached = (
        _attached(answer) if isinstance(answer, Apply) and answer.head == "*" and not free_symbols(reference) else None
    )
    if attached is not None:
        return _one_unit(Quantity(reference), attached, rules)
    return _plain(reference, answer, rules)


def _wordy(tree: Tree) -> bool:
    """Tell whether there are words, a tuple or a set where a value should be."""
    inner = [node for node in walk(tree) if isinstance(node, Apply) and node.head not in {"unit", "row", "side"}]
    if any(node.head in COLLECTIONS for node in inner):
        return True
    return any(isinstance(arg, Text) for node in inner for arg in node.args)


def _with_percent(one: Quantity, other: Quantity, rules: Rules) -> Finding:
    if one.percent and other.percent:
        return _plain(one.value, other.value, rules)
    hundredth = [Apply("%", (side.value,)) if side.percent else side.value for side in (one, other)]
    finding = _plain(hundredth[0], hundredth[1], rules)
    if finding.equal or rules.percent == "value" or (other.percent and _is_share(one.value)):
        return finding
    bare = _plain(one.value, other.value, rules)
    return bare._replace(how="percent sign left out") if bare.equal else finding


def _is_share(tree: Tree) -> bool:
    """Tell a number that is less than one: a reference like 0.25 is a part of a whole, not a quarter of a percent."""
    try:
        value = rational(tree)
    except UndefinedError:
        return False
    return value is not None and abs(value) < 1


def _with_units(one: Quantity, other: Quantity, rules: Rules) -> Finding:  # noqa: PLR0911 - one case after the other
    if one.unit is None or other.unit is None:
        return _one_unit(one, other, rules)
    if not one.unit.dimension or not other.unit.dimension:
        return _plain(one.value, other.value, rules)
    if one.unit.dimension == other.unit.dimension:
        if one.unit.size == other.unit.size:
            return _plain(one.value, other.value, rules)
        converted = [Apply("*", (side.value, Number(side.unit.size))) for side in (one, other) if side.unit]
        return _plain(converted[0], converted[1], rules)._replace(how="converted units")
    if {one.unit.dimension, other.unit.dimension} == {(("angle", 1),), (("radian", 1),)}:
        return _plain(_radians(one), _radians(other), rules)
    kelvins = [_kelvins(side) for side in (one, other)]
    if kelvins[0] is not None and kelvins[1] is not None:
        return _plain(kelvins[0], kelvins[1], rules)._replace(how="converted units")
    if {one.unit.dimension, other.unit.dimension} == {(("mass", 1),), (("sterling", 1),)} and "pound" in (
        one.phrase + other.phrase
    ):
        return _plain(one.value, other.value, rules)
    return Finding(equal=False, how="units that measure different things")


_SCALES: dict[tuple[tuple[str, int], ...], tuple[Fraction, Fraction]] = {
    (("celsius", 1),): (Fraction(1), Fraction("273.15")),
    (("fahrenheit", 1),): (Fraction(5, 9), Fraction("273.15") - Fraction(160, 9)),
    (("temperature", 1),): (Fraction(1), Fraction(0)),
}
"""Of temperature: the size of a degree in kelvins, and where zero lies."""


def _kelvins(side: Quantity) -> Tree | None:
    if side.unit is None or side.unit.dimension not in _SCALES:
        return None
    size, zero = _SCALES[side.unit.dimension]
    degrees = Apply("*", (side.value, Number(size * side.unit.size)))
    return Apply("+", (degrees, Number(zero)))


def _radians(side: Quantity) -> Tree:
    if side.unit is not None and side.unit.is_angle:
        return Apply("*", (side.value, Number(side.unit.size / 180), Symbol("pi")))
    return side.value


def _one_unit(one: Quantity, other: Quantity, rules: Rules) -> Finding:
    """Compare where one side alone has a unit."""
    with_unit, bare = (one, other) if one.unit is not None else (other, one)
    letters = with_unit.phrase.strip()
    if letters[:1] in free_symbols(bare.value) and (len(letters) == 1 or letters[1] == "^"):
        power = Number(Fraction(int(letters[2:] or 1)))
        product = Apply("*", (with_unit.value, Apply("^", (Symbol(letters[0]), power))))
        return _plain(bare.value, product, rules)
    finding = _plain(one.value, other.value, rules)
    if finding.equal and (rules.units == "ignore" or not with_unit.phrase):
        return finding
    if with_unit.unit is not None and with_unit.unit.is_angle and _in_radians(bare.value):
        return _plain(_radians(with_unit), bare.value, rules)._replace(how="degrees as radians")
    if finding.equal:
        return Finding(equal=False, how="a unit is missing")
    return finding


def _in_radians(tree: Tree) -> bool:
    return any(
        (isinstance(node, Symbol) and node.name == "pi") or (isinstance(node, Apply) and node.head.startswith("arc"))
        for node in walk(tree)
    )


def _plain(one: Tree, other: Tree, rules: Rules) -> Finding:
    """Compare two values without units: decimals by the digits they carry, everything else exactly."""
    if (infinity(one) or infinity(other)) and not (is_worked_out(one) or is_worked_out(other)):
        return Finding(infinity(one) == infinity(other), "infinity")
    finding = identical(one, other)
    if finding.equal is True:
        return finding
    for decimal, exact in ((one, other), (other, one)):
        literal = _decimal(decimal)
        if literal is None or literal.digits < rules.significant_digits or free_symbols(exact):
            continue
        if decimal is other and _is_integer(exact):
            continue
        rounded = _rounds_to(exact, literal)
        if rounded is not None:
            return Finding(equal=True, how=f"equal in the {literal.digits} digits given") if rounded else finding
    return finding


def _is_integer(tree: Tree) -> bool:
    """Tell a value that is exact as it stands, whatever an answer's digits say."""
    try:
        value = rational(tree)
    except UndefinedError:
        return False
    return value is not None and value.denominator == 1


def _decimal(tree: Tree) -> Number | None:  # noqa: PLR0911 - one case after the other
    r"""Find the digits that a decimal carries: of `-1.60e-19`, `1.60 \\times 10^{-19}`, `33.3333\\%`."""
    match tree:
        case Number(places=None):
            return None
        case Number():
            return tree
        case Apply(head="neg", args=(inner,)):
            literal = _decimal(inner)
            return None if literal is None else replace(literal, value=-literal.value)
        case Apply(head="%", args=(inner,)):
            literal = _decimal(inner)
            if literal is None or literal.places is None:
                return None
            return Number(literal.value / 100, literal.places + 2, literal.digits)
        case Apply(head="*", args=(inner, Apply(head="^", args=(Number(value=base), power)))) if base == 10:  # noqa: PLR2004
            return _scaled(inner, power)
        case _:
            return None


def _scaled(inner: Tree, power: Tree) -> Number | None:
    literal, exponent = _decimal(inner), rational(power)
    if literal is None or literal.places is None or exponent is None or exponent.denominator != 1:
        return None
    if abs(exponent) > 5_000:  # noqa: PLR2004 - as for e-notation
        return None
    return Number(
        literal.value * Fraction(10) ** exponent.numerator, literal.places - exponent.numerator, literal.digits
    )


def _rounds_to(exact: Tree, literal: Number) -> bool | None:
    """Tell whether `exact` is `literal` when rounded to its places; None if its value is not known."""
    try:
        value = real_value(exact)
    except UndefinedError:
        return None
    if value is None or literal.places is None:
        return None
    other = _decimal(exact)
    if other is not None and other.places is not None and other.places < literal.places:
        return None
    if abs(value - literal.value) <= Fraction(1, 2) / Fraction(10) ** literal.places:
        return True
    return literal.digits in DOUBLE_DIGITS and _as_double(value) == _as_double(literal.value)


def _as_double(value: Fraction) -> float | None:
    try:
        return float(value)
    except OverflowError:
        return None
