"""Finds the last box of a text, and the list that several boxes in one line form."""

# ruff: noqa: RUF001 - signs that look alike are the subject here

from __future__ import annotations

import re
from typing import NamedTuple

from jurist.verifiers._math.characters import plain
from jurist.verifiers._math.tokens import closing_brace

__all__ = ["Box", "last_box"]

MAX_BOX_DEPTH = 8
"""Boxes inside each other; more are a trick."""
MAX_BOX_CHARACTERS = 400
"""Of what stands before a box inside a box: a box is no paragraph."""
MAX_JOINED = 64
"""Boxes in one line that form a list."""
MAX_BETWEEN = 80
"""Characters between two boxes of a list."""
MAX_BEFORE = 40
"""Characters before a box in which a denial of it is looked for."""


class Box(NamedTuple):
    """The last box: its content, or the `fault` that makes it no answer.

    `joined` is the list that it ends, "" where it stands alone; `hedged` tells a list by "or", which is a hedge and not
    a last word.
    """

    content: str
    joined: str = ""
    hedged: bool = False
    fault: str = ""


_BOX = re.compile(r"\\(?:boxed|fbox)\s*")
_BARE = re.compile(r"-?\d[\d.,/]*\d|-?\d|\\[A-Za-z]+(?:\{[^{}]*\}){0,2}|[A-Za-z]")
_NEGATED = re.compile(
    r"(?:\bnot|n['’]t|\\neq?|\\not\s*=|≠|!=|\bnever|\bneither|\bwrong(?:ly)?|\bincorrect(?:ly)?|\brather\s+than"
    r"|\binstead\s+of|不是|并非|不等于)"
    r"(?:\s+(?:equal(?:\s+to)?|be|is|simply|just))?\s*[:$\\(\[{*\s]*$",
    re.IGNORECASE,
)
_DENIAL = re.compile(r"no|n['’]t|\\ne|≠|!=|never|wrong|incorrect|rather|neither|instead|不|并")
"""What every denial holds: a quick look, since few boxes are denied."""
_TAKEN_BACK = re.compile(
    r"[\s$*)\]\\]*(?:is|was|are|would\s+be)(?:\s+(?:clearly|definitely|obviously|also))?\s+(?:wrong|incorrect|false"
    r"|not\s+(?:the\s+)?(?:right|correct|final|answer|solution))\b"
)
_PERCENT = re.compile(r"\s*\$?\s*(?:\\?%|percent\b|pct\b)")
_JOINT = re.compile(
    r"[\s$.,;*]*(?:\\text\s*\{\s*(?:and|or)\s*\}|\\(?:quad|qquad|land|lor|[,;:()\[\] ])|\band\b|\bor\b|[\s,;$&])*"
    r"(?:\b[a-z]+\s+(?:and|or)\s+|\\text\s*\{[a-z ()]{1,24}(?:and|or)\s*\})?[\s$\\()\[\],;]*"
    r"(?:(?:[A-Za-z](?:_\{?\w+\}?)?|\\text\{[^{}]*\})\s*=\s*)?"
)
_SEPARATOR = re.compile(r",|;|and|or|&|\\quad|\\lor|\\land")
_OR = re.compile(r"\bor\b|\\lor")


def last_box(text: str) -> Box | None:
    """Take the last box; None if there is none."""
    position = _previous(text, len(text))
    if position < 0:
        return None
    content, start, end = _box_at(text, position)
    if content is None:
        return Box("", fault="the last box is not closed")
    alone = _previous(text, position) < 0
    if not alone:
        start, end, content = _outermost(text, start, end, content)
    if _blank(content):
        return Box("", fault="the last box is empty")
    before = text[max(0, start - MAX_BEFORE) : start].lower()
    if _DENIAL.search(before) and _NEGATED.search(before):
        return Box("", fault="the box is denied")
    if _TAKEN_BACK.match(text, end):
        return Box("", fault="the box is taken back")
    joined, hedged = ("", False) if alone else _joined(text, start, content)
    percent = _PERCENT.match(text, end)
    return Box(f"{content} \\%" if percent and "%" not in content else content, joined, hedged)


def _previous(text: str, end: int) -> int:
    """Find the last box that begins before `end`; -1 if none does."""
    return max(text.rfind("\\boxed", 0, end), text.rfind("\\fbox", 0, end))


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
        earlier = _previous(text, start)
        if earlier < 0 or start - earlier > MAX_BOX_CHARACTERS:
            break
        outer, outer_start, outer_end = _box_at(text, earlier)
        if outer is None or outer_end < end:
            break
        start, end, content = outer_start, outer_end, outer
    return start, end, content


_INVISIBLE = re.compile(
    r"\\(?:phantom|hphantom|vphantom|hspace|vspace|label)\s*\{[^{}]*\}|\\(?:text|mathrm|mbox)\s*\{\s*\}"
)
_SPACING = re.compile(r"[\s{}$~.]|\\[,;:! ]|\\quad|\\qquad")
_DIGIT = re.compile(r"[0-9]")


def _blank(content: str) -> bool:
    """Tell whether nothing can be seen in a box."""
    if _DIGIT.search(content) and "phantom" not in content:
        return False
    return not _SPACING.sub("", _INVISIBLE.sub("", plain(content)))


def _joined(text: str, start: int, content: str) -> tuple[str, bool]:
    """Collect the boxes right before the last one, joined by commas or words; and whether by "or"."""
    parts, hedged = [content], False
    while len(parts) < MAX_JOINED:
        earlier = _previous(text, start)
        if earlier < 0:
            break
        before, _, end = _box_at(text, earlier)
        between = text[end:start]
        if before is None or len(between) > MAX_BETWEEN or "\n\n\n" in between or not _JOINT.fullmatch(between):
            break
        if not _SEPARATOR.search(between):
            break
        hedged = hedged or _OR.search(between) is not None
        parts.append(before)
        start = earlier
    parts.reverse()
    return (" , ".join(parts), hedged) if len(parts) > 1 else ("", False)
