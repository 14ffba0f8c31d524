"""Counts a text's words by language."""
# ruff: noqa: RUF001 - letters of other scripts look like Latin ones

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from jurist.verifiers._clause_languages import BY_CLAUSE, clause_languages
from jurist.verifiers._han_path import JAPANESE, are_japanese
from jurist.verifiers._language_path import word_languages
from jurist.verifiers._scripts import NAMES
from jurist.verifiers._word_model import GROUPS, OTHER, Indices, word_model
from jurist.verifiers._words import Words, find_words

__all__ = ["Census", "census", "code_of"]

# Scripts that tell the language, or that hold no two languages which a model is often trained on.
_SOLE = {
    "Grek": "el", "Armn": "hy", "Hebr": "he", "Thaa": "dv", "Deva": "hi", "Beng": "bn", "Guru": "pa", "Gujr": "gu",
    "Orya": "or", "Taml": "ta", "Telu": "te", "Knda": "kn", "Mlym": "ml", "Sinh": "si", "Thai": "th", "Laoo": "lo",
    "Tibt": "bo", "Mymr": "my", "Geor": "ka", "Hang": "ko", "Ethi": "am", "Khmr": "km", "Mong": "mn", "Hira": "ja",
    "Kana": "ja",
}  # fmt: skip
# Tags for one language, and languages that are not told apart: counted as the one on the right.
_SAME = {
    "no": "nb", "nn": "nb", "hr": "sh", "bs": "sh", "sr": "sh", "me": "sh", "tl": "fil", "iw": "he", "in": "id",
    "cmn": "zh", "yue": "zh", "mo": "ro", "mr": "hi", "ne": "hi", "as": "bn", "ti": "am",
}  # fmt: skip
# Words of one letter; other single letters are variables and labels, and count nothing.
_LETTER_WORDS = {
    "en": "ai", "es": "aeouy", "fr": "aàyô", "it": "aeèio", "pt": "aàeéo", "nl": "u", "sv": "iåö", "nb": "iå",
    "da": "iå", "pl": "aiouwz", "cs": "aikosuvz", "sk": "aikosuvz", "sl": "aikosvz", "sh": "aikosuаикосу", "ro": "aeo",
    "hu": "aeős", "tr": "o", "vi": "àạôở", "ca": "aeio", "lt": "įo", "is": "áí", "ru": "авикосуя", "uk": "авєзійоуя",
    "bg": "авиосуя", "mk": "авиосу", "ar": "و", "fa": "و", "ur": "و", "el": "οηόή",
}  # fmt: skip

# Cells in which words are counted to find the commonest.
_CELLS = 1 << 16

_TOLD = {code for groups in (GROUPS, BY_CLAUSE) for group in groups.values() for code in group}
CODES = (*sorted(_TOLD | {*_SOLE.values(), "zh"}), *(f"und-{name}" for name in NAMES))
"""What a word is counted as: a language, or its script where its language was not looked for."""

_CODE_OF_SCRIPT = np.array([CODES.index(_SOLE.get(name, f"und-{name}")) for name in NAMES])
# Whether a letter, by its code point, is a word, by language.
_LETTERS = np.zeros((len(CODES), 0x2000), np.bool_)
for _code, _known in _LETTER_WORDS.items():
    _LETTERS[CODES.index(_code), [ord(letter) for letter in _known]] = True

_SCRIPTS: dict[str, set[str]] = {code: set() for code in CODES}
for _script, _group in (*GROUPS.items(), *BY_CLAUSE.items()):
    for _code in _group:
        _SCRIPTS[_code].add(_script)
for _script, _code in (*_SOLE.items(), ("Hani", "ja"), ("Hani", "zh")):
    _SCRIPTS[_code].add(_script)


@dataclass(frozen=True, slots=True)
class Census:
    """How many words of a text are in each language, by `CODES`.

    `mixed` counts words that mix alphabets, which are in no language; `commonest` is the largest number of times that
    one word stands; `invisible` counts characters that do not show.
    """

    words: dict[str, float]
    mixed: float
    commonest: int
    invisible: int

    @property
    def total(self) -> float:
        """All words."""
        return sum(self.words.values()) + self.mixed


def code_of(tag: str) -> str:
    """Name the language that an IETF tag stands for in a census; "" where words of that language cannot be told."""
    code = tag.replace("_", "-").partition("-")[0].lower()
    code = _SAME.get(code, code)
    return code if code in CODES else ""


def census(text: str, wanted: str = "") -> Census:
    """Count words by language, looking only as far as needed to know those of *wanted*; "" asks for all of them."""
    words = find_words(text)
    code = _CODE_OF_SCRIPT[words.script]
    for script in GROUPS:
        if not wanted or script in _SCRIPTS[wanted]:
            runs = np.flatnonzero(
                ((words.count > 0) | words.single) & (words.script == NAMES.index(script)) & ~words.mixed
            )
            if wanted in BY_CLAUSE[script]:
                code[runs] = [CODES.index(code_of(tag) or f"und-{script}") for tag in clause_languages(words, runs)]
            elif runs.size:
                model = word_model(script)
                columns = np.array(
                    [CODES.index(f"und-{script}" if code == OTHER else code) for code in model.languages]
                )
                code[runs] = columns[word_languages(words, runs, model, wanted)]
    if wanted in ("zh", "ja", ""):
        runs = np.flatnonzero(np.isin(words.script, [NAMES.index(name) for name in JAPANESE]))
        code[runs] = np.where(are_japanese(words, runs, wanted), CODES.index("ja"), CODES.index("zh"))
    count = _with_letter_words(words, code)
    totals = np.bincount(code, np.where(words.mixed, 0.0, count), minlength=len(CODES))
    found = {CODES[i]: float(totals[i]) for i in np.flatnonzero(totals)}
    return Census(found, float(count[words.mixed].sum()), _commonest(words), words.invisible)


def _with_letter_words(words: Words, code: Indices) -> npt.NDArray[np.float64]:
    count = words.count.copy()
    singles = np.flatnonzero(words.single)
    letters = np.minimum(words.codes[words.start[singles]], _LETTERS.shape[1] - 1)
    count[singles] = _LETTERS[code[singles], letters]
    return count


def _commonest(words: Words) -> int:
    """Count the word that stands most often; a word is told by its length and its two ends, near enough for a flag."""
    if not words.start.size:
        return 0
    first, last = words.codes[words.start].astype(np.intp), words.codes[words.end - 1].astype(np.intp)
    ends = (first * 31 + last * 1_009 + (words.end - words.start) * 9_973) % _CELLS
    return int(np.bincount(ends).max())
