"""Finds the verdicts in the JSON objects that a judge wrote."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, cast

from jurist.verifiers._judge.cleaning import cleaned
from jurist.verifiers._judge.objects import Mapped, objects
from jurist.verifiers._judge.phrases import DOUBTED, QUOTING, is_key

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from jurist.verifiers._judge.labels import Labels

__all__ = ["MARK", "verdicts_in_objects"]

MARK = "\ue000"
"""Stands, on a line of its own, for an object with a verdict; private use, so that nobody writes it."""
INTRODUCTION_CHARACTERS = 400
"""Before an object, in which it is looked whether somebody is being quoted."""


def verdicts_in_objects(text: str, labels: Labels, key: str) -> tuple[list[str | None], str]:
    """Read the verdict of each object that has one, None where it is none of those offered.

    What is left of the text comes with a mark in the place of each. An object that cannot be read takes what follows it
    along, if it was to hold the verdict: nothing in it may be taken for the verdict that it never came to.
    """
    text = text.replace(MARK, " ")
    verdicts: list[str | None] = []
    parts: list[str] = []
    position = 0
    last_key = max((name.start() for name in _NAMES.finditer(text) if _is_asked(name[1], key)), default=-1)
    for found in objects(text):
        before = text[position : found.start]
        if found.value is None:
            if found.start > last_key:
                continue
            verdicts.append(_from_broken(text[found.start :], labels, key))
            return verdicts, "".join((*parts, before, f"\n{MARK}\n"))
        values = _values(found.value, key)
        position = found.end
        if not values or _is_others(text, before, found.start, later=bool(verdicts)):
            parts += before, " "
            continue
        given = {_given(value, labels) for value in values}
        verdicts.append(given.pop() if len(given) == 1 else None)
        parts += before, f"\n{MARK}\n"
    return verdicts, "".join((*parts, text[position:]))


def _is_others(text: str, before: str, start: int, *, later: bool) -> bool:
    """Tell an object that is quoted or shown from a verdict; one that a sentence doubts takes back no earlier one."""
    introduction = _introduction(text, start)
    sentence = before.rpartition("\n")[2]
    if not sentence.strip() and introduction.endswith(":"):
        sentence = introduction
    return (
        QUOTING.search(introduction) is not None
        or _SHOWN.search(sentence) is not None
        or (later and DOUBTED.search(sentence) is not None)
    )


def _introduction(text: str, position: int) -> str:
    """Take the last line before a position that is more than the fence of a code block."""
    lines = [line.strip() for line in text[max(0, position - INTRODUCTION_CHARACTERS) : position].splitlines()]
    return next((line for line in reversed(lines) if line and not line.startswith("```")), "")


def _values(value: Mapped, key: str) -> Sequence[object]:
    """Find the values of the verdict's key: as high up as it stands, that which was asked for before any other."""
    level: list[Mapped] = [value]
    others: list[object] = []
    while level:
        members = [member for mapped in level for member in mapped.members]
        asked = [content for name, content in members if key and _plain(name) == _plain(key)]
        if asked:
            return asked[-1:] if len(level) == 1 else asked
        others = others or [content for name, content in members if is_key(name)]
        level = [inner for _, content in members for inner in _inner(content)]
    return others


def _inner(content: object) -> Iterator[Mapped]:
    if isinstance(content, Mapped):
        yield content
    elif isinstance(content, tuple):
        yield from (item for item in cast("tuple[object, ...]", content) if isinstance(item, Mapped))


def _plain(name: str) -> str:
    return re.sub(r"[\W_]+", "", name).casefold()


def _given(value: object, labels: Labels) -> str | None:
    if isinstance(value, str):
        return labels.alone(cleaned(value))
    if isinstance(value, float) and value.is_integer():
        return labels.alone(str(int(value)))
    return None


_SHOWN = re.compile(r"\b(?:formats?|e\.g\.|for example)\b[^.!?]*$", re.IGNORECASE)
_NAMES = re.compile(r"[\"'\u201c{,\s]([A-Za-z_][\w -]{0,40})[\"'\u201d]?\s{0,9}:")


def _is_asked(name: str, key: str) -> bool:
    return (bool(key) and _plain(name) == _plain(key)) or is_key(name)


def _from_broken(text: str, labels: Labels, key: str) -> str | None:
    """Read an object that is whole but for its quotes: the verdict's key stands once and its value ends the object."""
    if not key or len(re.findall(rf"\b{re.escape(key)}\b", text)) != 1:
        return None
    ending = re.search(rf"[\"']{re.escape(key)}[\"']\s*:\s*([\"']?)([^\"'{{}}\n]{{1,80}})\1\s*,?\s*\}}[\s`]*$", text)
    return labels.alone(cleaned(ending[2])) if ending is not None else None
