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
import numpy.typing as npt

if TYPE_CHECKING:
    from jurist.verifiers._word_model import Floats, Indices

__all__ = ["word_languages"]

# The price of a change of language in nats: between two words, at a comma, at the end of a sentence or a line.
CHANGE = (5.0, 3.5, 2.5)
# The further price of entering a language: this, less `FAMILIAR` for each e-fold of its words elsewhere in the text.
FOREIGN, FAMILIAR = 12.0, 3.0
# Entering English, which every model falls into, and a close relative of a language wanted, which only a run of clear
# evidence may tell from it.
ENGLISH = 0.5
RELATIVE = 2.0
# What a capital within a clause may say at most: it is a name, at home in another language than its bearer's story.
A_NAME = 2.0
# The text's languages are looked for in windows of two blocks of this many words. One that is the likeliest in none is
# looked at too where it beats the favoured ones in one block by this much, in nats.
BLOCK, CLEAR = 4, 8.0
# One that beats them by less than this in every block is not looked at: a change of language would cost more.
DOUBTFUL = 3.0
# Languages walked between; what more a text may hold is told as the nearest of these.
MOST_LANGUAGES = 6
TWO = 2

_RELATIVES = (
    ("da", "nb", "sv"),
    ("id", "ms"),
    ("cs", "sk"),
    ("sl", "sh"),
    ("es", "ca"),
    ("uk", "ru"),
    ("bg", "mk"),
)


def word_languages(
    evidence: Floats, gaps: Indices, capital: npt.NDArray[np.bool_], languages: tuple[str, ...], wanted: str
) -> Indices:
    """Tell the language of each word of a text, as an index in *languages*.

    *evidence* holds ln P(word | language), a row a word, and is written over; *gaps* says what parts each word from the
    one before, *capital* whether it begins with a capital, as in `Words`. *wanted* is the language asked for, favoured
    where the words do not tell; "" favours none.
    """
    if not len(evidence):
        return np.zeros(0, np.intp)
    names = np.flatnonzero(capital[1:] & (gaps[1:] == 0)) + 1
    if names.size:
        likeliest = evidence[names].max(axis=1, keepdims=True)
        evidence[names] = np.maximum(evidence[names] - likeliest, -A_NAME)
    candidates, entry = _candidates(evidence, languages, wanted)
    if _stays(evidence[:, candidates[1:]] - evidence[:, candidates[:1]], entry):
        return np.full(len(evidence), candidates[0])
    path = _walk(np.round(evidence[:, candidates], 4), entry.tolist(), gaps.tolist())
    return candidates[path]


def _candidates(evidence: Floats, languages: tuple[str, ...], wanted: str) -> tuple[Indices, Floats]:
    """List the languages that a text may be in, by the price of entering each, cheapest first; and those prices.

    The price of a language falls with how much of the text it looks to be.
    """
    home, entry = _home(languages, wanted)
    blocks = np.add.reduceat(evidence, np.arange(0, len(evidence), BLOCK), axis=0)
    ahead = (blocks - blocks[:, home].max(axis=1, initial=-np.inf, keepdims=True)).max(axis=0)
    if ahead.max() < DOUBTFUL:
        return home, entry
    windows = blocks[:-1] + blocks[1:] if len(blocks) > 1 else blocks
    won = BLOCK * np.bincount(windows.argmax(axis=1), minlength=len(languages))
    won[(won == 0) & (ahead > CLEAR)] = BLOCK
    price = np.maximum(FOREIGN - FAMILIAR * np.log1p(won), 0.0, dtype=np.float32)
    price[_relatives(languages, wanted)] += RELATIVE
    price[(won == 0) | (ahead < DOUBTFUL)] = np.inf
    price[home] = np.minimum(price[home], entry)
    found = np.argsort(price, kind="stable")[:MOST_LANGUAGES]
    found = found[np.isfinite(price[found])]
    return found, price[found]


@lru_cache(maxsize=1024)
def _home(languages: tuple[str, ...], wanted: str) -> tuple[Indices, Floats]:
    """List the languages that any text may be in, the one wanted and English, with the prices of entering them."""
    prices = {"en": ENGLISH, wanted: 0.0}
    home = sorted(prices.keys() & set(languages), key=lambda language: prices[language])
    entry = np.array([prices[language] for language in home], np.float32)
    return np.array([languages.index(language) for language in home], np.intp), entry


def _stays(gain: Floats, entry: Floats) -> bool:
    """Whether the cheapest walk stays in the first language: no stretch in another gains what it costs to go there."""
    sums = np.zeros((len(gain) + 1, gain.shape[1]))
    np.cumsum(gain, axis=0, out=sums[1:])
    rise = (sums[1:] - np.minimum.accumulate(sums[:-1], axis=0)).max(axis=0)
    return bool((rise < min(CHANGE) + entry[1:]).all() and (sums[-1] < entry[1:] - entry[0]).all())


@lru_cache(maxsize=1024)
def _relatives(languages: tuple[str, ...], wanted: str) -> Indices:
    kin = {language for family in _RELATIVES if wanted in family for language in family}
    return np.array([i for i, language in enumerate(languages) if language in kin], np.intp)


def _walk(evidence: Floats, entry: list[float], gaps: list[int]) -> list[int]:
    """Find the cheapest walk: for each word the index of its language."""
    if len(entry) == TWO:
        return _walk_two((evidence[:, 0] - evidence[:, 1]).tolist(), entry, gaps)
    return _walk_many(evidence.tolist(), entry, gaps)


def _walk_two(leads: list[float], entry: list[float], gaps: list[int]) -> list[int]:
    """Walk between two languages, the common case: what counts is how far the first is ahead of the second."""
    floor = [-(change + entry[0]) for change in CHANGE]
    ceiling = [change + entry[1] for change in CHANGE]
    ahead = entry[1] - entry[0]
    came: list[int] = []  # where each state's best way came from: 0 or 1 both, 2 each from itself
    for lead, gap in zip(leads, gaps, strict=True):
        if ahead < floor[gap]:
            ahead = floor[gap]
            came.append(1)
        elif ahead > ceiling[gap]:
            ahead = ceiling[gap]
            came.append(0)
        else:
            came.append(2)
        ahead += lead
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
