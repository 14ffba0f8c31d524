"""Finds where a completion commits itself to an answer: a box, an answer tag, a cue ("the answer is"), a last line.

For verifiers that compare short texts; mathematical answers have an extraction of their own.
"""
# ruff: noqa: RUF001 - cues in other scripts hold characters that look like Latin ones

from __future__ import annotations

import re
import unicodedata
from typing import Literal, NamedTuple

from jurist.verifiers._cues import RETRACTED, cues
from jurist.verifiers._tag_scan import trim
from jurist.verifiers._thought import answer_of

__all__ = ["Commitment", "commitments", "last_boxes", "plain"]

Kind = Literal["box", "tag", "cue", "line"]

# Of a text with more boxes or cues only the last ones are read: no honest answer has as many.
MOST_BOXES = 32
MOST_CUES = 32
# What stands after a cue is read to the end of its line, and no further than this many characters.
LONGEST_ANSWER = 2_000

_BOX = re.compile(r"\\(?:f?boxed|fbox)\s*\{")
_TAG = re.compile(r"<answer>((?:(?!</?answer>).){0,20000})</answer>", re.DOTALL)

# What announces an option, beside the cues of any answer. A blank stands for a few of any kind, a tilde for a few or
# none: every repetition has a bound, so that a run of blanks costs its length.
_IS = r"(?:~(?:is|are|was|must be|should be|would be|will be|has to be|be)\b~[:=]?|~[:=])"
_LABEL_NEXT = r"(?=[(\[]?(?-i:[A-Z]{1,8})(?!\w))"
_OPTIONS = (
    rf"\b(?:answers?|choice|option|response|letter)(?: (?:to (?:this|the) (?:question|problem)))?[\s*_]{{0,6}}{_IS}",
    r"\b(?:correct|right|best|true)(?: (?:one|statement|answer|option|choice))?" + _IS,
    r"\b(?:correct|right|best|true) (?:options|choices|statements) are\b",
    r"\b(?:i|we)(?:'ll|'d| will| would| must| can)? (?:choose|pick|select|answer|guess|say|go (?:with|for))\b",
    rf"\bleav(?:es|ing)(?: only)? {_LABEL_NEXT}",
    r"(?:正确的?选项|正確的?選項|选项|答)(?:应该|應該|应当)?(?:是|为|為|：|:|(?=不是|并非))",
    rf"(?<![不没非])(?:故|因此|所以|应|應|本题|答案)?(?:选择?|選擇?)~(?:[:：]|{_LABEL_NEXT})",
    r"\b(?:opci[oó]n|alternativa)(?: (?:correcta|final))?~(?:es\b|:)",
    r"\b(?:r[ée]ponse|option)(?: (?:correcte|finale|juste))?~(?:est\b|:)",
    r"\b(?:op[çc][ãa]o|alternativa|letra)(?: (?:correta|certa|final))?~(?:[ée]\b|:)",
    r"\bopzione(?: (?:corretta|giusta|finale))?~(?:[èe]\b|:)",
    r"\bвариант~(?:[:—–-]|это\b)",
    rf"\b(?:antwort|cevap|svar|respuesta|r[ée]ponse|risposta|resposta|odpowied[źz]|ответ|jawaban) {_LABEL_NEXT}",
    rf"\b(?:letra|lettre) {_LABEL_NEXT}",
    rf"(?:گزینه|ตอบ|उत्तर|जवाब|উত্তর)~{_LABEL_NEXT}",
)
_OPTION = re.compile("|".join(_OPTIONS).replace("~", r"\s{0,4}").replace(" ", r"\s{1,4}"), re.IGNORECASE)
# Looking for a cue costs about 20 ns a character; an answer stands near the end.
CUES_WITHIN = 20_000
_DRESS = re.compile(
    r"\\(?:text|textbf|textit|textrm|textsf|mathrm|mathbf|mathsf|mathit|operatorname|mbox|bf|rm)\b\s*|\\[,;:!() \[\]]"
    r"|[*_`${}]|\\quad\b|</?[a-z]{1,10}>"
)
_BLACK_LETTERS = {start + place: 65 + place for start in (0x1F150, 0x1F170) for place in range(26)}
"""White letters in black circles and squares, which NFKC leaves alone."""
_UNSEEN = re.compile(r"[\x00-\x08\x0e-\x1f\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]")


class Commitment(NamedTuple):
    """A place that states an answer; `text` is what stands there, as written."""

    kind: Kind
    text: str


def plain(text: str) -> str:
    """Take off what is dress and not content: Markdown, LaTeX text macros, invisible marks; NFKC, single blanks."""
    text = _UNSEEN.sub("", unicodedata.normalize("NFKC", text.translate(_BLACK_LETTERS)))
    return " ".join(_DRESS.sub(" ", text).split())


def last_boxes(text: str) -> list[tuple[int, int, str | None]]:
    r"""Find the last boxes in order: start, end and content, None where a box is never closed."""
    found: list[tuple[int, int, str | None]] = []
    for match in list(_BOX.finditer(text))[-MOST_BOXES:]:
        end = _closing(text, match.end())
        found.append(
            (match.start(), len(text) if end is None else end + 1, end if end is None else text[match.end() : end])
        )
    return found


_BRACE = re.compile(r"\\.|[{}]", re.DOTALL)


def _closing(text: str, start: int) -> int | None:
    depth = 1
    for brace in _BRACE.finditer(text, start):
        if brace[0] == "{":
            depth += 1
        elif brace[0] == "}":
            depth -= 1
            if not depth:
                return brace.start()
    return None


def commitments(completion: str) -> list[Commitment]:
    """List the places that count, the one that counts most first.

    Only the answer's part of the completion is read. A box outranks an answer tag, a tag outranks cues, the last of
    them first, and those outrank a bare last line. A box that is empty or never closed states nothing, and nothing else
    may stand in for it.
    """
    answer = answer_of(completion)
    if answer is None:
        return []
    boxes = last_boxes(answer)
    if boxes:
        return [Commitment("box", joined)] if (joined := _joined_boxes(answer, boxes)) else []
    tags = _TAG.findall(answer)
    if tags:
        return [Commitment("tag", tags[-1])] if trim(tags[-1]) else []
    if "<answer>" in answer:
        return []
    near = _meant(answer[-CUES_WITHIN:])
    return [*_announced(near), *_last_line(near)]


_SENTENCE_ENDS = re.compile(r"[.!?](?=\s)|\n|$")


def _meant(text: str) -> str:
    """Leave out the sentences that only suppose an answer, ask for one, call it wrong or are taken back."""
    for cue in cues(text):
        ending = _SENTENCE_ENDS.search(text, cue.end)
        end = ending.end() if ending else len(text)
        retracted = ending is not None and RETRACTED.match(text, ending.start())
        if cue.unmeant or retracted or (cue.asked and text[cue.end : end].rstrip().endswith("?")):
            start = max(text.rfind(mark, 0, cue.start) for mark in ("\n", ". ", "! ", "? ")) + 1
            text = f"{text[:start]}\n{text[end:]}"
    return text


def _announced(text: str) -> list[Commitment]:
    """List what cues announce, the last one first; what one denies is said to be denied."""
    ends = {match.end(): "" for match in list(_OPTION.finditer(text))[-MOST_CUES:]}
    ends |= {cue.end: "not " if cue.denied else "" for cue in cues(text) if not cue.asked}
    return [Commitment("cue", ends[end] + _after(text, end)) for end in sorted(ends, reverse=True)]


_SENTENCE_END = re.compile(r"(?<=\w\w[.!?])\s+(?=[A-Z(])")
_LISTED = re.compile(r"\W{0,8}(\w)[.):]\s")


def _last_line(text: str) -> list[Commitment]:
    """Take the last line that says anything, unless it asks or ends a list: A, B, C, D recited are no answer."""
    lines = [line for line in text.splitlines() if trim(line)][-2:]
    marks = [_LISTED.match(line) for line in lines]
    if not lines or lines[-1].rstrip(" *").endswith("?") or (len(marks) > 1 and all(marks)):
        return []
    sentences = _SENTENCE_END.split(lines[-1].rstrip(" .*"))
    return [Commitment("line", lines[-1]), *(Commitment("line", sentence) for sentence in sentences[:0:-1][:1])]


_JOINT = re.compile(r"[\s,;，、/&$*]*(?:and|or|und|oder|et|ou|y|o|和|或|及)?[\s,;，、/&$*]*", re.IGNORECASE)


def _joined_boxes(text: str, boxes: list[tuple[int, int, str | None]]) -> str:
    """Read the last box, with the boxes before it that are joined to it in one line."""
    parts = [boxes[-1][2] or ""]
    for (_, end, content), (start, _, _) in zip(reversed(boxes[:-1]), reversed(boxes[1:]), strict=True):
        joint = text[end:start]
        if content is None or end > start or "\n" in joint or not _JOINT.fullmatch(joint):
            break
        parts += [joint, content]
    return "".join(reversed(parts)) if trim(parts[0]) else ""


def _after(text: str, start: int) -> str:
    """Read from a cue to the end of its line, or the next line that says anything where that line says nothing."""
    rest = text[start : start + LONGEST_ANSWER]
    lines = [line for line in rest.splitlines() if trim(plain(line)).strip(":.")]
    return lines[0] if lines else ""
