"""What test code takes a name of the program's for."""

from __future__ import annotations

import ast
from typing import Final

CANDIDATE: Final = "candidate"
"""The entry point, in the tests of HumanEval's form."""
CHECK: Final = "check"
"""The function that is given it."""


def is_like_a_classes(name: str) -> bool:
    """Tell a class's name: a function that turns out to be a class is none under test."""
    return name.lstrip("_")[:1].isupper()


def names_class(source: str, name: str, entry_point: str) -> bool:
    """Whether test code takes a name for a class's.

    It does not where it only ever compares it, or what its calls give, with plain values: then the name is a function's
    or a constant's, and a class in its place is wrong.
    """
    if not is_like_a_classes(name):
        return False
    names = {name, CANDIDATE} if name == entry_point else {name}
    parents = {child: parent for parent in ast.walk(ast.parse(source)) for child in ast.iter_child_nodes(parent)}
    found = [node for node in parents if isinstance(node, ast.Name) and node.id in names]
    return not found or not all(_is_compared(node, parents) for node in found)


def _is_compared(node: ast.expr, parents: dict[ast.AST, ast.AST]) -> bool:
    """Whether a name, or a call of it, stands beside a literal, in a comparison or as an argument."""
    parent = parents[node]
    if isinstance(parent, ast.Call) and isinstance(parent.func, ast.Name) and parent.func.id == CHECK:
        return True
    if isinstance(parent, ast.Call) and parent.func is node:
        node, parent = parent, parents[parent]
    beside: list[ast.expr] = []
    if isinstance(parent, ast.Compare):
        beside = [parent.left, *parent.comparators]
    elif isinstance(parent, ast.Call) and parent.func is not node:
        beside = parent.args
    return any(_is_literal(other) for other in beside if other is not node)


def _is_literal(node: ast.expr) -> bool:
    try:
        ast.literal_eval(node)
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        return False
    return True
