"""Finds where the answer stands in a completion.

Only what follows the last `</think>` counts. Then, in this order: the last box, `<answer>`, `####`, the last explicit
cue ("the answer is"), and a bare statement that closes the text. Never the last number anywhere. Every scan is linear.
"""

from __future__ import annotations

import re
from typing import Literal, NamedTuple

from jurist.verifiers._cues import RETRACTED, cues
from jurist.verifiers._math.boxes import last_box
from jurist.verifiers._math.sentences import answer_in, closing, is_answer, statement_at

__all__ = ["Extraction", "Scope", "extract"]

Scope = Literal["boxed", "cue", "lenient"]

TAIL_CHARACTERS = 6_000
"""Of a text without a box, in which cues and closing statements are looked for."""


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
    box = last_box(_with_backslashes(text))
    if box is not None:
        if box.hedged:
            return Extraction(box.joined, "box", box.joined)
        return Extraction(box.content, "box", box.joined, box.fault)
    if scope == "boxed":
        return Extraction("", "none", fault=_nothing("no box", truncated=truncated))
    tail = _tail(text)
    found = _tagged(text) or _hashed(text) or _cued(tail)
    if found is None and scope == "lenient" and not truncated:
        found = _closed(tail)
    return found or Extraction("", "none", fault=_nothing("no box, no cue, no closing value", truncated=truncated))


def _nothing(what: str, *, truncated: bool) -> str:
    return f"{what}: the completion was cut off" if truncated else what


def _with_backslashes(text: str) -> str:
    r"""Give a box its backslash back that a string's escapes ate: `\b` of `\\boxed` is a backspace."""
    return text.replace("\x08oxed", "\\boxed") if "\x08" in text else text


_BLANKS = re.compile(r"(?:[^\S\n\x0c ]|[ ](?=[^\S\n\x0c]))[^\S\n\x0c]*")
_HOPE = re.compile(r"\.?\s{0,4}I hope (?:it|this) is correct", re.IGNORECASE)
_SPECIAL_TOKEN = re.compile(
    r"<\|[^|<>]{0,40}\|>\s*(?:user|assistant)?\s*|</s>|<(?:eos|end_of_turn|end_of_text)>|\[/?INST\]"
)


def _tail(text: str) -> str:
    """Take the end of a text, with white space collapsed so that no pattern can run long on it."""
    tail = _BLANKS.sub(" ", text.rstrip()[-TAIL_CHARACTERS:])
    if "<" in tail or "[" in tail:
        tail = _SPECIAL_TOKEN.sub("\n", tail)
    hope = _HOPE.search(tail) if " hope " in tail else None
    return (tail[: hope.start()] if hope else tail).rstrip()


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


_VALUE_BEGINS = re.compile(r"[-$\\(\[{.\d]")


def _hashed(text: str) -> Extraction | None:
    position = text.rfind("####")
    if position < 0:
        return None
    rest = text[position:].lstrip("#")
    line = rest.split("\n", 1)[0].strip()
    last = not rest.strip()[len(line) :].strip()
    if not _VALUE_BEGINS.match(line) and not (last and is_answer(line)):
        return None  # a heading of markdown
    return Extraction(line, "####")


_VERDICT = re.compile(r"\W*(?:correct|wrong|incorrect|right|verified)\b")


def _cued(text: str) -> Extraction | None:
    """Take what follows the last cue that something follows and that is meant."""
    unmeant = False
    for cue in cues(text):
        statement = statement_at(text[cue.end :])
        if not statement or _VERDICT.match(statement):
            continue
        if cue.unmeant or _is_retracted(text, cue.end, statement):
            unmeant = True
            continue
        if cue.asked and "?" in text[cue.end : cue.end + len(statement) + 2]:
            continue
        answer = None if cue.denied else answer_in(statement)
        if cue.weak and not (answer and is_answer(answer)):
            continue
        if answer is None:
            return Extraction("", "cue", fault="the answer is denied, not given")
        return Extraction(answer or statement, "cue")
    return Extraction("", "cue", fault="the answer is denied, not given") if unmeant else None


def _is_retracted(text: str, start: int, statement: str) -> bool:
    """Tell "the answer is 42? No" and "the answer is 42. Wait, no, it is 43"."""
    place = text.find(statement, start)
    return place >= 0 and RETRACTED.match(text, place + len(statement)) is not None


def _closed(text: str) -> Extraction | None:
    found = closing(text)
    return None if found is None else Extraction(found.answer, "last line", found.whole)
