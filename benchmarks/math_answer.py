"""Compares `math_answer` with Math-Verify in one run: agreement on labelled cases, and speed on a GRPO-shaped load.

    pip install math-verify==0.9.0
    python benchmarks/math_answer.py [CASES.jsonl ...]
    python benchmarks/math_answer.py --memory 1000000

CASES have `gold`, `prediction` (or `completion`) and `expected` (or `equal`); without any, the cases of the tests are
used. Without Math-Verify installed its columns stay empty. Times are CPU seconds of one process. With `--memory` only
the resident memory of this process is printed, ten times over so many different pairs.
"""

from __future__ import annotations

import argparse
import gc
import json
import random
import re
import resource
import time
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, Literal, get_args

from jurist.verifiers import Ask, Equality, Sample, Score, Task, decide_equality
from jurist.verifiers.math_answer import MathAnswer

CASES = Path(__file__).parents[1] / "tests" / "cases"
GROUPS, GROUP_SIZE = 200, 16
PEER_GROUPS = 20  # Math-Verify is slow: its pairs a second are measured on the first groups of the same load
PROSE_CHARACTERS = 1_200
DIFFERENT_WRONG_ANSWERS = 6  # of a group, which its rollouts repeat as real ones do

PARTS = re.compile(r"\d+|[+-]|\\(?:sin|cos|tan|cot|pi)\b|(?<![a-z\\])[xyab](?![a-z])")
TWINS = (("+", "-"), ("\\sin", "\\cos"), ("\\tan", "\\cot"), ("\\pi", "e"), ("x", "y"), ("a", "b"))

Load = Literal["repeating near misses", "every wrong answer new", "perturbed expressions"]
Judge = Callable[..., bool | None]


@dataclass(frozen=True, slots=True)
class Case:
    """A labelled pair."""

    gold: str
    completion: str
    equal: bool
    options: tuple[tuple[str, Any], ...] = ()


def read_cases(path: Path) -> list[Case]:
    """Read a file of labelled pairs."""
    rows = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    return [
        Case(
            row["gold"],
            row.get("completion") or row.get("prediction", ""),
            row.get("equal", row.get("expected")),
            tuple(row.get("options", {}).items()),
        )
        for row in rows
        if not row.get("choices")
    ]


def ours(gold: str, completion: str, **options: Any) -> bool | None:  # noqa: ANN401 - as in the cases
    """Judge with `math_answer`, questions answered in this process."""
    sample = Sample(task=Task(answers=(gold,)), completion=completion)
    verdict = MathAnswer(**options).verdict(sample)
    if isinstance(verdict, Ask):
        replies = tuple(decide_equality(question) for question in verdict.questions if isinstance(question, Equality))
        verdict = MathAnswer(**options).verdict(sample, replies)
    return verdict.value == 1.0 if isinstance(verdict, Score) else None


def math_verify() -> Judge | None:
    """Load Math-Verify as TRL calls it: both sides parsed for every pair; None if it is not installed."""
    try:
        peer: Any = import_module("math_verify")
    except ImportError:
        return None

    def judge(gold: str, completion: str, **_: object) -> bool | None:
        reference = peer.parse(gold if "$" in gold or "\\boxed" in gold else f"${gold}$")
        return bool(peer.verify(reference, peer.parse(completion))) if reference else None

    return judge


def agreement(cases: list[Case], judge: Judge) -> tuple[int, int, int, int]:
    """Count agreements, false positives, false negatives and pairs without a verdict."""
    found = [(case, judge(case.gold, case.completion, **dict(case.options))) for case in cases]
    agreed = sum(verdict is case.equal for case, verdict in found)
    positives = sum(verdict is True and not case.equal for case, verdict in found)
    negatives = sum(verdict is False and case.equal for case, verdict in found)
    return agreed, positives, negatives, sum(verdict is None for _, verdict in found)


def near_miss(answer: str, source: random.Random) -> str:
    """Change a digit, or the sign where there is none."""
    digits = [found.start() for found in re.finditer(r"\d", answer)]
    if digits and source.random() < 0.8:  # noqa: PLR2004 - most near misses change a digit
        place = source.choice(digits)
        other = (int(answer[place]) + source.randrange(1, 10)) % 10
        return f"{answer[:place]}{other}{answer[place + 1 :]}"
    return answer.removeprefix("-") if answer.startswith("-") else f"-{answer}"


def perturbed_expression(answer: str, source: random.Random) -> str:
    """Change one part of an expression for another of its kind, so that its shape stays."""
    parts = list(PARTS.finditer(answer))
    changed = source.sample(parts, min(len(parts), 2))
    for part in sorted(changed, key=lambda part: part.start(), reverse=True):
        old = part[0]
        new = next((pair[old == pair[0]] for pair in TWINS if old in pair), "") or str(source.randrange(2, 100))
        answer = answer[: part.start()] + new + answer[part.end() :]
    return answer


def grpo_load(load: Load) -> list[tuple[str, list[str]]]:
    """Build groups as GRPO samples them: real prose, a modal answer in 40 to 70 %, wrong ones of the load's kind."""
    source = random.Random(7)  # noqa: S311 - a load, no secret
    references = [
        json.loads(line)["gold"] for line in (CASES / "math_references.jsonl").read_text("utf-8").splitlines()
    ]
    if load == "perturbed expressions":
        references = [gold for gold in references if "\\" in gold and "text" not in gold and PARTS.search(gold)]
    miss = perturbed_expression if load == "perturbed expressions" else near_miss
    prose = [case.completion for case in read_cases(CASES / "math_verify.jsonl") if len(case.completion) > 400]  # noqa: PLR2004
    groups: list[tuple[str, list[str]]] = []
    for gold in source.sample(references, GROUPS):
        share = source.uniform(0.4, 0.7)
        repeated = [miss(gold, source) for _ in range(DIFFERENT_WRONG_ANSWERS)]
        completions: list[str] = []
        for _ in range(GROUP_SIZE):
            wrong = source.choice(repeated) if load == "repeating near misses" else miss(gold, source)
            answer = gold if source.random() < share else wrong
            text = source.choice(prose)[:PROSE_CHARACTERS].replace("\\boxed", "").replace("\\fbox", "")
            completions.append(f"{text}\n\nTherefore, the final answer is $\\boxed{{{answer}}}$.")
        groups.append((gold, completions))
    return groups


def timed(groups: list[tuple[str, list[str]]], judge: Callable[[str, str], Any]) -> tuple[float, float]:
    """Judge every pair once; pairs a second, and the 99th percentile of a group in milliseconds."""
    gc.collect()
    gc.freeze()  # what SymPy left behind is nobody's cost here
    spent: list[float] = []
    for gold, completions in groups:
        start = time.process_time()
        for completion in completions:
            judge(gold, completion)
        spent.append(time.process_time() - start)
    return sum(len(group) for _, group in groups) / sum(spent), sorted(spent)[int(0.99 * (len(spent) - 1))] * 1e3


def asked_share(groups: list[tuple[str, list[str]]]) -> float:
    """Compute the share of distinct pairs that nothing inline decides."""
    pairs = {(gold, completion[completion.rfind("\\boxed") :]) for gold, group in groups for completion in group}
    asked = [pair for pair in pairs if isinstance(inline(*pair), Ask)]
    return len(asked) / len(pairs)


def inline(gold: str, completion: str) -> object:
    """Judge without answering questions."""
    return MathAnswer().verdict(Sample(task=Task(answers=(gold,)), completion=completion))


def print_memory(pairs: int) -> None:
    """Judge different pairs of numbers, fractions, roots and expressions; print megabytes after each tenth."""
    forms = ("{}", "\\frac{{{}}}{{7}}", "\\sqrt{{{}}}", "x^2+{}x+1", "({}, 2)", "{}\\text{{ cm}}")
    for count in range(1, pairs + 1):
        form = forms[count % len(forms)]
        inline(form.format(count), f"so \\boxed{{{form.format(count + count % 2)}}}")
        if count % (pairs // 10) == 0:
            pages = int(Path("/proc/self/statm").read_text("ascii").split()[1])
            print(f"{count:,} pairs: {pages * resource.getpagesize() / 2**20:.0f} MB")


def main() -> None:
    """Print both tables, or the memory."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("cases", nargs="*", type=Path)
    parser.add_argument("--memory", type=int, metavar="PAIRS")
    given = parser.parse_args()
    if given.memory:
        print_memory(given.memory)
        return
    files: list[Path] = given.cases or [CASES / "math_answer.jsonl", CASES / "math_verify.jsonl"]
    judges: dict[str, Judge] = {"math_answer": ours}
    peer = math_verify()
    if peer is not None:
        judges["math-verify"] = peer
    for path in files:
        cases = read_cases(path)
        for name, judge in judges.items():
            agreed, positives, negatives, nothing = agreement(cases, judge)
            print(f"{path.name:28} {name:12} {agreed}/{len(cases)} = {agreed / len(cases):.3f}  ", end="")
            print(f"false positives {positives}, false negatives {negatives}, no verdict {nothing}")
    ours("\\sqrt 2", "\\boxed{\\frac{2}{\\sqrt 2}}")  # loads mpmath
    for title in get_args(Load):
        groups = grpo_load(title)
        speed, slowest = timed(groups, inline)
        print(f"{title:28} math_answer  {speed:,.0f} pairs/s, p99 {slowest:.1f} ms a group, ", end="")
        print(f"{asked_share(groups):.2%} of distinct pairs asked")
        if peer is not None:
            peer_speed, peer_slowest = timed(groups[:PEER_GROUPS], peer)
            print(f"{'':28} math-verify  {peer_speed:,.0f} pairs/s, p99 {peer_slowest:.1f} ms a group; ", end="")
            print(f"math_answer is {speed / peer_speed:.0f} times as fast")


if __name__ == "__main__":
    main()
