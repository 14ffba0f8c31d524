"""Sets of real numbers: intervals, unions, inequalities, compared by what they contain.

Two regions are compared at all their ends, between them and beyond them: for intervals with known ends that decides. An
inequality that is not solved for its variable brings its ends by a search for changes of sign.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from fractions import Fraction
from functools import cmp_to_key, reduce
from typing import TYPE_CHECKING

from jurist.verifiers._math.evaluation import UndefinedError, UnsupportedError
from jurist.verifiers._math.identity import infinity, order, real_value
from jurist.verifiers._math.numerics import Numerics, doubles
from jurist.verifiers._math.rules import Finding
from jurist.verifiers._math.tree import Apply, Chain, Number, Symbol, Tree, free_symbols, replace

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = ["REGIONS", "Region", "as_interval", "equal_regions", "is_inequality", "is_region", "region", "whole_numbers"]

REGIONS = frozenset({"(]", "[)", "cup", "cap", "setminus", "builder"})
"""Heads of trees that can be nothing but a set of numbers."""
MAX_WHOLE_NUMBERS = 100
"""Of a set that is written out."""

MAX_ENDS = 60
"""Of one comparison: each is compared with each."""
ORDERS: dict[str, frozenset[int]] = {
    "<": frozenset({-1}), "<=": frozenset({-1, 0}), ">": frozenset({1}), ">=": frozenset({0, 1}),
    "!=": frozenset({-1, 1}), "=": frozenset({0}),
}  # fmt: skip
SCANNED = tuple(Fraction(sign * step * step, 16) for sign in (-1, 1) for step in range(1, 120, 2))
"""Where changes of sign are looked for: up to 885 on either side, denser near zero."""


@dataclass(frozen=True, slots=True)
class Region:
    """A set of real numbers: whether it contains a number, and where that may change."""

    contains: Callable[[Tree], bool | None]
    ends: tuple[Tree, ...]


def is_region(tree: Tree) -> bool:
    """Tell what is a set of numbers and nothing else."""
    if isinstance(tree, Apply):
        return tree.head in REGIONS or (tree.head == "[]" and len(tree.args) == 2)  # noqa: PLR2004 - an interval
    return isinstance(tree, Symbol) and tree.name in {"∅", "mathbb_R"}


def is_inequality(tree: Tree) -> bool:
    """Tell an inequality, or several."""
    if isinstance(tree, Apply) and tree.head in {"list", "either"}:
        return all(map(is_inequality, tree.args))
    return isinstance(tree, Chain) and set(tree.signs) <= {"<", ">", "<=", ">=", "!="}


def as_interval(tree: Tree) -> Tree:
    """Write `a <= x < b` as the interval [a, b), whatever its ends are."""
    match tree:
        case Chain(terms=(low, Symbol(), high), signs=("<" | "<=" as left, "<" | "<=" as right)):
            return Apply(("[" if left == "<=" else "(") + ("]" if right == "<=" else ")"), (low, high))
        case Chain(terms=(high, Symbol(), low), signs=(">" | ">=" as left, ">" | ">=" as right)):
            return Apply(("[" if right == ">=" else "(") + ("]" if left == ">=" else ")"), (low, high))
        case _:
            return tree


def whole_numbers(tree: Tree) -> tuple[Number, ...] | None:
    """List the whole numbers that a tree describes, `{x in Z : 1 <= x <= 3}`; None if it does not, or too many."""
    match tree:
        case Apply(
            head="builder" | "list",
            args=(Chain(terms=(Symbol(), Symbol(name="mathbb_Z" | "mathbb_N" as domain)), signs=("in",)), condition)
            | (condition, Chain(terms=(Symbol(), Symbol(name="mathbb_Z" | "mathbb_N" as domain)), signs=("in",))),
        ):
            inside = region(condition, pair=False) if is_inequality(condition) else None
        case _:
            return None
    ends = [value for end in (inside.ends if inside else ()) if (value := real_value(end)) is not None]
    if inside is None or not ends:
        return None
    low, high = math.floor(min(ends)) - 1, math.ceil(max(ends)) + 1
    if domain == "mathbb_N":
        low = max(low, 1)
    if high - low > MAX_WHOLE_NUMBERS:
        return None
    beyond = [inside.contains(Number(Fraction(point))) for point in (low - 1000, low, high, high + 1000)]
    if any(beyond[2:]) or (any(beyond[:2]) and domain == "mathbb_Z"):
        return None
    return tuple(number for point in range(low, high) if inside.contains(number := Number(Fraction(point))))


def region(tree: Tree, *, pair: bool = True) -> Region | None:  # noqa: C901, PLR0911 - one case after the other
    """Read a tree as a set of real numbers; `pair` lets `(2, 3)` be an open interval."""
    match tree:
        case Apply(head="()" | "[]" | "(]" | "[)" as head, args=(low, high)) if pair or head != "()":
            return _interval(head, low, high)
        case Apply(head="{}" | "braces", args=items):
            return _points(items)
        case Symbol(name="∅"):
            return _points(())
        case Symbol(name="mathbb_R"):
            return Region(lambda _: True, ())
        case Apply(head="cup" | "cap" | "setminus" as head, args=(left, right)):
            return _combined(head, region(left), region(right))
        case Apply(head="either" | "list" as head, args=items) if all(isinstance(item, Chain) for item in items):
            return _listed(head, items)
        case Apply(head="either" | "list", args=(first, *rest)) if all(
            isinstance(item, Apply) for item in (first, *rest)
        ):
            return reduce(lambda total, part: _combined("cup", total, region(part)), rest, region(first))
        case Apply(head="builder", args=(variable, condition)):
            inner = variable.terms[0] if isinstance(variable, Chain) and variable.signs == ("in",) else variable
            return region(condition) if isinstance(inner, Symbol) else None
        case Chain(terms=(_, inner), signs=("in",)):
            return region(inner)
        case Chain():
            return _solved(tree)
        case _:
            return None


def _interval(head: str, low: Tree, high: Tree) -> Region | None:
    if free_symbols(low) or free_symbols(high) or order(low, high) != -1:
        return None
    lower = ORDERS[">=" if head[0] == "[" else ">"]
    upper = ORDERS["<=" if head[1] == "]" else "<"]

    def contains(point: Tree) -> bool | None:
        sides = order(point, low), order(point, high)
        return None if None in sides else sides[0] in lower and sides[1] in upper

    return Region(contains, tuple(end for end in (low, high) if not infinity(end)))


def _points(items: Sequence[Tree]) -> Region | None:
    if any(free_symbols(item) or real_value(item) is None for item in items):
        return None

    def contains(point: Tree) -> bool | None:
        sides = [order(point, item) for item in items]
        return True if 0 in sides else None if None in sides else False

    return Region(contains, tuple(items))


def _combined(head: str, left: Region | None, right: Region | None) -> Region | None:
    if left is None or right is None:
        return None

    def contains(point: Tree) -> bool | None:
        one, other = left.contains(point), right.contains(point)
        if one is None or other is None:
            return None
        return (one or other) if head == "cup" else (one and other) if head == "cap" else (one and not other)

    return Region(contains, left.ends + right.ends)


def _listed(head: str, items: Sequence[Tree]) -> Region | None:
    """Read several inequalities: joined by "or" any will do, by a comma all must hold unless they never could."""
    parts = [region(item) for item in items]
    total = parts[0]
    for part in parts[1:]:
        total = _combined("cup" if head == "either" else "cap", total, part)
    if total is None or head == "either" or any(total.contains(point) for point in _probes(total.ends)):
        return total
    return _listed("either", items)


def _solved(chain: Chain) -> Region | None:
    """Read an inequality in one variable."""
    names = free_symbols(chain)
    applied = _applied(chain)
    if applied is not None:
        chain, names = applied, frozenset({"?"})
    if len(names) != 1 or not all(sign in ORDERS for sign in chain.signs):
        return None
    variable = Symbol(next(iter(names)))
    links = list(zip(chain.terms, chain.signs, chain.terms[1:], strict=False))

    def contains(point: Tree) -> bool | None:
        verdict: bool | None = True
        for left, sign, right in links:
            side = order(replace(left, variable, point), replace(right, variable, point))
            if side is None:
                return False if _undefined(left, right, variable, point) else None
            verdict = verdict and side in ORDERS[sign]
        return verdict

    ends: list[Tree] = []
    for left, _, right in links:
        if variable in {left, right}:
            ends.extend(end for end in (left, right) if end != variable and not infinity(end) and not free_symbols(end))
        else:
            ends.extend(_crossings(left, right, variable))
    return Region(contains, tuple(ends))


def _applied(chain: Chain) -> Chain | None:
    """Take `0 < f(x) < 1` as an inequality in `f(x)`."""
    calls = {term for term in chain.terms if isinstance(term, Apply) and term.head == "call"}
    others = [term for term in chain.terms if term not in calls]
    if len(calls) != 1 or any(free_symbols(term) for term in others):
        return None
    return Chain(tuple(Symbol("?") if term in calls else term for term in chain.terms), chain.signs)


def _undefined(left: Tree, right: Tree, variable: Symbol, point: Tree) -> bool:
    """Tell whether a side has no real value at a point, which then is no solution."""
    for side in (left, right):
        try:
            Numerics(doubles(), {}, complex_values=False).value(replace(side, variable, point))
        except UndefinedError:
            return True
        except UnsupportedError:
            return False
    return False


def _crossings(left: Tree, right: Tree, variable: Symbol) -> list[Tree]:
    """Find where two sides are equal, or one has a pole: at simple rational numbers if they are such."""
    gap = Apply("+", (left, Apply("neg", (right,))))

    def sign(point: Fraction) -> int:
        try:
            value = Numerics(doubles(), {variable.name: point}, complex_values=False).value(gap)
        except (UndefinedError, UnsupportedError, OverflowError):
            return 2
        return int(value > 0) - int(value < 0)

    found: list[Tree] = []
    points = sorted(SCANNED)
    before, start = sign(points[0]), points[0]
    for point in points[1:]:
        now = sign(point)
        if now != before:
            found.append(Number(_bisected(sign, start, point, before)))
        before, start = now, point
    return found[:MAX_ENDS]


def _bisected(sign: Callable[[Fraction], int], low: Fraction, high: Fraction, at_low: int) -> Fraction:
    for _ in range(44):
        middle = (low + high) / 2
        if sign(middle) == at_low:
            low = middle
        else:
            high = middle
    simple = ((low + high) / 2).limit_denominator(1_000)
    return simple if abs(simple - low) < Fraction(1, 10**9) else (low + high) / 2


def equal_regions(one: Region, other: Region) -> Finding:
    """Compare two sets of real numbers."""
    ends = [end for end in one.ends + other.ends if real_value(end) is not None]
    if len(ends) > MAX_ENDS:
        return Finding(equal=None, how="too many ends")
    undecided = False
    for point in _probes(ends):
        inside = one.contains(point), other.contains(point)
        if None in inside:
            undecided = True
        elif inside[0] != inside[1]:
            return Finding(equal=False, how="one set contains a number that the other does not")
    return Finding(equal=None if undecided else True, how="the same set of numbers")


def _before(left: Tree, right: Tree) -> int:
    return order(left, right) or 0


def _probes(ends: Sequence[Tree]) -> list[Tree]:
    """Choose points at all ends, between them and beyond them."""
    ordered = sorted(ends, key=cmp_to_key(_before))
    values = [value for end in ordered if (value := real_value(end)) is not None]
    if not values:
        return [Number(Fraction(point)) for point in (-10, -1, 0, 1, 10)]
    between = [(left + right) / 2 for left, right in itertools.pairwise(values) if right - left > 10**-12]
    beyond = [values[0] - 1, values[0] - 1000, values[-1] + 1, values[-1] + 1000]
    return [*ordered, *(Number(Fraction(point).limit_denominator(10**15)) for point in [*between, *beyond])]
