"""A place where a judge states a verdict, and what is shown of its text."""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["Statement", "head"]

HEAD_CHARACTERS = 120
"""Of a text that cannot be read, to be shown."""


class Statement(NamedTuple):
    """A verdict and where it stands.

    `label` is None where what stands there is none of those offered. `firm` says that it was announced, so that nothing
    but another firm one may take its place.
    """

    position: int
    label: str | None
    firm: bool


def head(text: str) -> str:
    """Show the beginning of a text in one line."""
    line = " ".join(text[: 4 * HEAD_CHARACTERS].split())
    return repr(line if len(line) <= HEAD_CHARACTERS else f"{line[:HEAD_CHARACTERS]}...")
