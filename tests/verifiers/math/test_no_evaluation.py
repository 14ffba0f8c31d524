"""No text is ever run as code: the sources name no evaluator, and answers that are programs leave no trace."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import jurist.verifiers._math as package
from jurist.verifiers import Equality, Sample, Score, Task, decide_equality
from jurist.verifiers.math_answer import MathAnswer

SOURCES = sorted(Path(package.__path__[0]).glob("*.py"))
FORBIDDEN = {
    "eval",
    "exec",
    "compile",
    "__import__",
    "parse_expr",
    "sympify",
    "lambdify",
    "parse_latex",
    "literal_eval",
}
FORBIDDEN |= {"latex2sympy", "open", "system", "popen", "loads", "nsimplify", "srepr"}


def named_calls(tree: ast.AST) -> set[str]:
    calls = [node.func for node in ast.walk(tree) if isinstance(node, ast.Call)]
    names = {call.id for call in calls if isinstance(call, ast.Name)}
    # re.compile compiles patterns of ours; every other attribute counts
    return names | {
        call.attr for call in calls if isinstance(call, ast.Attribute) and ast.unparse(call) != "re.compile"
    }


@pytest.mark.parametrize("source", SOURCES, ids=lambda source: source.name)
def test_a_source_calls_nothing_that_evaluates_text(source: Path) -> None:
    assert not named_calls(ast.parse(source.read_text("utf-8"))) & FORBIDDEN


def is_text(node: ast.AST) -> bool:
    return isinstance(node, ast.JoinedStr) or (isinstance(node, ast.Constant) and isinstance(node.value, str))


def test_sympy_is_given_names_and_numbers_alone() -> None:
    tree = ast.parse((SOURCES[0].parent / "symbolic.py").read_text("utf-8"))
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    texts = {ast.unparse(call.func) for call in calls if any(map(is_text, call.args[:1]))}
    assert not {name for name in texts if name.startswith("sympy")}


PROGRAMS = (
    '__import__("pathlib").Path("{marker}").touch()',
    'exec("open(\\"{marker}\\",\\"w\\")")',
    '(lambda: open("{marker}","w"))()',
    '[x for x in (1).__class__.__base__.__subclasses__()]; open("{marker}","w")',
    '\\text{{open("{marker}","w")}}',
    '\\frac{{1}}{{open("{marker}","w")}}',
    '\\sum_{{k=1}}^{{open("{marker}","w")}} k',
    'x_{{open("{marker}","w")}} + \\lim_{{x \\to 0}} x',
    '\\lim_{{x \\to 0}} \\operatorname{{open}}("{marker}","w")',
    'Symbol("x").__class__.__init__.__globals__["open"]("{marker}","w")',
)


@pytest.mark.parametrize("program", PROGRAMS)
def test_an_answer_that_is_a_program_is_not_run(program: str, tmp_path: Path) -> None:
    marker = tmp_path / "marker"
    answer = program.format(marker=marker)
    for reference in ("0", answer):
        verdict = MathAnswer().verdict(Sample(task=Task(answers=(reference,)), completion=f"\\boxed{{{answer}}}"))
        decide_equality(Equality(reference=reference, answer=answer))
        if reference == "0":
            assert not (isinstance(verdict, Score) and verdict.value)
    assert not marker.exists()
