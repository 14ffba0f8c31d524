"""Decides by rule, before any judge is asked, where the reference is a number and the answer is one, too."""

from __future__ import annotations

import re

from jurist.verifiers._math.answers import judge
from jurist.verifiers._math.evaluation import UndefinedError
from jurist.verifiers._math.extraction import extract
from jurist.verifiers._math.rationals import rational
from jurist.verifiers._math.reading import read
from jurist.verifiers._math.rules import Rules
from jurist.verifiers._math.tree import Text

__all__ = ["by_number", "is_number"]

_NUMBER = re.compile(r"\$?\s?[-+\u2212]?\s?(?:\d[\d,]*(?:\.\d+)?|\.\d+)(?:\s?/\s?\d+)?\s?\$?")
_RULES = Rules()


def is_number(text: str) -> bool:
    """Tell whether a reference is a number as digits."""
    return _NUMBER.fullmatch(text.strip()) is not None


def by_number(reference: str, completion: str, *, cut: bool) -> bool | None:
    """Tell whether the completion's answer equals a reference that is a number; None where it cannot be told so."""
    if not is_number(reference):
        return None
    found = extract(completion, truncated=cut)
    if found.fault:
        # Marked or announced, yet empty, denied or never closed: no answer. Not found at all: a judge may find it.
        return None if found.stage == "none" else False
    equal = judge(reference, found.text, found.joined, _RULES).equal
    return None if equal is False and not _has_value(found.text) else equal


def _has_value(text: str) -> bool:
    """Tell whether an answer is a number itself: only then does its being another prove anything."""
    trees = read(text).trees
    try:
        return bool(trees) and not isinstance(trees[0], Text) and rational(trees[0]) is not None
    except UndefinedError:
        return True
