"""Whether paragraphs keep to a length: DeepSeek-R1's rejection sampling drops thoughts with long ones."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, ClassVar

from pydantic import Field

from jurist.verifiers._masking import mask
from jurist.verifiers._thought import View, untagged, view
from jurist.verifiers._threshold import Threshold, filtered
from jurist.verifiers._values import Score
from jurist.verifiers._words import find_words

if TYPE_CHECKING:
    from collections.abc import Sequence

    from jurist.verifiers._values import Ask, Reply, Sample, Verdict

__all__ = ["ParagraphLength"]

# Two line ends of any kind with nothing to be seen between them. Possessive: a CR and its LF are one.
_PARAGRAPH = re.compile(r"(?:\r\n?+|\n)[^\S\r\n]*(?:\r\n?+|\n)")


@dataclass(frozen=True, slots=True, kw_only=True)
class ParagraphLength:
    """Scores 1.0 while every paragraph keeps to `most_words`, then `most_words` over the longest one's words.

    Paragraphs are parted by empty lines. Words are counted as language_share counts them: math and code are none, and
    scripts without blanks are estimated from characters. Details: `longest_words`, `paragraphs`.
    """

    version: ClassVar[str] = "1"

    most_words: Annotated[
        int, Field(ge=1, le=1_000_000, description="the longest paragraph that is welcome, words")
    ] = 200
    part: Annotated[View, Field(description="which part of the completion is read")] = "think"
    threshold: Threshold = None

    def verdict(self, sample: Sample, replies: Sequence[Reply] = ()) -> Verdict | Ask:  # noqa: ARG002 - asks nothing
        """Count the words of the paragraphs that may be too long."""
        prose = mask(untagged(view(sample.completion, self.part))).text
        paragraphs = [piece for piece in _PARAGRAPH.split(prose) if piece.strip()]
        # A word has a letter at least: shorter paragraphs cannot be the longest that matters.
        long = [piece for piece in paragraphs if len(piece) > self.most_words] or sorted(paragraphs, key=len)[-1:]
        longest = max((float(find_words(piece).count.sum()) for piece in long), default=0.0)
        value = min(1.0, self.most_words / longest) if longest else 1.0
        details = {"longest_words": round(longest), "paragraphs": len(paragraphs)}
        return Score(
            filtered(value, self.threshold),
            f"the longest of {len(paragraphs)} paragraphs has {longest:.0f} words",
            details,
        )
