"""Whether the thought is free of code blocks: DeepSeek-R1's rejection sampling drops thoughts that hold any."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, ClassVar

from pydantic import Field

from jurist.verifiers._tag_scan import UNSEEN
from jurist.verifiers._thought import View, view
from jurist.verifiers._threshold import Threshold, filtered
from jurist.verifiers._values import Score

if TYPE_CHECKING:
    from collections.abc import Sequence

    from jurist.verifiers._values import Ask, Reply, Sample, Verdict

__all__ = ["CodeFences"]

# A fence is a line that begins with three signs, as CommonMark has it, be the line quoted or an item of a list; one
# never closed runs to the end of the text. Possessive, since what stands before them may be long.
_FENCE = re.compile(
    rf"(?:^|(?<=\r))(?:(?![\r\n])[{UNSEEN}]|>|(?:[-+*]|\d{{1,9}}[.)])(?=\s))*+(`{{3,}}|~{{3,}})", re.MULTILINE
)


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeFences:
    """Scores the share of characters outside of fenced code; by default any code at all is 0.0.

    A fence begins its line. The same signs after words open none: Markdown reads them as code within the text.
    Details: `blocks`; `code`, the share of characters inside.
    """

    version: ClassVar[str] = "1"

    part: Annotated[View, Field(description="which part of the completion is read")] = "think"
    threshold: Threshold = 1.0

    def verdict(self, sample: Sample, replies: Sequence[Reply] = ()) -> Verdict | Ask:  # noqa: ARG002 - asks nothing
        """Pair the fences."""
        text = view(sample.completion, self.part)
        blocks = _blocks(text)
        inside = sum(end - start for start, end in blocks)
        value = 1.0 - inside / len(text) if text else 1.0
        details = {"blocks": len(blocks), "code": round(1.0 - value, 4)}
        return Score(
            filtered(value, self.threshold), f"{len(blocks)} code blocks, {1.0 - value:.1%} of the text", details
        )


def _blocks(text: str) -> list[tuple[int, int]]:
    """Find the blocks: a fence opens, and one of the same sign that is no shorter closes."""
    blocks: list[tuple[int, int]] = []
    start, sign = -1, ""
    for fence in _FENCE.finditer(text):
        if start < 0:
            start, sign = fence.start(), fence[1]
        elif fence[1].startswith(sign):
            blocks.append((start, fence.end()))
            start = -1
    return blocks if start < 0 else [*blocks, (start, len(text))]
