"""Reads the text of an answer: what surrounds it is taken off, then it is a tree or words."""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache

from jurist.verifiers._math.characters import plain
from jurist.verifiers._math.literals import literal
from jurist.verifiers._math.statements import read_tree
from jurist.verifiers._math.tokens import MAX_CHARACTERS, TEXTS, Commas, closing_brace
from jurist.verifiers._math.tree import Apply, Number, Symbol, Text, Tree, walk
from jurist.verifiers._math.words import FUNCTIONS, GREEK, number_of_words

__all__ = ["MAX_REMEMBERED", "Reading", "read"]

MAX_REMEMBERED = 200
"""Characters of an answer that is remembered: a longer one is rare, and its tree may be large."""
MAX_WRAPPERS = 12
"""Taken off one answer, each inside the other; more are a trick."""


@dataclass(frozen=True, slots=True)
class Reading:
    """An answer as read.

    `trees` are its possible meanings, the likeliest first, none if it is no mathematics; `words` is its text for
    comparison with texts; `fault` says why there is no tree.
    """

    text: str
    words: str
    trees: tuple[Tree, ...]
    fault: str = ""
    scalar: bool = False
    """Whether its one meaning is a number or an expression: nothing with a shape, a unit or words in it."""
    marked: bool = False
    """Whether it was marked as text, in which case does not count."""


SHAPED = frozenset(
    [
        "list",
        "either",
        "braces",
        "{}",
        "()",
        "[]",
        "(]",
        "[)",
        "group",
        "cup",
        "cap",
        "setminus",
        "builder",
        "pm",
        "mp",
        "matrix",
        "row",
        "cases",
        "ratio",
        "base",
        "time",
        "date",
        "unit",
        "deg",
        "%",
        "antiderivative",
        "det",
        "side",
    ]
)
"""Heads of trees that are more than one expression."""


def _is_scalar(tree: Tree) -> bool:
    return all(
        isinstance(node, Number | Symbol) or (isinstance(node, Apply) and node.head not in SHAPED)
        for node in walk(tree)
    )


_PLAIN_NUMBER = re.compile(r"-?[0-9]{1,300}(?:\.[0-9]{1,300})?")
_DOLLAR = re.compile(r"(?<!\\)\$")
_FENCES = (("$$", "$$"), ("$", "$"), ("\\(", "\\)"), ("\\[", "\\]"), ("**", "**"), ("`", "`"), ('"', '"'), ("``", "''"))
_WRAPPER = re.compile(r"\\(?P<name>[A-Za-z]+)\s*(?=\{)")
_CLOCK = re.compile(r"(\d{1,2}):(\d{2})(?::(\d{2}))?\s*([ap])?\.?\s*(?:m\.?)?", re.IGNORECASE)
_HOUR = re.compile(r"(\d{1,2})\s*([ap])\.?\s*m\.?", re.IGNORECASE)
_BASE = re.compile(r"\(?([0-9A-Za-z]+)\)?(?:_\{?\s*(\w+)\s*\}?|\s*\(?base\s*(\w+)\)?)")
_MONTHS = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
]
_DATE = re.compile(
    r"(?:the\s+)?(?:(\d{1,2})(?:st|nd|rd|th)?(?:\s+of)?\s+)?([a-z]{3,9})\.?"
    r"(?:\s+(\d{1,2})(?:st|nd|rd|th)?)?(?:,?\s+(\d{4}))?",
    re.IGNORECASE,
)
_LIST_COMMA = re.compile(r"\d,\d{3}(?!\d)")
_DECIMAL_COMMA = re.compile(r"-?\d+,\d+(?:\s*(?:\\\$|[€£]))?")
_ZERO_COMMA = re.compile(r"-?0,\d+")
_EULER = re.compile(r"(?<![\d.])(\d)(e)([+-]\d)(?!\d)")
_NOTHING = {
    "all real numbers": Symbol("mathbb_R"), "all reals": Symbol("mathbb_R"), "the empty set": Symbol("∅"),
    "empty set": Symbol("∅"), "no solution": Symbol("∅"), "no solutions": Symbol("∅"), "no real solutions": Symbol("∅"),
    "infinity": Symbol("inf"), "no real solution": Symbol("∅"),
}  # fmt: skip
_APPROXIMATE = re.compile(r"^(?:about|approximately|approx\.?|roughly|around|exactly|only|just)\s+", re.IGNORECASE)


def read(text: str) -> Reading:
    """Read an answer; linear in its length, and no text makes it raise. Short ones are remembered."""
    return _remembered(text) if len(text) <= MAX_REMEMBERED else _read(text)


@lru_cache(maxsize=16_384)
def _remembered(text: str) -> Reading:
    return _read(text)


def _read(text: str) -> Reading:
    if _PLAIN_NUMBER.fullmatch(text):
        number = literal(text.lstrip("-"))
        if number is not None:
            return Reading(text, text, (Apply("neg", (number,)) if text[0] == "-" else number,), scalar=True)
    if len(text) > 2 * MAX_CHARACTERS:
        return Reading("", "", (), f"longer than {MAX_CHARACTERS} characters")
    stripped = unwrapped(plain(_repaired(text)))
    words = words_of(stripped)
    if not stripped:
        return Reading("", "", (), "nothing in it")
    special = _special(stripped, words)
    trees: list[Tree] = [special] if special is not None else []
    if special is None and _is_wording(text, stripped):
        return Reading(stripped, words, (), "words")
    fault = ""
    for source, commas in _variants(stripped):
        try:
            tree = read_tree(source, commas)
        except (ValueError, RecursionError) as error:
            fault = fault or str(error) or "no mathematics"
            continue
        if tree not in trees:
            trees.append(tree)
    if special is not None and isinstance(special, Apply) and special.head in {"base", "date"}:
        trees = trees[:1]
    scalar = len(trees) == 1 and _is_scalar(trees[0])
    return Reading(stripped, words, tuple(trees), "" if trees else fault, scalar, _MARKED.match(text) is not None)


_ESCAPED = re.compile(r"\\\\(?=[A-Za-z]{2})")


def _repaired(text: str) -> str:
    r"""Undo what a JSON string escaped twice, or not at all: `\\\\frac` and a form feed before "rac" are `\\frac`."""
    if "\\begin" not in text and _ESCAPED.search(text):
        text = text.replace("\\\\", "\\")
    return re.sub(r"\\?\x0crac", r"\\frac", text) if "\x0c" in text else text


_MARKED = re.compile(r"\W*\\(?:text\w*|mbox)\b")
_LETTERS = re.compile(r"[A-Za-z][A-Za-z.'\s-]*[A-Za-z.]")
_LONG_WORD = re.compile(r"[A-Za-z]{4,}")


def _is_wording(text: str, stripped: str) -> bool:
    """Tell words from products of variables: words are long, or marked as text."""
    if _LETTERS.fullmatch(stripped) is None:
        return False
    if "\\text" in text or "\\mbox" in text or "\\mathrm" in text:
        return True
    if stripped.casefold().rstrip(".") in _SHORT_WORDS:
        return True
    long = _LONG_WORD.findall(stripped)
    return any(not _MATHEMATICAL.fullmatch(word) for word in long)


_SHORT_WORDS = frozenset(
    {"yes", "no", "odd", "red", "all", "both", "any", "dog", "cat", "boy", "sat", "sun", "mon", "tue"}
)
_NAMES = sorted(
    {name for name in FUNCTIONS if len(name) > 1} | GREEK | {"infinity", "infty", "pi"}, key=len, reverse=True
)
_MATHEMATICAL = re.compile(rf"(?:{'|'.join(_NAMES)})[a-z]?")


def _variants(text: str) -> list[tuple[str, Commas]]:
    """Give the ways to read commas and "e": the usual one first."""
    variants: list[tuple[str, Commas]] = [(text, "group")]
    if _LIST_COMMA.search(text):
        variants.append((text, "list"))
    if _DECIMAL_COMMA.fullmatch(text):
        variants.append((text, "decimal"))
    if _EULER.search(text):
        variants.append((_EULER.sub(r"\1 \2 \3", text), "group"))
    return variants


def unwrapped(text: str) -> str:
    """Take off white space, mathematics' delimiters, markdown's stars, a final full stop, text commands."""
    for _ in range(MAX_WRAPPERS):
        before = text
        text = text.strip().strip("~").strip()
        if text.endswith((".", ",", ";", ":")) and not text.endswith(("...", "\\;", "\\,", "\\:")):
            text = text[:-1]
        if text.endswith(("\\,", "\\;", "\\!")):
            text = text[:-2]
        elif text.endswith("\\"):
            text = text.rstrip("\\")
        for opening, closing in _FENCES:
            inner = text[len(opening) : -len(closing)]
            fenced = len(text) > len(opening) + len(closing) - 1 and text.startswith(opening) and text.endswith(closing)
            if fenced and opening not in inner and closing not in inner and not inner.endswith("\\"):
                text = inner
        text = _command_off(text)
        if text == before:
            break
    text = _APPROXIMATE.sub("", text).replace("{:}", ":")
    if "$" in text:
        money = len(_DOLLAR.findall(text)) % 2
        text = _DOLLAR.sub(r"\\$" if money else " ", text)
    return text.replace("**", "^") if re.search(r"\w\*\*\w", text) else text.replace("**", "")


def _command_off(text: str) -> str:
    r"""Take off `\\text{...}` or `\\boxed{...}` around the whole."""
    wrapper = _WRAPPER.match(text)
    if wrapper is None or wrapper["name"] not in TEXTS | {"boxed", "fbox", "displaystyle", "ensuremath"}:
        return text
    end = closing_brace(text, wrapper.end())
    return text[wrapper.end() + 1 : end] if end == len(text) - 1 else text


_TEXT_COMMAND = re.compile(
    r"\\(?:text\w*|mbox|mathrm|mathbf|mathit|operatorname|left|right|displaystyle|quad|[,;:! ])\s*"
)
_PUNCTUATION = re.compile(r"[{}$~]|\\(?=[%$&_#])")


def words_of(text: str) -> str:
    """Bring words to a form in which case, spacing and a full stop do not count; single letters keep their case."""
    bare = " ".join(_PUNCTUATION.sub(" ", _TEXT_COMMAND.sub(" ", text)).split()).strip(" .,;:")
    if bare.replace(" ", "").isalpha() or bare[:-1].replace(" ", "").isalpha():
        bare = bare.strip("!?")
    if len(bare) == 3 and bare[0] == "(" and bare[2] == ")" and bare[1].isalpha():  # noqa: PLR2004 - the choice "(B)"
        bare = bare[1]
    return bare.casefold() if len(bare) > 1 else bare


def _special(text: str, words: str) -> Tree | None:
    """Read what is no mathematics but has a meaning: number words, times, dates, numerals with a base."""
    if len(text) > 80:  # noqa: PLR2004 - none is so long
        return None
    if words in _NOTHING:
        return _NOTHING[words]
    if words[:1].isalpha():
        return _date(words) or _in_words(words) or _base(text)
    return _clock(words) or _date(words) or _ratio(words) or _base(text)


def _ratio(words: str) -> Tree | None:
    found = re.fullmatch(r"(\d{1,9}) to (\d{1,9})", words)
    return Apply("ratio", (Number(Fraction(int(found[1]))), Number(Fraction(int(found[2]))))) if found else None


def _in_words(words: str) -> Tree | None:
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


def _clock(words: str) -> Tree | None:
    found = _CLOCK.fullmatch(words)
    hour = _HOUR.fullmatch(words)
    if found is not None and int(found[2]) < 60 and int(found[1]) < 25:  # noqa: PLR2004 - minutes and hours
        hours, minutes, seconds, half = int(found[1]), int(found[2]), int(found[3] or 0), found[4]
    elif hour is not None and 0 < int(hour[1]) <= 12:  # noqa: PLR2004 - hours
        hours, minutes, seconds, half = int(hour[1]), 0, 0, hour[2]
    else:
        return None
    if hours > 12:  # noqa: PLR2004 - the clock of twenty-four hours
        hours, half = hours - 12, "p"
    parts = tuple(Number(Fraction(part)) for part in (hours, minutes, seconds))
    return Apply("time", (*parts, Text((half or "").lower())))


def _date(words: str) -> Tree | None:
    found = _DATE.fullmatch(words)
    if found is None:
        return None
    before, name, after, year = found.groups()
    months = [index for index, month in enumerate(_MONTHS) if month == name or month[:3] == name or name == month[:4]]
    if len(months) != 1 or bool(before) == bool(after):
        return None
    return Apply("date", (Number(Fraction(months[0])), Number(Fraction(int(before or after))), Text(year or "")))


def _base(text: str) -> Tree | None:
    found = _BASE.fullmatch(
        re.sub(r"\\(?:text|mathrm|mbox)\s*\{\s*([^{}]*?)\s*\}|\\left|\\right", r"\1", text).replace(" ", "")
    )
    if found is None:
        return None
    name = found[2] or found[3]
    base = int(name) if name.isdecimal() and len(name) < 3 else number_of_words(name)  # noqa: PLR2004 - two digits
    if base is None or not 2 <= base <= 36 or any(int(digit, 36) >= base for digit in found[1] if digit.isascii()):  # noqa: PLR2004
        return None
    return Apply("base", (Text(found[1]), Number(Fraction(base))))
