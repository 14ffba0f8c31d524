"""What judges write is read as they meant it, or not at all."""

from __future__ import annotations

import json
import re
import time
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jurist.verifiers._judge.labels import Labels, labels_of
from jurist.verifiers._judge.written import read

CASES = [
    json.loads(line)
    for line in (Path(__file__).parents[2] / "cases" / "judge_outputs.jsonl").read_text(encoding="utf-8").splitlines()
]
PAIRS = ("A>>B", "A>B", "A=B", "B>A", "B>>A")
TEN = tuple(map(str, range(1, 11)))
# Each set of labels that the cases name, with the key of the JSON object that was asked for.
OFFERED: dict[str, tuple[Labels, str]] = {
    "r1": (labels_of(("correct", "incorrect")), "correctness"),
    "three": (labels_of(("correct", "incorrect", "invalid")), ""),
    "letters": (labels_of(("A", "B", "C"), ("correct", "incorrect", "invalid")), ""),
    "yesno": (labels_of(("yes", "no")), ""),
    "yesno_json": (labels_of(("yes", "no")), "criteria_met"),
    "safety": (labels_of(("safe", "unsafe")), ""),
    "ab": (labels_of(("A", "B", "C"), ("assistant a is better", "assistant b is better", "tie")), ""),
    "pairs": (labels_of(PAIRS), ""),
    "pairs_json": (labels_of(PAIRS), "verdict"),
    "equal": (labels_of(("A=B", "A!=B")), ""),
    "grades": (labels_of(TEN), ""),
    "grades_json": (labels_of(TEN), "score"),
    "five": (labels_of(TEN[:5]), ""),
}
SETS = ("r1", "three", "letters", "yesno", "safety", "pairs", "grades")

# Ways to state a verdict; `#` stands for the label.
STATED = (
    "#",
    "  #\n",
    "**#**",
    "`#`",
    '"#"',
    "[[#]]",
    "#.",
    "Verdict: #",
    "Final verdict: **#**",
    "**Verdict:** #",
    "## Verdict\n\n#",
    "My final verdict is: [[#]]",
    "The verdict is #.",
    "Some reasoning about 7 steps.\n\nVerdict: #",
    "Some reasoning.\n\n#",
    "<think>Hm, perhaps not.</think>\n\nVerdict: #",
    "<think>Verdict: ?</think>#",
    '{"analysis": "as asked", "verdict": "#"}',
    '```json\n{"analysis": "as asked", "verdict": "#",}\n```',
    "{'analysis': 'it's fine', 'verdict': '#'}",
    "<verdict>#</verdict>",
    r"\boxed{#}",
    r"$\boxed{\text{#}}$",
    "\u6700\u7ec8\u5224\u65ad\uff1a#",
    "\u5224\u5b9a\uff1a\u3010#\u3011",
    "Urteil: #",
    "\u0412\u0435\u0440\u0434\u0438\u043a\u0442: #",
    "Verdict: #, because it is so",
    "Verdict: #\n\nThe reasons are given above.",
)
# Ways to name one without stating it.
NAMED = (
    "not #",
    "The verdict is not #.",
    "Verdict: not #",
    "Verdict: # or something else",
    "Verdict: #?",
    "Verdict: x#",
    "Verdict: #x",
    "Verdict: # / not #",
    "If it were so, the verdict would be #.",
    "The candidate claims that the verdict is #.",
    'The candidate wrote "Verdict: #".',
    "> Verdict: #",
    "I cannot give the verdict # here.",
    "<think>Verdict: #",
    "<think>#</think>",
    '{"analysis": "as asked", "verdict": "#"',
    '{"analysis": "as asked", "verdict": "#',
    '{"analysis": "Verdict: #"}',
    "Verdict: #\n\nFinal verdict: cannot be given",
    "The candidate wrote:\n```\nVerdict: #\n```\nwhich is no",
    "The example of the format: [[#]] shows",
    "Verdict: ~~#~~",
)


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case['offered']}: {case['text'][:50]!r}")
def test_a_judges_text_is_read_as_it_was_meant(case: dict[str, Any]) -> None:
    labels, key = OFFERED[case["offered"]]

    assert read(case["text"], labels, key, cut=case.get("cut", False)).label == case["expected"], case["why"]


def test_the_cases_are_many_and_of_both_kinds() -> None:
    readable = sum(case["expected"] is not None for case in CASES)

    assert len(CASES) > 800
    assert min(readable, len(CASES) - readable) > 300


@pytest.mark.parametrize("form", STATED)
@pytest.mark.parametrize("offered", SETS)
def test_every_label_is_read_in_every_form_of_statement(offered: str, form: str) -> None:
    labels, _ = OFFERED[offered]
    for label in labels.texts:
        assert read(form.replace("#", label), labels, "verdict").label == label


@pytest.mark.parametrize("form", NAMED)
@pytest.mark.parametrize("offered", SETS)
def test_no_label_is_read_where_it_is_only_named(offered: str, form: str) -> None:
    labels, _ = OFFERED[offered]
    for label in labels.texts:
        assert read(form.replace("#", label), labels, "verdict").label is None


@pytest.mark.parametrize(("offered", "other"), [pair for pair in product(SETS, SETS) if pair[0] != pair[1]])
def test_no_label_of_another_set_is_read(offered: str, other: str) -> None:
    labels, _ = OFFERED[offered]
    for form, label in product(STATED, OFFERED[other][0].texts):
        if label not in labels.texts:
            assert read(form.replace("#", label), labels, "verdict").label is None


@pytest.mark.parametrize(("first", "second"), list(product(STATED, STATED[7:16])))
def test_of_two_verdicts_the_last_is_read_or_none(first: str, second: str) -> None:
    labels, _ = OFFERED["r1"]
    text = f"{first.replace('#', 'correct')}\n\nWait.\n\n{second.replace('#', 'incorrect')}"

    assert read(text, labels, "verdict").label in {"incorrect", None}


@given(st.text(), st.sampled_from(SETS))
def test_any_text_is_read_alike_each_time_and_within_the_offer(text: str, offered: str) -> None:
    labels, key = OFFERED[offered]
    found = read(text, labels, key)

    assert found == read(text, labels, key)
    assert found.label is None or found.label in labels.texts
    assert bool(found.why) == (found.label is None)


WORDS = st.sampled_from(
    re.findall(
        r"\\n|\S+", r"""the answer is not correct incorrect verdict : score 8 / 10 [[ ]] A B > = " ' . , ``` { } \n"""
    )
)


@given(st.lists(WORDS, max_size=40), st.sampled_from(SETS))
def test_any_mixture_of_what_judges_write_is_read_within_the_offer(words: list[str], offered: str) -> None:
    labels, key = OFFERED[offered]
    found = read(" ".join(words).replace(r"\n", "\n"), labels, key)

    assert found.label is None or found.label in labels.texts


@pytest.mark.parametrize(
    "text",
    [
        "a" * 1_000_000,
        "\n" * 300_000,
        '{"a":' * 50_000,
        '{"' * 100_000,
        '{"a": "' + 'x" y ' * 60_000,
        "{a: //\n" * 30_000,
        "[[" * 100_000,
        "[[A]] " * 50_000,
        "Verdict: " * 50_000,
        "Verdict:\n" * 50_000,
        "<think>" * 50_000,
        "<a>" * 80_000,
        "*a" * 100_000,
        "8/" * 100_000,
        "I would " * 40_000,
        "Score for the " * 20_000,
        "\\text{" * 50_000,
        "\ud800" * 1_000,
    ],
    ids=lambda text: text[:12],
)
def test_a_hostile_text_costs_little(text: str) -> None:
    for offered in SETS:
        labels, key = OFFERED[offered]
        started = time.process_time()
        read(text, labels, key)

        assert time.process_time() - started < 1.0


def test_what_cannot_be_read_is_shown_by_its_beginning() -> None:
    labels, _ = OFFERED["r1"]

    assert read("I cannot\ntell. " + "x" * 1_000, labels).why == f"no verdict in: 'I cannot tell. {'x' * 105}...'"
    assert read("  ", labels).why == "it wrote nothing"
    assert read("<think>so", labels).why == "its thought never ends: '<think>so'"
