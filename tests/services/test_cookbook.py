from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from jurist.services.cookbook import Cookbook, bind
from jurist.services.errors import ConfigurationError, UnknownNameError
from jurist.services.values import Advantage
from jurist.verifiers import Sample, Score, Task, Verifier

if TYPE_CHECKING:
    from pathlib import Path


def test_every_shipped_recipe_can_be_bound() -> None:
    shipped = Cookbook()

    assert {"r1_zero", "r1_reasoning", "math", "choice"} <= set(shipped.names())
    for name in shipped.names():
        assert shipped[name].description
        assert len(bind(shipped[name]).terms(None)) == len(shipped[name].terms)


def test_r1_zero_weighs_accuracy_and_format_equally() -> None:
    recipe = Cookbook()["r1_zero"]

    assert [(term.label, term.weight) for term in recipe.terms] == [("accuracy", 1.0), ("format", 1.0)]
    assert recipe.advantage is Advantage.GRPO


THOUGHT = "We multiply both numbers, since six groups of seven apples are six times seven apples. That makes 42."
SUMMARY = "Six groups of seven apples make forty-two apples in total, so the answer is \\boxed{42}."


@pytest.mark.parametrize(
    ("thought", "summary", "dropped_by"),
    [
        (THOUGHT, SUMMARY, None),
        (THOUGHT, SUMMARY.replace("42", "41"), "accuracy"),
        (THOUGHT + " 所以我们把两个数相乘得到最后的答案。" * 2, SUMMARY, "language"),
        (" ".join(f"{THOUGHT.replace('seven', word)}" for word in "abcdefghijklmnopq"), SUMMARY, "paragraphs"),
        (THOUGHT + "\n```python\nprint(6 * 7)\n```\n", SUMMARY, "code_blocks"),
        ("\n\n".join([THOUGHT] * 6), SUMMARY, "repetition"),
        (THOUGHT, "\\boxed{42}", "summary"),
    ],
)
def test_rejection_sampling_drops_each_fault_for_its_own_reason(
    thought: str, summary: str, dropped_by: str | None
) -> None:
    sample = Sample(task=Task(answers=("42",), language="en"), completion=f"<think>{thought}</think>\n{summary}")
    gates = {term.term.label: term.verifier for term in bind(Cookbook()["r1_rejection"]).terms(None)}

    verdicts = {name: gate.verdict(sample) for name, gate in gates.items() if isinstance(gate, Verifier)}

    failed = [name for name, verdict in verdicts.items() if not (isinstance(verdict, Score) and verdict.value == 1.0)]
    assert failed == ([dropped_by] if dropped_by else [])


def test_r1_reasoning_adds_accuracy_and_the_share_of_the_language() -> None:
    recipe = Cookbook()["r1_reasoning"]

    assert [(term.label, term.weight, term.gate) for term in recipe.terms] == [
        ("accuracy", 1.0, False),
        ("language", 1.0, False),
    ]


def test_a_folder_adds_and_overrides(tmp_path: Path) -> None:
    (tmp_path / "math.yaml").write_text("terms: [{verifier: exact_answer, weight: 2}]\nadvantage: leave_one_out\n")
    (tmp_path / "mine.yml").write_text("terms: [{verifier: format_tags, gate: true}]\n")
    (tmp_path / "notes.txt").write_text("not a recipe")
    book = Cookbook(tmp_path)

    assert book["math"].terms[0].weight == 2
    assert book["math"].advantage is Advantage.LEAVE_ONE_OUT
    assert book["mine"].terms[0].gate
    assert "r1_zero" in book.names()


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("terms: [", "not a YAML file"),
        ("- a", "a recipe is a mapping"),
        ("terms: []", "terms: a recipe has at least one term"),
        ("terms: [{verifier: nope}]", r"terms\[0\]\.verifier: unknown verifier 'nope'"),
        ("terms: [{verifier: format_tags, options: {nope: 1}}]", r"terms\[0\]\.options\.nope: unknown field"),
        ("terms: [{verifier: format_tags, wieght: 1}]", r"terms\[0\]\.wieght"),
        ("terms: [{verifier: format_tags, weight: heavy}]", r"terms\[0\]\.weight"),
        ("terms: [{verifier: format_tags}, {verifier: format_tags}]", r"terms\[1\]\.name: 'format_tags' stands twice"),
        ("terms: [{verifier: format_tags, from_step: -1}]", r"terms\[0\]\.from_step"),
        ("terms: [{verifier: format_tags}]\nadvantage: best", "advantage"),
        ("name: other\nterms: [{verifier: format_tags}]", "name: is 'other'"),
        ("trems: []", "trems: unknown field"),
    ],
)
def test_a_wrong_file_is_told_with_its_name_and_field(tmp_path: Path, text: str, told: str) -> None:
    (tmp_path / "wrong.yaml").write_text(text)

    with pytest.raises(ConfigurationError, match=rf"wrong\.yaml: .*{told}"):
        Cookbook(tmp_path)


def test_a_missing_folder_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="is not a folder"):
        Cookbook(tmp_path / "nowhere")


def test_an_unknown_name_is_told_with_those_there_are() -> None:
    with pytest.raises(UnknownNameError, match=r"unknown recipe 'nope'; there are: .*r1_zero"):
        Cookbook()["nope"]
