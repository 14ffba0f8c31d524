"""Decides the pairs that nothing inline could: the one place that computer algebra is used.

It runs in a process of its own that is killed at a limit of CPU time, so it sets no timer.
"""

from __future__ import annotations

from jurist.verifiers._math.comparison import compare
from jurist.verifiers._math.reading import read
from jurist.verifiers._math.rules import Rules
from jurist.verifiers._math.tree import Chain
from jurist.verifiers._values import Decision, Equality

__all__ = ["decide_equality"]


def decide_equality(question: Equality) -> Decision:
    """Decide whether two answers in LaTeX are equal.

    Sums, integrals, limits and derivatives are worked out by computer algebra, then the answers are compared anew.
    `equal` is None where computer algebra cannot tell either. May take arbitrarily long and much memory: run it where
    it can be killed.
    """
    from jurist.verifiers._math import symbolic  # noqa: PLC0415 - SymPy takes a second to load

    wanted, given = read(question.reference), read(question.answer)
    if not wanted.trees or not given.trees:
        return Decision(None, "one of the two is no mathematics")
    left, right = symbolic.evaluated(wanted.trees[0]), symbolic.evaluated(given.trees[0])
    finding = compare(left, right, Rules())
    if finding.equal is not None:
        return Decision(finding.equal, f"worked out by computer algebra: {finding.how}")
    if isinstance(left, Chain) or isinstance(right, Chain):
        return Decision(None, finding.how)
    equal = symbolic.vanishes(left, right)
    if equal is None:
        return Decision(None, "computer algebra cannot tell either")
    return Decision(equal, "the difference is zero" if equal else "the difference is not zero")
