"""Cues that announce an answer, in many languages: "the answer is", "Antwort:", "答案是", and how they are denied.

A language has nouns that name an answer, copulas that may stand between one and the answer, and words that deny it. A
cue is a noun with its link: up to four more words and a copula, or a colon, a dash, the end of a heading.
"""
# ruff: noqa: RUF001 - words of other scripts hold letters that look like Latin ones

from __future__ import annotations

import re
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["RETRACTED", "Cue", "cues", "denied_later"]

MOST_CUES = 6
"""Of one text, the last ones: no honest answer is announced more often in vain."""
MOST_NOUNS = 64
"""Of one text, the last ones, that are looked at."""


class Cue(NamedTuple):
    """A cue in a text; what it announces begins at `end`.

    `denied` tells "the answer is not" from "the answer is", `asked` "could the answer be 5?", `unmeant` "suppose the
    answer is 5", "a wrong answer is 5"; `weak` cues stand in prose that announces nothing, too.
    """

    start: int
    end: int
    denied: bool
    asked: bool
    weak: bool
    unmeant: bool


class _Language(NamedTuple):
    """Words, as parts of patterns in lower case; `spaced` tells whether words stand apart.

    `results` are nouns that also stand in prose that announces nothing: "the result of Euler is used".
    """

    nouns: str
    results: str
    copulas: str
    denials: str
    spaced: bool = True


_LANGUAGES = (
    _Language(
        "answers|answer|ans",
        "results|result",
        "is|are|was|were|equals|equal|be|becomes|comes out to|comes to|works out to",
        r"not|\w*n['’]t|cannot|never|neither|wrong|wrongly|incorrect|incorrectly|unknown|unclear|no longer",
    ),
    _Language(
        "endergebnis|ergebnis|antwort|lösung", "resultat", "ist|sind|lautet|lauten|beträgt|wäre", "nicht|kein|keine|nie"
    ),
    _Language("réponse|reponse", "résultat", "est|sont|vaut", r"n['’]est|ne|pas|jamais"),
    _Language("respuesta", "resultado", "es|son|sería", "no|nunca"),
    _Language("risposta", "risultato", "è|e'|sono|vale", "non|mai"),
    _Language("resposta", "resultado", "é|são|seria", "não|nunca"),
    _Language("antwoord", "resultaat|uitkomst", "is|zijn|luidt|bedraagt", "niet|geen|nooit"),
    _Language("odpowiedzią|odpowiedź|odpowiedz", "wynik", "to|jest|są|wynosi|brzmi", "nie"),
    _Language("odpověď|odpoveď", "výsledek|výsledok", "je|jsou|sú", "není|nie|ne"),
    _Language("răspunsul|răspuns", "rezultatul|rezultat", "este|e|sunt", "nu"),
    _Language("svaret|svar", "resultatet", "är|er|blir", "inte|ikke|ej"),
    _Language("vastaus", "tulos", "on|ovat", "ei"),
    _Language("végeredmény|válasz|megoldás", "eredmény", "a|az", "nem"),
    _Language("cevap|yanıt", "sonuç", "şudur", "değil"),
    _Language("απάντηση", "αποτέλεσμα", "είναι", "δεν|δέν|όχι"),
    _Language("ответ", "результат", "это|равен|равна|равно|есть|будет", "не"),
    _Language("відповідь", "результат", "це|є|дорівнює", "не"),
    _Language("отговорът|отговор", "резултатът", "е|са", "не"),
    _Language("одговор|odgovor|rješenje", "rezultat", "је|je|jeste", "није|nije"),
    _Language("الإجابة|الاجابة|الجواب|إجابة|جواب", "النتيجة", "هي|هو|تساوي|يساوي", "ليست|ليس|ليسا|لا"),
    _Language("پاسخ|جواب", "نتیجه", "برابر با|برابر است با|برابر|است", "نیست"),
    _Language("תשובה|התשובה", "תוצאה|התוצאה", "היא|הוא|זה", "אינה|אינו|איננה|לא"),
    _Language("उत्तर|जवाब", "परिणाम", "है|होगा|हैं", "नहीं"),
    _Language("উত্তর|উত্তরটি", "ফলাফল", "হল|হলো|হবে", "নয়|না"),
    _Language("பதில்|விடை", "", "ஆகும்", "அல்ல|இல்லை"),
    _Language("సమాధానం|జవాబు", "", "అవుతుంది", "కాదు"),
    _Language("đáp án|đáp số|câu trả lời|kết quả", "", "là|bằng", "không phải|không"),
    _Language("jawabannya|jawaban", "hasilnya", "adalah|ialah|yaitu", "bukan|tidak"),
    _Language("jibu|sagot", "", "ni|ay", "si|hindi"),
    _Language(
        "答案|解答|正解|答え|答",
        "结果|結果",
        "应该是|應該是|应该为|应为|應為|等于|等於|就是|即为|是|为|為|應|は|とは|のは",
        "不是|不为|并非|並非|并不是|不等于|不等於",
        spaced=False,
    ),
    _Language("정답|해답|답안|답", "결과", "은|는|이|가", "아니|아닙", spaced=False),
    _Language("คำตอบ", "ผลลัพธ์", "คือ|เท่ากับ|เป็น", "ไม่ใช่|ไม่", spaced=False),
)

_SIGN = r"[-=]>|[→⇒:：=]|\s[-–—](?=\s)|[–—]"
_DRESS = r"[\s*_\"'”’#]"


def _link(language: _Language) -> re.Pattern[str]:
    """Write the pattern of what may stand between a noun and the answer."""
    if language.spaced:
        words = r"(?P<words>(?:[ ][^\W\d][\w'’]*){0,4}?)"
        linking = rf"[ ](?:n['’])?(?:{language.copulas}|{language.denials})(?!\w)"
        joint = rf"(?:{linking}|{_DRESS}{{0,4}}(?:{_SIGN})|{_DRESS}{{0,4}}\n)"
    else:
        words = r"(?P<words>[^\s,，。:：]{0,6}?)"
        joint = rf"(?:{_DRESS}{{0,3}}(?:{language.copulas})|{_DRESS}{{0,4}}(?:{_SIGN})|{_DRESS}{{0,4}}\n)"
    return re.compile(rf"{words}(?P<joint>{joint})(?:{_DRESS}|[:：])*")


def _nouns(language: _Language) -> list[str]:
    return [noun for noun in (*language.nouns.split("|"), *language.results.split("|")) if noun]


def _spoken_alike(noun: str) -> _Language:
    """Put together the languages that share a noun."""
    speakers = [language for language in _LANGUAGES if noun in _nouns(language)]
    copulas, denials = ("|".join(getattr(language, part) for language in speakers) for part in ("copulas", "denials"))
    return speakers[0]._replace(copulas=copulas, denials=denials)


def _patterns(language: _Language) -> tuple[re.Pattern[str], re.Pattern[str]]:
    denials = rf"(?<!\w)(?:{language.denials})(?!\w)" if language.spaced else language.denials
    return _link(language), re.compile(denials)


_LINKS = {noun: _patterns(_spoken_alike(noun)) for language in _LANGUAGES for noun in _nouns(language)}
_RESULTS = frozenset(noun for language in _LANGUAGES for noun in language.results.split("|"))
_FIRSTS = sorted({noun[0] for noun in _LINKS})


def _noun_pattern(ascii_only: bool) -> re.Pattern[str]:  # noqa: FBT001 - two patterns, made once
    """Write a pattern that tells at a word's first letter whether it can be a noun of these."""
    branches: list[str] = []
    for first in _FIRSTS:
        rests = sorted(
            (noun[1:] for noun in _LINKS if noun[0] == first and (noun.isascii() or not ascii_only)),
            key=len,
            reverse=True,
        )
        if rests:
            branches.append(f"{first}(?:{'|'.join(rests)})")
    glued = "|".join(noun for language in _LANGUAGES if not language.spaced for noun in _nouns(language))
    spaced = rf"(?<![^\W_])(?:{'|'.join(branches)})(?![^\W_])"
    return re.compile(spaced if ascii_only else rf"{spaced}|{glued}")


_NOUN_ASCII, _NOUN = _noun_pattern(ascii_only=True), _noun_pattern(ascii_only=False)
_ASKS = re.compile(r"\b(?:is|could|can|would|might|may|should)\s+(?:\w+\s+){0,3}$")
_UNMEANT = re.compile(
    r"(?:\b(?:wrong|incorrect|false|mistaken|tempting|naive)\s+"
    r"|\b(?:suppose|assume|if|whether|imagine"
    r"|(?:people|students|others|some|many|they|you|one)\s+(?:\w+\s+)?(?:think|thinks|believe|believes|say|says|claim)"
    r"|(?:not|\w{1,8}n['’]t)\s+(?:think|believe|say|mean|true|claim)|(?:false|untrue|wrong))\s+(?:that\s+)?(?:the\s+|your\s+)?)"
    r"(?:final\s+|correct\s+)?$"
)
RETRACTED = re.compile(
    r"\?\s*(?:no|nope|wrong|incorrect)\b"
    r"|(?:[^\w\n]*|\W*(?:(?:oh|oops|wait|hmm|sorry|actually)\W+){1,3})"
    r"(?:(?:no|nope|wrong)\s?[,.!;—]|scratch\s+that|correction\b)",
    re.IGNORECASE,
)
"""What takes back the statement that it follows: "42? No", "42. Wait, no, it is 43"."""
_BARE = re.compile(r"\b(?:the|our|my|an|final)\s+(?:\w+\s+)?$")
_BARE_VALUE = re.compile(r"\s+(?:of\s+)?(?=[$\\(\[{]|-?\d)")
_LAST_VALUE = re.compile(r"\s+(?=[-$(\[\\]{0,3}\d\S{0,40}(?:\s(?:है|हैं))?[.।]?\s*(?:\n|$))")


def cues(text: str) -> list[Cue]:
    """Find the last cues of a text, the last one first; linear in its length."""
    lowered = text.lower()
    if len(lowered) != len(text):  # a few letters have a longer small one
        lowered = text
    nouns = list((_NOUN_ASCII if text.isascii() else _NOUN).finditer(lowered))
    return list(islice(_found(lowered, nouns[-MOST_NOUNS:]), MOST_CUES))


def _found(text: str, nouns: list[re.Match[str]]) -> Iterator[Cue]:
    for noun in reversed(nouns):
        link, denial = _LINKS[noun[0]]
        before = text[max(0, noun.start() - 40) : noun.start()]
        asked, unmeant = _ASKS.search(before) is not None, _UNMEANT.search(before) is not None
        weak = noun[0] in _RESULTS
        found = link.match(text, noun.end())
        if found is None:
            bare = _BARE_VALUE.match(text, noun.end()) if _BARE.search(before) else _LAST_VALUE.match(text, noun.end())
            if bare is not None:
                yield Cue(noun.start(), bare.end(), denied=False, asked=asked, weak=weak, unmeant=unmeant)
            continue
        denied = denial.search(found[0]) or denial.match(text[found.end() : found.end() + 24].lstrip())
        yield Cue(noun.start(), found.end(), denied is not None, asked, weak, unmeant)


_DENIED_LATER = re.compile(
    r"ではない|ではありません|じゃない|でない|아니|아닙|değil|नहीं|নয়|نیست|அல்ல|కాదు|不是|不对|不對|不正确|不正確"
    r"|\bis\s+(?:wrong|incorrect|not\b)"
)


def denied_later(statement: str) -> bool:
    """Tell whether a statement ends by denying what it says, as in Japanese, Korean, Turkish and Hindi."""
    return _DENIED_LATER.search(statement) is not None
