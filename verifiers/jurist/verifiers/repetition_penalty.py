"""How little the text repeats itself: the share of its n-grams that are new, and its longest repeated span."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import chain, islice
from typing import TYPE_CHECKING, Annotated, ClassVar

from pydantic import Field

from jurist.verifiers._thought import View, view
from jurist.verifiers._threshold import Threshold, filtered
from jurist.verifiers._values import Score

if TYPE_CHECKING:
    from collections.abc import Sequence

    from jurist.verifiers._values import Ask, Reply, Sample, Verdict

__all__ = ["RepetitionPenalty"]

# Tokens looked at: those of a completion of 65,000 model tokens and more.
MOST_TOKENS = 200_000
# Longer ones are no words, and count by the character.
LONGEST_WORD = 48
# A token is a word or one sign. Scripts without spaces count by the character: a Chinese clause is no word.
_TOKEN = re.compile(
    r"[\u0e00-\u0eff\u0f00-\u0fff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]"
    r"|[^\W_\u0e00-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]+"
    r"|[^\w\s]|_"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class RepetitionPenalty:
    """Scores 1.0 while repeats stay within `free_share`, then falls in a line to 0.0 where all n-grams are one.

    A repeat is an n-gram that stood earlier in the text, regardless of case. Scripts without blanks count by the
    character, and so does a run of letters that is too long for a word. A text shorter than one n-gram repeats nothing.
    With `size` 3 this is TRL's `get_repetition_penalty_reward` plus one, but over words, not the trainer's token ids;
    the default of 8 leaves the small change of a language alone. With `most_span`, a longer span that stands twice
    lowers the score to `most_span` over its length. Details: `ngrams`, `distinct`, `longest_span` (null where not
    looked for; the two places may overlap).
    """

    version: ClassVar[str] = "1"

    size: Annotated[int, Field(ge=1, le=1_000, description="length of an n-gram, words or signs")] = 8
    free_share: Annotated[
        float, Field(ge=0.0, lt=1.0, description="the share of repeats that costs nothing; all texts repeat something")
    ] = 0.0
    most_span: Annotated[
        int, Field(ge=0, le=100_000, description="longest span that may stand twice, words or signs; 0 looks for none")
    ] = 0
    part: Annotated[View, Field(description="which part of the completion is looked at")] = "all"
    threshold: Threshold = None

    def verdict(self, sample: Sample, replies: Sequence[Reply] = ()) -> Verdict | Ask:  # noqa: ARG002 - asks nothing
        """Count n-grams and distinct n-grams."""
        tokens = _tokens(view(sample.completion, self.part).casefold())
        total = max(len(tokens) - self.size + 1, 0)
        distinct = len(set(_ngrams(tokens, self.size)))
        share = 1.0 - distinct / total if total else 0.0
        value = 1.0 - max(share - self.free_share, 0.0) / (1.0 - self.free_share)
        span = _longest_repeat(tokens) if self.most_span else None
        if span and span > self.most_span:
            value = min(value, self.most_span / span)
        reason = f"{share:.1%} of {total} {self.size}-grams are repeats"
        if span is not None:
            reason += f"; the longest span that stands twice has {span} words"
        details = {"ngrams": total, "distinct": distinct, "longest_span": span}
        return Score(filtered(min(max(value, 0.0), 1.0), self.threshold), reason, details)


def _tokens(text: str) -> list[str]:
    words: list[str] = _TOKEN.findall(text)
    units = chain.from_iterable(word if len(word) > LONGEST_WORD else (word,) for word in words)
    return list(islice(units, MOST_TOKENS))


def _longest_repeat(tokens: Sequence[str]) -> int:
    """Find the length of the longest span that stands at two places: doubled until none does, then narrowed down.

    If a span stands twice, so do its parts; hence the search by halves, each step in time linear in the text.
    """
    if len(set(tokens)) == len(tokens):
        return 0
    width, grams = 1, _ngrams(tokens, 1)
    while len(set(wider := _widened(grams, width, 2 * width))) < len(wider):
        width, grams = 2 * width, wider
    step = width
    while step := step // 2:
        if len(set(wider := _widened(grams, width, width + step))) < len(wider):
            width, grams = width + step, wider
    return width


def _widened(grams: list[int], width: int, wider: int) -> list[int]:
    """Number the n-grams of a length from *width* to twice that by two overlapping ones of length *width*."""
    numbers: dict[tuple[int, int], int] = {}
    pairs = zip(grams, grams[wider - width :], strict=False)
    return [numbers.setdefault(pair, len(numbers)) for pair in pairs]


def _ngrams(tokens: Sequence[str], size: int) -> list[int]:
    """Number the n-grams so that equal ones have equal numbers; in time linear in the text, for any size."""
    numbers: dict[str, int] = {}
    grams = [numbers.setdefault(token, len(numbers)) for token in tokens]
    width = 1
    while width < size:
        wider = min(2 * width, size)
        grams = _widened(grams, width, wider)
        width = wider
    return grams
