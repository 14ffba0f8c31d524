"""Tells the language of every word from the words around it.

A text is taken for a walk between languages: each word pays for being rare in the language it is said to be in, and
each change of language has a price, lower at the end of a sentence than within a clause, and lower into a language that
the text uses elsewhere. The cheapest walk (Viterbi) is the answer. Single words are too short to tell; whole clauses
are too coarse for writers who change within them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from jurist.verifiers._word_model import Floats, Indices, WordModel, word_hashes

if TYPE_CHECKING:
    from collections.abc import Sequence

    from jurist.verifiers._words import Words

__all__ = ["word_languages"]

# The price of a change of language in nats: between two words, at a comma, at the end of a sentence or a line.
CHANGE = (6.0, 4.0, 3.0)
# The further price of entering a language: this, less `FAMILIAR` for each e-fold of its words elsewhere in the text.
FOREIGN, FAMILIAR = 12.0, 3.0
# Entering English, which every model falls into, and a close relative of a language wanted, which only a run of clear
# evidence may tell from it.
ENGLISH = 1.0
RELATIVE = 2.0
# The text's languages are first looked for in blocks of this many words.
BLOCK = 8
# A shorter run counts where it beats every favoured language by this much, in nats.
SHORT, CLEAR = 4, 8.0
# Languages walked between; what more a text may hold is told as the nearest of these.
MOST_LANGUAGES = 6

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
    evidence[end[first] - start[first] == 1] = 0.0  # x, y and a are variables too: one letter says nothing
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


def _entry_prices(evidence: Floats, inverse: Indices, languages: Sequence[str], wanted: str) -> Floats:
    """Price each language by how much of the text it looks to be; infinite where nothing speaks for it."""
    running = np.concatenate(
        (np.zeros((1, len(languages)), np.float64), np.cumsum(evidence[inverse], axis=0, dtype=np.float64))
    )
    edges = np.append(np.arange(0, len(inverse), BLOCK), len(inverse))
    blocks = np.diff(running[edges], axis=0)
    won = np.bincount(blocks.argmax(axis=1), np.diff(edges), minlength=len(languages))
    price = np.maximum(FOREIGN - FAMILIAR * np.log1p(won), 0.0)
    price[won == 0] = np.inf
    favoured = [i for i, language in enumerate(languages) if language in (wanted, "en")]
    if len(inverse) >= SHORT:
        short = running[SHORT:] - running[:-SHORT]
        ahead = short - (
            short[:, favoured].max(axis=1, keepdims=True) if favoured else short.max(axis=1, keepdims=True)
        )
        best = ahead.max(axis=0)
        clear = (best > CLEAR) & np.isinf(price)
        price[clear] = FOREIGN - FAMILIAR * np.log1p(float(SHORT))
    for i, language in enumerate(languages):
        if any({language, wanted} <= family for family in _RELATIVES):
            price[i] += RELATIVE
        if language == "en":
            price[i] = min(price[i], ENGLISH)
        if language == wanted:
            price[i] = 0.0
    return price.astype(np.float32)


def _walk(rows: list[list[float]], entry: list[float], gaps: list[int]) -> list[int]:
    """Find the cheapest walk: for each word the index of its language."""
    if not rows:
        return []
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
