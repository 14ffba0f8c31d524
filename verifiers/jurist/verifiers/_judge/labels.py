r"""Reads one of the offered labels where a verdict stands: alone, in brackets or quotes, as `8/10`, with its meaning.

A label counts as a whole: INVALID holds VALID, and `[[A>B]]` holds A, and neither is it. What follows a label on its
line may explain it, but may not take it back, ask, or name another one.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

__all__ = ["Labels", "labels_of"]

_WORD = r"A-Za-z0-9_\u00c0-\u024f\u0370-\u03ff\u0400-\u04ff"
_BEFORE = rf"(?<![{_WORD}<>=!\\/.-])(?<![{_WORD}]['\u2019])"
_AFTER = rf"(?![{_WORD}<>=%]|[-/][{_WORD}]|['\u2019][A-Za-z]|\\)"
_OPEN = r"[\s\"'(\[{<*_$]{0,12}"
_CLOSE = r"[\"')\]}>*_$]{0,12}"

# "out of" in the languages of the big judges; the denominator must be the scale's highest grade.
_OUT_OF = (
    r"(?:/|out\s+of|von|sur|de|di|su|из|van|av|af|på|dari|trên|z|on\s+a\s+scale\s+(?:of|from)\s+\d{1,3}\s*(?:to|-))"
)
_UNITS = r"(?:points?|pts?|marks?|stars?|분|점|分|点|點|Punkten?|puntos?|pontos?|punti|баллов|балла|балл)"
# Where the scale comes first: 10点満点中8点, 满分10分得8分.
_OF_THE_SCALE = (
    r"(?:(?P<scale>\d{1,3})\s*(?:点?满分|滿分|점\s*만점에|点満点中|点中|分中|分制)"
    r"|(?:满分|滿分|満点)\s*(?P<most>\d{1,3})\s*[分点]?中?)\s*[,:]?\s*(?:得分?|评分?)?\s*:?\s*(?P<scaled>\d{1,3})"
)

_BECAUSE = re.compile(
    r"(?:because|since|as|for|given|due|considering|owing|in\s+that|weil|da|denn|parce|car|porque|perch\u00e9|потому|так"
    r"|因为|因為|由于|なぜなら|왜냐하면)(?![A-Za-z])",
    re.IGNORECASE,
)
_TAKEN_BACK = re.compile(
    r"(?:but|though|although|however|or|and|nor|yet|if|unless|except|rather|maybe|perhaps|possibly|probably|likely|not|no"
    r"|yes|true|false|none|n/?a|aber|oder|mais|ou|pero|o|но|или|但|但是|不过|或)(?![A-Za-z\u0400-\u04ff])"
    r"|[?\u2717\u2718\u274c\u2716/|]",
    re.IGNORECASE,
)
# Of a word; a grade or a letter can be given in part.
_WEAKENED = re.compile(r"(?:partly|partially|mostly|almost|nearly|somewhat|in\s+part|to\s+some|only)\b", re.IGNORECASE)
# "Yes, it is not met" and "No, it is met" say two things.
_HOLDS = re.compile(
    r"\b(?:is|are|was|were|has\s+been|have\s+been)(?P<denied>\s+not|n't)?(?:\s+been)?(?:\s+\w{1,20}ly)?\s+"
    r"(?P<negative>un(?=met|satisfied|fulfilled)|in(?=correct)|not\s+)?"
    r"(?:met|satisfied|fulfilled|correct|true|the\s+same|equivalent)\b",
    re.IGNORECASE,
)
# "Correct: 42. Candidate: 24." names the right value; "Correct, it is 42; but the candidate says 24" does, too.
_VALUE = re.compile(r":\s*[^\s,;]{1,40}\s*(?:[,;]|$)")
_DIFFERS = re.compile(
    r"\b(?:but|while|whereas|however,?|yet)\s+(?:(?:the|this|its)\s+)?(?:candidate|student|response|answer|model|it|he|she"
    r"|they)\b",
    re.IGNORECASE,
)
_DIGIT = re.compile(r"\d")
_SENTENCE_END = re.compile(r"[.!?\u3002](?=\s|$)|\n")
_CLOSING = " \t\"')]}>*_$"
_TRAILING = f"{_CLOSING}\n.!\u3002"
CLOSE_WORDS = 5
"""In so many words after a label another one makes it doubtful which is meant."""


_ALSO = {"correct": "right", "incorrect": "wrong"}


@dataclass(frozen=True, slots=True)
class Labels:
    """The labels that are offered, with what they mean, and how they are found."""

    texts: tuple[str, ...]
    meanings: tuple[str, ...]
    numeric: bool
    words: bool
    _leading: re.Pattern[str]
    _anywhere: re.Pattern[str]

    def alone(self, text: str) -> str | None:
        """Read a text that holds a label and nothing else but brackets, quotes and an end."""
        found = self._found(text)
        if found is None or text[found.end() :].strip(_TRAILING):
            return None
        return self._label(found)

    def leading(self, text: str) -> str | None:
        """Read a text that begins with a label, and goes on as a verdict may."""
        found = self._found(text)
        if found is None:
            return None
        label = self._label(found)
        return label if self.followed(text[found.end() :], label) else None

    def followed(self, tail: str, label: str | None) -> bool:
        """Tell whether what follows a label leaves it standing."""
        bare = tail.lstrip(_CLOSING)
        if not bare or (bare[0] in ".!\u3002\n" and not bare[1:].lstrip()[:1].isdigit()):
            return True
        if label is not None and bare.casefold().strip(_TRAILING) == self.meanings[self.texts.index(label)]:
            return True
        sentence = _SENTENCE_END.split(bare, maxsplit=1)[0]
        asks = bare[len(sentence) :].startswith("?")
        if self.numeric and _DIGIT.search(sentence):
            return _BECAUSE.match(sentence.lstrip(" ,;:-(")) is not None and not sentence.casefold().startswith("for")
        if _BECAUSE.match(sentence):
            return not asks
        if asks or not sentence or sentence[0] not in ",;:-([" or (bare == tail and sentence[0] == "-"):
            return False
        return not _contradicted(sentence, label) and self._stands(sentence[1:].strip(" \t-)]:>"), label)

    def _stands(self, remark: str, label: str | None) -> bool:
        """Tell whether a remark on a label neither takes it back nor names another."""
        if _TAKEN_BACK.match(remark) or (self.words and _WEAKENED.match(remark)):
            return False
        meant = remark.casefold().strip(" .\"'*_")
        if meant in self.meanings or meant in map(str.casefold, self.texts):
            return label is not None and self.meanings[self.texts.index(label)] == meant
        if _BECAUSE.match(remark):
            return True
        near = " ".join(remark.split()[:CLOSE_WORDS]) if self.words else remark
        return not {self._label(found) for found in self._anywhere.finditer(near)} - {label}

    def in_words(self, label: str) -> str:
        """Give a pattern of the words that mean a label."""
        meaning = self.meanings[self.texts.index(label)]
        return f"{re.escape(meaning)}|{_ALSO[meaning]}" if meaning in _ALSO else re.escape(meaning)

    def _found(self, text: str) -> re.Match[str] | None:
        found = self._leading.match(text)
        opened = found is not None and any(found[0].count(pair[0]) > found[0].count(pair[1]) for pair in ("[]", "()"))
        return None if opened else found

    def _label(self, found: re.Match[str]) -> str | None:
        if not self.numeric:
            return self._spelled(found["label"])
        label = str(int(found["number"] or found["scaled"]))
        highest = found["highest"] or found["scale"] or found["most"]
        if label not in self.texts or (highest and int(highest) != max(map(int, self.texts))):
            return None
        return label

    def _spelled(self, text: str) -> str | None:
        bare = re.sub(r"\s+", "" if "=" in text or ">" in text else " ", text).casefold()
        return next((label for label in self.texts if label.casefold() == bare), None)


def _contradicted(remark: str, label: str | None) -> bool:
    """Tell whether a remark says the opposite of the label before it, or that the label was no verdict."""
    word = (label or "").casefold()
    if word in {"correct", "yes"} and (_VALUE.match(remark) or _DIFFERS.search(remark)):
        return True
    held = _HOLDS.search(remark) if word in {"yes", "no"} else None
    return held is not None and ((held["denied"] is None) != (held["negative"] is None)) == (word == "yes")


@lru_cache(maxsize=256)
def labels_of(texts: tuple[str, ...], meanings: tuple[str, ...] = ()) -> Labels:
    """Prepare to find labels; `meanings` stand for each in words, in their order."""
    numeric = all(text.isdecimal() and text.isascii() for text in texts)
    words = all(len(text) > 1 and text.isalpha() for text in texts)
    if numeric:
        label = (
            rf"{_BEFORE}(?<!,)(?:{_OF_THE_SCALE}"
            rf"|(?P<number>\d{{1,3}})(?:\.0+)?)(?![\d.]*\d|,\d)(?:\s*{_UNITS})?{_CLOSE}"
            rf"(?:\s*[([]?\s*{_OUT_OF}\s*{_OPEN}(?P<highest>\d{{1,4}})(?!\d|[.,]\d)(?:\s*{_UNITS})?(?:\s*[)\]])?)?{_AFTER}"
        )
    else:
        spelled = sorted((_flexible(text) for text in texts), key=len, reverse=True)
        label = rf"{_BEFORE}(?P<label>{'|'.join(spelled)}){_AFTER}"
    # A single letter in running text is mostly another word's: "a" is an article. Alone in its place it may be small.
    flags = re.IGNORECASE if numeric or words else re.NOFLAG
    return Labels(
        texts=texts,
        meanings=tuple(meaning.casefold() for meaning in meanings) or tuple(map(str.casefold, texts)),
        numeric=numeric,
        words=words,
        _leading=re.compile(rf"{_OPEN}{label}{_CLOSE}", re.IGNORECASE),
        # Before a noun a word is no verdict: "the correct value".
        _anywhere=re.compile(rf"{label}(?!\s+[A-Za-z])" if words else label, flags),
    )


def _flexible(label: str) -> str:
    """Match a label however it is spaced: `A >> B`."""
    if any(sign in label for sign in "<>=!"):
        return r"\s*".join(re.escape(part) for part in re.findall(r"[<>=!]+|[^<>=!\s]+", label))
    return r"\s+".join(map(re.escape, label.split()))
