"""Writes a tree in one line for a person: the canonical form of an answer, as it was compared."""

from __future__ import annotations

from jurist.verifiers._math.tree import Apply, Chain, Number, Symbol, Text, Tree

__all__ = ["written"]

LONGEST = 400
"""Characters; what is longer is cut."""
SYMBOLS = {"inf": "infinity", "mathbb_R": "all reals", "mathbb_Z": "all integers", "∅": "empty set"}
SIGNS = {"~": "≈", "<=": "≤", ">=": "≥", "!=": "≠", "in": "∈", "notin": "∉"}
BETWEEN = {
    "cup": " or ",
    "cap": " and ",
    "setminus": " \\ ",
    "ratio": ":",
    "either": " or ",
    "list": ", ",
    "mod": " mod ",
}
AROUND = {
    "()": "()", "[]": "[]", "(]": "(]", "[)": "[)", "{}": "{}", "braces": "{}", "group": "()", "row": "[]",
    "matrix": "[]",
    "cases": "{}", "abs": "||", "floor": "⌊⌋", "ceil": "⌈⌉",
}  # fmt: skip
PREFIXES = {"pm": "±", "mp": "∓", "neg": "-"}
SUFFIXES = {"%": "%", "deg": "°", "!": "!", "!!": "!!", "prime": "'"}
LOOSE = frozenset({"+", "*", "/", "^", "neg", "pm", "mp", "unit"} | BETWEEN.keys())
"""Heads that need a bracket around them in a product or a power."""


def written(tree: Tree) -> str:
    """Write a tree; cut where it is very long."""
    text = _written(tree)
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}..."


def _written(tree: Tree) -> str:
    match tree:
        case Number(value=value):
            return str(value) if value.denominator != 1 or value.numerator.bit_length() < LONGEST else "a long integer"
        case Symbol(name=name):
            return SYMBOLS.get(name, name.replace("_{", "_").replace("}", "") if name.count("{") == 1 else name)
        case Text(words=words):
            return f"“{words}”"
        case Chain(terms=terms, signs=signs):
            first, *rest = map(_written, terms)
            return first + "".join(f" {SIGNS.get(sign, sign)} {term}" for sign, term in zip(signs, rest, strict=True))
        case Apply(head=head, args=args):
            return _applied(head, args)


def _applied(head: str, args: tuple[Tree, ...]) -> str:  # noqa: C901, PLR0911 - one case after the other
    match head, args:
        case "+", (first, *rest):
            return _written(first) + "".join(map(_term, rest))
        case "*", _:
            return "·".join(_written(arg) if _is_power(arg) else _factor(arg) for arg in args)
        case "/" | "^", (left, right):
            return f"{_factor(left)}{head}{_factor(right)}"
        case "unit", (value, Text(words=words)):
            return f"{_factor(value)} {words.strip()}"
        case "base", (digits, base):
            return f"{digits.words if isinstance(digits, Text) else _written(digits)} in base {_written(base)}"
        case "time" | "date", _:
            parts = [part.words if isinstance(part, Text) else _written(part).rjust(2, "0") for part in args]
            return f"{head} {(':' if head == 'time' else '-').join(part for part in parts if part)}"
        case _:
            pass
    if head in PREFIXES and len(args) == 1:
        return f"{PREFIXES[head]}{_factor(args[0])}"
    if head in SUFFIXES and len(args) == 1:
        return f"{_factor(args[0])}{SUFFIXES[head]}"
    if head in BETWEEN:
        return BETWEEN[head].join(map(_written, args))
    inside = ", ".join(map(_written, args))
    if head in AROUND:
        return f"{AROUND[head][0]}{inside}{AROUND[head][1]}"
    if head == "call" and args:
        return f"{_written(args[0])}({', '.join(map(_written, args[1:]))})"
    return f"{head}({inside})"


def _term(tree: Tree) -> str:
    if isinstance(tree, Apply) and tree.head == "neg":
        return f" - {_factor(tree.args[0])}"
    return f" + {_written(tree)}"


def _is_power(tree: Tree) -> bool:
    return isinstance(tree, Apply) and tree.head == "^"


def _factor(tree: Tree) -> str:
    whole = isinstance(tree, Symbol | Text) or (isinstance(tree, Number) and tree.value.denominator == 1)
    tight = isinstance(tree, Apply) and tree.head not in LOOSE
    return _written(tree) if whole or tight else f"({_written(tree)})"
