"""The option that turns a share into a filter."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

__all__ = ["Threshold", "filtered"]

Threshold = Annotated[
    float | None,
    Field(
        ge=0.0,
        le=1.0,
        description="score 1.0 where the value is at least this and 0.0 below; the value itself when null",
    ),
]


def filtered(value: float, threshold: float | None) -> float:
    """Give the score for a value in [0, 1]."""
    return value if threshold is None else float(value >= threshold)
