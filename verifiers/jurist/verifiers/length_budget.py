"""How well the completion's length in tokens keeps to a budget: DAPO's soft overlong punishment, or a cosine."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from pydantic import Field

from jurist.verifiers._values import Abstain, Cause, Score

if TYPE_CHECKING:
    from collections.abc import Sequence

    from jurist.verifiers._values import Ask, Reply, Sample, Verdict

__all__ = ["LengthBudget"]

MOST_TOKENS = 100_000_000

Share = Annotated[float, Field(ge=0.0, le=1.0)]


@dataclass(frozen=True, slots=True, kw_only=True)
class LengthBudget:
    """Scores a length, in tokens as the trainer counted them; abstains where it did not say.

    `overlong` is eq. 13 of DAPO (arXiv 2503.14476) plus one: 1.0 up to `max_tokens - margin_tokens`, then falling in a
    line to 0.0 at `max_tokens`. `cosine` is CosFn of "Demystifying Long Chain-of-Thought Reasoning in LLMs" (arXiv
    2502.03373): half a cosine from `score_at_zero` to `score_at_max`, and `score_beyond` where the budget is exceeded.
    The paper's two curves, one for right answers and one for wrong ones, are two terms of a recipe.

    Details: `tokens`.

    Raises:
        ValueError: `overlong` has a margin that is wider than the budget.
    """

    version: ClassVar[str] = "1"

    form: Annotated[Literal["overlong", "cosine"], Field(description="the curve")] = "overlong"
    max_tokens: Annotated[int, Field(ge=1, le=MOST_TOKENS, description="the budget, tokens")] = 20_480
    margin_tokens: Annotated[
        int,
        Field(
            ge=0, le=MOST_TOKENS, description="overlong: over how many tokens before the budget's end the score falls"
        ),
    ] = 4_096
    score_at_zero: Annotated[Share, Field(description="cosine: the score of an empty completion")] = 1.0
    score_at_max: Annotated[
        Share, Field(description="cosine: the score of a completion that uses the whole budget")
    ] = 0.5
    score_beyond: Annotated[Share, Field(description="cosine: the score of a longer completion")] = 0.0

    def __post_init__(self) -> None:
        if self.form == "overlong" and self.margin_tokens > self.max_tokens:
            message = f"margin_tokens ({self.margin_tokens}) must not exceed max_tokens ({self.max_tokens})"
            raise ValueError(message)

    def verdict(self, sample: Sample, replies: Sequence[Reply] = ()) -> Verdict | Ask:  # noqa: ARG002 - asks nothing
        """Put the length on the curve."""
        tokens = sample.completion_tokens
        if tokens is None or tokens < 0:
            return Abstain(Cause.NOT_APPLICABLE, "the completion's length in tokens is not known")
        score = self._overlong(tokens) if self.form == "overlong" else self._cosine(tokens)
        return Score(min(max(score, 0.0), 1.0), f"{tokens} of {self.max_tokens} tokens", {"tokens": tokens})

    def _overlong(self, tokens: int) -> float:
        if tokens <= self.max_tokens - self.margin_tokens:
            return 1.0
        return (self.max_tokens - tokens) / self.margin_tokens if tokens < self.max_tokens else 0.0

    def _cosine(self, tokens: int) -> float:
        if tokens > self.max_tokens:
            return self.score_beyond
        fall = (1.0 + math.cos(math.pi * tokens / self.max_tokens)) / 2.0
        return self.score_at_max + (self.score_at_zero - self.score_at_max) * fall
