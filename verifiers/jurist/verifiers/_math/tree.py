"""The frozen tree that an answer is read into. Nothing here is ever turned back into code."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from fractions import Fraction

__all__ = [
    "Apply",
    "Chain",
    "Number",
    "Symbol",
    "Text",
    "Tree",
    "free_symbols",
    "height",
    "replace",
    "walk",
    "with_plain_indices",
]


@dataclass(frozen=True, slots=True)
class Number:
    """A literal: its exact value as written.

    `places` counts the decimals of a literal with a decimal point (negative with an exponent), None for one that is
    exact; `digits` its significant digits.
    """

    value: Fraction
    places: int | None = None
    digits: int = 0


@dataclass(frozen=True, slots=True)
class Symbol:
    """A variable or a constant by name: `x`, `pi`, `e`, `i`, `x_{1}`, `inf`."""

    name: str


@dataclass(frozen=True, slots=True)
class Text:
    """Words."""

    words: str


@dataclass(frozen=True, slots=True)
class Apply:
    """An operation on trees; the heads are listed beside the parser that makes them."""

    head: str
    args: tuple[Tree, ...]


@dataclass(frozen=True, slots=True)
class Chain:
    """A relation or a chain of them: `a < b <= c` has three terms and two signs."""

    terms: tuple[Tree, ...]
    signs: tuple[str, ...]


Tree = Number | Symbol | Text | Apply | Chain

CONSTANTS = frozenset({"pi", "e", "i", "inf"})


def walk(tree: Tree) -> Iterator[Tree]:
    """Yield every node, parents first."""
    pending = [tree]
    while pending:
        node = pending.pop()
        yield node
        if isinstance(node, Apply):
            pending.extend(node.args)
        elif isinstance(node, Chain):
            pending.extend(node.terms)


def height(tree: Tree) -> int:
    """Count the levels."""
    level, levels = [tree], 0
    while level:
        levels += 1
        level = [
            child
            for node in level
            for child in (node.args if isinstance(node, Apply) else node.terms if isinstance(node, Chain) else ())
        ]
    return levels


def free_symbols(tree: Tree) -> frozenset[str]:
    """Name the variables: symbols that are no constant and no bound index."""
    found: set[str] = set()
    bound: set[str] = set()
    for node in walk(tree):
        if isinstance(node, Symbol):
            found.add(node.name)
        elif isinstance(node, Apply) and node.head in BINDERS and isinstance(node.args[1], Symbol):
            bound.add(node.args[1].name)
    return frozenset(found - CONSTANTS - bound)


BINDERS = frozenset({"sum", "prod", "integral", "limit", "antiderivative"})
"""Heads whose second argument is an index."""


def with_plain_indices(tree: Tree, level: int = 0) -> Tree:
    """Give the index of a sum one name where it stands in the names of other symbols: `a_j` summed over `j`."""
    if not isinstance(tree, Apply):
        return (
            Chain(tuple(with_plain_indices(term) for term in tree.terms), tree.signs)
            if isinstance(tree, Chain)
            else tree
        )
    args = tuple(with_plain_indices(arg, level + (tree.head in BINDERS)) for arg in tree.args)
    if tree.head in {"sum", "prod"} and isinstance(args[1], Symbol):
        within = re.compile(rf"(?<![A-Za-z]){re.escape(args[1].name)}(?![A-Za-z])")
        subscripts = [node.name.partition("_")[2] for node in walk(args[0]) if isinstance(node, Symbol)]
        if any(map(within.search, subscripts)):
            index = Symbol(f"index{level}")
            return Apply(tree.head, (_subscripts(args[0], args[1], index, within), index, *args[2:]))
    return Apply(tree.head, args)


def _subscripts(tree: Tree, old: Symbol, new: Symbol, within: re.Pattern[str]) -> Tree:
    """Rename a symbol, and wherever it stands in a subscript."""
    match tree:
        case Symbol(name=name):
            base, mark, subscript = name.partition("_")
            return new if tree == old else Symbol(f"{base}{mark}{within.sub(new.name, subscript)}")
        case Apply(head=head, args=args):
            return Apply(head, tuple(_subscripts(arg, old, new, within) for arg in args))
        case Chain(terms=terms, signs=signs):
            return Chain(tuple(_subscripts(term, old, new, within) for term in terms), signs)
        case _:
            return tree


def replace(tree: Tree, old: Tree, new: Tree) -> Tree:
    """Put `new` wherever `old` stands."""
    if tree == old:
        return new
    if isinstance(tree, Apply):
        return Apply(tree.head, tuple(replace(arg, old, new) for arg in tree.args))
    if isinstance(tree, Chain):
        return Chain(tuple(replace(term, old, new) for term in tree.terms), tree.signs)
    return tree
