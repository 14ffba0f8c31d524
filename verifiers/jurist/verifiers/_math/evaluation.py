"""Walks a tree with one kind of number or another: what all the arithmetics share.

An arithmetic gives the meaning of numbers, symbols and functions; the walk over sums, products, quotients and bounded
loops is written once, here. It is bounded by steps, never by the clock.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from fractions import Fraction
from itertools import pairwise
from typing import TYPE_CHECKING, Generic, TypeVar

from jurist.verifiers._math.tree import Apply, Number, Symbol, Tree

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Arithmetic", "UndefinedError", "UnsupportedError"]

MINUS_ONE, HUNDREDTH = Fraction(-1), Fraction(1, 100)
MAX_STEPS = 8_000
"""Nodes visited by one evaluation: a sum of four hundred terms of twenty nodes; some ten milliseconds."""
MAX_TERMS = 2_000
"""Of a sum or product that is worked out term by term."""
SAMPLED_TERMS = 14
"""Of a longer sum, from which a polynomial of degree up to eleven is told."""

V = TypeVar("V")


class UndefinedError(ArithmeticError):
    """The expression has no value: a division by zero, a logarithm of zero."""


class UnsupportedError(ArithmeticError):
    """This arithmetic cannot tell the value, or only at too high a price."""


class Arithmetic(ABC, Generic[V]):
    """Evaluates trees to values of one kind."""

    def __init__(self, symbols: Mapping[str, V]) -> None:
        self.symbols: dict[str, V] = dict(symbols)
        self.steps: int = 0

    @abstractmethod
    def number(self, value: Fraction) -> V:
        """Represent an exact number."""

    @abstractmethod
    def add(self, left: V, right: V) -> V:
        """Add."""

    @abstractmethod
    def multiply(self, left: V, right: V) -> V:
        """Multiply."""

    @abstractmethod
    def divide(self, left: V, right: V) -> V:
        """Divide; `UndefinedError` by zero."""

    @abstractmethod
    def power(self, base: Tree, exponent: Tree) -> V:
        """Raise to a power."""

    @abstractmethod
    def function(self, head: str, args: tuple[Tree, ...]) -> V:
        """Evaluate any other head."""

    @abstractmethod
    def integer(self, tree: Tree) -> int:
        """Evaluate to an exact integer, as the bound of a loop."""

    def symbol(self, name: str) -> V:
        """Look a symbol up."""
        if name not in self.symbols:
            raise UnsupportedError(name)
        return self.symbols[name]

    def value(self, tree: Tree) -> V:  # noqa: C901, PLR0911, PLR0912 - one case after the other
        """Evaluate a tree.

        Raises:
            UndefinedError: it has no value.
            UnsupportedError: its value cannot be told here.
        """
        self.steps += 1
        if self.steps > MAX_STEPS:
            raise UnsupportedError("too many steps")
        if isinstance(tree, Number):
            return self.number(tree.value)
        if isinstance(tree, Symbol):
            return self.symbol(tree.name)
        if not isinstance(tree, Apply) or not tree.args:
            raise UnsupportedError(type(tree).__name__)
        match tree.head, tree.args:
            case "+", (first, *rest):
                total = self.value(first)
                for arg in rest:
                    total = self.add(total, self.value(arg))
                return total
            case "*", (first, *rest):
                total = self.value(first)
                for arg in rest:
                    total = self.multiply(total, self.value(arg))
                return total
            case "neg", (arg,):
                return self.multiply(self.number(MINUS_ONE), self.value(arg))
            case (("/" | "ratio"), (top, bottom)):
                return self.divide(self.value(top), self.value(bottom))
            case "^", (base, exponent):
                return self.power(base, exponent)
            case "%", (arg,):
                return self.multiply(self.number(HUNDREDTH), self.value(arg))
            case (("sum" | "prod" as head), (body, Symbol(name=index), low, high)):
                return self.loop(head, body, index, (self.integer(low), self.integer(high)))
            case head, args:
                return self.applied(head, args)

    def applied(self, head: str, args: tuple[Tree, ...]) -> V:
        """Evaluate a function that may have been given too few arguments."""
        try:
            return self.function(head, args)
        except IndexError as error:
            raise UnsupportedError(head) from error

    def vanishes(self, value: V) -> bool:
        """Tell whether a value is zero for certain."""
        del value
        return False

    def long_sum(self, head: str, body: Tree, index: str, bounds: tuple[int, int]) -> V:
        """Add the values of a polynomial by Newton's forward differences, however many they are."""
        low, high = bounds
        if head != "sum":
            raise UnsupportedError("too many factors")
        row = [self.loop("sum", body, index, (term, term)) for term in range(low, low + SAMPLED_TERMS)]
        total, choices = self.number(Fraction(0)), high - low + 1
        for order in range(1, SAMPLED_TERMS):
            total = self.add(total, self.multiply(row[0], self.number(Fraction(choices))))
            choices = choices * (high - low + 1 - order) // (order + 1)
            minus = self.number(Fraction(-1))
            row = [self.add(right, self.multiply(minus, left)) for left, right in pairwise(row)]
            if order < SAMPLED_TERMS - 1 and all(map(self.vanishes, row)):
                return total
        raise UnsupportedError("no polynomial")

    def loop(self, head: str, body: Tree, index: str, bounds: tuple[int, int]) -> V:
        """Add or multiply `body` for every value of `index`."""
        low, high = bounds
        if high - low > MAX_TERMS:
            return self.long_sum(head, body, index, bounds)
        total = self.number(Fraction(int(head == "prod")))
        outer = self.symbols.get(index)
        combine = self.add if head == "sum" else self.multiply
        for count in range(low, high + 1):
            self.symbols[index] = self.number(Fraction(count))
            total = combine(total, self.value(body))
        if outer is None:
            self.symbols.pop(index, None)
        else:
            self.symbols[index] = outer
        return total
