"""Reads sums, products, integrals and limits with their bounds."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

from jurist.verifiers._math.tree import Apply, Chain, Number, Symbol, Tree

if TYPE_CHECKING:
    from jurist.verifiers._math.expressions import Expressions

__all__ = ["is_differential", "large_operator"]

ONE = Number(Fraction(1))


def large_operator(reader: Expressions, name: str) -> Tree:
    r"""Read `\\sum`, `\\prod`, `\\int` or `\\lim` with bounds and body; the command has been taken."""
    lower, upper = _bounds(reader)
    if name == "lim":
        return _limit(reader, lower)
    if name in {"sum", "prod"}:
        body = reader.term()
        match lower:
            case Chain(terms=(Symbol() as index, start), signs=("=",)) if upper is not None:
                return Apply(name, (body, index, start, upper))
            case _:
                return Apply("call", (Symbol(name), body))
    if name != "int":
        return reader.fail()
    return _integral(reader, lower, upper)


def _bounds(reader: Expressions) -> tuple[Tree | None, Tree | None]:
    lower: Tree | None = None
    upper: Tree | None = None
    while reader.sees("sign", "_", "^"):
        if reader.take().text == "_":
            lower = reader.argument(whole_number=True)
        else:
            upper = reader.argument(whole_number=True)
    empty = Apply("{}", ())
    return (None if lower == empty else lower), (None if upper == empty else upper)


def _limit(reader: Expressions, lower: Tree | None) -> Tree:
    match lower:
        case Chain(terms=(Symbol() as index, point), signs=("->",)):
            return Apply("limit", (reader.term(), index, point))
        case _:
            return reader.fail()


def _integral(reader: Expressions, lower: Tree | None, upper: Tree | None) -> Tree:
    """Read an integrand up to its differential, which may stand in a numerator or inside a bracket."""
    reader.differential, outer = True, reader.differential
    body = reader.sum() if not is_differential(reader) else ONE
    reader.differential = outer
    variable: Tree = Symbol("x")
    if is_differential(reader):
        variable = _differential(reader)
    else:
        body, variable = _inner_differential(_scalar(body))
    if lower is None or upper is None:
        return Apply("antiderivative", (body, variable))
    return Apply("integral", (body, variable, lower, upper))


def is_differential(reader: Expressions) -> bool:
    """Tell whether `dx` stands here."""
    kind, text, _ = reader.token
    if kind == "word":
        return text.startswith("d") and (len(text) == 2 or (len(text) == 1 and reader.ahead().kind == "command"))  # noqa: PLR2004
    return kind == "text" and text.strip() == "d"


def _differential(reader: Expressions) -> Tree:
    text = reader.take().text
    if len(text) == 2:  # noqa: PLR2004 - "dx"
        return Symbol(text[1])
    return reader.factor()


def _inner_differential(body: Tree) -> tuple[Tree, Tree]:
    r"""Find `d x` among the factors of the integrand, as in `\\frac{dz}{z}`."""
    match body:
        case Apply(head="/", args=(top, bottom)):
            top, variable = _inner_differential(top)
            return Apply("/", (top, bottom)), variable
        case Apply(head="*", args=(*factors, Symbol(name="d"), Symbol() as variable)):
            return (Apply("*", tuple(factors)) if factors else ONE), variable
        case _:
            return body, Symbol("x")


def _scalar(tree: Tree) -> Tree:
    return tree.args[0] if isinstance(tree, Apply) and tree.head == "{}" and len(tree.args) == 1 else tree
