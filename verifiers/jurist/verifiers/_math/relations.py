"""Equations and inequalities: equal when one can be rearranged into the other; labels such as `x =` and `f(x) =`."""

from __future__ import annotations

from fractions import Fraction

from jurist.verifiers._math.evaluation import UndefinedError
from jurist.verifiers._math.identity import identical, order, real_value
from jurist.verifiers._math.rationals import rational
from jurist.verifiers._math.rules import DIFFERENT, Finding
from jurist.verifiers._math.tree import CONSTANTS, Apply, Chain, Number, Symbol, Text, Tree, free_symbols, replace, walk

__all__ = ["chain_holds", "equal_relations", "is_label", "labelled", "rename_arguments"]

MIRRORED = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "=": "=", "!=": "!=", "~": "="}
CIRCULAR = frozenset({"sin", "cos", "tan", "cot", "sec", "csc"})
"""Functions of an angle, which may name what is asked for: `cos A = 3/5`."""
_DEFINING = frozenset({"=", "~", "in", "->"})
APPROXIMATE_ERROR = Fraction(1, 100)
"""Relative error of a link written with an approximation sign."""
SMALL_PRIMES = (2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37)


def is_label(tree: Tree) -> bool:  # noqa: PLR0911 - one case after the other
    """Tell a name for the answer (`x`, `a_1`, `f(x)`, `P(A)`, `(x, y)`, `|AB|`, `AB`) from a part of it."""
    match tree:
        case Symbol(name=name):
            return name not in CONSTANTS and not name.startswith(("mathbb", "∅", "..."))
        case Text(words=words):
            return len(words) < 40  # noqa: PLR2004 - "the number of ways"
        case Apply(head="call" | "prime"):
            return True
        case Apply(head=head, args=(inner,)) if head in CIRCULAR:
            return is_label(inner)
        case Apply(head="unit", args=(value, _)):
            return is_label(value)
        case Apply(head="()" | "group", args=args):
            return all(isinstance(arg, Symbol) and is_label(arg) for arg in args) and bool(args)
        case Apply(head="*", args=args):
            return all(isinstance(arg, Symbol) and arg.name[0].isupper() for arg in args)
        case Apply(head="/" | "ratio" | "abs", args=args):
            return all(is_label(arg) and not _is_variable(arg) for arg in args)
        case _:
            return False


def _is_variable(tree: Tree) -> bool:
    return isinstance(tree, Symbol) and tree.name[0].islower()


def labelled(tree: Tree) -> tuple[Tree | None, Tree]:
    r"""Split `x = 5`, `5 = x` and `x \\in A` into label and content; the label is None where there is none."""
    match tree:
        case Chain(terms=(label, *rest), signs=signs) if set(signs) <= _DEFINING and is_label(label):
            return label, (rest[0] if len(rest) == 1 else Chain(tuple(rest), signs[1:]))
        case Chain(terms=(content, label), signs=("=",)) if is_label(label) and not free_symbols(content):
            return label, content
        case _:
            return None, tree


def chain_holds(chain: Chain) -> Finding:
    r"""Check every link of `2 + 3 = 5 \\approx 5.0`; links that no method settles are let pass."""
    for left, sign, right in zip(chain.terms, chain.signs, chain.terms[1:], strict=False):
        if sign == "=" and identical(left, right).equal is False:
            return Finding(equal=False, how="a link of the chain does not hold")
        if sign == "~":
            one, other = real_value(left), real_value(right)
            if (
                one is not None
                and other is not None
                and abs(one - other) > APPROXIMATE_ERROR * max(abs(one), abs(other))
            ):
                return Finding(equal=False, how="a link of the chain does not hold")
    return Finding(equal=True, how="the links hold")


def rename_arguments(one: Chain, other: Chain) -> Chain:
    """Give `f(t) = t^2` the variable of `f(x) = x^2`."""
    match one.terms[0], other.terms[0]:
        case (
            Apply(head="call", args=(Symbol() as name, Symbol() as wanted)),
            Apply(head="call", args=(Symbol() as same, Symbol() as given)),
        ) if (
            name == same
            and wanted != given
            and wanted.name.islower()
            and given.name.islower()
            and wanted.name not in free_symbols(other)
        ):
            renamed = replace(other, given, wanted)
            return renamed if isinstance(renamed, Chain) else other
        case _:
            return other


def equal_relations(one: Chain, other: Chain) -> Finding:
    """Compare two relations."""
    if one == other:
        return Finding(equal=True, how="same relation")
    other = rename_arguments(one, other)
    if len(one.signs) != 1 or len(other.signs) != 1:
        return _equal_chains(one, other)
    if one.signs[0] not in MIRRORED or other.signs[0] not in MIRRORED:
        return _equal_chains(one, other)
    return _rearranged(one, other)


def _equal_chains(one: Chain, other: Chain) -> Finding:
    """Compare chains link by link, in either direction."""
    mirrored = Chain(other.terms[::-1], tuple(MIRRORED.get(sign, sign) for sign in other.signs[::-1]))
    for candidate in (other, mirrored):
        if candidate.signs == one.signs:
            parts = [identical(left, right).equal for left, right in zip(one.terms, candidate.terms, strict=True)]
            if all(parts):
                return Finding(equal=True, how="the same chain of relations")
            if None in parts and False not in parts:
                return Finding(equal=None, how="no method settles it")
    return DIFFERENT


def _rearranged(one: Chain, other: Chain) -> Finding:
    """Compare `l = r` with `l' = r'` as `l - r` with a constant multiple of `l' - r'`."""
    (left, strict), (right, other_strict) = _as_zero(one), _as_zero(other)
    if strict != other_strict:
        return Finding(equal=False, how="different relation signs")
    names = sorted(free_symbols(left) | free_symbols(right))
    if free_symbols(left) != free_symbols(right):
        return Finding(equal=False, how="different variables")
    finding = _proportional(left, right, names, signed=strict in {"<", "<="})
    if finding.equal is False and strict in {"=", "!="}:
        cleared = [_cleared(side)[0] for side in (left, right)]
        if cleared != [left, right]:
            return _proportional(cleared[0], cleared[1], names, signed=False)
    return finding


def _as_zero(chain: Chain) -> tuple[Tree, str]:
    """Bring a relation to `f = 0`, `f < 0`, `f <= 0` or `f != 0`."""
    left, right = chain.terms
    sign = chain.signs[0]
    if sign in {">", ">="}:
        left, right, sign = right, left, MIRRORED[sign]
    return Apply("+", (left, Apply("neg", (right,)))), "=" if sign == "~" else sign


def _proportional(left: Tree, right: Tree, names: list[str], *, signed: bool) -> Finding:
    """Tell whether two functions are constant multiples of each other: f(x) g(p) = g(x) f(p)."""
    for shift in range(4):
        one, other = left, right
        for index, name in enumerate(names):
            value = Number(Fraction(SMALL_PRIMES[(index + 3 * shift) % len(SMALL_PRIMES)] * (1 + shift)))
            one, other = replace(one, Symbol(name), value), replace(other, Symbol(name), value)
        if _is_zero(one) or _is_zero(other):
            continue
        finding = identical(Apply("*", (left, other)), Apply("*", (right, one)))
        if finding.equal and signed:
            zero = Number(Fraction(0))
            signs = order(one, zero), order(other, zero)
            if None in signs:
                return Finding(equal=None, how="no method settles it")
            return Finding(signs[0] == signs[1], "one side is a multiple of the other")
        return finding._replace(how=f"rearranged into each other: {finding.how}")
    return Finding(equal=None, how="no method settles it")


def _is_zero(tree: Tree) -> bool:
    """Tell whether a constant is zero or does not exist, and so is of no use."""
    try:
        exact = rational(tree)
    except UndefinedError:
        return True
    if exact is not None:
        return not exact
    if any(isinstance(node, Apply) and node.head == "call" for node in walk(tree)):
        return False
    return identical(tree, Number(Fraction(0))).equal is not False


def _cleared(tree: Tree) -> tuple[Tree, Tree]:
    """Write a tree as one fraction: its numerator and denominator."""
    one = Number(Fraction(1))
    match tree:
        case Apply(head="/", args=(top, bottom)):
            (a, b), (c, d) = _cleared(top), _cleared(bottom)
            return _times(a, d), _times(b, c)
        case Apply(head="neg", args=(inner,)):
            top, bottom = _cleared(inner)
            return Apply("neg", (top,)), bottom
        case Apply(head="*", args=args):
            top = bottom = one
            for arg in args:
                a, b = _cleared(arg)
                top, bottom = _times(top, a), _times(bottom, b)
            return top, bottom
        case Apply(head="+", args=args):
            top, bottom = _cleared(args[0])
            for arg in args[1:]:
                a, b = _cleared(arg)
                if b == bottom:
                    top = Apply("+", (top, a))
                else:
                    top, bottom = Apply("+", (_times(top, b), _times(a, bottom))), _times(bottom, b)
            return top, bottom
        case _:
            return tree, one


def _times(left: Tree, right: Tree) -> Tree:
    one = Number(Fraction(1))
    return right if left == one else left if right == one else Apply("*", (left, right))
