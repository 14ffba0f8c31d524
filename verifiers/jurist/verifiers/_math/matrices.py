"""Matrices: sums and products of them, worked out to entries that are trees."""

from __future__ import annotations

from fractions import Fraction
from functools import partial
from typing import TYPE_CHECKING

from jurist.verifiers._math.identity import identical
from jurist.verifiers._math.tree import Apply, Number, Symbol, Tree, free_symbols, replace, walk

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["BASIS", "as_matrix", "determinant", "rows_of", "vector"]

ONE, ZERO = Number(Fraction(1)), Number(Fraction(0))
Matrix = tuple[tuple[Tree, ...], ...]
LARGEST_DETERMINANT = 4
"""Rows of a determinant that is expanded, to 24 products."""
MAX_ENTRIES = 144
"""Of a product."""


def as_matrix(tree: Tree) -> Matrix | None:  # noqa: PLR0911 - one case after the other
    """Work a tree out to a matrix; None if it is none."""
    match tree:
        case Apply(head="^", args=(Apply(head="()" | "[]", args=cells), Symbol(name="T"))):
            return _column(cells)
        case _ if not any(isinstance(node, Apply) and node.head == "matrix" for node in walk(tree)):
            return None
        case Apply(head="matrix", args=rows):
            matrix = tuple(row.args for row in rows if isinstance(row, Apply))
            return matrix if len({len(row) for row in matrix}) == 1 else None
        case Apply(head="^", args=(inner, Symbol(name="T"))):
            return _transposed(as_matrix(inner))
        case Apply(head="neg", args=(inner,)):
            return _scaled(as_matrix(inner), lambda cell: Apply("neg", (cell,)))
        case Apply(head="+", args=args):
            return _sum([as_matrix(arg) for arg in args])
        case Apply(head="*", args=args):
            return _product(args)
        case _:
            return None


def _column(cells: tuple[Tree, ...]) -> Matrix:
    return tuple((cell,) for cell in cells)


def _transposed(matrix: Matrix | None) -> Matrix | None:
    return None if matrix is None else tuple(zip(*matrix, strict=True))


def _scaled(matrix: Matrix | None, change: Callable[[Tree], Tree]) -> Matrix | None:
    if matrix is None:
        return None
    return tuple(tuple(change(cell) for cell in row) for row in matrix)


def _times(factor: Tree, cell: Tree) -> Tree:
    return Apply("*", (factor, cell))


def _sum(parts: list[Matrix | None]) -> Matrix | None:
    known = [part for part in parts if part is not None]
    if len(known) != len(parts) or len({(len(part), len(part[0])) for part in known}) != 1:
        return None
    return tuple(
        tuple(Apply("+", tuple(part[row][column] for part in known)) for column in range(len(known[0][0])))
        for row in range(len(known[0]))
    )


def _product(args: tuple[Tree, ...]) -> Matrix | None:
    total: Matrix | None = None
    for arg in args:
        matrix = as_matrix(arg)
        if matrix is None:
            continue
        if total is None:
            total = matrix
        elif len(total[0]) != len(matrix) or len(total) * len(matrix) * len(matrix[0]) > MAX_ENTRIES:
            return None
        else:
            total = tuple(
                tuple(
                    Apply("+", tuple(Apply("*", (left, right)) for left, right in zip(row, column, strict=True)))
                    for column in zip(*matrix, strict=True)
                )
                for row in total
            )
    for arg in args:
        if as_matrix(arg) is None:
            total = _scaled(total, partial(_times, arg))
    return total


def rows_of(tree: Tree) -> Matrix | None:
    """Read `[[1, 2], [3, 4]]` and `[1, 2; 3, 4]` as a matrix by its rows."""
    if not isinstance(tree, Apply) or tree.head not in {"[]", "()", "{}"}:
        return None
    rows = tuple(row.args for row in tree.args if isinstance(row, Apply) and row.head in {"[]", "()", "{}", "group"})
    return rows if len(rows) == len(tree.args) and len({len(row) for row in rows}) == 1 else None


BASIS = (Symbol("i"), Symbol("j"), Symbol("k"))
"""Of space, by their names: `3i + 4j` is a vector where one is asked for."""


def vector(tree: Tree, size: int) -> list[Tree] | None:
    """Read `3i + 4j` as a vector of `size` entries; None if it is none."""
    if size not in {2, 3}:
        return None
    plain = tree
    for node in walk(tree):
        if isinstance(node, Symbol) and node in BASIS:
            plain = replace(plain, node, Symbol(f"e_{node.name}"))
    basis = [Symbol(f"e_{symbol.name}") for symbol in BASIS]
    if plain == tree or not {symbol.name for symbol in basis} & free_symbols(plain):
        return None
    entries = [_entry(plain, axis, basis) for axis in basis]
    rebuilt = Apply("+", tuple(Apply("*", pair) for pair in zip(entries, basis, strict=True)))
    if not identical(plain, rebuilt).equal or any(not identical(entry, ZERO).equal for entry in entries[size:]):
        return None
    return entries[:size]


def _entry(tree: Tree, axis: Symbol, basis: list[Symbol]) -> Tree:
    for symbol in basis:
        tree = replace(tree, symbol, ONE if symbol == axis else ZERO)
    return tree


def determinant(tree: Tree) -> Tree:
    """Expand a small determinant by its first row; a larger one stays as it is."""
    matrix = as_matrix(tree)
    if matrix is None or len(matrix) != len(matrix[0]) or len(matrix) > LARGEST_DETERMINANT:
        return Apply("det", (tree,))
    return _expanded(matrix)


def _expanded(matrix: Matrix) -> Tree:
    if len(matrix) == 1:
        return matrix[0][0]
    terms: list[Tree] = []
    for column, cell in enumerate(matrix[0]):
        minor = tuple(row[:column] + row[column + 1 :] for row in matrix[1:])
        term = Apply("*", (cell, _expanded(minor)))
        terms.append(Apply("neg", (term,)) if column % 2 else term)
    return Apply("+", tuple(terms))
