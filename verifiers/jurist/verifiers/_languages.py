"""Counts a text's words by language."""
# ruff: noqa: RUF001 - letters of other scripts look like Latin ones

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
import numpy.typing as npt

from jurist.verifiers._clause_languages import BY_CLAUSE, clause_languages
from jurist.verifiers._han_path import JAPANESE, are_japanese
from jurist.verifiers._language_path import word_languages
from jurist.verifiers._lexicon import Reading, lexicon
from jurist.verifiers._scripts import NAMES
from jurist.verifiers._word_model import GROUPS, Indices, word_model
from jurist.verifiers._words import SLIGHT_NUMBERS, Words, commonest, find_words, slight_name

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
    # Where nobody looked: English, Russian and what all three of the last have.
    "und-Latn": "ai", "und-Cyrl": "авикосуяіїй", "und-Arab": "و",
}  # fmt: skip
# Names of functions that are words: "sin embargo", "det är". Those used once in five thousand words and more.
_NAME_WORDS = {
    "es": "sin tan", "ca": "tan", "sv": "det min sin", "nb": "deg det min sin", "da": "det min mod sin",
    "sl": "ker sin", "sh": "sin", "ro": "mod", "vi": "sinh",
}  # fmt: skip

_TOLD = {code for groups in (GROUPS, BY_CLAUSE) for group in groups.values() for code in group}
CODES = (*sorted(_TOLD | {*_SOLE.values(), "zh"}), *(f"und-{name}" for name in NAMES))
"""What a word is counted as: a language, or its script where its language was not looked for."""

_JAPANESE = np.array([name in JAPANESE for name in NAMES])
_CODE_OF_SCRIPT = np.array([CODES.index(_SOLE.get(name, f"und-{name}")) for name in NAMES])
_GROUP_NUMBERS = {script: NAMES.index(script) for script in GROUPS}
# Whether a slight word is a word, by language.
_IS_WORD = np.zeros((len(CODES), SLIGHT_NUMBERS), np.bool_)
for _code, _known in _LETTER_WORDS.items():
    _IS_WORD[CODES.index(_code), [ord(letter) for letter in _known]] = True
for _code, _named in _NAME_WORDS.items():
    _IS_WORD[CODES.index(_code), [slight_name(name) for name in _named.split()]] = True

_SCRIPTS: dict[str, set[str]] = {code: set() for code in CODES}
for _script, _group in (*GROUPS.items(), *BY_CLAUSE.items()):
    for _code in _group:
        _SCRIPTS[_code].add(_script)
for _script, _code in (*_SOLE.items(), ("Hani", "ja"), ("Hani", "zh")):
    _SCRIPTS[_code].add(_script)


@dataclass(frozen=True, slots=True)
class Census:
    """How many words of a text are in each language, by `CODES`.

    `total` counts them all; `mixed` those that mix alphabets, which are in no language; `commonest` is the largest
    number of times that one word stands; `invisible` counts characters that do not show.
    """

    words: dict[str, float]
    total: float
    mixed: float
    commonest: int
    invisible: int


def code_of(tag: str) -> str:
    """Name the language that an IETF tag stands for in a census; "" where words of that language cannot be told."""
    code = tag.replace("_", "-").partition("-")[0].lower()
    code = _SAME.get(code, code)
    return code if code in CODES else ""


def census(text: str, wanted: str = "") -> Census:
    """Count words by language, looking only as far as needed to know those of *wanted*; "" asks for all of them."""
    told = [script for script in GROUPS if not wanted or wanted in GROUPS[script]]
    for script in told:
        reading = lexicon(script).read(text)
        if reading is not None:
            return _census_of_known(reading, script, wanted)
    return _census_of_any(text, wanted)


def _census_of_known(reading: Reading, script: str, wanted: str) -> Census:
    model = lexicon(script).model
    code = _columns(script)[word_languages(reading.evidence, reading.gap, reading.capital, model.languages, wanted)]
    slight = np.flatnonzero(reading.slight)
    count = np.ones(len(code))
    count[slight] = _IS_WORD[code[slight], reading.slight[slight]]
    found = _by_language(code, count)
    return Census(found, sum(found.values()), 0.0, reading.commonest, 0)


def _census_of_any(text: str, wanted: str) -> Census:
    words = find_words(text)
    code = _CODE_OF_SCRIPT[words.script]
    present = np.bincount(words.script, minlength=len(NAMES))
    lone = np.flatnonzero((words.slight > 0) & ~_lead_on(words))
    for script, number in _GROUP_NUMBERS.items():
        if present[number] and (not wanted or script in _SCRIPTS[wanted]):
            _tell(words, script, wanted, code)
            lone = lone[words.script[lone] != number]
    if wanted in ("zh", "ja", ""):
        runs = np.flatnonzero(_JAPANESE[words.script])
        code[runs] = np.where(are_japanese(words, runs, wanted), CODES.index("ja"), CODES.index("zh"))
    count = words.count.copy()
    slight = np.flatnonzero(words.slight)
    count[slight] = _IS_WORD[code[slight], words.slight[slight]]
    count[lone] = 0.0
    mixed = words.mixed
    found, in_none = _by_language(code[~mixed], count[~mixed]), float(count[mixed].sum())
    return Census(found, sum(found.values()) + in_none, in_none, commonest(words), words.invisible)


def _lead_on(words: Words) -> npt.NDArray[np.bool_]:
    """Whether a word goes with the next one; of slight words those do that are words, where nobody asks the language.

    In "so a simpler form" the letter is a word, in a Chinese line with "a = 3" a variable.
    """
    leads = np.zeros(len(words.start), np.bool_)
    leads[:-1] = (words.script[1:] == words.script[:-1]) & (words.gap[1:] == 0) & (words.count[1:] > 0)
    return leads


def _tell(words: Words, script: str, wanted: str, code: Indices) -> None:
    """Write down the languages of the runs of a script in *code*."""
    runs = np.flatnonzero(
        ((words.count > 0) | (words.slight > 0)) & (words.script == NAMES.index(script)) & ~words.mixed
    )
    if not runs.size:
        return
    if wanted in BY_CLAUSE[script]:
        code[runs] = [CODES.index(code_of(tag) or f"und-{script}") for tag in clause_languages(words, runs)]
        return
    model = word_model(script)
    evidence = model.distinct_evidence(words.codes, words.start[runs], words.end[runs], words.slight[runs] > 0)
    after_last = np.append(0, runs[:-1] + 1)
    gap = np.maximum.reduceat(words.gap[: runs[-1] + 1], after_last)
    code[runs] = _columns(script)[word_languages(evidence, gap, words.capital[runs], model.languages, wanted)]


@cache
def _columns(script: str) -> Indices:
    """Number the languages of a script's model by their places in `CODES`."""
    languages = (*GROUPS[script], f"und-{script}")
    return np.array([CODES.index(code) for code in languages])


def _by_language(code: Indices, count: npt.NDArray[np.float64]) -> dict[str, float]:
    totals = np.bincount(code, count, minlength=len(CODES))
    return {CODES[i]: float(totals[i]) for i in np.flatnonzero(totals)}
