"""Finds where the answer stands in a completion.

Only what follows the last `</think>` counts. Then, in this order: the last box, `<answer>`, `####`, the last explicit
cue ("the answer is"), and a bare statement that closes the text. Never the last number anywhere. Every scan is linear.
"""

# ruff: noqa: RUF001 - signs that look alike are the subject here

from __future__ import annotations

import re
from typing import Literal, NamedTuple

from jurist.verifiers._math.characters import plain
from jurist.verifiers._math.tokens import closing_brace

__all__ = ["Extraction", "Scope", "extract"]

Scope = Literal["boxed", "cue", "lenient"]

TAIL_CHARACTERS = 6_000
"""Of a text without a box, in which cues and closing statements are looked for."""
MAX_BOX_DEPTH = 8
"""Boxes inside each other; more are a trick."""
MAX_JOINED = 64
"""Boxes in one line that form a list."""
MAX_LINE = 1_000
"""Of a closing line: a longer one is prose."""


class Extraction(NamedTuple):
    """What was found.

    `text` is the answer, "" if there is none, and then `fault` says why; `stage` where it stood; `joined` the list that
    several boxes in one line form, for a reference that is one.
    """

    text: str
    stage: str
    joined: str = ""
    fault: str = ""


def extract(completion: str, scope: Scope = "lenient", *, truncated: bool = False) -> Extraction:
    """Find the answer; total on any text."""
    text = completion
    thought_end = text.rfind("</think>")
    if thought_end >= 0:
        text = text[thought_end + len("</think>") :]
    if "<think>" in text:
        return Extraction("", "none", fault="the thought never closes")
    box = text.rfind("\\boxed"), text.rfind("\\fbox")
    if max(box) >= 0:
        return _boxed(text, max(box))
    if scope == "boxed":
        return Extraction("", "none", fault=_nothing("no box", truncated=truncated))
    tail = _tail(text)
    found = _tagged(text) or _hashed(text) or _cued(tail)
    if found is None and scope == "lenient" and not truncated:
        found = _closing(tail)
    return found or Extraction("", "none", fault=_nothing("no answer", truncated=truncated))


_BLANKS = re.compile(r"[^\S\n\x0c]+")


def _tail(text: str) -> str:
    """Take the end of a text, with white space collapsed so that no pattern can run long on it."""
    tail = _BLANKS.sub(" ", text.rstrip()[-TAIL_CHARACTERS:])
    return _HOPE.sub("", _SPECIAL_TOKEN.sub("\n", tail)).rstrip()


def _nothing(what: str, *, truncated: bool) -> str:
    return f"{what}: the completion was cut off" if truncated else what


# Boxes.

_BOX = re.compile(r"\\(?:boxed|fbox)\s*")
_BARE = re.compile(r"-?\d[\d.,/]*\d|-?\d|\\[A-Za-z]+(?:\{[^{}]*\}){0,2}|[A-Za-z]")
_NEGATED = re.compile(
    r"(?:\bnot|n['’]t|\\neq?|\\not\s*=|≠|!=|\bnever|\bneither|\bwrong(?:ly)?|\bincorrect(?:ly)?|\brather\s+than)"
    r"(?:\s+(?:equal(?:\s+to)?|be|is|simply|just))?\s*[:$\\(\[{*\s]*$",
    re.IGNORECASE,
)
_DENIALS = ("no", "n't", "n’t", "\\ne", "≠", "!=", "never", "wrong", "incorrect", "rather", "neither")
_PERCENT = re.compile(r"\s*\$?\s*(?:\\?%|percent\b|pct\b)")
_JOINT = re.compile(
    r"[\s$.,;*]*(?:\\text\s*\{\s*(?:and|or)\s*\}|\\(?:quad|qquad|land|lor|[,;:()\[\] ])|\band\b|\bor\b|[\s,;$&])*"
    r"(?:\b[a-z]+\s+(?:and|or)\s+|\\text\s*\{[a-z ()]{1,24}(?:and|or)\s*\})?[\s$\\()\[\],;]*"
    r"(?:(?:[A-Za-z](?:_\{?\w+\}?)?|\\text\{[^{}]*\})\s*=\s*)?"
)


def _boxed(text: str, position: int) -> Extraction:
    """Take the last box: its content, or the list that it ends."""
    content, start, end = _box_at(text, position)
    if content is None:
        return Extraction("", "box", fault="the last box is not closed")
    alone = text.count("\\boxed", 0, position) + text.count("\\fbox", 0, position) == 0
    if not alone:
        start, end, content = _outermost(text, start, end, content)
    if not _blank(content):
        before = text[max(0, start - 40) : start].lower()
        if any(word in before for word in _DENIALS) and _NEGATED.search(before):
            return Extraction("", "box", fault="the box is denied")
        joined, hedged = ("", False) if alone else _joined(text, start, content)
        if hedged:
            return Extraction(joined, "box", joined)
        percent = _PERCENT.match(text, end)
        return Extraction(f"{content} \\%" if percent and "%" not in content else content, "box", joined)
    return Extraction("", "box", fault="the last box is empty")


def _box_at(text: str, position: int) -> tuple[str | None, int, int]:
    """Read the box at `position`: its content (None if it never closes), and where it starts and ends."""
    found = _BOX.match(text, position)
    inside = found.end() if found else position
    if text.startswith("{", inside):
        end = closing_brace(text, inside)
        return (text[inside + 1 : end], position, end + 1) if end >= 0 else (None, position, len(text))
    bare = _BARE.match(text, inside)
    return (bare[0], position, bare.end()) if bare else ("", position, inside)


def _outermost(text: str, start: int, end: int, content: str) -> tuple[int, int, str]:
    """Go from a box inside a box to the outer one."""
    for _ in range(MAX_BOX_DEPTH):
        earlier = max(text.rfind("\\boxed", 0, start), text.rfind("\\fbox", 0, start))
        if earlier < 0 or start - earlier > 400:  # noqa: PLR2004 - a box is no paragraph
            break
        outer, outer_start, outer_end = _box_at(text, earlier)
        if outer is None or outer_end < end:
            break
        start, end, content = outer_start, outer_end, outer
    return start, end, content


_INVISIBLE_BOX = re.compile(
    r"\\(?:phantom|hphantom|vphantom|hspace|vspace|label)\s*\{[^{}]*\}|\\(?:text|mathrm|mbox)\s*\{\s*\}"
)


_DIGIT = re.compile(r"[0-9]")


def _blank(content: str) -> bool:
    if _DIGIT.search(content) and "phantom" not in content:
        return False
    return not re.sub(r"[\s{}$~.]|\\[,;:! ]|\\quad|\\qquad", "", _INVISIBLE_BOX.sub("", plain(content)))


def _joined(text: str, start: int, content: str) -> tuple[str, bool]:
    """Collect the boxes right before the last one, joined by commas or words; and whether by "or"."""
    parts, hedged = [content], False
    while len(parts) < MAX_JOINED:
        earlier = max(text.rfind("\\boxed", 0, start), text.rfind("\\fbox", 0, start))
        if earlier < 0:
            break
        before, _, end = _box_at(text, earlier)
        between = text[end:start]
        if before is None or len(between) > 80 or "\n\n\n" in between or not _JOINT.fullmatch(between):  # noqa: PLR2004
            break
        if not re.search(r",|;|and|or|&|\\quad|\\lor|\\land", between):
            break
        hedged = hedged or re.search(r"\bor\b|\\lor", between) is not None
        parts.append(before)
        start = earlier
    parts.reverse()
    return (" , ".join(parts), hedged) if len(parts) > 1 else ("", False)


# Tags, hashes and cues.

_SPECIAL_TOKEN = re.compile(r"<\|[^|<>]{0,40}\|>\s*(?:user|assistant)?\s*")


def _tagged(text: str) -> Extraction | None:
    opened = text.rfind("<answer>")
    if opened < 0:
        return None
    closed = text.find("</answer>", opened)
    if closed < 0:
        return Extraction("", "answer tag", fault="the answer tag is not closed")
    content = text[opened + len("<answer>") : closed].strip()
    if not content:
        return Extraction("", "answer tag", fault="the answer tag is empty")
    inner = _cued(_tail(content))
    return Extraction(inner.text if inner else content, "answer tag", fault=inner.fault if inner else "")


def _hashed(text: str) -> Extraction | None:
    position = text.rfind("####")
    if position < 0:
        return None
    line = text[position:].lstrip("#").split("\n", 1)[0].strip()
    last = not text[position:].lstrip("#").strip()[len(line) :].strip()
    if not re.match(r"[-$\\(\[{.\d]", line) and not (last and _is_answer(line)):
        return None  # a heading of markdown
    return Extraction(line, "####")


_CUE = re.compile(
    r"(?:final\s+answer|correct\s+answer|\banswers?|\bresult)(?:\s+\w+){0,4}?\s*(?:\*\*)?\s*"
    r"(?:\bis\b|\bare\b|\bequals\b|:|=|\bbe\b)\s*(?:\*\*)?\s*:?"
    r"|\bfinal\s+answer\b"
    r"|(?:答案|结果|結果|答え|答)\s*(?:是|为|為|應為|应为|は|等于|：|:)+\s*"
    r"|(?:정답|답)\s*(?:은|는|:|：)\s*"
    r"|(?:la\s+respuesta|respuesta|la\s+r[ée]ponse|r[ée]ponse|die\s+antwort|antwort|la\s+risposta|risposta|a\s+resposta|resposta"
    r"|ответ|відповідь|الجواب|الإجابة|उत्तर|antwoord|odpowiedź|cevap|svar|đáp\s+(?:án|số))"
    r"(?:\s+(?:final|finale|finală|correcta|est|es|è|é|ist|lautet|is|jest|är|là|هو|هي|है))*\s*[:：]?\s*",
    re.IGNORECASE,
)
_NO_ANSWER = re.compile(
    r"^\W*(?:\w+ly\s+)?(?:not|n['’]t|never|neither|unknown|unclear|no\s+longer|wrong|incorrect)\b", re.IGNORECASE
)
_HOPE = re.compile(r"\.?\s*I hope (?:it|this) is correct.*", re.IGNORECASE | re.DOTALL)


def _cued(text: str) -> Extraction | None:
    """Take what follows the last cue that is followed by something."""
    cues = list(_CUE.finditer(text))
    for index in range(len(cues) - 1, max(-1, len(cues) - 6), -1):
        cue = cues[index]
        if cue[0][:1].isascii() and re.match(r"\s*(?:correct|wrong|incorrect|right|verified)\b", text[cue.end() :]):
            continue
        statement = _statement(text[cue.end() :])
        if not statement:
            continue
        if _NO_ANSWER.search(statement):
            return Extraction("", "cue", fault="the answer is denied, not given")
        answer = _reduced(statement)
        if answer:
            return Extraction(answer, "cue")
        if index == len(cues) - 1 and not cue[0].rstrip().endswith((":", "=", "is", "are")):
            continue
        return Extraction(statement, "cue")
    return None


_DISPLAY = re.compile(r"\s*(?:\\\[(.*?)\\\]|\$\$(.*?)\$\$|\\begin\{(?:align|equation)\*?\}(.*?)\\end)", re.DOTALL)
_SENTENCE_END = re.compile(r"[.!?](?=\s+[A-Z*]|\s*$|\s+\\?\[)|。|\n")


def _statement(rest: str) -> str:
    """Take one statement: displayed mathematics, or up to the end of the sentence or the line."""
    display = _DISPLAY.match(rest)
    if display is not None:
        return next(part for part in display.groups() if part is not None).strip()
    rest = rest.lstrip(" \t:*")
    if rest.startswith("\n"):
        rest = rest.lstrip()
        display = _DISPLAY.match(rest)
        if display is not None:
            return next(part for part in display.groups() if part is not None).strip()
    line = rest.split("\n", 1)[0]
    if line.strip() in {"$", "$$", "\\(", "\\["}:
        closing = {"$": "$", "$$": "$$", "\\(": "\\)", "\\[": "\\]"}[line.strip()]
        inside = rest.split(line.strip(), 1)[1]
        return inside.split(closing, 1)[0].strip()
    return _first_sentence(line[:MAX_LINE])


def _first_sentence(line: str) -> str:
    """Cut a line at the end of its first sentence, but not inside mathematics."""
    for end in _SENTENCE_END.finditer(line):
        before = line[: end.start()]
        if before.count("$") % 2 == 0 and before.count("\\(") == before.count("\\)"):
            return before.strip()
    return line.strip()


# Statements in prose.

_MATH = r"\$[^$]+\$|\\\((?:[^\\]|\\(?!\)))*\\\)|\\\[(?:[^\\]|\\(?!\]))*\\\]"
_VALUE = r"[-+−]?[$£€¥₹]?\s?(?:\d[\d,]*(?:\.\d+)?|\.\d+)(?:\s?/\s?\d+)?(?:\s?\\?%|°)?"
_LEADING = re.compile(rf"(?:{_MATH})(?:\s*(?:,|and|or)\s*(?:{_MATH}))*")
_WHOLE_MATH = re.compile(rf"^(?:{_MATH})(?P<tail>(?:\s*(?:\\?%|[\w².°/^-]+)){{0,4}})[.\s]*$")
_COPULA = re.compile(
    r"(?:\b(?:is|are|was|be|equals|gives|get|obtain|have|becomes|yields|equal\s+to|to\s+be|there\s+are|by|it['’]s|that['’]s|of|at"
    r"|approximately|about|exactly|therefore|thus|hence|so|pays)\b|[:=：])\s*(?:approximately\s|about\s|exactly\s|equal\s+to\s)*",
    re.IGNORECASE,
)
_PLAIN = re.compile(r"[-+\d\s.,/()\[\]{}\\^_*=<>|!%$°√πA-Za-z]*")
_ENVIRONMENT = re.compile(r"\\(?:begin|end)\s*\{\w+\*?\}(?:\{[clr|]+\})?")
_VERB = re.compile(r"\b(?:is|are|was|were|be|equals|gives|yields)\b")
_QUOTES = re.compile(r'^["\\ ]+|["\\ ]+$')
_FORMAL = re.compile(r"[\d\\=√π∞∅^+*/<>|]|\s-\s|^(?:\W*\b[A-Za-z]\b)+\W*$")
_MONEY = re.compile(r"\d+,\d\d\s*[$€£](?=\s|$)")
_WORDS = re.compile(r"[A-Za-z]{3,}")


def _reduced(statement: str) -> str:  # noqa: PLR0911 - one case after the other
    """Reduce a sentence to the answer in it: whole, or mathematics with a unit, or what follows the last "is"."""
    statement = statement.strip().strip("*").strip()
    if _is_answer(statement):
        return statement
    quoted = _QUOTES.sub("", statement)
    if _is_answer(quoted):
        return quoted
    lead = _LEADING.match(statement)
    if lead is not None and not re.match(r"\s*(?:,|and|or|is)\b", statement[lead.end() :]):
        tail = statement[lead.end() :].strip()
        if len(_WORDS.findall(tail)) and "=" not in tail and "$" not in tail:
            return lead[0]
    for copula in reversed(list(_COPULA.finditer(statement))):
        tail = statement[copula.end() :].strip().rstrip(".").strip()
        if _NO_ANSWER.search(tail):
            return ""
        if tail and _is_answer(tail):
            return tail
        number = _leading_value(tail)
        if number:
            return number
    return _only_value(statement)


def _leading_value(tail: str) -> str:
    """Take the number or formula that a statement begins with, if words alone follow."""
    number = re.match(rf"(?:{_VALUE}|{_MATH})(?=\s+[A-Za-z$€£])", tail)
    if number is None or re.search(r"\d|\$.*\$|\\", tail[number.end() :]):
        return ""
    return number[0]


def _only_value(statement: str) -> str:
    """Take the only number or formula of a sentence."""
    found = re.findall(rf"{_MATH}|(?<![\w.]){_VALUE}(?![\w/])", statement)
    if len(found) == 1 and len(statement) < 200:  # noqa: PLR2004 - a sentence, not a paragraph
        return str(found[0])
    return ""


def _is_answer(text: str) -> bool:
    """Tell whether a text is an answer as it stands, not prose."""
    if not text or len(text) > 400:  # noqa: PLR2004 - longer ones stand in a box
        return False
    whole = _WHOLE_MATH.match(text)
    if whole is not None:
        return _VERB.search(whole["tail"]) is None
    if " " not in text:
        return True
    bare = re.sub(
        r"\\(?:text\w*|mbox|mathrm|operatorname)\s*\{[^{}]*\}|\\[A-Za-z]+|\$", " ", _ENVIRONMENT.sub(" ", text)
    )
    words = _WORDS.findall(bare)
    if _VERB.search(bare):
        return False
    if not re.search(r"\d|\\|=|√|π", text):
        return len(words) <= 3 and len(text) < 40 and "$" not in text and not _COPULA.search(text)  # noqa: PLR2004 - "Evelyn", "June", "the empty set"
    return not words or (len(words) <= 4 and re.match(rf"(?:{_VALUE}|{_MATH})\s*[A-Za-z]", text) is not None)  # noqa: PLR2004


_THUS = re.compile(
    r"^(?:(?:so|thus|hence|therefore|then|and|finally|now|we\s+(?:get|have|find)|that)\b[\s,:]*)+", re.IGNORECASE
)
_RIGHT_SIDE = re.compile(r"^\$?([^=<>$]{1,80})=\s*([^=<>$]{1,80})\$?\.?$")
_CLOSING_NEGATION = re.compile(r"\b(?:not|cannot|can't|isn't|never)\b", re.IGNORECASE)


def _closing(text: str) -> Extraction | None:
    """Take a bare statement on the last line: "so x + y = 7", "the minimum is $-3$", or an answer alone."""
    display = re.search(r"(?:\\\[|\$\$)((?:(?!\\\[|\$\$).){1,1000}?)(?:\\\]|\$\$)[.\s]*$", text, re.DOTALL)
    if display is not None:
        return Extraction(display[1].strip(), "last line")
    line = text[text.rfind("\n") + 1 :].strip()
    if not line:
        return None
    line = _THUS.sub("", line[-MAX_LINE:])
    if _is_answer(line) and (" " not in line or _FORMAL.search(line)):
        sides = _RIGHT_SIDE.match(line)
        return Extraction(sides[2].strip(), "last line", line) if sides else Extraction(line, "last line")
    sentence = _last_sentence(line)
    ours = re.match(rf".*?({_MATH})\s+is\s+(?:our|the|my)\s+(?:final\s+)?(?:answer|solution)", sentence)
    if ours is not None:
        return Extraction(ours[1], "last line")
    answer = _closing_value(sentence)
    return Extraction(answer, "last line") if answer else None


def _last_sentence(line: str) -> str:
    start = 0
    for end in re.finditer(r"[.!?](?=\s+\S)|。", line):
        if line[: end.start()].count("$") % 2 == 0:
            start = end.end()
    return line[start:].strip()


def _closing_value(sentence: str) -> str:
    """Take what a closing sentence states: what follows its last copula, or the formula that ends it."""
    if _is_answer(sentence) and (" " not in sentence or _FORMAL.search(sentence)):
        return sentence
    ending = re.search(rf"({_MATH})[\s.]*$", sentence)
    for copula in reversed(list(_COPULA.finditer(sentence))):
        before, tail = sentence[: copula.end()], sentence[copula.end() :].strip().rstrip(".").strip()
        if _CLOSING_NEGATION.search(before.rsplit(",", 1)[-1]) and "which" not in before and "it's" not in before:
            return ""
        if copula[0].strip() == "=" and before.count("$") % 2:
            continue
        money = _MONEY.match(tail)
        if money is not None:
            return money[0]
        if tail and _is_answer(tail):
            chain = re.search(r"([A-Za-z(|][\w()|^{}\\+*/ -]{0,40}=\s*)$", before) if copula[0].strip() == "=" else None
            return (chain[1] + tail) if chain and not _WORDS.search(chain[1]) else tail
        number = _leading_value(tail)
        if number:
            return number
    return ending[1] if ending is not None and not _CLOSING_NEGATION.search(sentence) else ""
