"""Between our trees and SymPy's: built node by node, never from text. Imported only where SymPy may run."""

from __future__ import annotations

from fractions import Fraction
from importlib import import_module
from typing import Any

from jurist.verifiers._math.evaluation import UnsupportedError
from jurist.verifiers._math.tree import Apply, Number, Symbol, Text, Tree

__all__ = ["evaluated", "from_sympy", "to_sympy", "vanishes"]

sympy: Any = import_module("sympy")  # it has no types
Expression = Any

NAMES = {
    "ln": "log", "arcsin": "asin", "arccos": "acos", "arctan": "atan", "arccot": "acot", "arcsec": "asec",
    "arccsc": "acsc", "arsinh": "asinh", "arcosh": "acosh", "artanh": "atanh", "arcoth": "acoth", "abs": "Abs",
    "ceil": "ceiling", "sgn": "sign", "!": "factorial", "!!": "factorial2", "binom": "binomial", "min": "Min",
    "max": "Max", "mod": "Mod", "conj": "conjugate",
}  # fmt: skip
SAME = frozenset(
    [
        "sin",
        "cos",
        "tan",
        "cot",
        "sec",
        "csc",
        "sinh",
        "cosh",
        "tanh",
        "coth",
        "sech",
        "csch",
        "exp",
        "sqrt",
        "log",
        "floor",
        "gcd",
        "lcm",
        "re",
        "im",
        "arg",
        "gamma",
    ]
)
BACK = {value: key for key, value in NAMES.items()} | {name: name for name in SAME - {"gcd", "lcm", "sqrt"}}
BACK["log"] = "ln"
FAULTS = (UnsupportedError, ArithmeticError, ValueError, TypeError, NotImplementedError, AttributeError, RecursionError)
"""What SymPy raises where it cannot do something."""
MAX_BITS = 4_000
"""Of a number that SymPy is given as such."""


def to_sympy(tree: Tree, bound: frozenset[str] = frozenset()) -> Expression:  # noqa: C901, PLR0911, PLR0912 - one case after the other
    """Build SymPy's expression of a tree.

    Raises:
        UnsupportedError: it has a part that SymPy is not asked about.
    """
    match tree:
        case Number(value=value) if value.numerator.bit_length() < MAX_BITS:
            return sympy.Rational(value.numerator, value.denominator)
        case Symbol(name=name):
            constants = {"pi": sympy.pi, "e": sympy.E, "i": sympy.I, "inf": sympy.oo}
            if name in constants and name not in bound:
                return constants[name]
            return sympy.Symbol(name, integer=True) if name in bound else sympy.Symbol(name, real=True)
        case Apply(head="+", args=args):
            return sympy.Add(*(to_sympy(arg, bound) for arg in args))
        case Apply(head="*", args=args):
            return sympy.Mul(*(to_sympy(arg, bound) for arg in args))
        case Apply(head="neg", args=(arg,)):
            return -to_sympy(arg, bound)
        case Apply(head="/" | "ratio", args=(top, bottom)):
            return to_sympy(top, bound) / to_sympy(bottom, bound)
        case Apply(head="^", args=(base, exponent)):
            return to_sympy(base, bound) ** to_sympy(exponent, bound)
        case Apply(head="root", args=(inside, degree)):
            return sympy.root(to_sympy(inside, bound), to_sympy(degree, bound))
        case Apply(head="%", args=(arg,)):
            return to_sympy(arg, bound) / 100
        case Apply(head="deg", args=(arg,)):
            return to_sympy(arg, bound) * sympy.pi / 180
        case Apply(head="sum" | "prod" as head, args=(body, Symbol(name=index), low, high)):
            inner = to_sympy(body, bound | {index})
            kind = sympy.Sum if head == "sum" else sympy.Product
            limits = (sympy.Symbol(index, integer=True), to_sympy(low, bound), to_sympy(high, bound))
            return kind(inner, limits)
        case Apply(head="integral", args=(body, Symbol(name=name), low, high)):
            limits = (sympy.Symbol(name, real=True), to_sympy(low, bound), to_sympy(high, bound))
            return sympy.Integral(to_sympy(body, bound), limits)
        case Apply(head="antiderivative", args=(body, Symbol(name=name))):
            return sympy.Integral(to_sympy(body, bound), sympy.Symbol(name, real=True))
        case Apply(head="derivative", args=(body, Symbol(name=name))):
            return sympy.Derivative(to_sympy(body, bound), sympy.Symbol(name, real=True))
        case Apply(head="limit", args=(body, Symbol(name=name), point)):
            side = "+-"
            match point:
                case Apply(head="side", args=(place, Text(words=sign))):
                    target, side = to_sympy(place, bound), sign
                case _:
                    target = to_sympy(point, bound)
            side = "+" if target.is_infinite else side
            return sympy.Limit(to_sympy(body, bound), sympy.Symbol(name, real=True), target, side)
        case Apply(head="call", args=(Symbol(name=name), *args)):
            return sympy.Function(name)(*(to_sympy(arg, bound) for arg in args))
        case Apply(head=head, args=args) if head in NAMES or head in SAME:
            return getattr(sympy, NAMES.get(head, head))(*(to_sympy(arg, bound) for arg in args))
        case _:
            raise UnsupportedError


def from_sympy(expression: Expression) -> Tree:
    """Build our tree of SymPy's expression.

    Raises:
        UnsupportedError: it has a part that we cannot write.
    """
    if expression.is_Rational:
        return Number(Fraction(int(expression.p), int(expression.q)))
    constants = {sympy.pi: "pi", sympy.E: "e", sympy.I: "i", sympy.oo: "inf"}
    if expression in constants:
        return Symbol(constants[expression])
    if expression == -sympy.oo:
        return Apply("neg", (Symbol("inf"),))
    if expression.is_Symbol:
        return Symbol(str(expression.name))
    name = type(expression).__name__
    heads = {"Add": "+", "Mul": "*", "Pow": "^"}
    if name not in heads and name not in BACK:
        raise UnsupportedError(name)
    return Apply(heads.get(name) or BACK[name], tuple(from_sympy(arg) for arg in expression.args))


HARD = frozenset({"sum", "prod", "integral", "antiderivative", "limit", "derivative", "gcd", "lcm"})


def evaluated(tree: Tree) -> Tree:
    """Replace every sum, integral, limit and derivative that SymPy can do by its value."""
    if not isinstance(tree, Apply):
        return tree
    if tree.head in HARD:
        try:
            return from_sympy(sympy.simplify(_first_pieces(to_sympy(tree).doit())))
        except FAULTS:
            return tree
    return Apply(tree.head, tuple(evaluated(arg) for arg in tree.args))


def _first_pieces(expression: Expression) -> Expression:
    """Take a series for its value where it converges, which is the first piece of what SymPy says."""

    def first(*pieces: Expression) -> Expression:
        return pieces[0][0]

    return expression.replace(sympy.Piecewise, first)


def vanishes(left: Tree, right: Tree) -> bool | None:
    """Tell whether the difference of two expressions is zero; None if SymPy cannot."""
    try:
        gap = _first_pieces(to_sympy(left).doit() - to_sympy(right).doit())
        if gap == 0 or sympy.simplify(gap) == 0:
            return True
        known = gap.equals(0)
        if known is not None:
            return bool(known)
        size = abs(sympy.N(gap, 30)) if not gap.free_symbols else None
    except FAULTS:
        return None
    if size is not None and size.is_number and size > sympy.Rational(1, 10**12):
        return False
    return None
