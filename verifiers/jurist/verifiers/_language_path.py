"""Tells the language of every word from the words around it.

A text is taken for a walk between languages: each word pays for being rare in the language it is said to be in, and
each change of language has a price, lower at the end of a sentence than within a clause, and lower into a language that
the text uses elsewhere. The cheapest walk (Viterbi) is the answer. Single words are too short to tell; whole clauses
are too coarse for writers who change within them.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from jurist.verifiers._word_model import Floats, Indices, WordModel, word_hashes

if TYPE_CHECKING:
    from jurist.verifiers._words import Words

__all__ = ["word_languages"]

# The price of a change of language in nats: between two words, at a comma, at the end of a sentence or a line.
CHANGE = (5.0, 3.5, 2.5)
# The further price of entering a language: this, less `FAMILIAR` for each e-fold of its words elsewhere in the text.
FOREIGN, FAMILIAR = 12.0, 3.0
# Entering English, which every model falls into, and a close relative of a language wanted, which only a run of clear
# evidence may tell from it.
ENGLISH = 0.5
RELATIVE = 2.0
# What a single letter may say at most: a, e, o and y are words here and variables there.
A_LETTER = 1.0
# The text's languages are looked for in windows of two blocks of this many words. One that is the likeliest in none is
# looked at too where it beats the favoured ones in one block by this much, in nats.
BLOCK, CLEAR = 4, 8.0
# One that beats them by less than this in every block is not looked at: a change of language would cost more.
DOUBTFUL = 3.0
# Languages walked between; what more a text may hold is told as the nearest of these.
MOST_LANGUAGES = 6
TWO = 2

_RELATIVES = (
    {"da", "nb", "sv"},
    {"id", "ms"},
    {"cs", "sk"},
    {"sl", "sh"},
    {"es", "ca"},
    {"uk", "ru"},
    {"bg", "mk"},
)


def word_languages(words: Words, runs: Indices, model: WordModel, wanted: str) -> Indices:
    """Tell the language, as an index in *model*.languages, of each of *runs*, all of the model's script.

    *wanted* is the language asked for, favoured where the words do not tell; "" favours none.
    """
    if not len(runs):
        return runs
    start, end = words.start[runs], words.end[runs]
    _, first, inverse = np.unique(word_hashes(words.codes, start, end), return_index=True, return_inverse=True)
    evidence = _evidence(words, start[first], end[first], model)
    letters = end[first] - start[first] == 1
    evidence[letters] = np.maximum(evidence[letters] - evidence[letters].max(axis=1, keepdims=True), -A_LETTER)
    entry = _entry_prices(evidence, inverse, model.languages, wanted)
    candidates = np.argsort(entry, kind="stable")[:MOST_LANGUAGES]
    candidates = candidates[np.isfinite(entry[candidates])]
    rows = np.round(evidence[:, candidates], 4).tolist()
    after_last = np.concatenate((np.zeros(1, np.intp), runs[:-1] + 1))
    gaps = np.maximum.reduceat(words.gap[: runs[-1] + 1], after_last)
    path = _walk([rows[word] for word in inverse.tolist()], entry[candidates].tolist(), gaps.tolist())
    return candidates[path]


def _evidence(words: Words, start: Indices, end: Indices, model: WordModel) -> Floats:
    """Give ln P(word | language); an elided word ("l'aire", "dell'anno") is known by its longer part too."""
    whole = model.log_probabilities(words.codes, start, end)
    apostrophes = np.append(np.flatnonzero(words.codes == ord("'")), len(words.codes))
    cut = apostrophes[np.searchsorted(apostrophes, start)]
    elided = np.flatnonzero(cut < end)
    if elided.size:
        start, end, cut = start[elided], end[elided], cut[elided]
        behind = end - cut > cut - start
        longer = model.log_probabilities(words.codes, np.where(behind, cut + 1, start), np.where(behind, end, cut))
        whole[elided] = np.maximum(whole[elided], longer)
    return whole


def _entry_prices(evidence: Floats, inverse: Indices, languages: tuple[str, ...], wanted: str) -> Floats:
    """Price each language by how much of the text it looks to be; infinite where nothing speaks for it."""
    starts = np.arange(0, len(inverse), BLOCK)
    blocks = np.add.reduceat(evidence[inverse], starts, axis=0)
    windows = blocks[:-1] + blocks[1:] if len(blocks) > 1 else blocks
    won = BLOCK * np.bincount(windows.argmax(axis=1), minlength=len(languages))
    price = np.maximum(FOREIGN - FAMILIAR * np.log1p(won), 0.0)
    favoured = _columns(languages, frozenset({wanted, "en"}))
    best = blocks[:, favoured].max(axis=1, initial=-np.inf, keepdims=True)
    ahead = (blocks - best).max(axis=0)
    price[won == 0] = np.where(ahead[won == 0] > CLEAR, FOREIGN - FAMILIAR * np.log1p(BLOCK), np.inf)
    price[ahead < DOUBTFUL] = np.inf
    price[_columns(languages, _relatives(wanted))] += RELATIVE
    english = _columns(languages, frozenset({"en"}))
    price[english] = np.minimum(price[english], ENGLISH)
    price[_columns(languages, frozenset({wanted}))] = 0.0
    return price.astype(np.float32)


@lru_cache(maxsize=1024)
def _columns(languages: tuple[str, ...], chosen: frozenset[str]) -> Indices:
    return np.array([i for i, language in enumerate(languages) if language in chosen], np.intp)


def _relatives(wanted: str) -> frozenset[str]:
    return frozenset(language for family in _RELATIVES if wanted in family for language in family)


def _walk(rows: list[list[float]], entry: list[float], gaps: list[int]) -> list[int]:
    """Find the cheapest walk: for each word the index of its language."""
    if len(entry) == 1:
        return [0] * len(rows)
    return _walk_two(rows, entry, gaps) if len(entry) == TWO else _walk_many(rows, entry, gaps)


def _walk_two(rows: list[list[float]], entry: list[float], gaps: list[int]) -> list[int]:
    """Walk between two languages, the common case: what counts is how far the first is ahead of the second."""
    floor = [-(change + entry[0]) for change in CHANGE]
    ceiling = [change + entry[1] for change in CHANGE]
    ahead = entry[1] - entry[0]
    came: list[int] = []  # where each state's best way came from: 0 or 1 both, 2 each from itself
    for (first, second), gap in zip(rows, gaps, strict=True):
        if ahead < floor[gap]:
            ahead = floor[gap]
            came.append(1)
        elif ahead > ceiling[gap]:
            ahead = ceiling[gap]
            came.append(0)
        else:
            came.append(2)
        ahead += first - second
    state = int(ahead < 0)
    path: list[int] = []
    for origin in reversed(came):
        path.append(state)
        if origin != TWO:
            state = origin
    path.reverse()
    return path


def _walk_many(rows: list[list[float]], entry: list[float], gaps: list[int]) -> list[int]:
    states = range(len(entry))
    value = [row - price for row, price in zip(rows[0], entry, strict=True)]
    came: list[list[int]] = []
    for row, gap in zip(rows[1:], gaps[1:], strict=True):
        best = max(value)
        leader = value.index(best)
        best -= CHANGE[gap]
        origin = list(states)
        for state in states:
            if (entered := best - entry[state]) > value[state]:
                value[state] = entered
                origin[state] = leader
            value[state] += row[state]
        came.append(origin)
    state = value.index(max(value))
    path = [state]
    for origin in reversed(came):
        state = origin[state]
        path.append(state)
    path.reverse()
    return path
