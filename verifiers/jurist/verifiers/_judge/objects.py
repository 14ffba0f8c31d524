"""Finds the JSON objects in what a language model wrote, forgiving what models get wrong.

Trailing commas, single and typographic quotes, bare keys and words, comments, line breaks and LaTeX in strings, quotes
inside quotes: read. An object that never ends, or that cannot be read all the same, is told as such.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import NamedTuple

__all__ = ["Found", "Mapped", "objects"]

MOST_DEPTH = 24
"""Of objects and arrays in each other."""
MOST_STEPS = 400_000
"""Characters read, over all attempts: broken objects inside each other are each tried."""


@dataclass(frozen=True, slots=True)
class Mapped:
    """An object's members, in order; a key may stand twice."""

    members: tuple[tuple[str, object], ...]


class Found(NamedTuple):
    """An object and where it stands; `value` is None for one that cannot be read, of which only the start is known."""

    start: int
    end: int
    value: Mapped | None


MOST_TRIES = 200
"""Objects, readable or not, that are looked at: a judge writes one."""


class _UnreadableError(Exception):
    """Raised where no JSON stands, or where it does not end."""


# Each with those that may end what it begins.
_QUOTES = {'"': '"', "'": "'", "\u2018": "\u2019", "\u201e": "\u201c\u201d"} | dict.fromkeys(
    "\u201c\u201d", "\u201d\u201c"
)
_ESCAPED = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f", '"': '"', "'": "'", "/": "/", "\\": "\\"}
_START = re.compile(r"""\{(?=\s{0,200}(?:["'\u201c\u201d\u2018\u201e]|[A-Za-z_][\w -]{0,60}\s{0,9}:))""")
_BLANK = re.compile(r"(?:\s+|//[^\n]*|/\*.*?\*/)*", re.DOTALL)
_NUMBER = re.compile(r"[-+]?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?(?=\s*(?:[,}\]]|//|/\*|$))")
_BARE_KEY = re.compile(r"[A-Za-z_][\w -]{0,60}(?=\s*:)")
_BARE_WORD = re.compile(r"[^\s,{}\[\]\"'\n][^,{}\[\]\"'\n]{0,60}(?=\s*[,}\]\n])")
_WORDS = {"true": True, "false": False, "null": None, "none": None}
# What may follow the quote that ends a string: a colon, an end, or a comma and then another key, value or end.
_AFTER_QUOTE = re.compile(
    r"""\s*(?:$|[:}\]]|//|/\*|,\s*(?:$|[}\]{\[]|["'\u201c\u201d\u2018\u201e]|//|[A-Za-z_][\w -]{0,60}\s*:|-?\d))"""
)


def objects(text: str) -> list[Found]:
    """Find the objects of a text that lie in no other readable one, in order."""
    reader = _Reader(text)
    found: list[Found] = []
    position = 0
    while len(found) < MOST_TRIES and (start := _START.search(text, position)) is not None:
        try:
            value, position = reader.mapped(start.start(), 0)
        except _UnreadableError:
            value, position = None, start.end()
        found.append(Found(start.start(), position, value))
    return found


class _Reader:
    def __init__(self, text: str) -> None:
        self._text = text
        self._steps = 0

    def mapped(self, position: int, depth: int) -> tuple[Mapped, int]:
        members: list[tuple[str, object]] = []
        position = self._blank(position + 1)
        while not self._text.startswith("}", position):
            key, position = self._key(position)
            position = self._blank(position)
            if not self._text.startswith(":", position):
                raise _UnreadableError
            value, position = self._value(self._blank(position + 1), depth + 1)
            members.append((key, value))
            position = self._separated(position, "}")
        return Mapped(tuple(members)), position + 1

    def _array(self, position: int, depth: int) -> tuple[tuple[object, ...], int]:
        items: list[object] = []
        position = self._blank(position + 1)
        while not self._text.startswith("]", position):
            value, position = self._value(position, depth + 1)
            items.append(value)
            position = self._separated(position, "]")
        return tuple(items), position + 1

    def _separated(self, position: int, closing: str) -> int:
        position = self._blank(position)
        if self._text.startswith(",", position):
            return self._blank(position + 1)
        if not self._text.startswith(closing, position):
            raise _UnreadableError
        return position

    def _key(self, position: int) -> tuple[str, int]:
        if self._text[position : position + 1] in _QUOTES:
            return self._string(position)
        bare = _BARE_KEY.match(self._text, position)
        if bare is None:
            raise _UnreadableError
        return bare[0].strip(), bare.end()

    def _value(self, position: int, depth: int) -> tuple[object, int]:
        if depth > MOST_DEPTH:
            raise _UnreadableError
        first = self._text[position : position + 1]
        if first == "{":
            return self.mapped(position, depth)
        if first == "[":
            return self._array(position, depth)
        if first in _QUOTES:
            return self._string(position)
        number = _NUMBER.match(self._text, position)
        if number is not None:
            return float(number[0]), number.end()
        word = _BARE_WORD.match(self._text, position)
        if word is None:
            raise _UnreadableError
        bare = word[0].strip()
        return _WORDS.get(bare.casefold(), bare), word.end()

    def _string(self, position: int) -> tuple[str, int]:
        """Read a string; a quote inside it that was not escaped is told from the last by what follows."""
        closing = _QUOTES[self._text[position]]
        special = re.compile(rf"[\\{closing}]")
        parts: list[str] = []
        position += 1
        while (found := special.search(self._text, position)) is not None:
            self._spend(found.end() - position)
            parts.append(self._text[position : found.start()])
            position = found.end()
            if found[0] == "\\":
                escaped = self._text[position : position + 1]
                parts.append(_ESCAPED.get(escaped, f"\\{escaped}"))
                position += 1
            elif _AFTER_QUOTE.match(self._text, position):
                return "".join(parts), position
            else:
                parts.append(found[0])
        raise _UnreadableError

    def _blank(self, position: int) -> int:
        blank = _BLANK.match(self._text, position)
        end = position if blank is None else blank.end()
        self._spend(end - position + 1)
        return end

    def _spend(self, steps: int) -> None:
        self._steps += steps
        if self._steps > MOST_STEPS:
            raise _UnreadableError
