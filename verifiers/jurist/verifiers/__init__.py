"""Rule verifiers: pure functions from a completion to a verdict, one file each.

    >>> from jurist.verifiers import Sample, Task, load
    >>> math_answer = load("math_answer")()
    >>> math_answer.verdict(Sample(task=Task(answers=("1/2",)), completion=r"So it is \\boxed{0.5}.")).value
    1.0
"""

from jurist.verifiers._registry import UnknownVerifierError, load, names
from jurist.verifiers._values import (
    Abstain,
    Ask,
    Cause,
    Decision,
    Equality,
    FinishReason,
    NoReply,
    Question,
    Reply,
    Sample,
    Score,
    Task,
    Verdict,
    Verifier,
)

__all__ = [
    "Abstain",
    "Ask",
    "Cause",
    "Decision",
    "Equality",
    "FinishReason",
    "NoReply",
    "Question",
    "Reply",
    "Sample",
    "Score",
    "Task",
    "UnknownVerifierError",
    "Verdict",
    "Verifier",
    "load",
    "names",
]
