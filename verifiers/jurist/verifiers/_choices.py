"""Reads which options of a multiple-choice question a short text names, and which it denies."""
# ruff: noqa: RUF001 - letters of other scripts that look like Latin ones are what this file is about

from __future__ import annotations

import re
import string
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

from jurist.verifiers._commitment import plain

__all__ = ["Choices", "Reading"]

# A statement names its options at its beginning.
LONGEST_STATEMENT = 2_000

# Letters as they number a list, in scripts that number lists with letters of their own; their position is what counts.
_ALPHABETS = (
    "А Б В Г Д Е Ж З И К",
    "Α Β Γ Δ Ε Ζ Η Θ Ι Κ",
    "甲 乙 丙 丁 戊 己 庚 辛 壬 癸",
    "ア イ ウ エ オ カ キ ク ケ コ",
    "가 나 다 라 마 바 사 아 자 차",
    "ㄱ ㄴ ㄷ ㄹ ㅁ ㅂ ㅅ ㅇ ㅈ ㅊ",
    "أ ب ج د ه و ز ح ط ي",
    "الف ب پ ت",
    "א ב ג ד ה ו ז ח ט י",
    "क ख ग घ ङ च छ ज झ ञ",
    "ক খ গ ঘ ঙ চ ছ জ ঝ ঞ",
    "ก ข ค ง จ ฉ ช ซ ฌ ญ",
)
# A label touches no letter of its own script; Latin ones may stand inside a Chinese sentence.
_WESTERN = r"0-9A-Za-z_\u00c0-\u052f"
_APART = rf"(?![{_WESTERN}]|['’-][{_WESTERN}]|\+\+|#)"
# Capitals that are words of English prose too: read as labels only where nothing else runs on behind them.
_WORDLIKE = frozenset("AI")

_NOT = (
    r"(?:not|isn't|never|neither|nor|cannot\ be|can't\ be|other\ than|except|rather\ than|instead\ of|without|"
    r"nicht|pas|não|non|не|ni|tidak|không|niet)(?!\w)|(?<!是)不是|不选|不選|并非|并不是|而非|\\neq?(?![a-z])|≠|!="
)
_DENIAL = re.compile(_NOT, re.IGNORECASE)
_JOINT = (
    r"[,;/&+|、]|\\?&|(?:and|or|but|und|oder|sondern|et|ou|mais|y|o|u|sino|e|и|или|а|та|або|dan|atau|và|hoặc|ve|veya|"
    r"maybe|possibly|perhaps|also|even|alternatively)(?!\w)|和|或者?|及|与|以及|と|또는|和|又は|也可能|أو|और|या"
)
_FILLER = (
    r"(?:the|this|it's|it|is|its|be|to|going|indeed|actually|clearly|therefore|thus|so|hence|then|definitely|surely|"
    r"simply|probably|likely|most|certainly|option|options|choice|choices|letter|letra|lettera|lettre|buchstabe|opsi|pilihan|answer|statement|number|final|correct|right|"
    r"best|both|either|only|just|opci[oó]n|op[çc][ãa]o|opzione|alternativa|réponse|respuesta|resposta|risposta|antwort|"
    r"вариант|ответ|буква|la|le|el|il|lo|der|die|das|l|that|would|must|should)(?!\w)|选项|選項|选|選|应该|应|是|项|項|为|為|"
    r"第|は|은|는|정답|答案|では(?:ない|なく|ありません)|です|(?:가|이)?\s?아(?:니라?|닙니다)|입니다|नहीं|है|değil|نیست|"
    r"(?:i|think|believe|am|confident|are)(?!\w)|[\s:=.\"'’“”()\[\]<>—–-]+"
)
_BREAK = r"[.!?。\n](?=\s|$|[^\x00-\x7f])"
_DENIED_AFTER = re.compile(
    r"[)\].]?\s{0,2}(?:(?:is|are|was|isn't|can)\s{1,2})?(?:clearly\s|obviously\s|also\s)?"
    r"(?:not|n't|wrong|incorrect|false|ruled\s+out|out\b|不对|是?错|不正确|では(?:ない|なく|ありません)|(?:가|이)?\s?아(?:니|닙|닌)|नहीं|değil"
    r"|نیست)",
    re.IGNORECASE,
)
# A second thought after the option: "C, though it could also be B".
_SECOND = re.compile(
    r"(?:\bor\b|\balternatively\b|\b(?:could|might|may)\s(?:also\s|well\s)?be\b|或|也可能是?|\boder\b|\bили\b)"
    r"(?:\s{0,2}(?:\w{1,12}\s){0,3})\s{0,2}$",
    re.IGNORECASE,
)
_DELIMITED_LINE = re.compile(r"\W*[(\[]?(?P<label>\w)[)\].:](?!\w)")


_LIST_WORDS = frozenset({"or", "and", "nor", ","})
_GLUED = re.compile(r"[A-Z]{2,10}")
# Words after a denied option that begin the assertion: "not A, it is C".
_ASSERTS = frozenset({"it", "it's", "is", "sondern", "是"})


class Reading(NamedTuple):
    """Options by index: those a text names, and those it denies."""

    chosen: frozenset[int]
    denied: frozenset[int]


class _Token(NamedTuple):
    kind: str
    option: int
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Choices:
    """The options of one question: the indices by label, and by text where a text is one option's alone."""

    labels: tuple[str, ...]
    by_label: dict[str, int]
    by_text: dict[str, int]
    token: re.Pattern[str]

    @staticmethod
    @lru_cache(maxsize=256)
    def of(labels: tuple[str, ...], texts: tuple[str, ...]) -> Choices:
        """Compile a question's options; without *labels* they are A, B, C and so on in any script's letters."""
        by_label = {plain(label).casefold(): i for i, label in enumerate(labels)}
        if not labels:
            labels = tuple(string.ascii_uppercase[: len(texts) or 26])
            alphabets = [labels, *(alphabet.split()[: len(labels)] for alphabet in _ALPHABETS)]
            by_label = {label.casefold(): i for alphabet in alphabets for i, label in enumerate(alphabet)}
        keys = [" ".join(plain(text).casefold().split()).strip(".") for text in texts]
        by_text = {key: i for i, key in enumerate(keys) if key and keys.count(key) == 1 and key not in by_label}
        return Choices(labels, by_label, by_text, _token(by_label, by_text))

    def names(self, chosen: frozenset[int]) -> list[str]:
        """Spell options by their labels, in order."""
        return [self.labels[i] if i < len(self.labels) else str(i + 1) for i in sorted(chosen)]

    def read(self, text: str) -> Reading:
        """Read a text that states an answer: "C", "(C) Paris", "A and C", "not A but C", "Paris"."""
        text = plain(text)[:LONGEST_STATEMENT]
        bare = text.removeprefix("not ")
        bare = bare if _DENIAL.match(bare) else text  # an option that is a denial itself: "Neither I nor II"
        if (whole := self.by_text.get(bare.casefold().strip(" ."))) is not None:
            return Reading(frozenset((whole,)), frozenset())
        if (
            _GLUED.fullmatch(text)
            and list(text) == sorted(set(text))
            and all(x.casefold() in self.by_label for x in text)
        ):
            return Reading(frozenset(self.by_label[letter.casefold()] for letter in text), frozenset())
        return _Reader(text, self._tokens(text)).read()

    def read_line(self, line: str) -> Reading:
        """Read a line that may state an answer: it counts if it names options and says nothing else."""
        text = plain(line)[:LONGEST_STATEMENT]
        tokens = self._tokens(text)
        lead = _DELIMITED_LINE.match(text)
        if any(token.kind == "word" for token in tokens) and not (lead and lead["label"].casefold() in self.by_label):
            return Reading(frozenset(), frozenset())
        return self.read(text)

    def _tokens(self, text: str) -> list[_Token]:
        tokens: list[_Token] = []
        for match in self.token.finditer(text):
            kind = match.lastgroup or "word"
            option = -1
            if kind == "text":
                option = self.by_text[match[0].casefold()]
            elif kind == "label" and _is_label(match, text):
                option = self.by_label[match[0].strip("()[].: ").casefold()]
            elif kind == "label":  # an article or a variable
                kind = "filler" if match[0].islower() or match[0].strip() == "I" else "word"
            tokens.append(_Token(kind, option, match.start(), match.end()))
        return tokens


def _is_label(match: re.Match[str], text: str) -> bool:
    """Whether a lone letter is a label and not a word of the sentence."""
    letter, rest = match[0].strip(), text[match.end() :]
    if len(letter) > 1 or not rest.strip() or not letter.isascii():
        return True
    if letter.islower() and re.match(r"\s+[(\[]?[A-Z](?!\w)", rest):
        return False  # an article: "a resposta é a C"
    runs_on = re.match(
        r"\s+(?!or\b|and\b|but\b|because\b|since\b|as\b|which\b|is\b|not\b|[A-Z]\b)[^\W\d]|\s*[=^+*<>]", rest
    )
    return not runs_on if letter in _WORDLIKE or letter.islower() else not rest.lstrip().startswith(("=", "^"))


def _token(by_label: dict[str, int], by_text: dict[str, int]) -> re.Pattern[str]:
    def apart(text: str) -> str:
        before = rf"(?<![{_WESTERN}])" if re.match(rf"[{_WESTERN}]", text) else ""
        number = (r"(?<![-−.])" if text[0].isdigit() else ""), (r"(?!\s?\\?%)" if text[-1].isdigit() else "")
        after = rf"(?![{_WESTERN}]|\.\d)" if re.search(rf"[{_WESTERN}]$", text) else ""
        return before + number[0] + re.escape(text) + after + number[1]

    longest_first = sorted(by_text, key=len, reverse=True)
    texts = "|".join(map(apart, longest_first)) or r"(?!)"
    labels = "|".join(re.escape(label) for label in sorted(by_label, key=len, reverse=True))
    return re.compile(
        rf"(?P<text>{texts})|(?P<label>[(\[]\s?(?:{labels})\s?[)\]]|(?<![{_WESTERN}])(?<![A-Za-z]['’])(?:{labels}){_APART}(?:[)\]:]|\.(?=\s|$))?)"
        rf"|(?P<no>{_NOT})|(?P<joint>{_JOINT})|(?P<stop>{_BREAK})|(?P<filler>{_FILLER})|(?P<word>[{_WESTERN}]+|\S)",
        re.IGNORECASE,
    )


class _Reader:
    """Walks over the tokens of one statement, until something that is neither option, list nor denial."""

    def __init__(self, text: str, tokens: list[_Token]) -> None:
        self.text = text
        self.tokens = tokens
        self.chosen: set[int] = set()
        self.denied: set[int] = set()
        self.expects = True
        self.negated = False
        self.strayed = False
        self.option_end = -1
        self.ended = False

    def read(self) -> Reading:
        for place, token in enumerate(self.tokens):
            if token.kind == "word":
                self.ended = bool(self.chosen)
                self.strayed |= not self.chosen
            elif token.option >= 0:
                self._option(token, denied_next=self._denies_next(place))
            else:
                self._sign(token)
            if self.ended:
                break
        if self.strayed and len(self._texts()) > 1:
            self.chosen |= self._texts()
        return Reading(frozenset(self.chosen | self._second_thoughts()), frozenset(self.denied))

    def _sign(self, token: _Token) -> None:
        """Take in a word that joins, denies or ends."""
        if token.kind == "no":
            self.negated = self.expects = True
        elif token.kind == "joint":
            self.expects = True
            self.negated &= self._said(token) in _LIST_WORDS
        elif token.kind == "filler":
            self.negated &= not (self.denied and self._said(token) in _ASSERTS)
        elif token.kind == "stop":
            self.negated = False
            self.expects = not self.chosen

    def _said(self, token: _Token) -> str:
        return self.text[token.start : token.end].casefold()

    def _denies_next(self, place: int) -> bool:
        """Whether a bare "not" follows that stands right before another option, and is about that: "B. Not A"."""
        ahead = self.tokens[place + 1 : place + 6]
        said = [token for token in ahead if self.text[token.start : token.end].strip(" .([")][:2]
        return [token.option >= 0 for token in said] == [False, True] and self._said(said[0]) == "not"

    def _option(self, token: _Token, *, denied_next: bool) -> None:
        beside = self.option_end >= 0 and not self.text[self.option_end : token.start].strip(" .:-–—")
        self.option_end = token.end
        if self.negated or (not denied_next and _DENIED_AFTER.match(self.text, token.end)):
            self.denied.add(token.option)
        elif (self.expects or beside) and (not self.strayed or token.kind == "text" or self._is_bracketed(token)):
            self.chosen.add(token.option)
            self.expects = False
        elif self.chosen:
            self.ended = True

    def _is_bracketed(self, token: _Token) -> bool:
        return self.text[token.start] in "(["

    def _texts(self) -> set[int]:
        return {token.option for token in self.tokens if token.kind == "text"} - self.denied

    def _second_thoughts(self) -> set[int]:
        """Options put up for choice later in the sentence."""
        options = [token for token in self.tokens if token.option >= 0]
        later = [token.option for token in options if _SECOND.search(self.text, max(token.start - 60, 0), token.start)]
        return set(later) - self.denied if self.chosen else set()
