"""Tells Chinese from Japanese among the runs of ideographs and kana of one text.

Kana is Japanese. Ideographs in a clause with kana are Japanese too; others are told by how often each language uses
them, and by the lack of kana, which a Japanese clause does not go without for long.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import numpy as np
from wordfreq import get_frequency_list

from jurist.verifiers._scripts import NAMES, code_points

if TYPE_CHECKING:
    import numpy.typing as npt

    from jurist.verifiers._word_model import Floats, Indices
    from jurist.verifiers._words import Words

__all__ = ["JAPANESE", "are_japanese"]

JAPANESE = ("Hani", "Hira", "Kana")
"""The scripts that Japanese is written in."""

# Nats by which a character speaks for one language at most, so that no single one decides.
MOST_A_CHARACTER = 3.0
# What a character of kana says for Japanese, and each ideograph of a run beyond a compound's two against it.
A_KANA, AN_IDEOGRAPH, COMPOUND = 6.0, 0.5, 2
# The price of changing over, within a clause, at a comma, at the end of a sentence or line.
CHANGE = (12.0, 5.0, 2.0)
# How often a character occurs that no list has.
UNSEEN = 1e-6
_TABLE = 0x10000


@cache
def _leaning() -> Floats:
    """For each character of the basic plane ln P(character | Chinese) - ln P(character | Japanese), bounded."""
    seen = np.full((2, _TABLE), UNSEEN)
    for row, language in enumerate(("zh", "ja")):
        for centibels, words in enumerate(get_frequency_list(language, "small")):
            codes = code_points("".join(words))
            np.add.at(seen[row], codes[codes < _TABLE], 10.0 ** (-centibels / 100))
    get_frequency_list.cache_clear()  # it keeps what it read
    seen /= seen.sum(axis=1, keepdims=True)
    bounded: Floats = np.clip(np.log(seen[0] / seen[1]), -MOST_A_CHARACTER, MOST_A_CHARACTER).astype(np.float32)
    return bounded


def are_japanese(words: Words, runs: Indices, wanted: str) -> npt.NDArray[np.bool_]:
    """Tell for each of *runs*, all of ideographs or kana, whether it is Japanese; else it is Chinese."""
    kana: npt.NDArray[np.bool_] = words.script[runs] != NAMES.index("Hani")
    if not runs.size or (wanted == "zh" and not kana.any()):
        return kana
    start, end = words.start[runs], words.end[runs]
    length = end - start
    leaning = np.concatenate(
        (np.zeros(1), np.cumsum(_leaning()[np.minimum(words.codes, _TABLE - 1)], dtype=np.float64))
    )
    chinese = leaning[end] - leaning[start] + AN_IDEOGRAPH * np.maximum(length - COMPOUND, 0)
    chinese[kana] = -A_KANA * length[kana]
    clauses = np.flatnonzero(words.gap[runs] > 0)
    if wanted == "ja" and clauses.size and (np.add.reduceat(chinese, np.append(0, clauses)) < 0).all():
        return np.ones(len(runs), np.bool_)
    return _walk(chinese.tolist(), words.gap[runs].tolist())


def _walk(chinese: list[float], gaps: list[int]) -> npt.NDArray[np.bool_]:
    value = [0.0, 0.0]
    came: list[tuple[int, int]] = []
    for gain, gap in zip(chinese, gaps, strict=True):
        price: float = CHANGE[gap] if came else 0.0
        origin = (0 if value[0] >= value[1] - price else 1, 1 if value[1] >= value[0] - price else 0)
        value = [max(value[0], value[1] - price) + gain, max(value[1], value[0] - price)]
        came.append(origin)
    state = int(value[1] > value[0])
    path: list[bool] = []
    for origin in reversed(came):
        path.append(bool(state))
        state = origin[state]
    return np.array(path[::-1], np.bool_)
