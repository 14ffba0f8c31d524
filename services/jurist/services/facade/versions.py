"""Versions of languages and what selects them: node-semver's ranges, without tags such as `-beta`."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["number", "satisfies"]

Version = tuple[int, int, int]

PARTS = 3
FIRST: Version = (0, 0, 0)
LAST: Version = (1 << 62, 0, 0)  # behind every version
PART_DIGITS = 9  # of one number; more is no version

_NUMBER = re.compile(r"\d+(?:\.\d+){0,2}")
_OPERATOR_APART = re.compile(r"([<>=~^]+)\s+")
_HYPHEN = re.compile(r"(\S+)\s+-\s+(\S+)")
_COMPARATOR = re.compile(
    rf"(?P<operator>\^|~>?|[<>]=?|=?)v?(?P<parts>(?:\d{{1,{PART_DIGITS}}}|[xX*])(?:\.(?:\d{{1,{PART_DIGITS}}}|[xX*])){{0,2}})"
    r"(?:[-+][\w.+-]*)?"
)


def number(told: str) -> str:
    """Return the version in what a tool says of itself, three numbers of it; "" where there is none."""
    found = _NUMBER.search(told)
    return ".".join((found[0].split(".") + ["0"] * PARTS)[:PARTS]) if found else ""


def satisfies(version: str, selector: str) -> bool:
    """Tell whether a version is among those that a selector names; none is where it cannot be read."""
    parts = [int(part) for part in version.split(".")]
    return any(_within((parts[0], parts[1], parts[2]), each) for each in selector.split("||"))


def _within(version: Version, comparators: str) -> bool:
    spread = _OPERATOR_APART.sub(r"\1", _HYPHEN.sub(r">=\1 <=\2", comparators.strip()))
    found = [_COMPARATOR.fullmatch(each) for each in spread.split()]
    if None in found:
        return False
    return all(_holds(version, each["operator"], each["parts"]) for each in found if each is not None)


def _holds(version: Version, operator: str, told: str) -> bool:
    parts: list[int] = []
    for part in told.split("."):
        if not part.isdigit():
            break
        parts.append(int(part))
    first, behind = _after(parts, None), _after(parts, len(parts) - 1)
    leading = next((place for place, part in enumerate(parts) if part), len(parts) - 1)
    low, high = {
        ">": (behind, LAST),
        ">=": (first, LAST),
        "<": (FIRST, first),
        "<=": (FIRST, behind),
        "^": (first, _after(parts, leading)),
        "~": (first, _after(parts, min(1, len(parts) - 1))),
    }.get(operator.removesuffix(">") if operator == "~>" else operator, (first, behind))
    return low <= version < high


def _after(parts: Sequence[int], place: int | None) -> Version:
    """Return the first version behind all that agree with `parts` up to a place; without a place, the first of them."""
    if place is not None and place < 0:
        return LAST
    kept = list(parts) if place is None else [*parts[:place], parts[place] + 1]
    padded = kept + [0] * (PARTS - len(kept))
    return padded[0], padded[1], padded[2]
