"""Compares what has a notation of its own: times, dates, numerals, ratios, residues, piecewise functions."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise
from typing import TYPE_CHECKING

from jurist.verifiers._math.evaluation import UndefinedError
from jurist.verifiers._math.identity import identical
from jurist.verifiers._math.members import in_order, matched
from jurist.verifiers._math.rationals import rational
from jurist.verifiers._math.rules import DIFFERENT, Finding
from jurist.verifiers._math.tree import Apply, Number, Symbol, Text, Tree

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = ["equal_notations"]

MAX_PLACES = 100
"""Of a numeral with a base."""


def equal_notations(reference: Tree, answer: Tree, equal: Callable[[Tree, Tree], Finding]) -> Finding | None:  # noqa: PLR0911 - one case after the other
    """Compare two answers of which one at least has such a notation; None if neither has. `equal` compares parts."""
    heads = {tree.head if isinstance(tree, Apply) else "" for tree in (reference, answer)}
    if heads & {"time", "date"}:
        return _times(reference, answer)
    if "base" in heads:
        return _numerals(reference, answer)
    if "pmod" in heads:
        return _residues(reference, answer)
    if "antiderivative" in heads and len(heads) > 1:
        return Finding(equal=False, how="an indefinite integral is no single function")
    if not (isinstance(reference, Apply) and isinstance(answer, Apply)) or len(heads) > 1:
        return None
    match reference.head:
        case "cases":
            return matched(reference.args, answer.args, lambda one, other: _pieces(one, other, equal))
        case "ratio":
            return _ratios(reference.args, answer.args)
        case "antiderivative":
            same = reference.args[1] == answer.args[1]
            return identical(reference.args[0], answer.args[0]) if same else DIFFERENT
        case _:
            return None


def _times(reference: Tree, answer: Tree) -> Finding:
    if not isinstance(reference, Apply) or not isinstance(answer, Apply) or reference.head != answer.head:
        return DIFFERENT
    for one, other in zip(reference.args, answer.args, strict=True):
        if one != other and Text("") not in {one, other}:
            return Finding(equal=False, how=f"a different {reference.head}")
    return Finding(equal=True, how=f"the same {reference.head}")


def _numerals(reference: Tree, answer: Tree) -> Finding:
    sides = [
        (side.args if isinstance(side, Apply) and side.head == "base" else (side, None)) for side in (reference, answer)
    ]
    (digits, base), (others, other_base) = sides
    if base is not None and other_base is not None and base != other_base:
        return Finding(equal=False, how="different bases")
    return Finding(_digits(digits) == _digits(others) != "", "digits in a base")


def _digits(tree: Tree | None) -> str:  # noqa: PLR0911 - one case after the other
    match tree:
        case Number(value=value, places=None) if value.denominator == 1:
            return str(value.numerator)
        case Number(value=value, places=int(places)) if 0 < places <= MAX_PLACES:
            whole = str((value * 10**places).numerator).rjust(places + 1, "0")
            return f"{whole[:-places]}.{whole[-places:]}"
        case Text(words=words):
            return words.strip().upper().lstrip("0") or "0"
        case Apply(head="neg", args=(inner,)):
            return f"-{_digits(inner)}"
        case Apply(head="*", args=args):
            return "".join(map(_digits, args)).upper()
        case Symbol(name=name):
            return name.upper()
        case _:
            return ""


def _residues(reference: Tree, answer: Tree) -> Finding:
    r"""Compare `3 \\pmod 7` with `10 \\pmod 7`, or with a bare 3."""
    match reference, answer:
        case Apply(head="pmod", args=(one, modulus)), Apply(head="pmod", args=(other, same)):
            if not identical(modulus, same).equal:
                return Finding(equal=False, how="different moduli")
            gap = Apply("mod", (Apply("+", (one, Apply("neg", (other,)))), modulus))
            try:
                rest = rational(gap)
            except UndefinedError:
                return DIFFERENT
            return identical(one, other) if rest is None else Finding(rest == Fraction(0), "the same residue")
        case (Apply(head="pmod", args=(one, _)), other) | (one, Apply(head="pmod", args=(other, _))):
            return identical(one, other)
        case _:
            return DIFFERENT


def _ratios(one: Sequence[Tree], other: Sequence[Tree]) -> Finding:
    if len(one) != len(other):
        return DIFFERENT
    for (a, b), (c, d) in zip(pairwise(one), pairwise(other), strict=True):
        finding = identical(Apply("*", (a, d)), Apply("*", (b, c)))
        if not finding.equal:
            return finding
    return Finding(equal=True, how="the same ratio")


def _pieces(one: Tree, other: Tree, equal: Callable[[Tree, Tree], Finding]) -> Finding:
    """Compare two pieces of a function: value and condition."""
    if not isinstance(one, Apply) or not isinstance(other, Apply) or len(one.args) != len(other.args):
        return DIFFERENT
    if one.args[-1] != other.args[-1] and Text("otherwise") in {one.args[-1], other.args[-1]}:
        return equal(one.args[0], other.args[0])
    return in_order(one.args, other.args, equal)
