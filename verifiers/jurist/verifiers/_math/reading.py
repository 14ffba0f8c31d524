"""Reads the text of an answer: what surrounds it is taken off, then it is a tree or words."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from jurist.verifiers._math.characters import plain
from jurist.verifiers._math.literals import literal
from jurist.verifiers._math.notations import notation
from jurist.verifiers._math.spellings import respelt
from jurist.verifiers._math.statements import read_tree
from jurist.verifiers._math.tokens import MAX_CHARACTERS, TEXTS, Commas, closing_brace
from jurist.verifiers._math.tree import Apply, Number, Symbol, Tree, walk, with_plain_indices
from jurist.verifiers._math.words import FUNCTIONS, GREEK

__all__ = ["MAX_REMEMBERED", "Kind", "Reading", "read"]

Kind = Literal["usual", "arithmetic", "list", "decimal comma", "Euler", "decimal logarithm"]
"""How a text was read: as it stands, or in one of the other ways that people mean it."""

MAX_REMEMBERED = 200
"""Characters of an answer that is remembered: a longer one is rare, and its tree may be large."""
MAX_WRAPPERS = 12
"""Taken off one answer, each inside the other; more are a trick."""


@dataclass(frozen=True, slots=True)
class Reading:
    """An answer as read.

    `trees` are its possible meanings, the likeliest first, none if it is no mathematics, and `kinds` how each came
    about; `words` is its text for comparison with texts; `fault` says why there is no tree.
    """

    text: str
    words: str
    trees: tuple[Tree, ...]
    kinds: tuple[Kind, ...] = ()
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
_OPENINGS = tuple(opening for opening, _ in _FENCES)
_WRAPPER = re.compile(r"\\(?P<name>[A-Za-z]+)\s*(?=\{)")
_LIST_COMMA = re.compile(r"\d,\d{3}(?!\d)")
_THOUSANDS = re.compile(r"-?[1-9]\d{0,2},\d{3}(?!\d)")
_DECIMAL_COMMA = re.compile(r"-?\d+,\d+(?:\s*(?:\\\$|[€£]))?")
_EULER = re.compile(r"(?<![\d.])(\d)(e)([+-]\d)(?!\d)")
_ABOUT = r"(?:about|approximately|approx\.?|roughly|around|exactly|only|just)"
_APPROXIMATE = re.compile(rf"^(?:{_ABOUT}\s+|\\text\w*\s*\{{\s*{_ABOUT}\s*\}}\s*)", re.IGNORECASE)
_ANSWER = re.compile(
    r"^(?P<text>\\text\w*\s*\{\s*)?(?:the\s+)?(?:final\s+|correct\s+)?answer\s*(?:is\s*:?|[:=])\s*(?P<end>\})?\s*",
    re.IGNORECASE,
)


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
            signed = Apply("neg", (number,)) if text[0] == "-" else number
            return Reading(text, text, (signed,), ("usual",), scalar=True)
    if len(text) > 2 * MAX_CHARACTERS:
        return Reading("", "", (), fault=f"longer than {MAX_CHARACTERS} characters")
    stripped = unwrapped(plain(_repaired(text)))
    words = words_of(stripped)
    if not stripped:
        return Reading("", "", (), fault="nothing in it")
    special = notation(stripped, words)
    words = _ARTICLE.sub("", words)
    if special is None and _is_wording(text, stripped):
        return Reading(stripped, words, (), fault="words")
    trees: list[Tree] = [] if special is None else [special]
    kinds: list[Kind] = ["usual"] * len(trees)
    fault = ""
    alone = isinstance(special, Apply) and special.head in {"base", "date"}
    for kind, source, commas in () if alone else _variants(respelt(stripped)):
        try:
            tree = read_tree(source, commas)
            if "_" in source and ("\\sum" in source or "\\prod" in source):
                tree = with_plain_indices(tree)
        except (ValueError, RecursionError) as error:
            fault = fault or str(error) or "no mathematics"
            continue
        if tree not in trees:
            trees.append(tree)
            kinds.append("arithmetic" if special is not None and kind == "usual" else kind)
    scalar = len(trees) == 1 and _is_scalar(trees[0])
    marked = _MARKED.match(text) is not None
    return Reading(stripped, words, tuple(trees), tuple(kinds), "" if trees else fault, scalar, marked)


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


_BARE_LOGARITHM = re.compile(r"(?:\\log|(?<![A-Za-z\\])log)(?![A-Za-z]|\s*_)")


def _variants(text: str) -> list[tuple[Kind, str, Commas]]:
    """Give the ways to read commas, "e" and "log": the usual one first."""
    variants: list[tuple[Kind, str, Commas]] = [("usual", text, "group")]
    if _LIST_COMMA.search(text):
        variants.append(("list", text, "list"))
    if _DECIMAL_COMMA.fullmatch(text) and not _THOUSANDS.match(text):
        variants.append(("decimal comma", text, "decimal"))
    if _EULER.search(text):
        variants.append(("Euler", _EULER.sub(r"\1 \2 \3", text), "group"))
    if "log" in text and _BARE_LOGARITHM.search(text):
        variants.append(("decimal logarithm", _BARE_LOGARITHM.sub(r"\\lg ", text), "group"))
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
        for opening, closing in _FENCES if text.startswith(_OPENINGS) else ():
            inner = text[len(opening) : -len(closing)]
            fenced = len(text) > len(opening) + len(closing) - 1 and text.startswith(opening) and text.endswith(closing)
            if fenced and opening not in inner and closing not in inner and not inner.endswith("\\"):
                text = inner
        text = _command_off(text)
        if text == before:
            break
    text = _APPROXIMATE.sub("", _unlabelled(text)).replace("{:}", ":")
    if "$" in text:
        money = len(_DOLLAR.findall(text)) % 2
        text = _DOLLAR.sub(r"\\$" if money else " ", text)
    return text.replace("**", "^") if re.search(r"\w\*\*\w", text) else text.replace("**", "")


def _unlabelled(text: str) -> str:
    r"""Take off "the answer is" inside a box, and the text command that may hold it."""
    found = _ANSWER.match(text) if "nswer" in text or "NSWER" in text else None
    if found is None:
        return text
    rest = text[found.end() :]
    return rest.removesuffix("}") if found["text"] and not found["end"] else rest


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


_ARTICLE = re.compile(r"^(?:an?|the)\s+(?=[a-z]{3})")
