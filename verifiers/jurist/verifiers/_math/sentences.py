"""Reads prose: the statement behind a cue, the answer in a statement, and the bare statement that closes a text."""

# ruff: noqa: RUF001 - signs that look alike are the subject here

from __future__ import annotations

import re
from typing import NamedTuple

from jurist.verifiers._cues import denied_later

__all__ = ["Closing", "answer_in", "closing", "is_answer", "statement_at"]

MAX_LINE = 1_000
"""Of a closing line: a longer one is prose."""
MAX_ANSWER = 400
"""Of an answer in prose: longer ones stand in a box."""
MAX_SENTENCE = 200
"""Of a sentence that has one number: a longer one is a paragraph."""

_MATH = r"\$[^$]+\$|\\\((?:[^\\]|\\(?!\)))*\\\)|\\\[(?:[^\\]|\\(?!\]))*\\\]"
_VALUE = r"[-+−]?[$£€¥₹]?\s?(?:\d[\d,]*(?:\.\d+)?|\.\d+)(?:\s?/\s?\d+)?(?:\s?\\?%|°)?"

# The statement behind a cue.

_DISPLAY = re.compile(r"\s*(?:\\\[(.*?)\\\]|\$\$(.*?)\$\$|\\begin\{(?:align|equation)\*?\}(.*?)\\end)", re.DOTALL)
_SENTENCE_END = re.compile(r"[.!?](?=\s+[A-Z*]|\s*$|\s+\\?[\[$])|[。।]|\n")
_OPENINGS = {"$": "$", "$$": "$$", "\\(": "\\)", "\\[": "\\]"}
_FILLERS = re.compile(
    r"(?:(?:donc|also|simply|exactly|precisely|actually|indeed|clearly|therefore|thus|hence|then|just|probably|given by"
    r"|définitivement|then|the number|the value|equal to|therefore,|thus,)\s+)+",
    re.IGNORECASE,
)
_JSON_END = re.compile(r"\"?\s*[}\]]+\s*$")


def statement_at(rest: str) -> str:
    """Take one statement: displayed mathematics, or up to the end of the sentence or the line."""
    for text in (rest, rest.lstrip(" \t:*")):
        display = _DISPLAY.match(text)
        if display is not None:
            return next(part for part in display.groups() if part is not None).strip()
    line = rest.lstrip().split("\n", 1)[0]
    closing_sign = _OPENINGS.get(line.strip())
    if closing_sign is not None:
        return rest.split(line.strip(), 1)[1].split(closing_sign, 1)[0].strip()
    sentence = _first_sentence(line[:MAX_LINE])
    if sentence.count("}") > sentence.count("{"):  # the end of a JSON object
        sentence = _JSON_END.sub("", sentence)
    filler = _FILLERS.match(sentence)
    return sentence[filler.end() :] if filler else sentence


def _first_sentence(line: str) -> str:
    """Cut a line at the end of its first sentence, but not inside mathematics."""
    for end in _SENTENCE_END.finditer(line):
        before = line[: end.start()]
        if before.count("$") % 2 == 0 and before.count("\\(") == before.count("\\)"):
            return before.strip()
    return line.strip()


# The answer in a statement.

_LEADING = re.compile(rf"(?:{_MATH})(?:\s*(?:,|and|or)\s*(?:{_MATH}))*")
_WHOLE_MATH = re.compile(rf"^(?:{_MATH})(?P<tail>(?:\s*(?:\\?%|[\w².°/^-]+)){{0,4}})[.\s]*$")
_BESIDE = r"(?:\s*(?:approximately|about|exactly|equal\s+to|only|just|now|at)\s)*\s*"
_VERBS = (
    r"is|are|was|were|be|equals|equal|gives|give|get|gets|obtain|have|has|had|becomes|become|yields|yield|makes|make|made"
    r"|earns|earned|needs|need|needed|pays|paid|spends|spent|costs|cost|saves|saved|sold|sells|takes|took|uses|used|leaves"
    r"|left|receives|received|totals|reaches|requires|produces|contains|travels|traveled|travelled|weighs|scored|ate|eats"
    r"|bought|owes|amounts?\s+to|(?:comes?|works?)\s+(?:out\s+)?to|there\s+are|there\s+is|it['’]s|that['’]s"
    r"|approximately|exactly|therefore|thus|hence|so"
    r"|es|son|ist|sind|beträgt|est|sont|vaut|è|é|são|är|er|wynosi|равно|равен|равна"
)
_COPULA = re.compile(rf"(?:(?<![\w\\])(?:{_VERBS})(?!\w)|(?<!\d)[:：]|[:：](?=\s)|=){_BESIDE}", re.IGNORECASE)
_GLUED_COPULA = re.compile(r"(?:等于|等於|共有|共|至少有|是|为|為|有|得|は|은|는)[:：]?\s*(?=[-−$\\\d(\[{√π])")
_PREPOSITION = re.compile(
    rf"(?<!\w)(?:(?<!divisible\s)(?<!divided\s)by|of|at|about|to\s+be)(?!\w){_BESIDE}", re.IGNORECASE
)
_CLAUSE = re.compile(
    r",?\s+(?:when|where|whenever|if|because|since|attained|achieved|reached|obtained|occurring|with\s+equality"
    r"|due\s+to|as\s+(?:required|desired|expected)|que\s|weil|porque|car\s|perché|потому)\b|,\s*(?:at|for|as|so|and\s+so|which)\s|，?因为",
    re.IGNORECASE,
)
_INSTEAD = re.compile(
    r"(?:\s*[,，;(]\s*(?:and\s+|but\s+)?|\s+(?:and|but)\s+)(?:not|rather\s+than|instead\s+of|而不是|不是|nicht|et\s+non|y\s+no|e\s+non|а\s+не)(?!\w).*$",
    re.IGNORECASE | re.DOTALL,
)
_DENIED = re.compile(
    r"^\W*(?:\w+ly\s+)?(?:not|n['’]t|never|neither|unknown|unclear|no\s+longer|wrong|incorrect|不是|并非)(?![A-Za-z])",
    re.IGNORECASE,
)
_BOUND = re.compile(
    r"^\W*(?:(?:an?|some|any)\s+(?:\w+\s+){0,2})?(?:(?:at\s+(?:least|most)|(?:no\s+)?(?:more|less|fewer|greater|larger|smaller|higher|lower)\s+than|up\s+to|over|under"
    r"|above|below|between|somewhere|not\s+(?:more|less)\s+than"
    r"|different\s+from|other\s+than|almost|nearly"
    r"|größer|kleiner|mehr\s+als|weniger\s+als|mindestens|höchstens|zwischen|fast"
    r"|supérieure?|inférieure?|au\s+(?:moins|plus)|(?:plus|moins)\s+(?:de|que)|entre|presque"
    r"|mayor|menor|(?:más|menos)\s+(?:de|que)|al\s+menos|a\s+lo\s+sumo|casi|maior|pelo\s+menos|quase"
    r"|maggiore|minore|almeno|quasi|больше|меньше|не\s+(?:более|менее)|почти)(?!\w)|至少|至多|大于|小于)",
    re.IGNORECASE,
)
_BY_CASES = re.compile(r"\b(?:if|when)\b.*\b(?:if|when|otherwise|else)\b", re.IGNORECASE | re.DOTALL)
_MINUS = re.compile(
    r"(?:(?<![\w-])(?:minus|negative|moins|menos|meno|минус)\s+|[负負]|マイナス)(\$?)(?=[\d.\\])", re.IGNORECASE
)
_TAIL = re.compile(
    r"\s*(?:です|である|だ|となります|になります|입니다|이다|이에요|예요|है|हैं|होगा|است|ครับ|ค่ะ|inclusive|respectively)\s*$"
)
_ENVIRONMENT = re.compile(r"\\(?:begin|end)\s*\{\w+\*?\}(?:\{[clr|]+\})?")
_TEXT_OR_COMMAND = re.compile(r"\\(?:text\w*|mbox|mathrm|operatorname)\s*\{[^{}]*\}|\\[A-Za-z]+|\$")
_VERB = re.compile(r"\b(?:is|are|was|were|be|equals|gives|yields|divides|satisfies)\b")
_LAST_QUOTE = re.compile(r"([^\"'’”_]*[\d$})])[\"'’”_]\.?")
_QUOTES = re.compile(r'^["\\ ]+|["\\ ]+$')
_FORMAL = re.compile(r"[\d\\=√π∞∅^+*/<>|]|\s-\s|^(?:\W*\b[A-Za-z]\b)+\W*$")
_MATHEMATICAL = re.compile(r"\d|\\|=|√|π")
_MONEY = re.compile(r"\d+,\d\d\s*[$€£](?=\s|$)")
_CLOCK = re.compile(r"\d{1,2}:\d\d(?::\d\d)?(?:\s*[aApP]\.?[mM]\.?)?(?=[\s.]*$)")
_WORDS = re.compile(r"[A-Za-z]{3,}")
_ARTICLE = re.compile(r"^(?:an?|the)\s+(?=[a-z]+(?:\s[a-z]+)?$)")
MAX_OPERATOR = 24
"""Characters before an "of" in which what it belongs to is looked for."""
MAX_WORDS = 4
"""Words beside a number: its unit, or what is counted."""
MAX_NAME_WORDS = 3
"""Words of an answer in words alone: "Evelyn", "the empty set"."""
MAX_NAME = 40
"""Characters of one."""


def is_answer(text: str) -> bool:
    """Tell whether a text is an answer as it stands, not prose."""
    if not text or len(text) > MAX_ANSWER:
        return False
    whole = _WHOLE_MATH.match(text)
    if whole is not None:
        return _VERB.search(whole["tail"]) is None
    if " " not in text:
        return True
    bare = _TEXT_OR_COMMAND.sub(" ", _ENVIRONMENT.sub(" ", text))
    if _VERB.search(bare):
        return False
    words = _WORDS.findall(bare)
    if not _MATHEMATICAL.search(text):
        short = len(words) <= MAX_NAME_WORDS and len(text) < MAX_NAME
        return short and "$" not in text and not _COPULA.search(text) and not _PREPOSITION.search(text)
    return not words or (len(words) <= MAX_WORDS and _VALUE_AND_WORD.match(text) is not None)


_VALUE_AND_WORD = re.compile(rf"(?:{_VALUE}|{_MATH})\s*[A-Za-z]")


def answer_in(statement: str) -> str | None:
    """Reduce a statement to its answer: whole, or mathematics with a unit, or what follows the last "is".

    "" where it holds none, None where it is denied.
    """
    statement = statement.strip().strip("*").strip()
    quoted = _LAST_QUOTE.fullmatch(statement)  # the cue took the first quote
    statement = quoted[1] if quoted else statement
    if _DENIED.search(statement) or denied_later(statement):
        head = _INSTEAD.sub("", statement)
        return answer_in(head) if head and head != statement else None
    if _BOUND.search(statement):
        return statement
    statement = _MINUS.sub(r"\1-", _TAIL.sub("", statement))
    main = _CLAUSE.split(_INSTEAD.sub("", statement), maxsplit=1)[0]
    if _BY_CASES.search(statement, len(main)):
        return statement
    for whole in (main, statement, _QUOTES.sub("", statement)):
        if is_answer(whole):
            return _ARTICLE.sub("", whole)
    return _leading(statement) or _behind_copula(statement)


_JOINED = re.compile(r"\s*(?:,|and|or|is)\b")


def _leading(statement: str) -> str:
    """Take the mathematics that a statement begins with, if words follow."""
    lead = _LEADING.match(statement)
    if lead is None or _JOINED.match(statement, lead.end()):
        return ""
    tail = statement[lead.end() :].strip()
    return lead[0] if _WORDS.search(tail) and "=" not in tail and "$" not in tail else ""


def _behind_copula(statement: str) -> str | None:
    for pattern in (_COPULA, _PREPOSITION):
        for copula in reversed(list(pattern.finditer(statement))):
            tail = statement[copula.end() :].strip().rstrip(".").strip()
            if _is_unequal(statement, copula):
                continue
            if _DENIED.search(tail):
                return None
            if _BOUND.search(tail):
                return tail
            if _is_operand(statement, copula, tail):
                return statement
            if tail and is_answer(tail):
                return _ARTICLE.sub("", tail)
            number = _leading_value(tail)
            if number:
                return number
    return None if _INEQUATION.search(statement) else _only_value(statement)


_VALUE_THEN_WORDS = re.compile(rf"(?:{_VALUE}|{_MATH})(?=\s+[A-Za-z$€£])")
_MORE_VALUES = re.compile(r"\d|\$.*\$|\\|\b(?:more|less|fewer|times)\s+than\b|\bor\b")
_CHANGED = re.compile(
    r"\b(?:more|less|fewer|greater|larger|smaller)\s+than\b|\b(?:twice|thrice|double|triple)\s+[$\d\\.]", re.IGNORECASE
)
"""What makes another number of the only one."""
_ANY_VALUE = re.compile(rf"{_MATH}|(?<![\w.]){_VALUE}(?![\w/])")
_INEQUATION = re.compile(r"[\sA-Za-z]!=")
_PARTS = r"hal(?:f|ves)|(?:third|quarter|fourth|fifth|sixth|seventh|eighth|ninth|tenth|hundredth)s?"
_OPERATOR = re.compile(
    rf"(?<![\w-])(?:{_PARTS}|[\w-]+-(?:{_PARTS})|(?:square|cube|\w+th)\s+root|square|cube|double|triple|percent"
    r"|negative|opposite|reciprocal|inverse|logarithm|factorial)\s+of\s*$|%\s*of\s*$",
    re.IGNORECASE,
)
"""What makes another number of the one that it is "of"."""
_OPERAND = re.compile(r"[-−]?[$£€¥₹]?\s?[\d.\\]|\$")


def _is_operand(statement: str, preposition: re.Match[str], tail: str) -> bool:
    """Tell the 42 in "half of 42", which is not what is stated."""
    start = max(0, preposition.start() - MAX_OPERATOR)
    return _OPERAND.match(tail) is not None and _OPERATOR.search(statement, start, preposition.end()) is not None


def _is_unequal(statement: str, copula: re.Match[str]) -> bool:
    """Tell the `=` of `x != 5`; that of `5!=120` stands behind a factorial."""
    return _INEQUATION.match(statement, max(0, copula.start() - 2)) is not None


def _leading_value(tail: str) -> str:
    """Take the number or formula that a statement begins with, if words alone follow."""
    number = _VALUE_THEN_WORDS.match(tail)
    if number is None or _MORE_VALUES.search(tail, number.end()):
        return ""
    return number[0]


def _only_value(statement: str) -> str:
    """Take the only number or formula of a sentence."""
    found = _ANY_VALUE.findall(statement)
    alone = len(found) == 1 and len(statement) < MAX_SENTENCE and not _CHANGED.search(statement)
    return str(found[0]) if alone else ""


# The bare statement that closes a text.


class Closing(NamedTuple):
    """What a text's last line states; `whole` is all of an equation of which `answer` is the right side."""

    answer: str
    whole: str = ""


_THUS = re.compile(
    r"^(?:(?:so|thus|hence|therefore|then|and|finally|now|we\s+(?:get|have|find)|that)\b[\s,:]*|[∴⇒→]\s*|#{1,6}\s+)+",
    re.IGNORECASE,
)
_SUPPOSED = re.compile(r"(?:let|suppose|assume|try|consider|say)\b", re.IGNORECASE)
_BOLD = re.compile(r"\*\*([^*\n]+)\*\*")
_END_MARK = re.compile(r"(?:[\s.]*(?:\$?\\(?:blacksquare|square|qed|Box)\b\s*\$?|[∎□■✓✔☑✅]|\bQ\.?E\.?D\b\.?))+\s*$")
_RIGHT_SIDE = re.compile(r"^\$?([^=<>$]{1,80})(?<![\sA-Za-z]!)=\s*([^=<>$]{1,80})\$?\.?$")
_ARITHMETIC = re.compile(r"\$?[-−(]*\d[\d\s()+*/^×÷·−-]*=\s*[-−]?\d+\$?\.?")
"""An equation of whole numbers, both sides of which must be the same."""
_NEGATION = re.compile(
    r"\b(?:not|cannot|can['’]?t|isn['’]t|never|no\s+longer|nicht|pas|não|не)\b|不是|并非", re.IGNORECASE
)
_OURS = re.compile(
    rf".*?({_MATH}|(?<![\w.,/^]){_VALUE})\s+is\s+(?:our|the|my)\s+(?:final\s+|correct\s+)?(?:answer|solution)"
)
_COUNTED = re.compile(
    rf"({_MATH}|{_VALUE})(?:\s+[a-z]+){{1,3}}\s+(?:is|are|was|were)\s+(?:left|needed|required|possible|remaining)\W*$"
)
_ENDING = re.compile(rf"({_MATH})[\s.]*$")
_LABEL = re.compile(r"([A-Za-z(|][\w()|^{}\\+*/ -]{0,40}=\s*)$")
_DISPLAY_ENDS = (("\\[", "\\]"), ("$$", "$$"))


def closing(text: str) -> Closing | None:
    """Take a bare statement on the last line: "so x + y = 7", "the minimum is $-3$", or an answer alone."""
    text = _END_MARK.sub("", text).rstrip()
    display = _last_display(text)
    if display:
        return Closing(display)
    line = text[text.rfind("\n") + 1 :].strip()
    line = _THUS.sub("", _MINUS.sub(r"\1-", _BOLD.sub(r"\1", line[-MAX_LINE:])))
    if not line or _SUPPOSED.match(_last_sentence(line)):
        return None
    if is_answer(line) and (" " not in line or _FORMAL.search(line)) and not _GLUED_COPULA.search(line):
        sides = None if _ARITHMETIC.fullmatch(line) else _RIGHT_SIDE.match(line)
        return Closing(sides[2].strip(), line) if sides else Closing(line)
    sentence = _THUS.sub("", _last_sentence(line))
    ours = _OURS.match(sentence) or _COUNTED.match(sentence)
    if ours is not None:
        return Closing(ours[1])
    answer = _closing_value(sentence)
    return Closing(answer) if answer else None


def _last_display(text: str) -> str:
    """Take the displayed formula that ends a text."""
    bare = text.rstrip(". ")
    for opening, ending in _DISPLAY_ENDS:
        if bare.endswith(ending):
            start = bare.rfind(opening, 0, len(bare) - len(ending))
            if start >= 0 and len(bare) - start <= MAX_LINE:
                return bare[start + len(opening) : -len(ending)].strip()
    return ""


_SENTENCE_START = re.compile(r"[.!?](?=\s+\S)|。(?=\s*\S)")


def _last_sentence(line: str) -> str:
    start = 0
    for end in _SENTENCE_START.finditer(line):
        if line[: end.start()].count("$") % 2 == 0:
            start = end.end()
    return line[start:].strip().rstrip("。")


def _closing_value(sentence: str) -> str:
    """Take what a closing sentence states: what follows its last copula, or the formula that ends it."""
    if is_answer(sentence) and (" " not in sentence or _FORMAL.search(sentence)) and not _GLUED_COPULA.search(sentence):
        return sentence
    if sentence.endswith("?"):
        return ""
    clock = _CLOCK.search(sentence)
    if clock is not None:
        return "" if _NEGATION.search(sentence) else clock[0]
    main = _CLAUSE.split(sentence, maxsplit=1)[0]
    for part in (main, sentence) if main != sentence else (sentence,):
        for pattern in (_COPULA, _GLUED_COPULA, _PREPOSITION):
            found = _last_stated(part, pattern)
            if found is not None:
                return found
    ending = _ENDING.search(sentence)
    return ending[1] if ending is not None and not _NEGATION.search(sentence) else ""


_NAMING = re.compile(
    r"(?:is|are|was|were|be|it['’]s|that['’]s|es|son|ist|sind|est|sont|è|é|är|er)(?!\w)|\W", re.IGNORECASE
)


def _last_stated(sentence: str, pattern: re.Pattern[str]) -> str | None:
    """Take what follows the last copula that an answer follows; "" where it is denied, None where there is none."""
    for copula in reversed(list(pattern.finditer(sentence))):
        before, tail = sentence[: copula.end()], _TAIL.sub("", sentence[copula.end() :].strip().rstrip(".").strip())
        if _NEGATION.search(before.rsplit(",", 1)[-1]) and "which" not in before and "it's" not in before:
            return ""
        if before.count("$") % 2 and before.rstrip().endswith("="):
            continue
        if _BOUND.search(tail) or _is_unequal(sentence, copula) or _is_operand(sentence, copula, tail):
            return ""
        money = _MONEY.match(tail)
        if money is not None:
            return money[0]
        if tail and is_answer(tail) and (_FORMAL.search(tail) or _NAMING.match(copula[0])):
            label = _LABEL.search(before) if before.rstrip().endswith("=") else None
            return label[1] + tail if label and not _WORDS.search(label[1]) else _ARTICLE.sub("", tail)
        number = _leading_value(tail)
        if number:
            return number
    return None
