r"""Rule verifiers: pure functions from a completion to a verdict, one file each.

>>> from jurist.verifiers import Sample, Task, load
>>> math_answer = load("math_answer")()
>>> math_answer.verdict(Sample(task=Task(answers=("1/2",)), completion=r"So it is \\boxed{0.5}.")).value
1.0
"""

from jurist.verifiers._math.clusters import Clusters, cluster
from jurist.verifiers._math.equality import decide_equality
from jurist.verifiers._prompts import Dialogue, Message, Prompt, Rating, Reading
from jurist.verifiers._registry import UnknownVerifierError, load, names
from jurist.verifiers._tests import (
    AssertTests,
    Comparison,
    FunctionCase,
    FunctionTests,
    InteractiveCase,
    InteractiveTests,
    ProgramTests,
    RunLimits,
    StdioCase,
    StdioTests,
)
from jurist.verifiers._values import (
    Abstain,
    Ask,
    Cause,
    Criterion,
    Decision,
    Equality,
    FinishReason,
    GroupVerifier,
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
    "AssertTests",
    "Cause",
    "Clusters",
    "Comparison",
    "Criterion",
    "Decision",
    "Dialogue",
    "Equality",
    "FinishReason",
    "FunctionCase",
    "FunctionTests",
    "GroupVerifier",
    "InteractiveCase",
    "InteractiveTests",
    "Message",
    "NoReply",
    "ProgramTests",
    "Prompt",
    "Question",
    "Rating",
    "Reading",
    "Reply",
    "RunLimits",
    "Sample",
    "Score",
    "StdioCase",
    "StdioTests",
    "Task",
    "UnknownVerifierError",
    "Verdict",
    "Verifier",
    "cluster",
    "decide_equality",
    "load",
    "names",
]
