"""Turns a judge's reply into an opinion: what share of it is for each label, or why it has none."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from jurist.verifiers._judge.labels import labels_of
from jurist.verifiers._judge.written import read
from jurist.verifiers._prompts import Reading
from jurist.verifiers._values import Abstain, Cause, NoReply

if TYPE_CHECKING:
    from collections.abc import Mapping

    from jurist.verifiers._judge.rendering import Template
    from jurist.verifiers._values import Reply

__all__ = ["LEAST_MASS", "Opinion", "opinion"]

LEAST_MASS = 0.5
"""Of all probability on the labels: below it the judge wanted to say something else."""


MIDDLE = 1e-9
"""So near to one half a share counts as half."""


@dataclass(frozen=True, slots=True)
class Opinion:
    """What a judge holds: `shares` maps every label to its probability, or its share of the verdicts that were read."""

    shares: Mapping[str, float]
    details: Mapping[str, object] = field(default_factory=dict[str, object])

    def share(self, meaning: str, template: Template) -> float:
        """Add up what is for the labels of one meaning."""
        return sum(share for label, share in self.shares.items() if template.labels[label] == meaning)

    @property
    def likeliest(self) -> str:
        """The label with the largest share, the first of several."""
        return max(self.shares, key=lambda label: self.shares[label])

    def mean(self) -> float:
        """The expected value of labels that are numbers."""
        return math.fsum(int(label) * share for label, share in self.shares.items())

    def median(self) -> float:
        """The median of labels that are numbers: the mean of the two middle ones where they differ."""
        grades = sorted(self.shares, key=int)
        total, below = math.fsum(self.shares.values()), 0.0
        for place, label in enumerate(grades):
            below += self.shares[label]
            if below > total / 2 + MIDDLE:
                return float(label)
            if below >= total / 2 - MIDDLE:
                above = next((other for other in grades[place + 1 :] if self.shares[other] > 0.0), label)
                return (int(label) + int(above)) / 2
        return float(grades[-1])

    def variance(self) -> float:
        """The variance of labels that are numbers."""
        mean = self.mean()
        return math.fsum((int(label) - mean) ** 2 * share for label, share in self.shares.items())


def opinion(reply: Reply, template: Template, labels: tuple[str, ...] = ()) -> Opinion | Abstain:
    """Read a reply; `labels` are those that were offered, the template's own by default."""
    offered = labels or tuple(template.labels)
    if isinstance(reply, NoReply):
        return Abstain(reply.cause, f"the judge gave no reply: {reply.reason}")
    if not isinstance(reply, Reading):
        return Abstain(Cause.INTERNAL, f"a judge's reply is a Reading, not a {type(reply).__name__}")
    if template.writes:
        return _written(reply, template, offered)
    if len(reply.probabilities) != len(offered) or not all(0.0 <= share <= 1.0 for share in reply.probabilities):
        return Abstain(Cause.INTERNAL, "the judge's reply has not one probability for each label")
    details = {"template": template.id, "judge": reply.model, "mass": reply.mass}
    if not reply.mass >= LEAST_MASS:  # NaN, too
        reason = f"the judge wanted to say something else: its labels have {reply.mass:.3f} of the probability"
        return Abstain(Cause.UNDECIDED, reason, details)
    return Opinion(dict(zip(offered, reply.probabilities, strict=True)), details)


def _written(reply: Reading, template: Template, offered: tuple[str, ...]) -> Opinion | Abstain:
    """Count the verdicts that were read; most of the texts must have one."""
    meanings = tuple(template.labels[label] for label in offered) if set(offered) <= template.labels.keys() else ()
    labels = labels_of(offered, meanings)
    cut = reply.cut if len(reply.cut) == len(reply.texts) else (False,) * len(reply.texts)
    found = [read(text, labels, template.key, cut=ended) for text, ended in zip(reply.texts, cut, strict=True)]
    verdicts = [written.label for written in found if written.label is not None]
    unread = [written.why for written in found if written.label is None]
    details = {"template": template.id, "judge": reply.model, "verdicts": len(verdicts), "unread": len(unread)}
    if len(verdicts) <= len(unread):
        why = unread[0] if unread else "it wrote nothing"
        return Abstain(Cause.UNDECIDED, f"the judge gave no verdict that can be read: {why}", details)
    votes = Counter(verdicts)
    return Opinion({label: votes[label] / len(verdicts) for label in offered}, details)
