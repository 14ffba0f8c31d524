"""A rule decides first, and a judge only what the rule leaves open."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from pydantic import AfterValidator, Field

from jurist.verifiers._handover import handed_over
from jurist.verifiers._options import HeldOptions, build
from jurist.verifiers._values import Abstain, Ask, Cause, Score

if TYPE_CHECKING:
    from collections.abc import Sequence

    from jurist.verifiers._values import Reply, Sample, Verdict

__all__ = ["Hybrid"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Hybrid:
    """The rule's verdict where it has one, else the judge's.

    The judge never overturns what the rule has proven. A rule that compares texts proves nothing by a mismatch: with
    `unaccepted` the judge is asked about that, too. Details: those of whoever decided, `rule` and `judge` with their
    versions, and `handed_over`, why the judge was asked.
    """

    version: ClassVar[str] = "1"

    rule: Annotated[str, Field(min_length=1, max_length=128, description="the verifier that decides first")] = (
        "math_answer"
    )
    rule_options: Annotated[dict[str, object], AfterValidator(HeldOptions), Field(description="its options")] = field(
        default_factory=HeldOptions
    )
    judge: Annotated[
        str, Field(min_length=1, max_length=128, description="the verifier that decides what the rule leaves open")
    ] = "reference_judge"
    judge_options: Annotated[dict[str, object], AfterValidator(HeldOptions), Field(description="its options")] = field(
        default_factory=HeldOptions
    )
    hands_over: Annotated[
        Literal["undecided", "unaccepted"],
        Field(description="what is left to the judge: what the rule cannot decide, or also what it scores below 1"),
    ] = "undecided"

    def __post_init__(self) -> None:
        for role, name, options in (
            ("rule", self.rule, self.rule_options),
            ("judge", self.judge, self.judge_options),
        ):
            try:
                build(name, HeldOptions(options))
            except ValueError as error:
                raise ValueError(f"{role}: {error}") from None

    def verdict(self, sample: Sample, replies: Sequence[Reply] = ()) -> Verdict | Ask:
        """Ask the rule, then the judge."""
        rule = build(self.rule, HeldOptions(self.rule_options))
        judge = build(self.judge, HeldOptions(self.judge_options))
        outcome = handed_over(
            lambda told: self._left_open(rule.verdict(sample, told)),
            lambda told: judge.verdict(sample, told),
            replies,
        )
        if isinstance(outcome, Ask):
            return outcome
        names = {"rule": f"{self.rule}@{rule.version}", "judge": f"{self.judge}@{judge.version}"}
        return replace(outcome, details={**outcome.details, **names})

    def _left_open(self, outcome: Verdict | Ask) -> Verdict | Ask:
        if self.hands_over == "unaccepted" and isinstance(outcome, Score) and outcome.value < 1.0:
            return Abstain(Cause.UNDECIDED, outcome.reason, outcome.details)
        return outcome
