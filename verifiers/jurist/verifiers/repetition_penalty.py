"""How little the text repeats itself: the share of its n-grams that are not repeats."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, ClassVar

from pydantic import Field

from jurist.verifiers._thought import View, view
from jurist.verifiers._values import Score

if TYPE_CHECKING:
    from collections.abc import Sequence

    from jurist.verifiers._values import Ask, Reply, Sample, Verdict

__all__ = ["RepetitionPenalty"]

# A token is a word or one sign. Scripts without spaces count by the character: a Chinese clause is no word.
_TOKEN = re.compile(
    r"[\u0e00-\u0eff\u0f00-\u0fff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]"
    r"|[^\W_\u0e00-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]+"
    r"|[^\w\s]|_"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class RepetitionPenalty:
    """Scores 1.0 while repeats stay within `free_share`, then falls in a line to 0.0 where all n-grams are one.

    A repeat is an n-gram that stood earlier in the text, regardless of case. A text shorter than one n-gram repeats
    nothing. Details: `ngrams`, `distinct`.
    """

    version: ClassVar[str] = "1"

    size: Annotated[int, Field(ge=1, le=1_000, description="length of an n-gram, words or signs")] = 8
    free_share: Annotated[
        float, Field(ge=0.0, lt=1.0, description="the share of repeats that costs nothing; all texts repeat something")
    ] = 0.0
    part: Annotated[View, Field(description="which part of the completion is looked at")] = "all"

    def verdict(self, sample: Sample, replies: Sequence[Reply] = ()) -> Verdict | Ask:  # noqa: ARG002 - asks nothing
        """Count n-grams and distinct n-grams."""
        tokens = _TOKEN.findall(view(sample.completion, self.part).casefold())
        total = len(tokens) - self.size + 1
        if total <= 0:
            return Score(1.0, f"shorter than {self.size} words", {"ngrams": 0, "distinct": 0})
        distinct = len(set(_ngrams(tokens, self.size)))
        share = 1.0 - distinct / total
        score = 1.0 - max(share - self.free_share, 0.0) / (1.0 - self.free_share)
        reason = f"{share:.1%} of {total} {self.size}-grams are repeats"
        return Score(min(max(score, 0.0), 1.0), reason, {"ngrams": total, "distinct": distinct})


def _ngrams(tokens: Sequence[str], size: int) -> list[int]:
    """Number the n-grams so that equal ones have equal numbers; in time linear in the text, for any size.

    An n-gram is told by two overlapping ones of at least half its length, so that few rounds of pairing reach any size.
    """
    numbers: dict[object, int] = {}
    grams = [numbers.setdefault(token, len(numbers)) for token in tokens]
    width = 1
    while width < size:
        wider = min(2 * width, size)
        numbers = {}
        pairs = zip(grams, grams[wider - width :], strict=False)
        grams = [numbers.setdefault(pair, len(numbers)) for pair in pairs]
        width = wider
    return grams
