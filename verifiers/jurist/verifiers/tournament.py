"""How a group's responses fare against each other before a language model."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from pydantic import Field

from jurist.verifiers._judge.candidates import Cap, View, question_of, shown
from jurist.verifiers._judge.gates import empty_because
from jurist.verifiers._judge.pairs import ORDERS, Duel, PairOptions, bradley_terry, correlation
from jurist.verifiers._judge.rendering import template
from jurist.verifiers._values import Abstain, Ask, Cause, Score
from jurist.verifiers.pairwise_judge import opponent

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from jurist.verifiers._prompts import Prompt
    from jurist.verifiers._values import Reply, Sample, Verdict

__all__ = ["Tournament"]

MOST_DUELS = 4_096
"""Of one group, two questions each: all pairs of 91 responses."""

Pair = tuple[int, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Player:
    """A response that takes part, or a verdict on one that says nothing."""

    text: str
    truncated: bool = False
    out: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tournament(PairOptions):
    """The share of its duels that a response wins, or its chance against a middling one by Bradley and Terry's model.

    It takes the whole group; equal responses are one. A response that says nothing takes no part and scores 0. One more
    than half of whose duels have no verdict abstains; the others keep theirs. Details: `duels` (with a verdict), `wins`
    (their values' sum), `position_gap` (the mean of its duels), `disagreements` (between orders), `characters`, and for
    the group `length_correlation` (of score and length; near 1 says that the judge pays for length), `truncated`.
    """

    version: ClassVar[str] = "1"

    schedule: Annotated[
        Literal["all", "circular", "baseline"],
        Field(
            description="who meets whom, two questions a duel: everybody all others (n (n - 1) / 2 duels), each the "
            "`neighbours` after it (n a neighbour), or each the task's reference or baseline (n)"
        ),
    ] = "circular"
    neighbours: Annotated[int, Field(ge=1, le=64, description="how many each meets after it, with `circular`")] = 1
    against: Annotated[
        Literal["reference", "baseline"],
        Field(description="with `baseline`: the task's first answer, or the text `baseline` of its `extra`"),
    ] = "baseline"
    score: Annotated[
        Literal["win_rate", "bradley_terry"],
        Field(
            description="the mean of a response's duels, or strengths fitted to all of them, which weigh whom it met"
        ),
    ] = "win_rate"
    view: View = "summary"
    most_characters: Cap = 20_000

    def verdicts(self, samples: Sequence[Sample], replies: Sequence[Reply] = ()) -> Sequence[Verdict] | Ask:
        """Ask about every duel, in both orders, then score each response."""
        players = [self._player(sample) for sample in samples]
        taking_part = [index for index, player in enumerate(players) if not player.out]
        rival = shown(opponent(samples[0].task, self.against), "summary", self.most_characters)
        fault = self._fault(taking_part, len(players), "" if rival is None else rival.text)
        if fault is not None:
            return [Score(0.0, player.out, {"decided_by": "gate"}) if player.out else fault for player in players]
        if self.schedule == "baseline" and rival is not None:
            players.append(_Player(text=rival.text, truncated=rival.truncated))
        duels = self._duels(taking_part, len(players) - 1)
        asked = [pair for pair in duels if players[pair[0]].text != players[pair[1]].text]
        if asked and not replies:
            question = question_of(samples[0].task)
            return Ask(tuple(prompt for pair in asked for prompt in self._prompts(question, players, pair)))
        results: dict[Pair, Duel | Abstain] = dict.fromkeys(duels, Duel(0.5))
        for place, pair in enumerate(asked):
            results[pair] = self.duel(replies[ORDERS * place : ORDERS * (place + 1)])
        return self._scored(players[: len(samples)], results)

    def _player(self, sample: Sample) -> _Player:
        candidate = shown(sample.completion, self.view, self.most_characters)
        if candidate is None:
            return _Player(text="", out="the thought never ends")
        return _Player(text=candidate.text, truncated=candidate.truncated, out=empty_because(candidate.text))

    def _fault(self, taking_part: Sequence[int], players: int, rival: str) -> Verdict | None:
        """Say why there can be no tournament."""
        if self.schedule == "baseline":
            missing = f"the task has no {self.against} to compare with"
            return None if rival else Abstain(Cause.INVALID_REFERENCE, missing)
        count = len(taking_part)
        if count < 2:  # noqa: PLR2004  # it takes two
            if players > 1:
                return Score(1.0, "the only response that says anything", {"decided_by": "gate"})
            return Abstain(Cause.NOT_APPLICABLE, "there is no other response to compare with")
        duels = count * (count - 1) // 2 if self.schedule == "all" else count * self.neighbours
        if duels > MOST_DUELS:
            return Abstain(Cause.LIMIT, f"{duels} duels in one group; at most {MOST_DUELS}")
        return None

    def _duels(self, taking_part: Sequence[int], last: int) -> list[Pair]:
        """List who meets whom; each pair once."""
        if self.schedule == "baseline":
            return [(index, last) for index in taking_part]
        count = len(taking_part)
        steps = range(1, count) if self.schedule == "all" else range(1, min(self.neighbours, count - 1) + 1)
        pairs = [(taking_part[at], taking_part[(at + step) % count]) for step in steps for at in range(count)]
        return list({frozenset(pair): pair for pair in reversed(pairs)}.values())[::-1]

    def _prompts(self, question: str, players: Sequence[_Player], pair: Pair) -> tuple[Prompt, Prompt]:
        return self.duel_prompts(question, players[pair[0]].text, players[pair[1]].text)

    def _scored(self, players: Sequence[_Player], results: Mapping[Pair, Duel | Abstain]) -> Sequence[Verdict]:
        known = {pair: duel for pair, duel in results.items() if isinstance(duel, Duel)}
        values = self._values(len(players), known)
        played = [values[index] for index, player in enumerate(players) if index in values and not player.out]
        lengths = [
            float(len(player.text)) for index, player in enumerate(players) if index in values and not player.out
        ]
        slope = correlation(lengths, played)
        shared: dict[str, object] = {"template": template(self.template).id, "length_correlation": slope}
        return [
            Score(0.0, player.out, {"decided_by": "gate"})
            if player.out
            else _verdict(index, player, values.get(index), results, shared)
            for index, player in enumerate(players)
        ]

    def _values(self, players: int, known: Mapping[Pair, Duel]) -> dict[int, float]:
        """Score everybody who has a duel with a verdict."""
        met: dict[int, list[float]] = {}
        for (one, other), duel in known.items():
            met.setdefault(one, []).append(duel.value)
            met.setdefault(other, []).append(1.0 - duel.value)
        if self.score == "win_rate":
            return {index: math.fsum(values) / len(values) for index, values in met.items()}
        largest = max((*met, players - 1)) + 1
        chances = bradley_terry(largest, {pair: duel.value for pair, duel in known.items()})
        return {index: chances[index] for index in met}


def _verdict(
    index: int,
    player: _Player,
    value: float | None,
    results: Mapping[Pair, Duel | Abstain],
    shared: Mapping[str, object],
) -> Verdict:
    """Give one response's verdict, if most of its duels have one."""
    own = [(pair, duel) for pair, duel in results.items() if index in pair]
    lost = [duel for _, duel in own if isinstance(duel, Abstain)]
    known = [(pair, duel) for pair, duel in own if isinstance(duel, Duel)]
    if value is None or 2 * len(lost) > len(own):
        reason = f"{len(lost)} of {len(own)} duels have no verdict: {lost[0].reason}"
        return Abstain(lost[0].cause, reason, dict(shared))
    wins = math.fsum(duel.value if pair[0] == index else 1.0 - duel.value for pair, duel in known)
    details = {
        **shared,
        "duels": len(known),
        "wins": wins,
        "judge": next((duel.judge for _, duel in known if duel.judge), ""),
        "position_gap": math.fsum(duel.position_gap for _, duel in known) / len(known),
        "disagreements": sum(not duel.agreed for _, duel in known),
        "characters": len(player.text),
        "truncated": player.truncated,
    }
    return Score(min(1.0, max(0.0, value)), f"{wins:.2f} of {len(known)} duels won", details)
