"""Label read-out: from the probabilities of tokens to those of labels.

A label may be spelled in more than one way (with and without a blank before it) and may take several tokens. What is
measured of a spelling is that the answer *begins* with it; where one label begins like another ("1" and "10") the
longer one's share is taken from the shorter one's.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

from jurist.verifiers import Cause, NoReply, Reading

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

__all__ = ["DIGITS", "Spelling", "heads", "reading", "shares", "spellings"]

DIGITS = 6  # after the point, of what is reported: below lies the noise of 32 bit arithmetic


class Spelling(NamedTuple):
    """The tokens of the label at place `label`."""

    label: int
    tokens: tuple[int, ...]


def spellings(labels: Sequence[str], encode: Callable[[str], Sequence[int]]) -> list[Spelling]:
    """Return every way to spell the labels in tokens.

    Raises:
        ValueError: there are no labels, one is empty, or two are spelled alike.
    """
    owners: dict[tuple[int, ...], int] = {}
    for label, text in enumerate(labels):
        for tokens in {tuple(encode(text)), tuple(encode(f" {text}"))}:
            if not tokens or owners.setdefault(tokens, label) != label:
                raise ValueError(f"labels must be told apart by their tokens: {list(labels)}")
    if not owners:
        raise ValueError("a prompt that writes nothing needs labels")
    return [Spelling(label, tokens) for tokens, label in owners.items()]


def heads(spelled: Sequence[Spelling]) -> list[tuple[int, ...]]:
    """Return what must be put before the model to see the later tokens of long spellings, none the head of another."""
    needed = {one.tokens[:-1] for one in spelled if len(one.tokens) > 1}
    covered = {head[:end] for head in needed for end in range(1, len(head))}
    return sorted(needed - covered)


def shares(count: int, begun: Mapping[Spelling, float]) -> list[float]:
    """Return each label's probability from those that the answer begins with each spelling."""
    owners = {one.tokens: one.label for one in begun}
    found = [0.0] * count
    for one, share in begun.items():
        found[one.label] += share
        shorter = next((cut for end in range(len(one.tokens) - 1, 0, -1) if (cut := one.tokens[:end]) in owners), None)
        if shorter is not None:
            found[owners[shorter]] -= share
    return [max(0.0, share) for share in found]


def reading(found: Sequence[float], mass: float, model: str) -> Reading | NoReply:
    """Return the labels' probabilities, made to sum to 1, and the mass."""
    total = math.fsum(found)
    if not math.isfinite(total):
        return NoReply(Cause.INTERNAL, f"{model}: its output is not finite")
    even = 1 / len(found)
    return Reading(
        probabilities=tuple(round(share / total if total else even, DIGITS) for share in found),
        mass=round(min(1.0, mass), DIGITS),
        model=model,
    )
