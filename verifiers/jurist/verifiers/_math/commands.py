"""The vocabulary of LaTeX that the grammar knows, and words that stand for some of it."""

from __future__ import annotations

from jurist.verifiers._math.words import GREEK

__all__ = [
    "ACCENTS", "BINOMIALS", "BRACKETS", "CALLED", "FENCES", "FRACTIONS", "LARGE", "OPERATIONS", "ORDINALS",
    "SET_OPERATIONS", "STARTING", "SYMBOL_COMMANDS", "WORD_CONSTANTS",
]  # fmt: skip

FRACTIONS = frozenset({"frac", "dfrac", "tfrac", "cfrac", "nicefrac", "sfrac"})
BINOMIALS = frozenset({"binom", "dbinom", "tbinom"})
ACCENTS = frozenset({"overline", "bar", "vec", "hat", "tilde", "widehat", "overrightarrow", "dot", "widetilde", "ddot"})
OPERATIONS = {
    **dict.fromkeys(("*", "cdot", "times", "ast", "cdotp", "bullet"), "*"),
    **dict.fromkeys(("/", "div"), "/"),
    **dict.fromkeys(("mod", "bmod"), "mod"),
}
"""Signs, commands and words between two factors, by what they do."""
LARGE = frozenset({"sum", "prod", "int", "lim", "iint", "oint"})
FENCES = {
    "lfloor": ("rfloor", "floor"), "lceil": ("rceil", "ceil"), "llcorner": ("lrcorner", "floor"),
    "ulcorner": ("urcorner", "ceil"), "lvert": ("rvert", "abs"), "lVert": ("rVert", "abs"),
}  # fmt: skip
SET_OPERATIONS = {"cup": "cup", "cap": "cap", "setminus": "setminus", "backslash": "setminus", "bigcup": "cup"}
BRACKETS = frozenset({"()", "[]", "(]", "[)", "{}", "cup"})
CALLED = frozenset("fghFGH") | {"phi", "varphi", "psi"}
"""Symbols that a bracket after them makes a function."""
SYMBOL_COMMANDS = {
    "infty": "inf",
    "pi": "pi",
    "exponentialE": "e",
    "imaginaryI": "i",
    "imath": "i",
    "varnothing": "∅",
    "emptyset": "∅",
    "ldots": "...",
    "dots": "...",
    "cdots": "...",
    "top": "T",
    "star": "star",
}
WORD_CONSTANTS = {
    "pi": "pi",
    "Pi": "pi",
    "PI": "pi",
    "infinity": "inf",
    "inf": "inf",
    "infty": "inf",
    "Infinity": "inf",
    "oo": "inf",
}
ORDINALS = frozenset({"st", "nd", "rd", "th"})
STARTING = (
    FRACTIONS | BINOMIALS | ACCENTS | LARGE | GREEK | FENCES.keys() | SYMBOL_COMMANDS.keys()
    | {"sqrt", "surd", "root", "langle", "begin", "mathbb", "mathcal"}
)  # fmt: skip
"""Commands that begin a factor."""
