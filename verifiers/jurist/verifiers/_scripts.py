"""Which script each character of a text belongs to, for a whole text at once.

A text becomes an array of code points, and a table lookup gives every one its class: a script's number, or one of the
few classes below. 300 kB take about a millisecond.
"""

from __future__ import annotations

import unicodedata
from functools import cache
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

__all__ = [
    "ALPHABETS",
    "BREAK",
    "BREAKS",
    "CHARACTERS_A_WORD",
    "CLAUSE",
    "CLAUSES",
    "INVISIBLE",
    "JOINERS",
    "LETTERS",
    "MARK",
    "NAMES",
    "Classes",
    "Codes",
    "classes",
    "code_points",
    "lower_case",
    "signs_and",
]

Codes = npt.NDArray[np.intp]
Classes = npt.NDArray[np.uint8]

# Classes of characters that are no letters.
OTHER, JOINER, MARK, INVISIBLE, CLAUSE, BREAK = range(6)
LETTERS = 6
"""Classes from here on are scripts: the script's index in `NAMES` plus this."""

# ISO 15924 codes and the ranges of their letters and marks. Zzzz is every letter of a script that has no entry.
_RANGES: dict[str, tuple[tuple[int, int], ...]] = {
    "Latn": ((0x41, 0x5A), (0x61, 0x7A), (0xAA, 0xAA), (0xBA, 0xBA), (0xC0, 0xD6), (0xD8, 0xF6), (0xF8, 0x2AF),
             (0x1E00, 0x1EFF), (0x2C60, 0x2C7F), (0xA722, 0xA787)),
    "Cyrl": ((0x400, 0x481), (0x48A, 0x52F), (0x1C80, 0x1C88)),
    "Grek": ((0x370, 0x373), (0x376, 0x37D), (0x37F, 0x386), (0x388, 0x3E1), (0x3F0, 0x3FF), (0x1F00, 0x1FFF)),
    "Armn": ((0x531, 0x556), (0x561, 0x587)),
    "Hebr": ((0x591, 0x5BD), (0x5BF, 0x5C7), (0x5D0, 0x5F2), (0xFB1D, 0xFB4F)),
    "Arab": ((0x620, 0x63F), (0x641, 0x64A), (0x66E, 0x66F), (0x671, 0x6D3), (0x6D5, 0x6D5), (0x6EE, 0x6EF),
             (0x6FA, 0x6FF), (0x750, 0x77F), (0x8A0, 0x8C9), (0xFB50, 0xFDFB), (0xFE70, 0xFEFC)),
    "Thaa": ((0x780, 0x7B1),),
    "Deva": ((0x900, 0x963), (0x971, 0x97F)),
    "Beng": ((0x980, 0x9E3), (0x9F0, 0x9F1)),
    "Guru": ((0xA01, 0xA5E), (0xA70, 0xA75)),
    "Gujr": ((0xA81, 0xAE3),),
    "Orya": ((0xB01, 0xB63), (0xB71, 0xB71)),
    "Taml": ((0xB82, 0xBD7),),
    "Telu": ((0xC00, 0xC63),),
    "Knda": ((0xC80, 0xCE3),),
    "Mlym": ((0xD00, 0xD57), (0xD5F, 0xD63), (0xD7A, 0xD7F)),
    "Sinh": ((0xD81, 0xDDF), (0xDF2, 0xDF3)),
    "Thai": ((0xE01, 0xE3A), (0xE40, 0xE4E)),
    "Laoo": ((0xE81, 0xECD), (0xEDC, 0xEDF)),
    "Tibt": ((0xF00, 0xF00), (0xF18, 0xF19), (0xF40, 0xFBC)),
    "Mymr": ((0x1000, 0x103F), (0x1050, 0x109D)),
    "Geor": ((0x10A0, 0x10FA), (0x10FC, 0x10FF), (0x1C90, 0x1CBF)),
    "Hang": ((0x1100, 0x11FF), (0x3131, 0x318E), (0xA960, 0xA97C), (0xAC00, 0xD7FB)),
    "Ethi": ((0x1200, 0x135F), (0x1380, 0x139F)),
    "Khmr": ((0x1780, 0x17D3), (0x17D7, 0x17D7), (0x17DC, 0x17DD)),
    "Mong": ((0x1820, 0x18AA),),
    "Hira": ((0x3041, 0x3096), (0x3099, 0x309F)),
    "Kana": ((0x30A1, 0x30FA), (0x30FC, 0x30FF), (0x31F0, 0x31FF)),
    "Hani": ((0x3005, 0x3007), (0x3400, 0x4DBF), (0x4E00, 0x9FFF), (0xF900, 0xFAD9)),
    "Zzzz": (),
}  # fmt: skip
NAMES = tuple(_RANGES)

# Alphabets proper. A single letter of theirs is a variable or an abbreviation, and letters of two of them within one
# word are look-alikes put there to deceive.
ALPHABETS = frozenset({"Latn", "Cyrl", "Grek", "Armn", "Hebr", "Arab", "Geor", "Zzzz"})

# Scripts without blanks between words: how many characters make a word, on average over running text.
# Hiragana is particles and endings, katakana is loan words.
CHARACTERS_A_WORD = {"Hani": 1.62, "Hira": 2.0, "Kana": 3.5, "Thai": 4.6, "Laoo": 4.6, "Khmr": 4.6, "Mymr": 5.0}

# Apostrophes and hyphens (with the Hebrew one): between letters of a script with blanks they are part of the word.
JOINERS = "'\u2019\u02bc-\u2010\u05be"
# By class: whether joiners join its letters.
_JOINED = np.array([False] * LETTERS + [name not in CHARACTERS_A_WORD for name in NAMES])

# Ends of sentences and lines, where a writer is most likely to change the language; then the lesser signs.
BREAKS = ".!?;:\n\u3002\u061f\u061b\u0964\u06d4\u2026\u1362\u104b\u17d4"
CLAUSES = ',()[]{}"$\u201c\u201d\u201e\u00ab\u00bb\u2013\u2014\u3001\u060c\u300c\u300d\u300e\u300f\u300a\u300b|\u2022*'
# Beyond the basic plane: ideographs, else letters of scripts without an entry; emoji and symbols begin at U+1F000.
_IDEOGRAPHS, _BEYOND_IDEOGRAPHS, _PICTURES = 0x20000, 0x40000, 0x1D000
_BASIC = 0x10000
_NOWHERE = np.zeros(0, np.intp)
# Where the blocks of Chinese, Japanese and Korean begin.
_CJK = 0x3000


class _Tables(NamedTuple):
    classes: Classes
    lower: Codes


@cache
def _tables() -> _Tables:
    table = np.zeros(_BASIC, np.uint8)
    lower = np.arange(_BASIC, dtype=np.intp)
    for code in range(_BASIC):
        char = chr(code)
        category = unicodedata.category(char)
        if category[0] == "L":
            table[code] = LETTERS + NAMES.index("Zzzz")
            lower[code] = ord(char.lower()[0])
        elif category[0] == "M":
            table[code] = MARK
        elif category == "Cf" or (category == "Cc" and not char.isspace()):
            table[code] = INVISIBLE
    for chars, kind in ((BREAKS, BREAK), (CLAUSES, CLAUSE), (JOINERS, JOINER)):
        table[[ord(char) for char in chars]] = kind
    for number, ranges in enumerate(_RANGES.values()):
        for first, last in ranges:
            table[first : last + 1] = LETTERS + number
    table[0xFE00:0xFE10] = INVISIBLE  # variation selectors
    table[0x640] = MARK  # the stroke that makes an Arabic word longer
    lower[ord("\u2019")] = lower[0x2BC] = ord("'")
    lower[0x2010] = ord("-")
    return _Tables(table, lower)


def signs_and(script: str) -> tuple[str, str]:
    """Write two sets of characters as a regular expression has them: a script's letters; those, digits and signs.

    They hold characters before U+3000, and pictures; none of them hides or changes class with its neighbours, but for
    joiners.
    """
    letter = LETTERS + NAMES.index(script)
    found = _tables().classes[:_CJK]
    letters = _ranges_of(found == letter)
    return letters, letters + _ranges_of(np.isin(found, (OTHER, JOINER, CLAUSE, BREAK))) + "\U0001f000-\U0001faff"


def _ranges_of(chosen: npt.NDArray[np.bool_]) -> str:
    edges = np.flatnonzero(np.diff(np.concatenate(([False], chosen, [False])))).tolist()
    return "".join(f"\\U{first:08x}-\\U{end - 1:08x}" for first, end in zip(edges[::2], edges[1::2], strict=True))


def code_points(text: str) -> Codes:
    """Spell a text as code points; a lone surrogate is one."""
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.uint32).astype(np.intp)


def classes(codes: Codes) -> tuple[Classes, Classes]:
    """Look up the class of every code point, as it is by itself and as it is in the text.

    In the text a mark takes the class of the letter that it stands on, a joiner that of the letters on its two sides.
    """
    alone = _tables().classes.take(codes, mode="clip")
    high = _high(codes)
    if high.size:
        alone[high] = _beyond(codes[high])
    marks = alone == MARK
    bases = np.maximum.accumulate(np.where(marks, 0, np.arange(len(alone)))) if marks.any() else slice(None)
    found = alone[bases].copy()
    inner = np.flatnonzero(found[1:-1] == JOINER) + 1
    inner = inner[(found[inner - 1] == found[inner + 1]) & _JOINED[found[inner - 1]]]
    found[inner] = found[inner - 1]
    return alone, found


def _beyond(codes: Codes) -> Classes:
    ideographs = (codes >= _IDEOGRAPHS) & (codes < _BEYOND_IDEOGRAPHS)
    letters = codes < _PICTURES
    tags = codes >= 0xE0000  # noqa: PLR2004 - plane 14 holds tags and selectors alone
    kinds = (LETTERS + NAMES.index("Hani"), LETTERS + NAMES.index("Zzzz"), INVISIBLE)
    return np.select([ideographs, letters, tags], kinds, OTHER).astype(np.uint8)


def lower_case(codes: Codes) -> Codes:
    """Lower-case every code point by itself; the result is as long as the text."""
    lower = _tables().lower.take(codes, mode="clip")
    high = _high(codes)
    lower[high] = codes[high]
    return lower


def _high(codes: Codes) -> Codes:
    """List the places of characters beyond the basic plane, which few texts have."""
    return np.flatnonzero(codes >= _BASIC) if codes.max(initial=0) >= _BASIC else _NOWHERE
