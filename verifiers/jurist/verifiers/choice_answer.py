"""Whether a multiple-choice question is answered with the right option, by its label or its text."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, ClassVar

from pydantic import Field

from jurist.verifiers._choices import Choices
from jurist.verifiers._commitment import commitments
from jurist.verifiers._values import Abstain, Cause, Score

if TYPE_CHECKING:
    from collections.abc import Sequence

    from jurist.verifiers._values import Ask, Reply, Sample, Verdict

__all__ = ["ChoiceAnswer"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ChoiceAnswer:
    """Scores 1.0 when the completion's last commitment names exactly the options of the reference.

    A commitment is a box, an `<answer>`, a cue such as "the answer is" or a bare last line, after the thought. It may
    name options by label, in any script's letters, or by text. Several options, offered as a list or as a hedge, are
    right only where the reference is that set. An option that is denied is not named. Details: `chosen`, the labels
    read, sorted, null where nothing was stated; `stated`, the text they were read from.
    """

    version: ClassVar[str] = "1"

    labels: Annotated[
        tuple[Annotated[str, Field(min_length=1, max_length=16)], ...],
        Field(max_length=64, description="the options' labels in order; A, B, C and so on when empty"),
    ] = ()

    def verdict(self, sample: Sample, replies: Sequence[Reply] = ()) -> Verdict | Ask:  # noqa: ARG002 - asks nothing
        """Read the last commitment and compare it with the references."""
        choices = Choices.of(self.labels, sample.task.choices)
        references = [reading.chosen for answer in sample.task.answers if (reading := choices.read(answer)).chosen]
        if not references or len(references) != len(sample.task.answers):
            return Abstain(Cause.INVALID_REFERENCE, f"no option is meant by {', '.join(sample.task.answers)[:100]!r}")
        denied: frozenset[int] = frozenset()
        for place in commitments(sample.completion):
            reading = choices.read_line(place.text) if place.kind == "line" else choices.read(place.text)
            denied |= reading.denied
            if reading.chosen:
                chosen = reading.chosen - denied
                return _score(choices.names(chosen), place.text, right=chosen in references)
        return Score(0.0, "no option is named", {"chosen": None, "stated": None})


_BLANKS = re.compile(r"\s+")


def _score(chosen: list[str], stated: str, *, right: bool) -> Score:
    stated = _BLANKS.sub(" ", stated).strip()[:200]
    return Score(
        float(right), f"{' and '.join(chosen) or 'nothing'} in {stated!r}", {"chosen": chosen, "stated": stated}
    )
