"""How probable a word is in each language: word frequencies of the `wordfreq` package, and trigrams for the rest.

P(word | language) = the word's frequency in that language + a small share of what a trigram model of the language's
spelling gives it. Word lists and trigrams live in arrays keyed by 64-bit hashes, 25 MB for all Latin languages. They
are built from the package's data, in about a second of CPU time, when a language of that script is first wanted.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from wordfreq import get_frequency_list

if TYPE_CHECKING:
    from jurist.verifiers._scripts import Codes

__all__ = ["GROUPS", "OTHER", "Floats", "Indices", "WordModel", "word_hashes", "word_model"]

Floats = npt.NDArray[np.float32]
Indices = npt.NDArray[np.intp]
Hashes = npt.NDArray[np.uint64]

GROUPS: dict[str, tuple[str, ...]] = {
    "Latn": ("en", "es", "fr", "de", "it", "pt", "nl", "sv", "nb", "da", "fi", "pl", "cs", "sk", "sl", "sh", "ro", "hu",
             "tr", "id", "ms", "vi", "ca", "lv", "lt", "is", "fil"),
    "Cyrl": ("ru", "uk", "bg", "mk", "sh"),
    "Arab": ("ar", "fa", "ur"),
}  # fmt: skip
"""Languages that share a script and are told apart by their words. `sh` is Serbian, Croatian and Bosnian."""

OTHER = "und"
"""Any language that has no list."""

# The share of running words that are in no list: names, compounds, rare forms.
UNLISTED = 0.05
# The same for a language that has no list, which spells like the average of those that have.
UNLISTED_ELSEWHERE = 0.5
# Trigrams are counted in this many cells a language; a collision costs accuracy, not correctness.
CELLS = 1 << 15
# A trigram never seen after its first two letters is as likely as one letter of sixty, with the weight of five letters.
UNSEEN, UNSEEN_WEIGHT = 1 / 60, 5.0
# Letters of a word that are looked at; longer ones are no words.
LONGEST_WORD = 48

_ODD = np.uint64(0x9E3779B97F4A7C15)
_BEGIN, _END = 2, 3  # code points that no text holds here
_JOINER = 0x200C  # Persian lists keep it, our texts do not
_LATIN_OF_CYRILLIC = (("љ", "lj"), ("њ", "nj"), ("џ", "dž"))
_CYRILLIC = str.maketrans("abvgdđežzijklmnoprstćufhcčš", "абвгдђежзијклмнопрстћуфхцчш")


@dataclass(frozen=True, slots=True, eq=False)
class WordModel:
    """Words and trigrams of the languages of one script.

    The word lists are one sorted array of hashes; entries `offset[i]` to `offset[i + 1]` of `language` and `frequency`
    belong to hash i.
    """

    languages: tuple[str, ...]
    hashes: Hashes
    offset: Indices
    language: npt.NDArray[np.uint8]
    frequency: Floats
    trigrams: Floats
    bigrams: Floats

    def log_probabilities(self, codes: Codes, start: Indices, end: Indices) -> Floats:
        """Give ln P(word | language) for each word codes[start : end], one row a word, one column a language.

        The last column is a language that has no list.
        """
        letters = _Letters.of(codes, start, np.minimum(end, start + LONGEST_WORD))
        spelling = letters.spelling(self.trigrams, self.bigrams)
        listed = np.zeros_like(spelling)
        found = np.minimum(np.searchsorted(self.hashes, hashes := letters.hashes()), len(self.hashes) - 1)
        known = np.flatnonzero(self.hashes[found] == hashes)
        first, last = self.offset[found[known]], self.offset[found[known] + 1]
        entries = _ranges(first, last - first)
        listed[np.repeat(known, last - first), self.language[entries]] = self.frequency[entries]
        spelt = np.exp(spelling)
        found_in = np.log(listed + UNLISTED * spelt + np.float32(1e-37))
        other = np.log(UNLISTED_ELSEWHERE * spelt.mean(axis=1, keepdims=True) + np.float32(1e-37))
        return np.hstack((found_in, other))


@dataclass(frozen=True, slots=True, eq=False)
class _Letters:
    """Words one behind the other: `letter` holds their letters, `place` each letter's place in its word."""

    letter: Codes
    place: Indices
    first: Indices
    length: Indices

    @classmethod
    def of(cls, codes: Codes, start: Indices, end: Indices) -> _Letters:
        length = end - start
        first = np.cumsum(length) - length
        place = np.arange(int(length.sum())) - np.repeat(first, length)
        return cls(codes[np.repeat(start, length) + place], place, first, length)

    def hashes(self) -> Hashes:
        """Hash every word; equal words have equal hashes in any process."""
        mixed = _scramble(self.letter.astype(np.uint64) * _powers()[self.place])
        return np.add.reduceat(mixed, self.first)

    def cells(self) -> tuple[Indices, Indices, Indices]:
        """Number the trigrams and their first two letters, word by word with its ends; and where each word begins."""
        size = self.length + 3  # two signs before the word, one behind it
        first = np.cumsum(size) - size
        padded = np.full(int(size.sum()), _BEGIN, np.uint64)
        padded[np.repeat(first + 2, self.length) + self.place] = self.letter
        padded[first + size - 1] = _END
        at = _ranges(first, self.length + 1)
        pair = padded[at] * np.uint64(1_000_003) + padded[at + 1] * np.uint64(10_007)
        triple = pair + padded[at + 2] * np.uint64(31)
        shift = np.uint64(64 - CELLS.bit_length() + 1)
        grams = self.length + 1
        return (
            (triple * _ODD >> shift).astype(np.intp),
            (pair * _ODD >> shift).astype(np.intp),
            np.cumsum(grams) - grams,
        )

    def spelling(self, trigrams: Floats, bigrams: Floats) -> Floats:
        triple, pair, first = self.cells()
        return np.add.reduceat(trigrams[triple] - bigrams[pair], first, axis=0)


def _ranges(first: Indices, length: Indices) -> Indices:
    """Concatenate the ranges first[i] .. first[i] + length[i]."""
    before = np.cumsum(length) - length
    return np.repeat(first - before, length) + np.arange(int(length.sum()))


def _scramble(values: Hashes) -> Hashes:
    values = (values ^ (values >> np.uint64(31))) * _ODD
    return values ^ (values >> np.uint64(29))


@cache
def _powers() -> Hashes:
    return np.array([pow(0x100000001B3, place + 1, 1 << 64) for place in range(LONGEST_WORD)], np.uint64)


def _word_list(language: str, script: str) -> tuple[_Letters, Floats]:
    """Spell a language's words as our texts do, with the frequency of each."""
    lists = get_frequency_list(language, "small")
    get_frequency_list.cache_clear()  # it keeps what it read, several times the size of our arrays
    text = "".join(f"{word}\n" for words in lists for word in words)
    if script == "Cyrl" and language == "sh":
        text = _in_cyrillic(text)
    rates = np.repeat(10.0 ** (np.arange(len(lists)) / -100), [len(words) for words in lists]).astype(np.float32)
    codes = np.frombuffer(text.encode("utf-32-le"), np.uint32)
    codes = codes[codes != _JOINER]
    end = np.flatnonzero(codes == ord("\n"))
    start = np.append(0, end[:-1] + 1)
    filled = end > start
    start, end = start[filled], end[filled]
    return _Letters.of(codes, start, np.minimum(end, start + LONGEST_WORD)), rates[filled]


def _in_cyrillic(text: str) -> str:
    for cyrillic, latin in _LATIN_OF_CYRILLIC:
        text = text.replace(latin, cyrillic)
    return text.translate(_CYRILLIC)


@cache
def word_model(script: str) -> WordModel:
    """Build the model of one script's languages; a key of `GROUPS`."""
    languages = GROUPS[script]
    trigrams = np.empty((CELLS, len(languages)), np.float32)
    bigrams = np.empty_like(trigrams)
    hashes: list[Hashes] = []
    frequencies: list[Floats] = []
    for column, language in enumerate(languages):
        letters, rates = _word_list(language, script)
        triple, pair, _ = letters.cells()
        trigrams[:, column] = np.log(np.bincount(triple, minlength=CELLS) + UNSEEN_WEIGHT * UNSEEN)
        bigrams[:, column] = np.log(np.bincount(pair, minlength=CELLS) + UNSEEN_WEIGHT)
        hashes.append(letters.hashes())
        frequencies.append(rates)
    column_of = np.repeat(np.arange(len(languages), dtype=np.uint8), [len(part) for part in hashes])
    every = np.concatenate(hashes)
    order = np.argsort(every, kind="stable")
    every = every[order]
    first = np.flatnonzero(np.append(True, every[1:] != every[:-1]))
    offset = np.append(first, len(every)).astype(np.intp)
    frequency = np.concatenate(frequencies)[order]
    return WordModel((*languages, OTHER), every[first], offset, column_of[order], frequency, trigrams, bigrams)


def word_hashes(codes: Codes, start: Indices, end: Indices) -> Hashes:
    """Hash each word codes[start : end]."""
    return _Letters.of(codes, start, np.minimum(end, start + LONGEST_WORD)).hashes()
