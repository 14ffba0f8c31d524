"""Cuts an answer into tokens: numbers, words, LaTeX commands, texts and signs. Linear, bounded."""

from __future__ import annotations

import re
from typing import Literal, NamedTuple

__all__ = ["Commas", "Token", "TooLongError", "tokenise"]

MAX_CHARACTERS = 4_096
"""Of one answer: the longest of 12,500 MATH references has 160."""
MAX_TOKENS = 1_500
"""As above: bounds everything after it."""

Commas = Literal["group", "list", "decimal"]
"""How `1,234` reads: one number outside of brackets, always two numbers, or a decimal comma."""


class TooLongError(ValueError):
    """The answer is longer than an answer is."""


class Token(NamedTuple):
    r"""A piece of an answer.

    `kind` is "number", "word" (a run of letters), "command" (LaTeX, without its backslash), "text" (the content of
    `\\text{}` and its like), "sign" or "end"; `spaced` tells whether white space stood before it.
    """

    kind: str
    text: str
    spaced: bool


TEXTS = frozenset(
    {"text", "mbox", "hbox", "textbf", "textit", "textrm", "textsf", "texttt", "textnormal", "textsc", "textup"}
    | {"mathrm", "operatorname", "emph", "bf", "rm", "it", "mathsf", "mathtt", "mathit", "mathbf", "boldsymbol", "bm"}
    | {"mathop", "underline", "variable"}
)
SKIPPED = frozenset(
    {"left", "right", "mleft", "mright", "big", "Big", "bigg", "Bigg", "bigl", "bigr", "Bigl", "Bigr", "biggl", "biggr"}
    | {"middle", "displaystyle", "textstyle", "scriptstyle", "limits", "nolimits", "mathstrut", "boxed", "fbox", "it"}
    | {"rm", "bf", "normalsize", "large", "Large", "small", "middle", "centering", "nonumber", "protect", "strut"}
    | {"angle", "measuredangle", "triangle"}
)
SPACES = frozenset({"quad", "qquad", "enspace", "thinspace", "space", "enskip", "medspace", "negthinspace", "hfill"})
ARGUMENT_SKIPPED = frozenset(
    {"phantom", "hphantom", "vphantom", "hspace", "vspace", "label", "color", "textcolor", "tag", "mspace"}
)
TEXT_SIGNS = frozenset({"-", "+", "=", ",", ";", "\\$", "(", ")"})
"""Signs that somebody put into a text command."""
SIGNS = {
    "vert": "|", "pounds": "£", "euro": "€", "yen": "¥", "colon": ":", "lbrack": "[", "rbrack": "]", "lbrace": "\\{",
    "rbrace": "\\}", "lgroup": "(", "rgroup": ")",
}  # fmt: skip
"""Commands that are another way to write a sign."""
GLUED = re.compile(r"(lvert|rvert|vert|lgroup|rgroup|lbrace|rbrace|lbrack|rbrack|quad|qquad)(.+)")

_GROUP = r"(?:\{,\}|\\[,;:]|,\\!\s?|\\!,|,\\,|~|\\\x20|\x20|')"
_TOKEN = re.compile(
    rf"""
    (?P<space>\s+|\\[,;:>!\ ]|~)
  | (?P<number>
        [1-9]\d{{0,2}}(?:{_GROUP}\d{{3}})+(?![\d])(?:\.\d+)?
      | \d+\.\d*(?=\\overline|\\bar\b|\\dot\b|\\dot\{{)
      | \d+\.\d*\(\d+\)(?!\d)
      | (?:\d+\.\d+|\d+\.(?![\d.])|\.\d+|\d+)
    )
  | \\(?P<command>[A-Za-z]+)\*?
  | (?P<word>[A-Za-z]+)
  | (?P<text>[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]+)
  | (?P<sign>\\\\(?:\[\s*-?[\d.]+\s*(?:pt|em|ex|mm|cm|in)\s*\])?|\\.|<=|>=|!=|==|:=|\*\*|\.\.\.|->|.)
    """,
    re.VERBOSE | re.DOTALL,
)
_COMMA_GROUP = re.compile(r"[1-9]\d{0,2}(?:,\d{3})+(?!,?\d)(?:\.\d+)?")
_COMMA_DECIMAL = re.compile(r"\d+,\d+(?![,.\d])")
_PROGRAM_NUMBER = re.compile(r"0[xXbBoO][0-9A-Fa-f]")
_NO_DIGIT = re.compile(r"[^\d.()]")
_EXPONENT = re.compile(r"(?:[eE]-?\d+|E\+?\d+|e\+\d\d+)(?![\w.])")
_DOTS = re.compile(r"\s*(?:\.\.\.|\\[lc]?dots\b)")
_OPENING = frozenset({"(", "[", "\\{"})
_CLOSING = frozenset({")", "]", "\\}"})


def tokenise(text: str, commas: Commas = "group") -> list[Token]:  # noqa: C901 - one case after the other
    """Cut `text`, ending with an "end" token.

    Raises:
        TooLongError: it has more characters or tokens than any answer.
    """
    if len(text) > MAX_CHARACTERS:
        message = f"longer than {MAX_CHARACTERS} characters"
        raise TooLongError(message)
    tokens: list[Token] = []
    position, depth, spaced = 0, 0, False
    while position < len(text):
        found = _TOKEN.match(text, position)
        if found is None:  # cannot happen: the last alternative takes any character
            break
        kind, piece, position = found.lastgroup or "sign", found[0], found.end()
        if kind == "space":
            spaced = spaced or piece != "\\!"
            continue
        if kind == "number":
            piece, position = _number(text, found.start(), found.end(), commas if depth == 0 else "list")
        elif kind == "command":
            kind, piece, position = _command(text, found["command"], position)
            if kind == "skip":
                spaced = spaced or piece in SPACES
                continue
            if kind == "glued":
                position = found.start() + 1 + len(piece)
                if piece in SPACES:
                    spaced = True
                    continue
                kind, piece = ("sign", SIGNS[piece]) if piece in SIGNS else ("command", piece)
        if kind == "sign":
            piece = "\\\\" if piece.startswith("\\\\[") else piece  # a line's end with its distance
            depth += (piece in _OPENING) - (piece in _CLOSING)
        tokens.append(Token(kind, piece, spaced))
        spaced = False
        if len(tokens) > MAX_TOKENS:
            message = f"more than {MAX_TOKENS} tokens"
            raise TooLongError(message)
    tokens.append(Token("end", "", spaced))
    return tokens


def _number(text: str, start: int, end: int, commas: Commas) -> tuple[str, int]:
    """Take the number that starts at `start`, with its grouping commas, exponent and dots; and where it ends."""
    if text.startswith(",", end) and commas != "list":
        longer = (_COMMA_GROUP if commas == "group" else _COMMA_DECIMAL).match(text, start)
        end = longer.end() if longer else end
    piece = text[start:end]
    if not piece.isdecimal():
        if commas == "decimal" and _COMMA_DECIMAL.fullmatch(piece):
            piece = piece.replace(",", ".")
        piece = _NO_DIGIT.sub("", piece)
    if text[start] == "0" and _PROGRAM_NUMBER.match(text, start):
        message = "a number of a program"
        raise TooLongError(message)
    exponent = _EXPONENT.match(text, end) if text.startswith(("e", "E"), end) else None
    if exponent is not None:
        return piece + exponent[0], exponent.end()
    dots = _DOTS.match(text, end) if "." in piece else None
    return (piece + "...", dots.end()) if dots else (piece, end)


def _command(text: str, name: str, position: int) -> tuple[str, str, int]:  # noqa: PLR0911 - one case after the other
    """Tell what a LaTeX command is: a text with its content, nothing, or itself."""
    if name in TEXTS:
        start = position
        while start < len(text) and text[start] in " ~":
            start += 1
        if text.startswith("{", start):
            end = closing_brace(text, start)
            content = text[start + 1 : end] if end >= 0 else text[start + 1 :]
            position = end + 1 if end >= 0 else len(text)
            bare = content.strip()
            return ("sign", bare, position) if bare in TEXT_SIGNS else ("text", _unspaced(content), position)
        return "skip", name, position
    if name in SKIPPED or name in SPACES:
        no_delimiter = name in {"left", "right", "mleft", "mright", "middle"} and text.startswith(".", position)
        return "skip", name, position + no_delimiter
    if name in ARGUMENT_SKIPPED:
        end = closing_brace(text, position) if text.startswith("{", position) else -1
        return "skip", name, (end + 1 if end >= 0 else position)
    if name in SIGNS:
        return "sign", SIGNS[name], position
    glued = GLUED.fullmatch(name)
    if glued is not None:
        return "glued", glued[1], position
    return "command", name, position


def _unspaced(content: str) -> str:
    return re.sub(r"(?:\s|~|\\[,;:!> ])+", " ", content.replace("\\$", "$").replace("\\%", "%").replace("\\_", "_"))


_FLAT = re.compile(r"\{[^{}\\]*\}")
_BRACE = re.compile(r"\\.|[{}]", re.DOTALL)


def closing_brace(text: str, start: int) -> int:
    """Find the brace that closes the one at `start`; -1 if none does."""
    flat = _FLAT.match(text, start)
    if flat is not None:  # most hold no others
        return flat.end() - 1
    depth = 0
    for brace in _BRACE.finditer(text, start):
        if brace[0] == "{":
            depth += 1
        elif brace[0] == "}":
            depth -= 1
            if depth == 0:
                return brace.start()
    return -1
