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

from jurist.verifiers._scripts import code_points

if TYPE_CHECKING:
    from jurist.verifiers._scripts import Codes

__all__ = ["GROUPS", "OTHER", "Floats", "Indices", "WordModel", "word_model"]

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
# What a slight word may say at most: a, e, o and y are words here and variables there.
SLIGHT = 1.0
# Letters of a word that are looked at; longer ones are no words.
LONGEST_WORD = 48

_ODD = np.uint64(0x9E3779B97F4A7C15)
_BEGIN, _END = 2, 3  # code points that no text holds here
_SIGNS = 3  # of them a word: two before it, one behind
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

    def evidence(self, codes: Codes, start: Indices, end: Indices, slight: npt.NDArray[np.bool_]) -> Floats:
        """Give ln P(word | language) for each word codes[start : end], one row a word, one column a language.

        The last column is a language that has no list. A joined word ("l'aire", "meio-dia") is known by the longer of
        its ends too; *slight* ones say little.
        """
        whole = self._log_probabilities(codes, start, end)
        joiners = np.flatnonzero((codes == ord("'")) | (codes == ord("-")))
        if joiners.size:
            before, behind = np.searchsorted(joiners, start), np.searchsorted(joiners, end)
            joined = np.flatnonzero(before < behind)
            first, last = start[joined], end[joined]
            head, tail = joiners[before[joined]], joiners[behind[joined] - 1] + 1
            by_tail = last - tail >= head - first
            part = self._log_probabilities(codes, np.where(by_tail, tail, first), np.where(by_tail, last, head))
            whole[joined] = np.maximum(whole[joined], part)
        if slight.any():
            whole[slight] = np.maximum(whole[slight] - whole[slight].max(axis=1, keepdims=True), -SLIGHT)
        return whole

    def distinct_evidence(self, codes: Codes, start: Indices, end: Indices, slight: npt.NDArray[np.bool_]) -> Floats:
        """Give the same as `evidence`, looking at each word once however often it stands."""
        hashes = _Letters.of(codes, start, end).hashes()
        _, first, inverse = np.unique(hashes, return_index=True, return_inverse=True)
        return self.evidence(codes, start[first], end[first], slight[first])[inverse]

    def _log_probabilities(self, codes: Codes, start: Indices, end: Indices) -> Floats:
        letters = _Letters.of(codes, start, end)
        # Trigrams that share a cell can be more than their beginning is; a word is no likelier than certain.
        spelt = np.exp(np.minimum(letters.spelling(self.trigrams, self.bigrams), 0.0))
        found = np.empty((len(spelt), len(self.languages)), np.float32)
        found[:, :-1] = UNLISTED * spelt
        found[:, -1] = UNLISTED_ELSEWHERE / spelt.shape[1] * spelt.sum(axis=1)
        hashes = letters.hashes()
        place = np.minimum(self.hashes.searchsorted(hashes), len(self.hashes) - 1)
        known = np.flatnonzero(self.hashes[place] == hashes)
        if known.size:
            first, last = self.offset[place[known]], self.offset[place[known] + 1]
            count = last - first
            entries = np.arange(int(count.sum())) + np.repeat(last - np.cumsum(count), count)
            found[np.repeat(known, count), self.language[entries]] += self.frequency[entries]
        logarithms: Floats = np.log(found + np.float32(1e-37))
        return logarithms


@dataclass(frozen=True, slots=True, eq=False)
class _Letters:
    """Words one behind the other, two signs before and one behind each; word i is letter[first[i] : last[i]].

    `place` counts the letters and signs of each word from 0.
    """

    letter: Hashes
    place: Indices
    first: Indices
    last: Indices

    @classmethod
    def of(cls, codes: Codes, start: Indices, end: Indices) -> _Letters:
        """Take the words codes[start : end], none of them empty, up to `LONGEST_WORD` letters of each."""
        size = np.minimum(end - start, LONGEST_WORD) + _SIGNS
        last = np.cumsum(size)
        first = last - size
        word = np.repeat(np.arange(len(size)), size)
        place = np.arange(len(word)) - first[word]
        letter = codes.astype(np.uint64)[(start[word] + place - 2).clip(0, len(codes) - 1)]
        letter[first] = letter[first + 1] = _BEGIN
        letter[last - 1] = _END
        return cls(letter, place, first, last)

    def hashes(self) -> Hashes:
        """Hash every word; equal words have equal hashes in any process."""
        return np.add.reduceat(_scramble(self.letter * _powers()[self.place]), self.first)

    def cells(self) -> tuple[Indices, Indices]:
        """Number each three letters, and the first two of them: those at letter[i : i + 3], also across words."""
        pair = self.letter[:-2] * np.uint64(1_000_003) + self.letter[1:-1] * np.uint64(10_007)
        triple = pair + self.letter[2:] * np.uint64(31)
        shift = np.uint64(64 - CELLS.bit_length() + 1)
        return (triple * _ODD >> shift).astype(np.intp), (pair * _ODD >> shift).astype(np.intp)

    def within_words(self) -> npt.NDArray[np.bool_]:
        """Mark the trigrams that end in the word that they begin in."""
        inside = np.ones(len(self.letter) - 2, np.bool_)
        inside[self.last[:-1] - 2] = inside[self.last[:-1] - 1] = False
        return inside

    def spelling(self, trigrams: Floats, bigrams: Floats) -> Floats:
        """Add up ln P(letter | the two before it) over each word and its end."""
        triple, pair = self.cells()
        bounds = np.empty(2 * len(self.first), np.intp)
        bounds[::2], bounds[1::2] = self.first, self.last - 2
        # Between two words lie two trigrams that begin in one and end in the other; behind the last there are none.
        return np.add.reduceat(trigrams[triple] - bigrams[pair], bounds[:-1], axis=0)[::2]


def _scramble(values: Hashes) -> Hashes:
    values = (values ^ (values >> np.uint64(31))) * _ODD
    return values ^ (values >> np.uint64(29))


@cache
def _powers() -> Hashes:
    return np.array([pow(0x100000001B3, place + 1, 1 << 64) for place in range(LONGEST_WORD + _SIGNS)], np.uint64)


def _word_list(language: str, script: str) -> tuple[_Letters, Floats]:
    """Spell a language's words as our texts do, with the frequency of each."""
    lists = get_frequency_list(language, "small")
    get_frequency_list.cache_clear()  # it keeps what it read, several times the size of our arrays
    text = "".join(f"{word}\n" for words in lists for word in words)
    if script == "Cyrl" and language == "sh":
        text = _in_cyrillic(text)
    rates = np.repeat(10.0 ** (np.arange(len(lists)) / -100), [len(words) for words in lists]).astype(np.float32)
    codes = code_points(text)
    codes = codes[codes != _JOINER]
    end = np.flatnonzero(codes == ord("\n"))
    start = np.append(0, end[:-1] + 1)
    filled = end > start
    start, end = start[filled], end[filled]
    return _Letters.of(codes, start, end), rates[filled]


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
        triple, pair = letters.cells()
        inside = letters.within_words()
        triple, pair = triple[inside], pair[inside]
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
