"""Two responses before a judge, in both orders, and what many such duels say of each response."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from jurist.verifiers._judge.opinions import opinion
from jurist.verifiers._judge.options import JudgeOptions
from jurist.verifiers._judge.rendering import Template, template
from jurist.verifiers._values import Abstain

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from jurist.verifiers._judge.opinions import Opinion
    from jurist.verifiers._prompts import Prompt
    from jurist.verifiers._values import Reply

__all__ = ["Duel", "PairOptions", "bradley_terry", "correlation"]

EVEN = 0.5
ORDERS = 2
MOST_ROUNDS = 1_000
"""Of fitting strengths; some dozens are enough for groups of 16."""
SETTLED = 1e-12


@dataclass(frozen=True, slots=True)
class Duel:
    """How a duel ended for the first of two responses.

    `value` in [0, 1]: 1 where it is much better, 0.5 where they are even. `position_gap` in [-1, 1] is how much better
    a response fares where it stands first, 0 for a judge that heeds no order. `agreed` says that both orders favoured
    the same response, or none. `judge` is the model that decided, "" where none was asked.
    """

    value: float
    position_gap: float = 0.0
    agreed: bool = True
    judge: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PairOptions(JudgeOptions):
    """How two responses are compared."""

    template: Annotated[
        Literal["pair_letters", "arena_hard"],
        Field(
            description="the prompt, five levels each: a letter read from the next token, or arena-hard's, which first "
            "answers the question itself and ends in [[A>B]]"
        ),
    ] = "pair_letters"
    slight: Annotated[
        float, Field(ge=0.5, le=1.0, description="what slightly better is worth; much better is 1, a tie 0.5")
    ] = 0.75
    disagreement: Annotated[
        Literal["tie", "mean"],
        Field(description="what counts where the two orders favour different responses: a tie, or their mean"),
    ] = "tie"

    def duel_prompts(self, question: str, one: str, other: str) -> tuple[Prompt, Prompt]:
        """Ask in both orders, `one` first and then `other` first."""
        chosen = template(self.template)
        ahead = self.prompt(chosen, {"question": question, "first": one, "second": other})
        behind = self.prompt(chosen, {"question": question, "first": other, "second": one})
        return ahead, behind

    def duel(self, replies: Sequence[Reply]) -> Duel | Abstain:
        """Read the replies to both orders."""
        chosen = template(self.template)
        values: list[float] = []
        judge = ""
        for reply in replies[:ORDERS]:
            held = opinion(reply, chosen)
            if isinstance(held, Abstain):
                return held
            values.append(self._for_the_first(held, chosen))
            judge = str(held.details["judge"])
        ahead, behind = values[0], 1.0 - values[1]
        agreed = (ahead - EVEN) * (behind - EVEN) >= 0.0
        value = (ahead + behind) / 2 if agreed or self.disagreement == "mean" else EVEN
        return Duel(value, ahead - behind, agreed, judge)

    def _for_the_first(self, held: Opinion, chosen: Template) -> float:
        worth = {"A>>B": 1.0, "A>B": self.slight, "A=B": EVEN, "B>A": 1.0 - self.slight, "B>>A": 0.0}
        value = math.fsum(share * worth[chosen.labels[label]] for label, share in held.shares.items())
        return min(1.0, max(0.0, value))


def bradley_terry(players: int, results: Mapping[tuple[int, int], float]) -> list[float]:
    """Fit strengths to results; give each player's chance to win against a middling one.

    `results[i, j]` in [0, 1] is what i got against j. Everybody has drawn once against a player of strength 1, so that
    one who won or lost all is finite, and players who never met can be compared. Hunter's MM algorithm (2004).
    """
    won = [EVEN] * players
    for (i, j), value in results.items():
        won[i] += value
        won[j] += 1.0 - value
    strengths = [1.0] * players
    for _ in range(MOST_ROUNDS):
        met = [1.0 / (strength + 1.0) for strength in strengths]
        for i, j in results:
            share = 1.0 / (strengths[i] + strengths[j])
            met[i] += share
            met[j] += share
        fitted = [wins / games for wins, games in zip(won, met, strict=True)]
        change = max((abs(new - old) for new, old in zip(fitted, strengths, strict=True)), default=0.0)
        strengths = fitted
        if change < SETTLED:
            break
    return [strength / (strength + 1.0) for strength in strengths]


def correlation(one: Sequence[float], other: Sequence[float]) -> float | None:
    """Give Pearson's correlation; None where a side does not vary."""
    count = len(one)
    if count < 2 or len(set(one)) == 1 or len(set(other)) == 1:  # noqa: PLR2004 - one point has no slope
        return None
    mean_one, mean_other = math.fsum(one) / count, math.fsum(other) / count
    shared = math.fsum((x - mean_one) * (y - mean_other) for x, y in zip(one, other, strict=True))
    spread = math.fsum((x - mean_one) ** 2 for x in one) * math.fsum((y - mean_other) ** 2 for y in other)
    return max(-1.0, min(1.0, shared / math.sqrt(spread))) if spread else None
