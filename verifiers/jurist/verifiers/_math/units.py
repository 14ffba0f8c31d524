"""Units: what they measure and how large they are, exactly."""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache

__all__ = ["Unit", "is_unit_word", "unit_of"]


@dataclass(frozen=True, slots=True)
class Unit:
    """A unit: powers of what it measures, and its size in the first unit of each.

    `dimension` is empty for a thing that is counted ("8 meals"): it says nothing that could conflict.
    """

    dimension: tuple[tuple[str, int], ...]
    size: Fraction

    @property
    def is_angle(self) -> bool:
        """Tell degrees, radians and their like."""
        return self.dimension == (("angle", 1),)


COUNTED = Unit((), Fraction(1))

_F = Fraction
_TABLE: dict[str, dict[str, Fraction]] = {
    "length": {
        "in inch inche": _F(254, 10000), "ft foot feet": _F(3048, 10000), "yd yard": _F(9144, 10000),
        "mi mile": _F(1609344, 1000), "nmi": _F(1852), "angstrom Å": _F(1, 10**10), "au": _F(149597870700),
        "ly light-year lightyear": _F(9460730472580800), "micron": _F(1, 10**6),
    },
    "mass": {
        "lb lbs pound": _F(45359237, 100000), "oz ounce": _F(45359237, 1600000), "ton tonne": _F(10**6),
        "kilo": _F(1000),
    },
    "time": {
        "sec": _F(1), "min minute": _F(60), "h hr hour": _F(3600), "day": _F(86400), "week wk": _F(604800),
        "month": _F(2629800), "yr year": _F(31557600), "decade": _F(315576000), "century centurie": _F(3155760000),
    },
    "money": {"dollar buck usd": _F(1), "cent ¢ penny pennie": _F(1, 100)},
    "euro": {"euro eur €": _F(1)},
    "sterling": {"£ gbp": _F(1), "pence": _F(1, 100)},
    "yen": {"yen ¥ jpy": _F(1)},
    "yuan": {"yuan rmb cny 元": _F(1)},
    "rupee": {"rupee rs inr ₹": _F(1)},
    "angle": {
        "degree deg °": _F(1), "\\grad gradian": _F(9, 10), "arcminute": _F(1, 60), "arcsecond": _F(1, 3600),
        "revolution rev": _F(360),
    },
    "radian": {"radian rad": _F(1)},
    "celsius": {"°C celsius": _F(1)},
    "fahrenheit": {"°F fahrenheit": _F(1)},
    "data": {"bit": _F(1), "byte B": _F(8)},
}  # fmt: skip
"""By what is measured: names of units, and the size of each in the first unit of its kind."""
_DERIVED: dict[str, tuple[dict[str, int], Fraction]] = {
    "cc": ({"length": 3}, _F(1, 10**6)),
    "gal gallon": ({"length": 3}, _F(3785411784, 10**12)),
    "qt quart": ({"length": 3}, _F(3785411784, 4 * 10**12)),
    "pt pint": ({"length": 3}, _F(3785411784, 8 * 10**12)),
    "acre": ({"length": 2}, _F(40468564224, 10**7)),
    "hectare ha": ({"length": 2}, _F(10**4)),
    "mph": ({"length": 1, "time": -1}, _F(1609344, 3600000)),
    "kph kmh": ({"length": 1, "time": -1}, _F(1000, 3600)),
    "knot": ({"length": 1, "time": -1}, _F(1852, 3600)),
    "rpm": ({"angle": 1, "time": -1}, _F(6)),
    "Wh": ({"mass": 1, "length": 2, "time": -2}, _F(3600000)),
    "cal calorie": ({"mass": 1, "length": 2, "time": -2}, _F(4184)),
    "hp horsepower": ({"mass": 1, "length": 2, "time": -3}, _F(745699872, 1000)),
    "atm atmosphere": ({"mass": 1, "length": -1, "time": -2}, _F(101325000)),
    "mmHg torr": ({"mass": 1, "length": -1, "time": -2}, _F(101325000, 760)),
    "\\Omega": ({"mass": 1, "length": 2, "time": -3, "current": -2}, _F(1000)),
}  # fmt: skip
_PREFIXED: dict[str, tuple[dict[str, int], Fraction]] = {
    "m meter metre": ({"length": 1}, _F(1)),
    "g gram": ({"mass": 1}, _F(1)),
    "s second": ({"time": 1}, _F(1)),
    "A amp ampere": ({"current": 1}, _F(1)),
    "K kelvin": ({"temperature": 1}, _F(1)),
    "mol mole": ({"amount": 1}, _F(1)),
    "L l liter litre": ({"length": 3}, _F(1, 1000)),
    "N newton": ({"mass": 1, "length": 1, "time": -2}, _F(1000)),
    "J joule": ({"mass": 1, "length": 2, "time": -2}, _F(1000)),
    "W watt": ({"mass": 1, "length": 2, "time": -3}, _F(1000)),
    "Pa pascal": ({"mass": 1, "length": -1, "time": -2}, _F(1000)),
    "bar": ({"mass": 1, "length": -1, "time": -2}, _F(10**8)),
    "Hz hertz": ({"time": -1}, _F(1)),
    "C coulomb": ({"current": 1, "time": 1}, _F(1)),
    "V volt": ({"mass": 1, "length": 2, "time": -3, "current": -1}, _F(1000)),
    "ohm Ω": ({"mass": 1, "length": 2, "time": -3, "current": -2}, _F(1000)),
    "F farad": ({"mass": -1, "length": -2, "time": 4, "current": 2}, _F(1, 1000)),
    "H henry": ({"mass": 1, "length": 2, "time": -2, "current": -2}, _F(1000)),
    "T tesla": ({"mass": 1, "time": -2, "current": -1}, _F(1000)),
    "Wb weber": ({"mass": 1, "length": 2, "time": -2, "current": -1}, _F(1000)),
    "eV electronvolt": ({"mass": 1, "length": 2, "time": -2}, _F(1602176634, 10**25)),
}  # fmt: skip
"""Units that take the prefixes of the SI."""
_PREFIXES = {
    "k": _F(10**3), "M": _F(10**6), "G": _F(10**9), "T": _F(10**12), "c": _F(1, 10**2), "d": _F(1, 10),
    "m": _F(1, 10**3),
    "u": _F(1, 10**6), "μ": _F(1, 10**6), "µ": _F(1, 10**6), "n": _F(1, 10**9), "p": _F(1, 10**12), "kilo": _F(10**3),
    "mega": _F(10**6), "giga": _F(10**9), "centi": _F(1, 10**2), "deci": _F(1, 10), "milli": _F(1, 10**3),
    "micro": _F(1, 10**6), "nano": _F(1, 10**9), "pico": _F(1, 10**12),
}  # fmt: skip
_GENERIC = frozenset({"unit", "square", "cubic", "sq", "cu", "squared", "cubed", "each", "of", "a", "an", "the", "per"})
_NO_UNIT = frozenset(
    {"or", "not", "and", "maybe", "but", "if", "else", "is", "isn't", "wrong", "because", "where", "when", "for", "no"}
    | {
        "either",
        "neither",
        "any",
        "some",
        "about",
        "guess",
        "answer",
        "correct",
        "incorrect",
        "invalid",
        "gold",
        "true",
        "false",
        "with",
    }
    | {
        "perhaps",
        "possibly",
        "probably",
        "than",
        "to",
        "from",
        "mod",
        "modulo",
        "between",
        "then",
        "nor",
        "versus",
        "vs",
        "point",
        "factorial",
        "halves",
        "thirds",
        "fifths",
        "tenths",
        "hundredths",
        "thousandths",
        "fail",
        "fails",
        "impossible",
    }
)
"""Words that no unit has: with one of them the text says something about the number."""
MAX_WORDS = 6
"""Of a unit or a counted thing."""


def _build() -> dict[str, Unit]:
    units: dict[str, Unit] = {}
    for names, (powers, size) in _PREFIXED.items():
        for prefix, factor in _PREFIXES.items():
            for name in names.split():
                if (len(prefix) > 1) == (len(name) > 3 or name == "ohm"):  # noqa: PLR2004 - words with words
                    units[prefix + name] = Unit(tuple(sorted(powers.items())), size * factor)
    for dimension, sizes in _TABLE.items():
        for names, size in sizes.items():
            units |= dict.fromkeys(names.split(), Unit(((dimension, 1),), size))
    for names, (powers, size) in (_DERIVED | _PREFIXED).items():
        units |= dict.fromkeys(names.split(), Unit(tuple(sorted(powers.items())), size))
    for name, prefix in (("Wh", "k"), ("Wh", "M"), ("cal", "k"), ("calorie", "kilo")):
        units[prefix + name] = Unit(units[name].dimension, units[name].size * _PREFIXES[prefix])
    del units["us"]  # the word
    return units | {"kohm": units["kiloohm"], "Mohm": units["megaohm"]}


_UNITS = _build()
_PIECE = re.compile(r"\\?[^\W\d_]+(?:'[a-z]+)?\.?|[°¢€£¥₹]C?F?|\^?\{?-?\d+\}?|[/*()]", re.UNICODE)


_TIMES = re.compile(r"\\?cdot\b|\\times\b")
_LOOSE_DIGIT = re.compile(r"(?<![\^{\d-])\d")


def _lookup(word: str) -> Unit | None:
    word = word.rstrip(".")
    for form in (word, word.lower(), word.lower().removesuffix("s"), word.lower().removesuffix("es")):
        if form in _UNITS and (len(form) > 1 or form == word):
            return _UNITS[form]
    return None


def is_unit_word(word: str) -> bool:
    """Tell whether `word` names a unit of the table, or begins one ("square", "per")."""
    return _lookup(word) is not None or word.lower().rstrip(".") in {"square", "sq", "cubic", "cu", "percent", "pct"}


@lru_cache(maxsize=2_048)
def unit_of(phrase: str) -> Unit | None:  # noqa: C901 - one case after the other
    """Read "cm", "square feet", "m/s^2", "miles per hour"; `COUNTED` for other things; None where it is no unit."""
    phrase = _TIMES.sub("·", phrase)
    pieces: list[str] = _PIECE.findall(phrase)
    words = [piece for piece in pieces if not piece[0].isdigit() and piece[0] not in "^/*()"]
    if {word.lower() for word in words} <= {"squared", "cubed"}:
        return None
    if len(words) > MAX_WORDS or any(word.lower().rstrip(".") in _NO_UNIT for word in words):
        return None
    if sum(map(len, pieces)) != len(re.sub(r"[\s\\·,]", "", phrase.replace("\\text", ""))):
        stripped = re.sub(r"[^\w\s]", "", phrase)
        if not stripped.replace(" ", "").isalpha():
            return None
    powers: dict[str, int] = {}
    size, sign, pending, known = Fraction(1), 1, 1, False
    last: Unit | None = None
    for piece in pieces:
        word = piece.lower().rstrip(".")
        if piece == "/" or word == "per":
            sign = -1
        elif word in {"square", "sq", "cubic", "cu"}:
            pending = 2 if word.startswith("sq") else 3
        elif word in {"squared", "cubed"} or piece.lstrip("^{").rstrip("}").lstrip("-").isdecimal():
            power = {"squared": 2, "cubed": 3}.get(word) or int(piece.strip("^{}"))
            if last is not None and abs(power) <= 6:  # noqa: PLR2004 - no unit has a higher power
                _multiply(powers, last, sign * (power - 1))
                size *= last.size ** (sign * (power - 1))
        elif word not in _GENERIC and piece not in "/*()":
            last = _lookup(piece)
            if last is None:
                return None if _LOOSE_DIGIT.search(phrase) else COUNTED
            known = True
            _multiply(powers, last, sign * pending)
            size *= last.size ** (sign * pending)
            pending = 1
    dimension = tuple(sorted((name, power) for name, power in powers.items() if power))
    return Unit(dimension, size) if known else COUNTED


def _multiply(powers: dict[str, int], unit: Unit, power: int) -> None:
    for name, own in unit.dimension:
        powers[name] = powers.get(name, 0) + own * power
