"""Words that mean something to mathematics: function names, number words, connectives, months."""

from __future__ import annotations

import re
from fractions import Fraction

__all__ = ["CONNECTIVES", "FUNCTIONS", "GREEK", "SCALES", "number_of_words"]

FUNCTIONS = {
    **{name: name for name in ("sin", "cos", "tan", "cot", "sec", "csc")},
    **{name: name for name in ("sinh", "cosh", "tanh", "coth", "sech", "csch")},
    **{f"arc{name}": f"arc{name}" for name in ("sin", "cos", "tan", "cot", "sec", "csc")},
    **{f"a{name}": f"arc{name}" for name in ("sin", "cos", "tan", "cot", "sec", "csc")},
    **{f"{prefix}{name}": f"ar{name}" for name in ("sinh", "cosh", "tanh", "coth") for prefix in ("ar", "arc", "a")},
    **{name: name for name in ("exp", "gcd", "lcm", "min", "max", "floor", "ceil", "abs", "sqrt", "cbrt", "det")},
    "cosec": "csc", "ctg": "cot", "tg": "tan", "arctg": "arctan", "arcctg": "arccot", "sgn": "sgn", "sign": "sgn",
    "ln": "ln", "log": "log", "lg": "lg", "Re": "re", "Im": "im", "arg": "arg", "hcf": "gcd", "ceiling": "ceil",
    "binom": "binom", "nCr": "binom", "conj": "conj", "Gamma": "gamma", "cis": "cis",
}  # fmt: skip
"""What a name is called here. `log` without a base is the natural logarithm, as in the peers; `lg` is decimal."""

GREEK = frozenset(
    [
        "alpha",
        "beta",
        "gamma",
        "delta",
        "epsilon",
        "varepsilon",
        "zeta",
        "eta",
        "theta",
        "vartheta",
        "iota",
        "kappa",
        "lambda",
        "mu",
        "nu",
        "xi",
        "omicron",
        "rho",
        "varrho",
        "sigma",
        "tau",
        "upsilon",
        "phi",
        "varphi",
        "chi",
        "psi",
        "omega",
        "Gamma",
        "Delta",
        "Theta",
        "Lambda",
        "Xi",
        "Sigma",
        "Upsilon",
        "Phi",
        "Psi",
        "Omega",
        "ell",
        "hbar",
        "aleph",
        "nabla",
        "partial",
    ]
)

CONNECTIVES = {
    "and": ",",
    "&": ",",
    "or": ";",
    "y": ",",
    "et": ",",
    "und": ",",
    "oder": ";",
    "ou": ";",
    "e": ",",
    "和": ",",
    "或": ";",
    "与": ",",
    "及": ",",
    "または": ";",
    **dict.fromkeys(("where", "for", "with", "when", "if"), ","),
}
"""Words that join answers into a list, or a condition to an answer, with the sign that they stand for."""

_SMALL = [
    "zero",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
    "thirteen",
    "fourteen",
    "fifteen",
    "sixteen",
    "seventeen",
    "eighteen",
    "nineteen",
]
_TENS = ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]
_UNITS = {word: value for value, word in enumerate(_SMALL)} | {word: 10 * (i + 2) for i, word in enumerate(_TENS)}
SCALES = {"dozen": 12, "hundred": 100, "thousand": 10**3, "million": 10**6, "billion": 10**9, "trillion": 10**12}
_FRACTIONS = {
    "half": 2, "third": 3, "quarter": 4, "fourth": 4, "fifth": 5, "sixth": 6, "seventh": 7, "eighth": 8, "ninth": 9,
    "tenth": 10, "hundredth": 100,
}  # fmt: skip
_PARTS = {"halves": 2, **_FRACTIONS, **{f"{part}s": size for part, size in _FRACTIONS.items()}}
_WORD = re.compile(r"[a-z]+")


def number_of_words(text: str) -> Fraction | None:
    """Read "twenty-five", "one hundred and two", "minus three", "two thirds"; None if it is no number in words."""
    words = [word for word in _WORD.findall(text.casefold()) if word != "and"]
    if not words or not re.fullmatch(r"[A-Za-z\s\-,]+", text):
        return None
    if words[0] in {"minus", "negative"}:
        inner = _positive(words[1:])
        return None if inner is None else -inner
    return _positive(words)


def _positive(words: list[str]) -> Fraction | None:
    if words and words[-1] in _PARTS:
        top = Fraction(1) if words[:-1] in ([], ["a"], ["one"]) else _positive(words[:-1])
        return None if top is None else top / _PARTS[words[-1]]
    total = current = 0
    previous = ""
    for word in words:
        if word in _UNITS:
            tens_before_unit = previous in _TENS and 0 < _UNITS[word] < 10  # noqa: PLR2004 - the digits
            if not (previous in {"", *SCALES} or tens_before_unit):
                return None
            current += _UNITS[word]
        elif word == "hundred" and (previous in _UNITS or previous == "a"):
            current = (current or 1) * 100
        elif word == "dozen" and previous:
            current = (current or 1) * 12
        elif word in SCALES and previous:
            total, current = total + (current or 1) * SCALES[word], 0
        elif word != "a" or previous:
            return None
        previous = word
    return Fraction(total + current) if previous and previous != "a" else None
