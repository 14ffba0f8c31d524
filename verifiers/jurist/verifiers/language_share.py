"""DeepSeek-R1's language reward: the share of the thought's words that are in the language wanted.

Math, code, links, names of functions and single letters count in neither sum; a word that mixes scripts counts as none
of the language. Where several languages share a script, this first version tells them by script alone.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, ClassVar

from pydantic import Field

from jurist.verifiers._thought import View, view
from jurist.verifiers._values import Abstain, Cause, Score

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from jurist.verifiers._values import Ask, Reply, Sample, Verdict

__all__ = ["LanguageShare"]

_MASKED = re.compile(
    r"```.*?(?:```|\Z)|`[^`\n]*`|\$\$[^$]*\$\$|\$[^\s$][^$\n]*\$|\\\((?:(?!\\[()]).){0,2000}\\\)|\\\[(?:(?!\\[\[\]]).){0,2000}\\\]"
    r"|\\begin\{([a-z]+)\*?\}(?:(?!\\begin).){0,2000}?\\end\{\1\*?\}|https?://\S+|\\[A-Za-z]+",
    re.DOTALL,
)
_SCRIPTS = {
    "Han": r"\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff",
    "Kana": r"\u3041-\u30ff\u31f0-\u31ff",
    "Hangul": r"\u1100-\u11ff\u3131-\u318e\uac00-\ud7a3",
    "Latin": r"A-Za-z\u00aa\u00ba\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u024f\u1e00-\u1eff",
    "Cyrillic": r"\u0400-\u052f",
    "Arabic": r"\u0620-\u065f\u066e-\u06d3\u06fa-\u06ff\ufb50-\ufdff\ufe70-\ufefc",
    "Greek": r"\u0370-\u03ff\u1f00-\u1fff",
    "Hebrew": r"\u0591-\u05f4",
    "Thai": r"\u0e01-\u0e3a\u0e40-\u0e4e",
    "Devanagari": r"\u0900-\u0963\u0971-\u097f",
    "Bengali": r"\u0980-\u09e3",
    "Tamil": r"\u0b80-\u0be3",
    "Telugu": r"\u0c00-\u0c63",
}
# Characters a word, in the scripts that put no blanks between words.
_CHARACTERS_A_WORD = {"Han": 1.6, "Kana": 2.3, "Thai": 4.6}
_OF_LANGUAGE = {
    "zh": {"Han"}, "ja": {"Han", "Kana"}, "ko": {"Hangul"}, "ru": {"Cyrillic"}, "uk": {"Cyrillic"},
    "bg": {"Cyrillic"},
    "sr": {"Cyrillic", "Latin"}, "ar": {"Arabic"}, "fa": {"Arabic"}, "ur": {"Arabic"},
    "el": {"Greek"}, "he": {"Hebrew"},
    "th": {"Thai"}, "hi": {"Devanagari"}, "bn": {"Bengali"},
    "ta": {"Tamil"}, "te": {"Telugu"},
}  # fmt: skip
_RUN = re.compile("|".join(f"(?P<{script}>[{letters}\u0300-\u036f'\u2019]+)" for script, letters in _SCRIPTS.items()))
_WORD = re.compile(r"[^\W\d_][\w'\u2019\u0300-\u036f\u0900-\u0d7f\u0e00-\u0eff]*")


@dataclass(frozen=True, slots=True, kw_only=True)
class LanguageShare:
    """Scores words of the target language over all words; abstains where there are none.

    Details: `share`; `words` and `target_words`, estimates from characters in scripts without blanks.
    """

    version: ClassVar[str] = "1"

    part: Annotated[View, Field(description="which part of the completion is read")] = "think"

    def verdict(self, sample: Sample, replies: Sequence[Reply] = ()) -> Verdict | Ask:  # noqa: ARG002 - asks nothing
        """Count words by script."""
        language = sample.task.language.replace("_", "-").partition("-")[0].lower()
        if not language:
            return Abstain(Cause.NOT_APPLICABLE, "the task names no language")
        wanted = _OF_LANGUAGE.get(language, {"Latin"})
        text = _MASKED.sub(" ", unicodedata.normalize("NFKC", view(sample.completion, self.part)))
        words = target = 0.0
        for count, scripts in _words(text):
            words += count
            target += count if scripts <= wanted else 0.0
        if not words:
            return Abstain(Cause.NOT_APPLICABLE, "no words")
        share = target / words
        details = {"share": share, "words": round(words), "target_words": round(target)}
        return Score(share, f"{target:.0f} of {words:.0f} words are {language}", details)


def _words(text: str) -> Iterator[tuple[float, set[str]]]:
    for word, times in Counter(_WORD.findall(text)).items():
        runs = [(run.lastgroup or "", run.end() - run.start()) for run in _RUN.finditer(word)]
        dense = [
            (script, length / _CHARACTERS_A_WORD[script]) for script, length in runs if script in _CHARACTERS_A_WORD
        ]
        yield from ((times * count, {script}) for script, count in dense)
        spaced = [(script, length) for script, length in runs if script not in _CHARACTERS_A_WORD]
        if sum(length for _, length in spaced) > 1:
            yield float(times), {script for script, _ in spaced}
