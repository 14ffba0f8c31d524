"""What says nothing is told without a judge, in many languages; what may say something is not."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from jurist.verifiers._judge.gates import empty_because

CASES = [
    json.loads(line)
    for line in (Path(__file__).parents[2] / "cases" / "judge_gates.jsonl").read_text(encoding="utf-8").splitlines()
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: repr(case["text"][:40]))
def test_what_says_nothing_is_told_and_nothing_else(case: dict[str, str]) -> None:
    assert empty_because(case["text"], case.get("reference", "42")) == case["gated"], case["why"]


@pytest.mark.parametrize("case", [case for case in CASES if case["gated"] == "stock phrases alone"], ids=str)
def test_an_answer_after_an_opener_is_left_to_the_judge(case: dict[str, str]) -> None:
    assert empty_because(f"{case['text']} Napoleon", "Napoleon") == ""
    assert empty_because(f"{case['text']} 7", "42") == ""


@pytest.mark.parametrize(
    "text",
    ["a " * 500_000, "\u89e3" * 300_000, " " * 1_000_000, "\\boxed" * 100_000, "step 1 " * 80, "\u0300" * 500_000],
)
def test_a_long_text_costs_little(text: str) -> None:
    started = time.process_time()
    empty_because(text, "42")

    assert time.process_time() - started < 1.0
