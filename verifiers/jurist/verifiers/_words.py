"""Finds the words of a text, with their scripts and how much each of them counts.

A word is a run of letters of one script. Scripts without blanks get an estimate from the number of characters, at
least one word between two blanks or signs. Single letters of an alphabet, short acronyms, names of functions and units
count nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
import numpy.typing as npt

from jurist.verifiers._scripts import (
    ALPHABETS,
    BREAK,
    CHARACTERS_A_WORD,
    CLAUSE,
    INVISIBLE,
    LETTERS,
    NAMES,
    Codes,
    classes,
    code_points,
    lower_case,
)

__all__ = ["Words", "find_words"]

Indices = npt.NDArray[np.intp]

# Longest acronym: NASA, HTTPS; longer capitals are words that shout.
LONGEST_ACRONYM = 5
# Where most Latin words are capitals, capitals are no sign of an acronym.
MOST_CAPITALS = 0.5

_FUNCTIONS = (
    "sin cos tan cot sec csc arcsin arccos arctan sinh cosh tanh log ln lg exp max min sup inf lim mod gcd lcm det dim "
    "ker deg arg rank span diag sgn sqrt abs iff"
)
_UNITS = "mm cm dm km kg mg ml dl cl kb mb gb tb hz khz mhz ghz kw mw kwh mph kmh kph rpm ms ns px pt"
_PACKED = 6
"""Letters of a name packed into one number; no name above is longer."""


@dataclass(frozen=True, slots=True)
class Words:
    """The runs of letters of one text, in order, as arrays of equal length.

    `script` is an index in `NAMES`; `count` says how many words a run makes, 0.0 where it counts nothing; `mixed` marks
    a run that touches letters of another alphabet, `single` a letter of an alphabet that stands alone; `gap` is what
    parts a run from the one before: 0 blanks, 1 a comma, quote or bracket, 2 the end of a sentence or line. `codes` is
    the text in lower case; a run is `codes[start : end]`. `invisible` counts characters that do not show.
    """

    codes: Codes
    start: Indices
    end: Indices
    script: Indices
    count: npt.NDArray[np.float64]
    mixed: npt.NDArray[np.bool_]
    single: npt.NDArray[np.bool_]
    gap: Indices
    invisible: int


def find_words(text: str) -> Words:
    """Find the words of a text that is in NFKC and has its code and math blanked out."""
    codes = code_points(text)
    kinds = classes(codes)
    hidden = kinds == INVISIBLE
    invisible = int(np.count_nonzero(hidden))
    if invisible:
        codes = codes[~hidden]
        kinds = classes(codes)
    edges = np.flatnonzero(np.diff(kinds)) + 1
    start = np.concatenate((np.zeros(1, np.intp), edges))
    end = np.concatenate((edges, np.full(1, len(codes), np.intp)))
    lettered = kinds[start] >= LETTERS if len(codes) else np.zeros(1, np.bool_)
    gap = _gaps(kinds, start[lettered])
    start, end = start[lettered], end[lettered]
    script = kinds[start].astype(np.intp) - LETTERS
    mixed = _mixed(start, end, script)
    lower = lower_case(codes)
    count = _counts(start, end, script)
    count[_neutral(codes, lower, start, end, script) & ~mixed] = 0.0
    count[1:][mixed[1:] & (start[1:] == end[:-1])] = 0.0  # a mixed word is one word
    single = (count == 0) & (end - start == 1) & ~mixed
    return Words(lower, start, end, script, count, mixed, single, gap, invisible)


def _counts(start: Indices, end: Indices, script: Indices) -> npt.NDArray[np.float64]:
    characters = np.array([CHARACTERS_A_WORD.get(name, np.inf) for name in NAMES])[script]
    counts: npt.NDArray[np.float64] = np.where(np.isinf(characters), 1.0, (end - start) / characters)
    in_japanese = np.isin(script, [NAMES.index(name) for name in ("Hani", "Hira", "Kana")])
    counts[~in_japanese] = np.maximum(counts[~in_japanese], 1.0)
    japanese = np.flatnonzero(in_japanese)
    if japanese.size:  # a word may begin in ideographs and end in kana: the least is for the two together
        apart = np.append(True, start[japanese][1:] != end[japanese][:-1])
        clause = np.cumsum(apart) - 1
        counts[japanese] *= np.maximum(1.0 / np.bincount(clause, counts[japanese]), 1.0)[clause]
    return counts


def _mixed(start: Indices, end: Indices, script: Indices) -> npt.NDArray[np.bool_]:
    alphabet = np.array([name in ALPHABETS for name in NAMES])[script]
    touches = (start[1:] == end[:-1]) & alphabet[1:] & alphabet[:-1]
    mixed = np.zeros(len(start), np.bool_)
    mixed[1:] |= touches
    mixed[:-1] |= touches
    return mixed


def _gaps(kinds: npt.NDArray[np.uint8], start: Indices) -> Indices:
    """Tell what stands between each run and the one before it."""
    gap = np.zeros(len(start), np.intp)
    for strength, kind in enumerate((CLAUSE, BREAK), start=1):
        seen = np.searchsorted(np.flatnonzero(kinds == kind), start)
        gap[np.diff(seen, prepend=0) > 0] = strength
    return gap


def _neutral(
    codes: Codes,
    lower: Codes,
    start: Indices,
    end: Indices,
    script: Indices,
) -> npt.NDArray[np.bool_]:
    """Mark single letters, acronyms, functions and units."""
    length = end - start
    alphabet = np.array([name in ALPHABETS for name in NAMES])[script]
    neutral = alphabet & (length < 2)  # noqa: PLR2004 - a single letter
    latin = np.flatnonzero((script == NAMES.index("Latn")) & (length > 1))
    if latin.size:
        uppers = np.concatenate(([0], np.cumsum(codes != lower)))
        capital = uppers[end[latin]] - uppers[start[latin]] == length[latin]
        if capital.mean() < MOST_CAPITALS:
            neutral[latin[capital & (length[latin] <= LONGEST_ACRONYM)]] = True
        short = latin[length[latin] <= _PACKED]
        neutral[short[np.isin(_packed(lower, start[short], end[short]), _neutral_names())]] = True
    return neutral


def _packed(lower: Codes, start: Indices, end: Indices) -> npt.NDArray[np.uint64]:
    """Pack each short run into one number; a letter beyond ASCII makes it none of the names."""
    packed = np.zeros(len(start), np.uint64)
    for place in range(_PACKED):
        inside = start + place < end
        letter = np.where(inside, lower[np.minimum(start + place, len(lower) - 1)], 0)
        packed = packed * np.uint64(256) + np.where(letter < 256, letter, 255).astype(np.uint64)  # noqa: PLR2004 - a byte
    return packed


@cache
def _neutral_names() -> npt.NDArray[np.uint64]:
    names = [*_FUNCTIONS.split(), *_UNITS.split()]
    return np.array(sorted(int.from_bytes(name.encode().ljust(_PACKED, b"\0"), "big") for name in names), np.uint64)
