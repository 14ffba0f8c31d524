"""The share of the task's verifiable instructions (IFEval's 25 kinds) that the answer follows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, ClassVar, cast

from pydantic import Field

from jurist.verifiers._instructions import CHECKS, Arguments
from jurist.verifiers._thought import response_of
from jurist.verifiers._threshold import Threshold, filtered
from jurist.verifiers._values import Abstain, Cause, Score

if TYPE_CHECKING:
    from collections.abc import Sequence

    from jurist.verifiers._values import Ask, Reply, Sample, Verdict

__all__ = ["InstructionChecks"]

# Some checks read the whole text; a task asks for a handful.
MOST_INSTRUCTIONS = 32
# The task's own fields, named as in IFEval's data set: a list of ids, and a list of their arguments beside it.
IDS, ARGUMENTS = "instruction_id_list", "kwargs"


@dataclass(frozen=True, slots=True, kw_only=True)
class InstructionChecks:
    """Scores instructions followed over instructions given; with a threshold of 1.0, IFEval's accuracy by prompt.

    The instructions are `extra.instruction_id_list` of the task, their arguments `extra.kwargs` beside it. Text after
    the thought counts, inside of `<answer>` where that is there; an empty one follows nothing. Details: `followed`, a
    boolean by instruction, in order.
    """

    version: ClassVar[str] = "1"

    loose: Annotated[
        bool,
        Field(
            description="count an instruction as followed if it would be without the first line, the last one or both, "
            "or without asterisks"
        ),
    ] = False
    threshold: Threshold = None

    def verdict(self, sample: Sample, replies: Sequence[Reply] = ()) -> Verdict | Ask:  # noqa: ARG002 - asks nothing
        """Run each check."""
        ids, arguments = _listed(sample.task.extra.get(IDS)), _listed(sample.task.extra.get(ARGUMENTS))
        if not ids:
            return Abstain(Cause.INVALID_REFERENCE, "the task has no instructions")
        if len(ids) > MOST_INSTRUCTIONS:
            return Abstain(Cause.LIMIT, f"more than {MOST_INSTRUCTIONS} instructions")
        text = response_of(sample.completion) or ""
        texts = _loosened(text) if self.loose else [text]
        followed: list[bool] = []
        for place, name in enumerate(ids):
            check = CHECKS.get(name) if isinstance(name, str) else None
            if check is None:
                return Abstain(Cause.INVALID_REFERENCE, f"unknown instruction {name!r}")
            given = arguments[place] if place < len(arguments) else None
            known = Arguments(cast("Mapping[str, object]", given) if isinstance(given, Mapping) else {})
            try:
                followed.append(any(check(said, known) and bool(said.strip()) for said in texts))
            except ValueError as error:
                return Abstain(Cause.INVALID_REFERENCE, f"{name}: {error}")
        value = sum(followed) / len(followed)
        missed = ", ".join(str(name) for name, done in zip(ids, followed, strict=True) if not done)
        reason = f"{sum(followed)} of {len(followed)} instructions followed" + (f", not {missed}" if missed else "")
        return Score(filtered(value, self.threshold), reason, {"followed": followed})


def _listed(value: object) -> list[object]:
    return list(cast("list[object]", value)) if isinstance(value, list | tuple) else []


def _loosened(text: str) -> list[str]:
    """List the readings of IFEval's loose accuracy."""
    lines = text.split("\n")
    readings = [lines, lines[1:], lines[:-1], lines[1:-1]]
    plain = ["\n".join(reading).strip() for reading in readings]
    return list(dict.fromkeys([text, *plain, *(reading.replace("*", "") for reading in [text, *plain])]))
