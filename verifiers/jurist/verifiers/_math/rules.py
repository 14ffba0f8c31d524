"""The conventions that a recipe may switch, and what a comparison finds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple

__all__ = ["DIFFERENT", "UNDECIDED", "Finding", "Rules"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """How lenient a comparison is; the fields are explained at `MathAnswer`, whose options they are."""

    significant_digits: int = 6
    percent: Literal["lenient", "value"] = "lenient"
    units: Literal["ignore", "require"] = "ignore"
    relations: Literal["coerce", "strict"] = "coerce"
    variables: Literal["named", "renamed"] = "named"
    labels: Literal["drop", "require"] = "drop"
    order: Literal["free", "kept"] = "free"
    reduced: bool = False


class Finding(NamedTuple):
    """Whether two answers are equal, None if it could not be decided, and what decided it, for a person."""

    equal: bool | None
    how: str


DIFFERENT = Finding(equal=False, how="they are different kinds of answer")
UNDECIDED = Finding(equal=None, how="neither equal nor different could be shown")
