"""Finds the verdicts that a judge states in words, line by line, in order."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

from jurist.verifiers._judge.cleaning import CROSSED
from jurist.verifiers._judge.in_objects import MARK
from jurist.verifiers._judge.phrases import ANNOUNCED, ASSERTED, CHOSEN, DOUBTED, QUOTING, THEIRS, is_key, own
from jurist.verifiers._judge.statements import Statement

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from jurist.verifiers._judge.labels import Labels

__all__ = ["verdicts_in_prose"]

LONGEST_LINE = 2_000
"""A longer line is prose: its beginning and its end are read."""
LONGEST_HEADING = 60
"""A line that only announces the next one is short."""


def verdicts_in_prose(text: str, in_objects: Sequence[str | None], labels: Labels, *, cut: bool) -> list[Statement]:
    """List what is stated, in order; `in_objects` are the verdicts at the text's marks."""
    lines = list(_lines(text, cut=cut))
    statements: list[Statement] = []
    marked = iter(in_objects)
    read_already = False
    for line, following in pairwise([*lines, None]):
        if line is None or read_already:
            read_already = False
        elif line.text == MARK:
            statements.append(Statement(line.position, next(marked), firm=True))
        elif following is not None and (heading := _heading(line.text)):
            under = list(_stated(line._replace(text=f"{heading}: {following.text}", last=following.last), labels))
            read_already = any(statement.label for statement in under)
            statements += under if read_already else []
        else:
            statements += _stated(line, labels)
    # Labels on lines of their own, differing: headings. Then what a first line states in passing is one, too.
    alone = {label for line in lines if (label := labels.alone(line.text))}
    passing = {statement.label for statement in statements if not statement.firm}
    if len(alone | passing) > 1 and not (lines[-1].last and labels.alone(lines[-1].text)):
        return [statement for statement in statements if statement.firm]
    return statements


class _Line(NamedTuple):
    position: int
    text: str
    first: bool
    last: bool


_EDGE = re.compile(
    rf"^(?:(?!{CROSSED})[^\w\[\](){{}}<>\"'$\\+.{MARK}-]|-(?!\d)|\d{{1,2}}[.)]\s+(?=\[\[|[A-Za-z]{{2}}))+",
    re.IGNORECASE,
)

_TICKS = re.compile(r"[\s\u2600-\u2714\u2728-\u274b\u274f-\u27bf\u2b50\U0001f300-\U0001faff]+$")


def _lines(text: str, *, cut: bool) -> Iterator[_Line]:
    """Go through the lines that are the judge's own: neither quoted, nor in a block of code amid other text."""
    lines: list[tuple[int, str, bool]] = []
    fenced = block_is_others = introduced = False
    for position, line in enumerate(text.split("\n")):
        bare = line.strip()
        if bare.startswith("```"):
            fenced = not fenced
            block_is_others = fenced and introduced
            introduced = False
        elif bare and not bare.strip("-=*_"):
            continue
        elif bare:
            quoted = bare.startswith(">") or ((block_is_others or introduced) and bare != MARK)
            introduced = not quoted and _introduces(bare)
            if not quoted:
                lines.append((position, line, fenced and bare != MARK))
    if cut and lines and lines[-1][1].strip() != MARK:
        lines.pop()  # its end is missing: "Score: 1" may have become 10
    ends_fenced = bool(lines) and lines[-1][2]
    own = [(position, line) for position, line, inside in lines if ends_fenced or not inside]
    for index, (position, line) in enumerate(own):
        yield _Line(position, _bare(line), first=index == 0, last=index == len(own) - 1 and not cut)


# Before a work's name these make a heading for the judge's own words of it.
_GRADED = re.compile(
    r"\b(?:my|evaluat(?:ion|ing)|assess(?:ment|ing)|grading|judging|requested|required|specified)\b", re.IGNORECASE
)
_WORKS = ("candidate", "student", "the", "its", "format")


def _introduces(line: str) -> bool:
    """Tell whether the next line is what somebody else wrote."""
    found = QUOTING.search(line[-LONGEST_LINE:])
    return found is not None and not (found[0].casefold().startswith(_WORKS) and _GRADED.search(line[-LONGEST_LINE:]))


def _bare(line: str) -> str:
    line = line.strip()
    if len(line) > LONGEST_LINE:
        line = f"{line[: LONGEST_LINE // 2]} ... {line[-LONGEST_LINE // 2 :]}"
    if line.startswith("|") and line.endswith("|"):
        line = ": ".join(cell.strip() for cell in line.strip("|").split("|"))
    return _TICKS.sub("", _EDGE.sub("", line))


_HEADING = re.compile(r"(?:(?:my|the|your|its|final|overall|judge'?s)\s+){0,3}", re.IGNORECASE)


def _heading(line: str) -> str:
    """Read a line that only announces what the next one says; "" for any other."""
    bare = line.rstrip(" :=")
    if not bare or len(bare) > LONGEST_HEADING:
        return ""
    start = _HEADING.match(bare)
    found = ANNOUNCED.match(f"{bare}:", start.end() if start else 0)
    return bare if found is not None and found.end() == len(bare) + 1 and "." not in bare else ""


def _stated(line: _Line, labels: Labels) -> Iterator[Statement]:
    """Find what a line states."""
    statements = [*_announced(line, labels), *_in_brackets(line, labels)]
    yield from statements
    if statements or not (line.first or line.last):
        return
    text = _THUS.sub("", line.text)
    label = None if labels.numeric and _LISTED.match(text) else labels.leading(text)
    label = label or decided(text, labels) or _letter_at_the_end(text, labels)
    if label is not None:
        yield Statement(line.position, label, firm=False)


_THUS = re.compile(r"^(?:so|thus|therefore|hence|accordingly|consequently|[=-]>)(?:\s*[,:]|\s)\s*", re.IGNORECASE)
_LISTED = re.compile(r"\d{1,2}[.):]\s+\S")
_QUOTATION = re.compile(r"\"[^\"\n]{0,400}\"")


def _announced(line: _Line, labels: Labels) -> Iterator[Statement]:
    """Read what follows words that announce a verdict, unless they are quoted, denied or supposed."""
    text = _QUOTATION.sub(lambda quoted: quoted[0] if _is_own(quoted[0], labels) else " " * len(quoted[0]), line.text)
    for found in ANNOUNCED.finditer(text):
        before = _sentence_before(text, found.start())
        value = text[found.end() :].strip()
        if not value or not own(before) or DOUBTED.search(before) or QUOTING.search(before) or THEIRS.search(found[0]):
            continue
        label = labels.leading(value) or decided(value, labels)
        if label is None:
            label = next((statement.label for statement in _in_brackets(line._replace(text=value), labels)), None)
        if found["strong"] is not None:
            yield Statement(line.position, label, firm=True)
        elif label is not None and (line.first or line.last) and not before.strip(" ,;:-"):
            yield Statement(line.position, label, firm=False)


def _is_own(quoted: str, labels: Labels) -> bool:
    """Tell whether a quotation is a label or a key in quotes, and not somebody's words."""
    return labels.alone(quoted) is not None or is_key(quoted.strip('"'))


_BRACKETED = re.compile(r"\[\[([^\[\]\n]{0,80})\]\]")
_ALTERNATIVE = re.compile(r"[^\w.!?]*(?:or|and|vs|versus|oder|ou|o|или|或)?[^\w.!?]*", re.IGNORECASE)
_COMPARED = re.compile(
    r"^\W*(?:not|over|beats|wins|rather|instead|against|unlike|is\s+(?:better|worse)|better|worse|compared)\b",
    re.IGNORECASE,
)
_DESCRIBED = re.compile(r"\s*(?:if|when|means|would|stands|denotes|in\s+case|for\s+a\s+tie|for\s+tie)\b", re.IGNORECASE)


def _in_brackets(line: _Line, labels: Labels) -> Iterator[Statement]:
    """Read the last double brackets of a line."""
    found = [match for match in _BRACKETED.finditer(line.text) if not _DESCRIBED.match(line.text, match.end())]
    if not found:
        return
    last = found[-1]
    label = labels.alone(last[1])
    before = _sentence_before(line.text, last.start()).rpartition("]]")[2]
    between = line.text[found[-2].end() : last.start()] if len(found) > 1 else "."
    if _ALTERNATIVE.fullmatch(between) or _COMPARED.search(between):
        label = label if label == labels.alone(found[-2][1]) else None
    elif DOUBTED.search(before) or not labels.followed(line.text[last.end() :], label):
        return
    if line.first or line.last or not _BRACKETED.sub("", line.text).strip(" .!:"):
        yield Statement(line.position, label, firm=True)


_SENTENCE = re.compile(r"[.!?;]\s+|\u3002")


def _sentence_before(text: str, position: int) -> str:
    """Take what stands before a position in its sentence."""
    return _SENTENCE.split(text[:position])[-1]


def decided(text: str, labels: Labels) -> str | None:
    """Read the last sentence of a text, if it decides: "so the answer is correct", "I rate it 8/10"."""
    sentence = _SENTENCE.split(text.strip().rstrip(".!\u3002 "))[-1]
    for pattern in (CHOSEN, ASSERTED) if labels.words else (CHOSEN,):
        for found in pattern.finditer(sentence):
            label = labels.leading(sentence[found.end() :])
            doubted = DOUBTED.search(sentence[: found.start()]) or THEIRS.search(sentence[: found.end()])
            if label is not None and not doubted:
                return label
    return None


_AFTER_COLON = re.compile(r"(?P<head>[^:\n]{0,200}):\s*(?P<value>[^:\n]{1,20})")
_SOMEBODYS = re.compile(
    r"\b(?:reference|right|correct|expected|gold|true|candidate|student|assistant|question|options?|choices?|chose|chosen"
    r"|selected|picked|answered)\b",
    re.IGNORECASE,
)


def _letter_at_the_end(text: str, labels: Labels) -> str | None:
    """Read `As the answer is wrong: B`: a letter after a colon, unless it is somebody's answer and no verdict."""
    found = _AFTER_COLON.fullmatch(text)
    if labels.numeric or labels.words or found is None or DOUBTED.search(found["head"]):
        return None
    label = labels.alone(found["value"])
    if label is None or label not in found["value"]:  # a small letter is a word's
        return None
    borne_out = re.search(rf"\b(?:{labels.in_words(label)})\b", found["head"], re.IGNORECASE)
    return label if borne_out or not _SOMEBODYS.search(found["head"]) else None
