"""Canonical forms, as reasons and `jurist explain` show them."""

from __future__ import annotations

import pytest

from jurist.verifiers._math.printing import LONGEST, written
from jurist.verifiers._math.reading import read


@pytest.mark.parametrize(
    ("text", "form"),
    [
        ("0.50", "1/2"),
        ("2\\frac{1}{3}", "7/3"),
        ("-\\frac{a}{b}", "-(a/b)"),
        ("3x^2+2x-1", "3·x^2 + 2·x - 1"),
        ("(x+1)^{n+1}", "(x + 1)^(n + 1)"),
        ("\\sqrt{2}\\sin 2x", "sqrt(2)·sin(2·x)"),
        ("f(x)=|x|", "f(x) = |x|"),
        ("0 \\le x < 1", "0 ≤ x < 1"),
        ("(-\\infty,1)\\cup[2,3]", "(-infinity, 1) or [2, 3]"),
        ("\\{1,2\\}", "{1, 2}"),
        ("1 \\text{ or } 2", "1 or 2"),
        ("5\\pm 1", "5 + ±1"),
        ("10\\text{ cm}", "10 cm"),
        ("50\\%", "50%"),
        ("90^\\circ", "90°"),
        ("5!", "5!"),
        ("1010_2", "1010 in base 2"),
        ("3:45 pm", "time 03:45:00:p"),
        ("\\begin{pmatrix}1&2\\\\3&4\\end{pmatrix}", "[[1, 2], [3, 4]]"),
        ("x_{10}", "x_10"),
        ("\\mathbb{R}", "all reals"),
    ],
)
def test_a_form_is_written_in_one_line_for_a_person(text: str, form: str) -> None:
    assert written(read(text).trees[0]) == form


def test_a_long_form_is_cut() -> None:
    assert len(written(read("+".join(f"x_{{{n}}}" for n in range(200))).trees[0])) <= LONGEST + 3
