"""What a reward model (sequence classification) rates a response at."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from pydantic import Field

from jurist.verifiers._judge.candidates import question_of
from jurist.verifiers._judge.rendering import inert
from jurist.verifiers._prompts import Dialogue, Message, Rating
from jurist.verifiers._tag_scan import is_blank, trim
from jurist.verifiers._thought import answer_of
from jurist.verifiers._values import Abstain, Ask, Cause, NoReply, Score

if TYPE_CHECKING:
    from collections.abc import Sequence

    from jurist.verifiers._values import Reply, Sample, Verdict

__all__ = ["ScalarReward"]

FARTHEST = 700.0
"""exp overflows beyond some 709; a sigmoid is 0 or 1 long before."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ScalarReward:
    """A reward model's raw output, brought to [0, 1].

    `sigmoid` is 1 / (1 + exp(-(raw - center) / width)): no two outputs become equal, far ones come close. `linear` maps
    center - width to 0 and center + width to 1, so that differences stay what they are (and GRPO's advantages with
    them); an output beyond is put at the end, and `clipped` says so. Choose center and width by a histogram of the
    model's outputs: `raw` is always told. The model's own chat template is used, and nothing is cut: a chat that is too
    long for the model has no score (LIMIT). Details: `raw`, `clipped`, `judge`.
    """

    version: ClassVar[str] = "1"

    model: Annotated[
        str, Field(max_length=256, description="one of the service's reward models; its default when empty")
    ] = ""
    view: Annotated[
        Literal["summary", "all"], Field(description="what is rated: what follows the thought, or the thought, too")
    ] = "summary"
    scale: Annotated[Literal["sigmoid", "linear"], Field(description="how the output is brought to [0, 1]")] = "sigmoid"
    center: Annotated[float, Field(ge=-1e6, le=1e6, description="the output that becomes 0.5")] = 0.0
    width: Annotated[
        float, Field(gt=0.0, le=1e6, description="how far from the center an output becomes 0.73, or 1 if linear")
    ] = 1.0

    def verdict(self, sample: Sample, replies: Sequence[Reply] = ()) -> Verdict | Ask:
        """Ask for a rating of the chat that the response ends."""
        text = sample.completion if self.view == "all" else answer_of(sample.completion)
        if text is None or is_blank(text):
            why = "the thought never ends" if text is None else "there is nothing to rate"
            return Score(0.0, why, {"decided_by": "gate"})
        if not replies:
            asked = sample.task.messages or (Message("user", question_of(sample.task)),)
            turns = (*asked, Message("assistant", trim(text)))
            return Ask((Dialogue(messages=tuple(map(_inert, turns)), model=self.model),))
        return self._scaled(replies[0])

    def _scaled(self, reply: Reply) -> Verdict:
        if isinstance(reply, NoReply):
            return Abstain(reply.cause, f"the reward model gave no reply: {reply.reason}")
        if not isinstance(reply, Rating) or not math.isfinite(reply.value):
            return Abstain(Cause.INTERNAL, "a reward model's reply is a finite Rating")
        distance = (reply.value - self.center) / self.width
        if self.scale == "sigmoid":
            value = 1.0 / (1.0 + math.exp(-max(-FARTHEST, min(FARTHEST, distance))))
        else:
            value = min(1.0, max(0.0, (distance + 1.0) / 2.0))
        clipped = self.scale == "linear" and abs(distance) > 1.0
        beyond = ", beyond the scale" if clipped else ""
        details = {"raw": reply.value, "clipped": clipped, "judge": reply.model}
        return Score(value, f"rated {reply.value:.4g}{beyond}", details)


def _inert(message: Message) -> Message:
    return Message(message.role, inert(message.content))
