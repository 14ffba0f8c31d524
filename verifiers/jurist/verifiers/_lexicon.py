"""Remembers what was found out about the words of a script, so that a text of known words costs a lookup a word.

Most of what is judged is short, and a short text read as arrays costs the number of calls that takes, not its length.
What a word counts, and which languages it speaks for, depends on its letters alone, and words come again and again. So
that is found out once a process, and a text that holds nothing but words of one script, digits and signs is cut by a
regular expression and looked up. The census is the same either way; a property test holds the two together.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache

import numpy as np
import numpy.typing as npt

from jurist.verifiers._scripts import BREAKS, CLAUSES, JOINERS, code_points, lower_case, signs_and
from jurist.verifiers._word_model import Floats, Indices, word_model
from jurist.verifiers._words import (
    FUNCTIONS_AND_UNITS,
    LONGEST_ACRONYM,
    are_acronyms,
    ends,
    shouted,
    slight_letter,
    slight_name,
)

__all__ = ["Lexicon", "Reading", "lexicon"]

# Words remembered for a script, 5 MB; where they become more all are forgotten.
MOST_WORDS = 1 << 15
# Longer texts are read as arrays: they cost less so, and could fill the memory by themselves.
MOST_CHARACTERS = 50_000
# What parts two words is remembered up to this length, and so many.
LONGEST_GAP, MOST_GAPS = 8, 1 << 12

_BREAK, _CLAUSE = (re.compile(f"[{re.escape(signs)}]") for signs in (BREAKS, CLAUSES))
_FORMULA = re.compile(r"\w(?:[-\u2010]\w)+")
_NEUTRAL, _CAPITALS, _ACRONYM, _LETTER, _CAPITAL, _INITIAL = 1, 2, 4, 8, 16, 32


@dataclass(frozen=True, slots=True)
class Reading:
    """The words of a text that count, or may, in order.

    `evidence` is ln P(word | language), a column for each language of the script's model; `gap`, `capital` and `slight`
    are those of `Words`; `commonest` says how many times the commonest stands.
    """

    evidence: Floats
    gap: Indices
    capital: npt.NDArray[np.bool_]
    slight: Indices
    commonest: int


class Lexicon:
    """The words of one script that have been met; *script* is a key of `GROUPS`."""

    def __init__(self, script: str) -> None:
        self.model = word_model(script)
        letters, plain = signs_and(script)
        self._foreign = re.compile(f"[^{plain}]")
        self._cut = re.compile(f"([{letters}]+(?:[{re.escape(JOINERS)}][{letters}]+)*)")
        self._latin = script == "Latn"
        self._number: dict[str, int] = {}
        self._gaps: dict[str, int] = {}
        self._kind = np.zeros(MOST_WORDS, np.uint8)
        self._slight = np.zeros(MOST_WORDS, np.intp)
        self._ends = np.zeros(MOST_WORDS, np.intp)
        self._evidence = np.zeros((MOST_WORDS, len(self.model.languages)), np.float32)

    def read(self, text: str) -> Reading | None:
        """Look up the words of a text in NFKC; None where it is long or holds more than the script and signs."""
        if len(text) > MOST_CHARACTERS or self._foreign.search(text):
            return None
        parts = self._cut.split(text)
        words = self._numbers(parts[1::2])
        gap = self._strengths(parts[:-1:2])
        kind = self._kind[words]
        counts = self._counts(kind, gap)
        commonest = int(np.bincount(self._ends[words], minlength=1).max())
        if len(counts) < len(words):
            after_last = np.append(0, counts[:-1] + 1)
            gap = np.maximum.reduceat(gap[: counts[-1] + 1], after_last) if len(counts) else gap[:0]
            words, kind = words[counts], kind[counts]
        return Reading(self._evidence[words], gap, kind & _CAPITAL > 0, self._slight[words], commonest)

    def _counts(self, kind: npt.NDArray[np.uint8], gap: Indices) -> Indices:
        """List the places of words that are no function, unit or acronym."""
        capital, words = int(np.count_nonzero(kind & _CAPITALS)), int(np.count_nonzero(kind & _LETTER == 0))
        if not are_acronyms(capital, words):
            return np.flatnonzero(kind & _NEUTRAL == 0)
        acronym = kind & _ACRONYM > 0
        if np.count_nonzero(acronym) < capital:
            acronym &= ~shouted(kind & (_CAPITALS | _INITIAL) > 0, kind & (_CAPITALS | _ACRONYM) == _CAPITALS, gap)
        return np.flatnonzero((kind & _NEUTRAL == 0) & ~acronym)

    def _numbers(self, words: list[str]) -> Indices:
        numbers = list(map(self._number.get, words))
        if None in numbers:
            self._learn(words)
            numbers = list(map(self._number.get, words))
        return np.array(numbers, np.intp)

    def _learn(self, words: list[str]) -> None:
        new = [word for word in dict.fromkeys(words) if word not in self._number]
        if len(self._number) + len(new) > MOST_WORDS:
            self._number.clear()
            new = list(dict.fromkeys(words))
        known = slice(len(self._number), len(self._number) + len(new))
        codes = lower_case(code_points("".join(new)))
        length = np.array(list(map(len, new)), np.intp)
        end = np.cumsum(length)
        start = end - length
        self._kind[known] = list(map(self._kind_of, new))
        self._slight[known] = slight = np.array(list(map(self._slight_of, new)), np.intp)
        self._ends[known] = ends(codes, start, end)
        self._evidence[known] = self.model.evidence(codes, start, end, slight > 0)
        self._number.update(zip(new, range(known.start, known.stop), strict=True))

    def _kind_of(self, word: str) -> int:
        lower = word.lower()
        if len(word) == 1:
            return _LETTER | _INITIAL if self._latin and word != lower else _LETTER
        kind = _NEUTRAL if _FORMULA.fullmatch(word) else 0
        if word[0] != lower[0]:
            kind |= _CAPITAL
            if self._latin and word[-1] != lower[-1]:
                kind |= _CAPITALS if len(word) > LONGEST_ACRONYM else _CAPITALS | _ACRONYM
        if self._latin and lower in FUNCTIONS_AND_UNITS and not slight_name(lower):
            kind |= _NEUTRAL
        return kind

    def _slight_of(self, word: str) -> int:
        lower = word.lower()
        return slight_letter(lower[0]) if len(word) == 1 else slight_name(lower) if self._latin else 0

    def _strengths(self, gaps: list[str]) -> Indices:
        strengths = list(map(self._gaps.get, gaps))
        if None in strengths:
            for at, known in enumerate(strengths):
                if known is None:
                    strengths[at] = self._strength(gaps[at])
        return np.array(strengths, np.intp)

    def _strength(self, gap: str) -> int:
        strength = 2 if _BREAK.search(gap) else 1 if _CLAUSE.search(gap) else 0
        if len(gap) <= LONGEST_GAP and len(self._gaps) < MOST_GAPS:
            self._gaps[gap] = strength
        return strength


@cache
def lexicon(script: str) -> Lexicon:
    """Open the lexicon of a script, which this process keeps."""
    return Lexicon(script)
