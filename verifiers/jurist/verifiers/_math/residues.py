"""Values modulo large primes: huge powers, factorials and polynomials compared without being computed.

Two expressions that differ modulo a prime at a point where both are defined are different: that is a proof. Two that
agree modulo two primes of 62 bits at random points are equal but for odds of 2^-60 a point (Schwartz and Zippel).
"""

from __future__ import annotations

import math
from fractions import Fraction
from functools import cache
from hashlib import blake2b
from typing import TYPE_CHECKING

from jurist.verifiers._math.evaluation import Arithmetic, UndefinedError, UnsupportedError
from jurist.verifiers._math.rationals import MAX_BITS, Rationals, rational
from jurist.verifiers._math.tree import Apply, Number, Symbol, Tree, walk

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["PRIMES", "Residues"]

MAX_FACTORIAL = 20_000
"""Multiplications for one factorial: about a millisecond."""


def _pierpont_primes(count: int) -> tuple[int, ...]:
    """Find primes 2^a 3^b + 1 of some 62 bits: every exponent's modulus, and its exponent's, has factors 2 and 3 alone.

    So Euler's theorem reaches down a tower of powers without factoring anything.
    """
    found: list[int] = []
    for threes in range(2, 30):
        for twos in range(2, 62):
            candidate = 2**twos * 3**threes + 1
            if 2**61 < candidate < 2**63 and all(_strong(candidate, base) for base in (2, 3, 5, 7, 11, 13, 17, 19, 23)):
                found.append(candidate)
                if len(found) == count:
                    return tuple(found)
    return tuple(found)


def _strong(number: int, base: int) -> bool:
    odd, twos = number - 1, 0
    while odd % 2 == 0:
        odd, twos = odd // 2, twos + 1
    value = pow(base, odd, number)
    return value in {1, number - 1} or any((value := value * value % number) == number - 1 for _ in range(twos - 1))


PRIMES = _pierpont_primes(2)


def _totient(modulus: int) -> int:
    for prime in (2, 3):
        if modulus % prime == 0:
            modulus = modulus // prime * (prime - 1)
    return modulus


@cache
def _square_root_of_minus_one(prime: int) -> int:
    return next(root for base in range(2, 99) if (root := pow(base, (prime - 1) // 4, prime)) ** 2 % prime == prime - 1)


class Residues(Arithmetic[int]):
    """Evaluates modulo a prime; below it, in exponents, modulo numbers of the form 2^a 3^b.

    `points` are the symbols that stand for every real number: a function that treats positive integers otherwise than
    the rest (an absolute value, a root) cannot be tried at integers alone.
    """

    def __init__(self, symbols: Mapping[str, int], prime: int, points: frozenset[str]) -> None:
        super().__init__(symbols)
        self.modulus = prime
        self.prime = prime
        self.points = points

    def number(self, value: Fraction) -> int:
        if value.denominator == 1:
            return value.numerator % self.modulus
        return self.divide(value.numerator % self.modulus, value.denominator % self.modulus)

    def symbol(self, name: str) -> int:
        if name == "i" and name not in self.symbols and self.modulus == self.prime:
            return _square_root_of_minus_one(self.prime)
        return super().symbol(name) % self.modulus

    def vanishes(self, value: int) -> bool:
        return not value

    def add(self, left: int, right: int) -> int:
        return (left + right) % self.modulus

    def multiply(self, left: int, right: int) -> int:
        return left * right % self.modulus

    def divide(self, left: int, right: int) -> int:
        if not right:
            raise UndefinedError
        if math.gcd(right, self.modulus) != 1:
            raise UnsupportedError
        return left * pow(right, -1, self.modulus) % self.modulus

    def exact(self, tree: Tree) -> Fraction | None:
        """Evaluate to an exact number of bounded size, if it has one."""
        return rational(tree, {name: Fraction(value) for name, value in self.symbols.items()})

    def settled(self, tree: Tree) -> Fraction | None:
        """Evaluate exactly what has the same value at every point."""
        if any(isinstance(node, Symbol) and node.name in self.points for node in walk(tree)):
            raise UnsupportedError
        return self.exact(tree)

    def integer(self, tree: Tree) -> int:
        value = self.exact(tree)
        if value is None or value.denominator != 1:
            raise UnsupportedError
        return value.numerator

    def power(self, base: Tree, exponent: Tree) -> int:
        if isinstance(exponent, Apply) and exponent.head == "neg":
            return self.divide(1, self.power(base, exponent.args[0]))
        value = self.value(base)
        exact = self.exact(exponent)
        if exact is not None:
            if exact.denominator != 1:
                return self.number(_exact_power(self.settled(base), exact))
            if exact < 0 or (exact == 0 and not value):
                return self.divide(1, self.raised(value, -exact.numerator))
            return self.raised(value, exact.numerator)
        below: Residues = Residues(self.symbols, self.prime, self.points)
        below.modulus = _totient(self.modulus) if self.modulus != self.prime else self.prime - 1
        below.steps = self.steps
        if below.modulus < 2:  # noqa: PLR2004 - everything is 0 modulo 1
            return self.raised(value, 64)
        return self.raised(value, below.value(exponent) + below.modulus * 64)

    def raised(self, value: int, exponent: int) -> int:
        """Raise a residue to an exact exponent."""
        if exponent == 0 and not value:
            raise UndefinedError
        return pow(value, exponent, self.modulus)

    def function(self, head: str, args: tuple[Tree, ...]) -> int:
        if head == "!" and len(args) == 1:
            return self.product(1, self.integer(args[0]))
        if head == "binom" and len(args) == 2:  # noqa: PLR2004 - it takes two
            top, count = self.integer(args[0]), self.integer(args[1])
            if not 0 <= count <= top:
                return 0 if top >= 0 else self.unknown(head, args)
            count = min(count, top - count)
            return self.divide(self.product(top - count + 1, top), self.product(1, count))
        return self.unknown(head, args)

    def unknown(self, head: str, args: tuple[Tree, ...]) -> int:
        """Evaluate a function through its exact value, or an undefined one as if it were random."""
        if head == "call" and self.modulus == self.prime:
            named = repr((args[0], *(self.value(arg) for arg in args[1:])))
            return int.from_bytes(blake2b(named.encode("utf-8", "replace"), digest_size=8).digest()) % self.modulus
        exact = self.settled(Apply(head, args))
        if exact is None:
            raise UnsupportedError
        return self.number(exact)

    def product(self, low: int, high: int) -> int:
        """Multiply the integers from `low` to `high`."""
        if low < 0 or high < 0:
            raise UndefinedError
        if high - low > MAX_FACTORIAL:
            raise UnsupportedError
        self.steps += (high - low) // 8
        total = 1
        for factor in range(max(low, 1), high + 1):
            total = total * factor % self.modulus
        return total


def _exact_power(base: Fraction | None, exponent: Fraction) -> Fraction:
    """Raise to a fractional power that comes out rational."""
    if base is None or max(base.numerator.bit_length(), base.denominator.bit_length()) > MAX_BITS:
        raise UnsupportedError
    return Rationals({}).power(Number(base), Number(exponent))
