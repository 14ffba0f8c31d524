"""Whether the thought is closed and followed by a summary for the reader, as DeepSeek-R1's training data asks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, ClassVar

from pydantic import Field

from jurist.verifiers._thought import CLOSE, answer_of, untagged
from jurist.verifiers._threshold import Threshold, filtered
from jurist.verifiers._values import Score
from jurist.verifiers._words import find_words

if TYPE_CHECKING:
    from collections.abc import Sequence

    from jurist.verifiers._values import Ask, Reply, Sample, Verdict

__all__ = ["SummaryPresent"]


@dataclass(frozen=True, slots=True, kw_only=True)
class SummaryPresent:
    """Scores the summary's words over `fewest_words`, 1.0 at most; 0.0 without a closed thought.

    Details: `words`.
    """

    version: ClassVar[str] = "1"

    fewest_words: Annotated[int, Field(ge=1, le=100_000, description="a summary has at least this many words")] = 10
    threshold: Threshold = 1.0

    def verdict(self, sample: Sample, replies: Sequence[Reply] = ()) -> Verdict | Ask:  # noqa: ARG002 - asks nothing
        """Count the words after the thought."""
        summary = answer_of(sample.completion) if CLOSE in sample.completion else None
        if summary is None:
            return Score(0.0, "no closed thought", {"words": 0})
        words = float(find_words(untagged(summary)).count.sum())
        value = min(1.0, words / self.fewest_words)
        return Score(filtered(value, self.threshold), f"a summary of {words:.0f} words", {"words": round(words)})
