from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from jurist.services.cookbook import Cookbook, bind
from jurist.services.errors import ConfigurationError, UnknownNameError
from jurist.services.values import Advantage

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
