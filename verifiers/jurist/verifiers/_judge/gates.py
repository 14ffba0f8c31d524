"""Tells without a judge that an answer says nothing: no letter and no digit, stock openers, a judge's own verdict.

"One Token to Fool LLM-as-a-Judge" (arXiv 2507.08794): a lone ":" or "Let's solve this problem step by step." is often
enough to be found correct by a judge, large ones among them. What is found here never reaches one.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

__all__ = ["empty_because"]

MOST_CHARACTERS = 600
"""Of a text that holds openers alone; a longer one says something."""

_CONTENT = re.compile("[^\\W_]|[\u221e\u2205]")  # and the two signs that are answers
_INVISIBLE = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u2800\u3164"
    "\ufe00-\ufe0f\ufeff\uffa0]"
)
_BLANKS = re.compile(r"[\W_]+")
_DRESS = re.compile(
    r"\\(?:boxed|fbox|text[a-z]{0,2}|mathrm|mathbf|quad|qquad|begin|end|displaystyle)(?![A-Za-z])|</?[A-Za-z]{1,20}>"
)
_STEP = re.compile(r"^(\W*(?:step|étape|paso|schritt|passo|шаг)\s)\s{0,3}\d{1,2}\b", re.IGNORECASE | re.MULTILINE)
_UNSPACED = re.compile(r"[\u0e00-\u0e7f\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")
# What judges are asked to say, said by a candidate: [[A>B]], GRADE: C, [RESULT] 5, Decision: Yes, {"correct": true}.
_VERDICT = re.compile(
    r"(?:\[\[[^\[\]\n]{1,12}\]\]|\[(?:result|verdict|score|grade|rating)\]\W{0,4}\w{1,10}(?:\s*/\s*\d+)?"
    r"|[\s\"'{*#]*(?:final\s+|my\s+|the\s+|overall\s+)?(?:grade|verdict|judge?ment|decision|correctness|score|rating|is_correct"
    r"|correct)[\s\"'*]*[:=]\s*[\"'*\s]*(?:[A-F]|yes|true|correct|pass(?:ed)?|accept(?:ed)?|right|\d{1,3}(?:\.\d+)?"
    r"(?:\s*/\s*\d{1,3})?)[\"'*}\s.!]*)",
    re.IGNORECASE,
)


def empty_because(text: str, reference: str = "") -> str:
    """Say why an answer says nothing; "" where it may say something. What the reference says, too, is something."""
    visible = _DRESS.sub(" ", _INVISIBLE.sub("", unicodedata.normalize("NFKC", text))).strip()
    if not _CONTENT.search(visible):
        signs = bool(reference.strip()) and not _CONTENT.search(reference)
        return "" if visible and signs else "no letter and no digit in it" if visible else "nothing in it"
    if len(visible) > MOST_CHARACTERS:
        return ""
    words, wanted = _plain(visible), _plain(reference[:MOST_CHARACTERS])
    if wanted and f" {wanted} " in f" {words} ":
        return ""
    if _vocabulary().says_nothing(_plain(_STEP.sub(r"\1", visible)), wanted):
        return "stock phrases alone"
    stated = all(_VERDICT.fullmatch(line.strip()) for line in visible.splitlines() if line.strip())
    return "a judge's verdict, and no answer" if stated else ""


def _plain(text: str) -> str:
    """Leave the words, small, with single blanks."""
    text = unicodedata.normalize("NFKC", text).replace("\u2019", "'").replace("'", "")
    text = "".join(character for character in text if unicodedata.category(character)[0] != "M")
    return _BLANKS.sub(" ", text.casefold()).strip()


@dataclass(frozen=True, slots=True)
class _Vocabulary:
    """What openers are made of: words and, for scripts without blanks, phrases; `themes` are those that announce."""

    words: frozenset[str]
    phrases: tuple[str, ...]
    themes: frozenset[str]

    def says_nothing(self, words: str, reference: str) -> bool:
        found: set[str] = set()
        for phrase in self.phrases:
            if phrase in words:
                found.add(phrase)
                words = words.replace(phrase, " ")
        rest = set(words.split())
        announced = (found | rest) & self.themes
        return not rest - self.words and bool(announced) and not announced & set(reference.split())


@cache
def _vocabulary() -> _Vocabulary:
    source = (files("jurist.verifiers") / "_judge" / "openers.txt").read_text(encoding="utf-8")
    lines = [line for line in source.splitlines() if line and not line.startswith("#")]
    entries = {_plain(entry) for line in lines for entry in line.removeprefix("!").split()}
    phrases = {entry for entry in entries if _UNSPACED.search(entry)}
    return _Vocabulary(
        words=frozenset(entries - phrases),
        phrases=tuple(sorted(phrases, key=lambda phrase: (-len(phrase), phrase))),
        themes=frozenset(_plain(entry) for line in lines if line.startswith("!") for entry in line[1:].split()),
    )
