"""Reads what is no arithmetic but has a value: number words, clock times, dates, numerals with a base, compound units.

Heads made here: `time`, `date`, `base`, `ratio`, `unit`, `%`.
"""

from __future__ import annotations

import re
from fractions import Fraction
from itertools import pairwise

from jurist.verifiers._math.tree import Apply, Number, Symbol, Text, Tree
from jurist.verifiers._math.units import unit_of
from jurist.verifiers._math.words import number_of_words

__all__ = ["notation"]

LONGEST = 80
"""Characters of any of these."""
MINUTES = 60
HOURS = 24
HALF_DAY = 12
LARGEST_BASE = 36

_REALS, _NONE = Symbol("mathbb_R"), Symbol("∅")
_SETS: dict[str, Tree] = {
    **dict.fromkeys(
        ("all real numbers", "all reals", "any real number", "every real number", "the real numbers", "real numbers"),
        _REALS,
    ),
    **dict.fromkeys(
        ("the empty set", "empty set", "no solution", "no solutions", "no real solutions", "no real solution"), _NONE
    ),
    **dict.fromkeys(("all integers", "any integer", "every integer", "the integers"), Symbol("mathbb_Z")),
    "infinity": Symbol("inf"),
    "negative infinity": Apply("neg", (Symbol("inf"),)),
}


def notation(text: str, words: str) -> Tree | None:
    """Read one of these; *words* is the text in bare words."""
    if len(text) > LONGEST:
        return None
    if words in _SETS:
        return _SETS[words]
    if words[:1].isalpha():
        return _date(words) or _in_words(words) or _base(text)
    if " " in words:
        return _clock(words) or _date(words) or _ratio(words) or _compound(words) or _base(text)
    return _clock(words) or _numeric_date(words) or _compound(words) or _base(text)


def _number(value: int | Fraction) -> Number:
    return Number(Fraction(value))


_RATIO = re.compile(r"\d{1,9}(?: to \d{1,9})+")
_PART = re.compile(r"(\d{1,9}) (?:out of|over|in) (\d{1,9})")


def _ratio(words: str) -> Tree | None:
    """Read "2 to 3" and "1 out of 4"."""
    if _RATIO.fullmatch(words):
        return Apply("ratio", tuple(_number(int(part)) for part in words.split(" to ")))
    part = _PART.fullmatch(words)
    return Apply("/", (_number(int(part[1])), _number(int(part[2])))) if part else None


def _in_words(words: str) -> Tree | None:
    """Read "twenty-five percent", "three hours"."""
    parts = words.split()
    for count in range(len(parts), 0, -1):
        value = number_of_words(" ".join(parts[:count]))
        if value is not None:
            rest = " ".join(parts[count:])
            number = Number(value)
            if rest in {"percent", "per cent", "%"}:
                return Apply("%", (number,))
            return Apply("unit", (number, Text(rest))) if rest else number
    return None


_CLOCK = re.compile(r"(\d{1,2}):(\d{2})(?::(\d{2}))?\s*([ap])?\.?\s*(?:m\.?)?", re.IGNORECASE)
_HOUR = re.compile(r"(\d{1,2})\s*([ap])\.?\s*m\.?", re.IGNORECASE)


def _clock(words: str) -> Tree | None:
    """Read a time of the day, by twelve hours or by twenty-four."""
    found = _CLOCK.fullmatch(words) if ":" in words else None
    hour = _HOUR.fullmatch(words) if words[-1:] in "mM." else None
    if found is not None and int(found[2]) < MINUTES and int(found[1]) <= HOURS:
        hours, minutes, seconds, half = int(found[1]), int(found[2]), int(found[3] or 0), (found[4] or "").lower()
    elif hour is not None and 0 < int(hour[1]) <= HALF_DAY:
        hours, minutes, seconds, half = int(hour[1]), 0, 0, hour[2].lower()
    else:
        return None
    if hours == HALF_DAY and half == "a":
        hours = 0
    if hours > HALF_DAY:
        hours, half = hours - HALF_DAY, "p"
    return Apply("time", (*map(_number, (hours, minutes, seconds)), Text(half)))


_MONTHS = (
    *("january", "february", "march", "april", "may", "june", "july"),
    *("august", "september", "october", "november", "december"),
)
_DATE = re.compile(
    r"(?:the\s+)?(?:(\d{1,2})(?:st|nd|rd|th)?(?:\s+of)?\s+)?([a-z]{3,9})\.?"
    r"(?:\s+(\d{1,2})(?:st|nd|rd|th)?)?(?:,?\s+(\d{4}))?",
    re.IGNORECASE,
)
_YEAR_FIRST = re.compile(r"(\d{4})([-/])(\d{2})\2(\d{2})")
_MONTH_FIRST = re.compile(r"(\d{1,2})/(\d{1,2})/(\d{4})")


def _date(words: str) -> Tree | None:
    """Read "July 4", "the 4th of July", "4 July 1776"."""
    found = _DATE.fullmatch(words)
    if found is None:
        return None
    before, name, after, year = found.groups()
    months = [index for index, month in enumerate(_MONTHS) if name in {month, month[:3], month[:4]}]
    if len(months) != 1 or bool(before) == bool(after):
        return None
    return _day(year or "", months[0] + 1, int(before or after))


def _numeric_date(words: str) -> Tree | None:
    """Read 1776-07-04 and, as in America, 7/4/1776."""
    found = _YEAR_FIRST.fullmatch(words)
    if found is not None:
        return _day(found[1], int(found[3]), int(found[4]))
    found = _MONTH_FIRST.fullmatch(words)
    return _day(found[3], int(found[1]), int(found[2])) if found else None


def _day(year: str, month: int, day: int) -> Tree | None:
    if not (1 <= month <= len(_MONTHS) and 1 <= day <= 31):  # noqa: PLR2004 - the longest months
        return None
    return Apply("date", (_number(month), _number(day), Text(year)))


_QUANTITY = re.compile(r"(\d{1,9}(?:\.\d{1,9})?)\s*([a-z]+\.?)(?:\s*,)?(?:\s+and)?\s*")
_QUANTITIES = re.compile(r"\d{1,9}(?:\.\d{1,9})?\s*[a-z]+\.?[\s,]+(?:and\s+)?\d")
_FEET = re.compile(r"(\d+)\s*'\s*(\d+)\s*(?:''|\")")


def _compound(words: str) -> Tree | None:
    """Read "1 hour 30 minutes" and 5'10": parts of one thing, in units that get smaller."""
    feet = _FEET.fullmatch(words) if "'" in words else None
    if feet is not None:
        words = f"{feet[1]} feet {feet[2]} inches"
    elif not _QUANTITIES.match(words):
        return None
    parts: list[tuple[str, str]] = _QUANTITY.findall(words)
    if len(parts) < 2 or _QUANTITY.sub("", words):  # noqa: PLR2004 - one is no compound
        return None
    units = [unit for _, name in parts if (unit := unit_of(name)) is not None and unit.dimension]
    smaller = all(one.dimension == other.dimension and one.size > other.size for one, other in pairwise(units))
    if len(units) != len(parts) or not smaller:
        return None
    total = sum((Fraction(value) * unit.size for (value, _), unit in zip(parts, units, strict=True)), Fraction(0))
    return Apply("unit", (Number(total / units[-1].size), Text(parts[-1][1])))


_BASE = re.compile(
    r"(-?)\(?([0-9A-Za-z]+?(?:\.[0-9A-Za-z]+?)?)\)?(?:_\{?\s*\(?(?:base)?(\w+)\)?\s*\}?|\s*\(?,?(?:in)?base\s*(\w+)\)?)"
)
_TEXT = re.compile(r"\\(?:text|mathrm|mbox)\s*\{\s*([^{}]*?)\s*\}|\\left|\\right")


def _base(text: str) -> Tree | None:
    """Read a numeral with its base; digits that the base has not make it none."""
    if "_" not in text and "base" not in text:
        return None
    found = _BASE.fullmatch(_TEXT.sub(r"\1", text).replace(" ", ""))
    if found is None:
        return None
    sign, digits, name = found[1], found[2], found[3] or found[4]
    base = int(name) if name.isdecimal() and len(name) < 3 else number_of_words(name)  # noqa: PLR2004 - two digits
    if base is None or not 2 <= base <= LARGEST_BASE:  # noqa: PLR2004 - the least base
        return None
    if any(int(digit, 36) >= base for digit in digits if digit.isascii() and digit != "."):
        return None
    return Apply("base", (Text(sign + digits), _number(Fraction(base))))
