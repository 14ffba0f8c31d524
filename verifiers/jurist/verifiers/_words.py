"""Finds the words of a text, with their scripts and how much each of them counts.

A word is a run of letters of one script; in scripts with blanks apostrophes and hyphens join. Scripts without blanks
get an estimate from the number of characters, at least one word between two blanks or signs. Short acronyms, names of
functions and units count nothing. Whether single letters do ("y", "a"), and names of functions that are words too
("sin", "det"), is for those to say who know the language.
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
    MARK,
    NAMES,
    Codes,
    classes,
    code_points,
    lower_case,
)

__all__ = [
    "FUNCTIONS_AND_UNITS",
    "LONGEST_ACRONYM",
    "SLIGHT_NAMES",
    "SLIGHT_NUMBERS",
    "Words",
    "are_acronyms",
    "commonest",
    "ends",
    "find_words",
    "shouted",
    "slight_letter",
    "slight_name",
]

Indices = npt.NDArray[np.intp]

# Longest acronym: NASA, HTTPS; longer capitals are words that shout. One is known by its two ends, as in PhD.
LONGEST_ACRONYM = 5
# Where most words of a text are capitals, capitals are no sign of an acronym. Neither are they where so many stand in a
# row, one of them too long: a sentence that shouts among others that do not.
MOST_CAPITALS = 0.5
SHOUTED = 3

_FUNCTIONS = (
    "sin cos tan cot sec csc arcsin arccos arctan sinh cosh tanh log ln lg exp max min sup inf lim mod gcd lcm det dim "
    "ker deg arg rank span diag sgn sqrt abs iff"
)
_UNITS = "mm cm dm km kg mg ml dl cl kb mb gb tb hz khz mhz ghz kw mw kwh mph kmh kph rpm ms ns px pt"
FUNCTIONS_AND_UNITS = frozenset(_FUNCTIONS.split()) | frozenset(_UNITS.split())
"""What is written in Latin letters and is of no language, but for `SLIGHT_NAMES`."""
SLIGHT_NAMES = ("deg", "det", "ker", "min", "mod", "sin", "sinh", "tan")
"""Functions whose names are common words somewhere."""
_FIRST_NAME = 0x2000
SLIGHT_NUMBERS = _FIRST_NAME + len(SLIGHT_NAMES)
"""Slight words have numbers below this: a letter's is its code point, a name's follows on the letters."""

# Cells in which words are counted to find the commonest.
_ENDS = 1 << 12
_HYPHEN = ord("-")
# Letters of scripts without blanks begin here; what else lies beyond does no harm.
_FIRST_SOLID = 0xE00
_PACKED = 6
"""Letters of a name packed into one number; no name above is longer."""

# Zero-width joiners and the variation selectors of emoji, which spelling asks for.
_SPELT = np.array([0x200C, 0x200D, 0xFE0E, 0xFE0F])
# By class: scripts whose lists have words without the marks that may stand on their letters.
_UNMARKED = np.array([False] * LETTERS + [name in ("Latn", "Cyrl", "Arab") for name in NAMES])
# By class: how much a sign parts two words.
_STRENGTH = np.array([{CLAUSE: 1, BREAK: 2}.get(kind, 0) for kind in range(LETTERS + len(NAMES))])
_LATIN = NAMES.index("Latn")
# By script.
_CHARACTERS = np.array([CHARACTERS_A_WORD.get(name, np.inf) for name in NAMES])
_SOLID = np.array([name in CHARACTERS_A_WORD for name in NAMES])
_ALPHABET = np.array([name in ALPHABETS for name in NAMES])
_JAPANESE = np.array([name in ("Hani", "Hira", "Kana") for name in NAMES])


@dataclass(frozen=True, slots=True)
class Words:
    """The runs of letters of one text, in order, as arrays of equal length.

    `script` is an index in `NAMES`; `count` says how many words a run makes, 0.0 where it counts nothing; `mixed` marks
    a run that touches letters of another alphabet. `slight` is the number of a run that is a word in some languages
    alone, a letter or one of `SLIGHT_NAMES`; 0 for others; `capital` marks a run of letters that begins with a capital.
    `gap` is what parts a run from the one before: 0 blanks,
    1 a comma, quote or bracket, 2 the end of a sentence or line. `codes` is the text in lower case; a run is
    `codes[start : end]`. `invisible` counts characters that do not show, but for zero-width joiners.
    """

    codes: Codes
    start: Indices
    end: Indices
    script: Indices
    count: npt.NDArray[np.float64]
    mixed: npt.NDArray[np.bool_]
    slight: Indices
    capital: npt.NDArray[np.bool_]
    gap: Indices
    invisible: int


def find_words(text: str) -> Words:
    """Find the words of a text that is in NFKC and has its code and math blanked out."""
    codes = code_points(text)
    alone, kinds = classes(codes)
    unseen = alone == INVISIBLE
    invisible = int(np.count_nonzero(unseen & ~np.isin(codes, _SPELT))) if unseen.any() else 0
    unseen |= (alone == MARK) & _UNMARKED[kinds]
    if unseen.any():
        codes = codes[~unseen]
        kinds = classes(codes)[1]
    edges = np.flatnonzero(kinds[1:] != kinds[:-1]) + 1
    start = np.concatenate((np.zeros(min(len(codes), 1), np.intp), edges))
    kind = kinds[start]
    lettered = np.flatnonzero(kind >= LETTERS)
    gap = _gaps(kind, lettered)
    end = np.append(edges, len(codes))[lettered]
    start, script = start[lettered], kind[lettered].astype(np.intp) - LETTERS
    lower = lower_case(codes)
    count = _counts(start, end, script)
    letter = _ALPHABET[script] & (end - start < 2)  # noqa: PLR2004 - a single letter
    neutral, slight = _neutral(lower, start, end, script, letter)
    capital = codes[start] != lower[start]
    both = capital & (codes[end - 1] != lower[end - 1]) & (script == _LATIN)
    named = both & ~letter
    capitals = int(np.count_nonzero(named))
    if are_acronyms(capitals, float(count[~letter].sum())):
        acronym = named & (end - start <= LONGEST_ACRONYM)
        if np.count_nonzero(acronym) < capitals:
            acronym &= ~shouted(both, named & ~acronym, gap)
        neutral |= acronym
        slight[acronym] = 0
    count[neutral] = 0.0
    touches = _touches(start, end, script)
    mixed = _mixed(touches, neutral)
    count[mixed] = ~touches[:-1][mixed]  # a mixed word is one word, counted where it begins
    slight[touches[:-1] | touches[1:]] = 0
    capital &= end - start > 1
    return Words(lower, start, end, script, count, mixed, slight, capital, gap, invisible)


def _counts(start: Indices, end: Indices, script: Indices) -> npt.NDArray[np.float64]:
    characters = _CHARACTERS[script]
    counts: npt.NDArray[np.float64] = np.where(np.isinf(characters), 1.0, (end - start) / characters)
    in_japanese = _JAPANESE[script]
    counts[~in_japanese] = np.maximum(counts[~in_japanese], 1.0)
    japanese = np.flatnonzero(in_japanese)
    if japanese.size:  # a word may begin in ideographs and end in kana: the least is for the two together
        apart = np.append(True, start[japanese][1:] != end[japanese][:-1])
        clause = np.cumsum(apart) - 1
        counts[japanese] *= np.maximum(1.0 / np.bincount(clause, counts[japanese]), 1.0)[clause]
    return counts


def _touches(start: Indices, end: Indices, script: Indices) -> npt.NDArray[np.bool_]:
    """Tell for each run, and for the end of the text, whether it follows a run of another alphabet without a blank."""
    alphabet = _ALPHABET[script]
    touches = np.zeros(len(start) + 1, np.bool_)
    touches[1:-1] = (start[1:] == end[:-1]) & alphabet[1:] & alphabet[:-1]
    return touches


def _mixed(touches: npt.NDArray[np.bool_], neutral: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """Mark the runs of words that mix alphabets. Neutral runs that touch ("cosθ", "Δx") make no word."""
    mixed = touches[:-1] | touches[1:]
    if mixed.any():
        word = np.cumsum(~touches[:-1])
        mixed &= np.bincount(word, ~neutral)[word] > 0
    return mixed


def _gaps(kind: npt.NDArray[np.uint8], lettered: Indices) -> Indices:
    """Tell what stands between each of the lettered runs and the one before it."""
    if not lettered.size:
        return lettered
    strength = _STRENGTH[kind]
    return np.maximum.reduceat(strength[: lettered[-1] + 1], np.append(0, lettered[:-1] + 1))


def _neutral(
    lower: Codes,
    start: Indices,
    end: Indices,
    script: Indices,
    letter: npt.NDArray[np.bool_],
) -> tuple[npt.NDArray[np.bool_], Indices]:
    """Mark letters, formulas of them, functions and units; and number the slight words among them."""
    length = end - start
    neutral = letter.copy()
    slight = np.where(letter, np.minimum(lower[start], _FIRST_NAME - 1), 0).astype(np.intp)
    hyphens = np.flatnonzero(lower == _HYPHEN)
    if hyphens.size:
        within = np.searchsorted(hyphens, end) - np.searchsorted(hyphens, start)
        neutral |= (within > 0) & (length == 2 * within + 1)
    latin = np.flatnonzero((script == _LATIN) & (length > 1))
    if latin.size:
        first, last = start[latin], end[latin]
        name = _names(lower, first, last)
        neutral[latin[name > 0]] = True
        slight[latin] = _SLIGHT[name]
    return neutral, slight


def slight_letter(letter: str) -> int:
    """Number a single letter; those beyond the names' numbers are no words, and share one."""
    return min(ord(letter), _FIRST_NAME - 1)


def slight_name(name: str) -> int:
    """Number a name of a function; 0 for what is no word anywhere."""
    return _FIRST_NAME + SLIGHT_NAMES.index(name) if name in SLIGHT_NAMES else 0


def are_acronyms(capital: int, words: float) -> bool:
    """Whether the *capital* ones of a text's *words* stand out, so that the short ones are acronyms."""
    return 0 < capital <= MOST_CAPITALS * words


def shouted(capital: npt.NDArray[np.bool_], long: npt.NDArray[np.bool_], gap: Indices) -> npt.NDArray[np.bool_]:
    """Mark the runs of rows that shout: enough *capital* ones, single letters too, a *long* one among them."""
    row = np.cumsum(np.append(True, ~(capital[1:] & capital[:-1] & (gap[1:] == 0))))
    found: npt.NDArray[np.bool_] = ((np.bincount(row) >= SHOUTED) & (np.bincount(row, long) > 0))[row]
    return found


def ends(lower: Codes, start: Indices, end: Indices) -> Indices:
    """Number words by their length and their two ends, near enough to tell the commonest of a text for a flag."""
    return (lower[start] * 31 + lower[end - 1] * 1_009 + (end - start) * 9_973) % _ENDS


def commonest(words: Words) -> int:
    """Count the word that stands most often; in scripts without blanks, the pair of characters that does."""
    if not len(words.start):
        return 0
    most = int(np.bincount(ends(words.codes, words.start, words.end)).max())
    if _SOLID[words.script].any():
        codes = words.codes.astype(np.uint16)
        within = codes >= _FIRST_SOLID
        pairs = (codes[:-1] * np.uint16(31) + codes[1:]) % _ENDS * (within[:-1] & within[1:])
        most = max(most, int(np.bincount(pairs, minlength=2)[1:].max()))
    return most


def _names(lower: Codes, start: Indices, end: Indices) -> Indices:
    """Give the place of each word among the names of functions and units, counted from 1; 0 for other words."""
    packed = _packed(lower, start, end)
    packed[end - start > _PACKED] = 0
    names, table = _name_table()
    near = table[_cell(packed)]
    return np.where(names[near] == packed, near, 0)


def _packed(lower: Codes, start: Indices, end: Indices) -> npt.NDArray[np.uint64]:
    """Pack each short run into one number; a letter beyond ASCII makes it none of the names."""
    packed = np.zeros(len(start), np.uint64)
    for place in range(_PACKED):
        inside = start + place < end
        letter = np.where(inside, lower[np.minimum(start + place, len(lower) - 1)], 0)
        packed = packed * np.uint64(256) + np.where(letter < 256, letter, 255).astype(np.uint64)  # noqa: PLR2004 - a byte
    return packed


def _cell(packed: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
    return packed * np.uint64(0x9E3779B97F4A7C15) >> np.uint64(64 - 14)


@cache
def _name_table() -> tuple[npt.NDArray[np.uint64], Indices]:
    """Pack the names; and give the place of the one that a cell holds, if any."""
    packed = [int.from_bytes(name.encode().ljust(_PACKED, b"\0"), "big") for name in _NAMES]
    names = np.array([0, *packed], np.uint64)
    table = np.zeros(1 << 14, np.intp)
    table[_cell(names)] = np.arange(len(names))
    return names, table


_NAMES = sorted(FUNCTIONS_AND_UNITS)
_SLIGHT = np.array([0, *map(slight_name, _NAMES)])
