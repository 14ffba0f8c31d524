"""Tells the language of whole sentences, for languages that have no list of words here: Swahili, Estonian, Kazakh, ..

Coarser than telling it word by word: a change of language within a sentence is not seen. The model is py3langid's; it
told .96 to 1.0 of the lines of these languages right when measured.
"""

from __future__ import annotations

from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, cast

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    from jurist.verifiers._word_model import Indices
    from jurist.verifiers._words import Words

__all__ = ["BY_CLAUSE", "clause_languages"]

BY_CLAUSE: dict[str, tuple[str, ...]] = {
    "Latn": ("af", "az", "br", "cy", "eo", "et", "eu", "fy", "ga", "gd", "gl", "ha", "ht", "ig", "jv", "ku", "la", "lb",
             "lg", "ln", "mg", "mt", "oc", "qu", "rw", "sn", "so", "sq", "sw", "tk", "uz", "xh", "yo", "zu"),
    "Cyrl": ("ba", "be", "kk", "ky", "mn", "tg", "tt"),
    "Arab": ("ps", "ug"),
}  # fmt: skip
"""Languages told by sentence, by script."""

# A sentence is joined to the next until it has this many words: fewer tell too little.
FEWEST_WORDS = 5
# Telling one sentence costs about 90 us. A text of more sentences than this is cut into so many pieces instead, and of
# each piece this many letters are read.
MOST_PIECES, LONGEST_PIECE = 3_000, 200


@cache
def _classifier() -> Callable[[str], tuple[str, float]]:
    """Load the model, 60 MB, for those who want such a language."""
    module = import_module("py3langid")  # it has no types
    return cast("Callable[[str], tuple[str, float]]", module.classify)


def clause_languages(words: Words, runs: Indices) -> list[str]:
    """Name the language of each of *runs*, all of one script, by an ISO 639 code."""
    classify = _classifier()
    fewest = max(FEWEST_WORDS, len(runs) // MOST_PIECES)
    languages: list[str] = []
    begin = 0
    gaps: list[int] = words.gap[runs].tolist()
    for at in range(1, len(runs) + 1):
        size = at - begin
        if at < len(runs) and (size < fewest or (gaps[at] == 0 and size < 4 * fewest)):
            continue
        first, last = words.start[runs[begin]], words.end[runs[at - 1]]
        piece = words.codes[first : min(last, first + LONGEST_PIECE)]
        text = piece.astype(np.uint32).tobytes().decode("utf-32-le", "replace")
        languages += [classify(text)[0]] * size
        begin = at
    return languages
