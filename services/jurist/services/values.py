"""The values that travel through the service. Frozen; no behaviour but what follows from their fields."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Annotated, ClassVar

from pydantic import ConfigDict, Field

from jurist.verifiers import Ask, Cause, GroupVerifier, Verifier

__all__ = [
    "Advantage",
    "Batch",
    "Findings",
    "Group",
    "GroupReward",
    "Outcome",
    "PlannedTerm",
    "Recipe",
    "Term",
]


class Advantage(StrEnum):
    """How the rewards of a group become advantages; the contract has the formulas."""

    NONE = "none"
    GRPO = "grpo"
    MEAN_ONLY = "mean_only"
    LEAVE_ONE_OUT = "leave_one_out"


@dataclass(frozen=True, slots=True, kw_only=True)
class Term:
    """One component of a reward."""

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid")

    verifier: Annotated[str, Field(min_length=1, max_length=128, description="the verifier's name")]
    name: Annotated[str, Field(max_length=128, description="the component's name; the verifier's when empty")] = ""
    options: Annotated[Mapping[str, object], Field(description="the verifier's options")] = field(
        default_factory=dict[str, object]
    )
    weight: Annotated[float, Field(ge=-1e6, le=1e6, description="the score's factor in the sum")] = 1.0
    gate: Annotated[bool, Field(description="multiply the reward by this score instead of adding it")] = False
    from_step: Annotated[int, Field(ge=0, description="the first policy step at which the term counts")] = 0
    on_abstain: Annotated[
        float | None, Field(ge=0.0, le=1.0, description="the score that stands in for an abstention; none masks")
    ] = None

    @property
    def label(self) -> str:
        """What the component is called."""
        return self.name or self.verifier


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """How components become a reward, and rewards advantages."""

    name: Annotated[str, Field(max_length=128)] = ""
    description: Annotated[str, Field(description="one line")] = ""
    terms: Annotated[tuple[Term, ...], Field(max_length=32)] = ()
    advantage: Advantage = Advantage.GRPO


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedTerm:
    """A term whose verifier has been found and given its options."""

    term: Term
    verifier: Verifier | GroupVerifier
    active: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """One group as it was accepted.

    `payload` is the group in wire form, a slice of the request: its texts are decoded where they are judged, never in
    the front, whose one thread every request shares.
    """

    group_id: str
    rollout_ids: Sequence[str]
    recipe: Recipe
    terms: tuple[PlannedTerm, ...]
    payload: bytes | memoryview


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """What one call asks for."""

    request_id: str
    groups: Sequence[Group]

    @property
    def rollouts(self) -> int:
        """How many completions it holds."""
        return sum(len(group.rollout_ids) for group in self.groups)

    @property
    def size_bytes(self) -> int:
        """How large it is on the wire."""
        return sum(len(group.payload) for group in self.groups)


Outcome = float | Cause | Ask
"""What a verifier came to: a score, why there is none, or what it must know first."""


@dataclass(frozen=True, slots=True)
class Findings:
    """What was found about one group.

    `distinct[r]` is the row of rollout r in the two tables; equal completions share a row. `outcomes[d][t]` is what
    term t came to, `components[d][t]` the same as it is answered, in wire form; empty for an `Ask`.
    """

    distinct: Sequence[int]
    outcomes: Sequence[Sequence[Outcome]]
    components: Sequence[Sequence[bytes]]


@dataclass(frozen=True, slots=True)
class GroupReward:
    """One group's rewards and advantages, rollout by rollout: None where there is none.

    `mean` and `std` are None when no rollout has a reward.
    """

    group: Group
    findings: Findings
    rewards: Sequence[float | None]
    advantages: Sequence[float | None]
    mean: float | None
    std: float | None
    zero_variance: bool
