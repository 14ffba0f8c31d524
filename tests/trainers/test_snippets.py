"""The page's snippets that take a trainer's own classes print what it says, in the environment of that trainer."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = pytest.mark.trainers

PAGE = Path(__file__).parents[2] / "docs" / "trainers.md"
SNIPPET = re.compile(r"^```python (\w+)\n(.*?)^```\n```\n(.*?)^```$", re.DOTALL | re.MULTILINE)
SNIPPETS = SNIPPET.findall(PAGE.read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    ("environment", "program", "printed"), SNIPPETS, ids=[one[1].split("\n")[1] for one in SNIPPETS]
)
def test_a_snippet_prints_what_it_says(
    python_of: Callable[[str], Path], environment: str, program: str, printed: str, server: Any
) -> None:
    settings = {"JURIST_CLIENT_TARGET": server.target, "PYTHONWARNINGS": "ignore"}
    ran = subprocess.run(
        [python_of(environment), "-c", program],
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
        env=os.environ | settings,
    )

    assert ran.stdout.endswith(printed), ran.stdout + ran.stderr


def test_there_are_snippets() -> None:
    assert {environment for environment, _, _ in SNIPPETS} == {"gym", "shared"}
