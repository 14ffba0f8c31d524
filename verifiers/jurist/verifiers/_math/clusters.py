"""Classes of equal answers among completions, for votes over samples (cons@k)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from jurist.verifiers._math.answers import same_answer
from jurist.verifiers._math.extraction import Scope, extract
from jurist.verifiers._math.rules import Rules

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["Clusters", "cluster"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Clusters:
    """Completions grouped by the value of their answers.

    `labels` has one entry a completion: the number of its class, counted by first appearance, or -1 where there is no
    answer. `answers` has the text of each class's first answer, `sizes` its votes. `winners` are the classes with the
    most votes, several if they are tied, none if nothing was answered.
    """

    labels: tuple[int, ...]
    answers: tuple[str, ...]
    sizes: tuple[int, ...]
    winners: tuple[int, ...]


def cluster(completions: Sequence[str], *, scope: Scope = "lenient") -> Clusters:
    """Group completions whose answers are mathematically equal.

    Answers are found and compared as `math_answer` does; a pair that cannot be decided inline is taken for different.
    Deterministic; every completion is compared with the first of each class alone.
    """
    labels: list[int] = []
    firsts: list[str] = []
    sizes: list[int] = []
    rules = Rules()
    for completion in completions:
        found = extract(completion, scope)
        text = found.joined or found.text
        if not text:
            labels.append(-1)
            continue
        label = next((index for index, first in enumerate(firsts) if same_answer(first, text, rules)), len(firsts))
        if label == len(firsts):
            firsts.append(text)
            sizes.append(0)
        sizes[label] += 1
        labels.append(label)
    most = max(sizes, default=0)
    winners = tuple(index for index, size in enumerate(sizes) if size == most)
    return Clusters(labels=tuple(labels), answers=tuple(firsts), sizes=tuple(sizes), winners=winners)
