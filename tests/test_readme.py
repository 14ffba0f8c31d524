"""What the documentation shows is what happens."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[1]
EXAMPLE = re.compile(r"^```python\n(?P<program>.*?)^```\n```\n(?P<printed>.*?)^```$", re.DOTALL | re.MULTILINE)
EXAMPLES = [
    pytest.param(found["program"], found["printed"], id=f"{page}, {number}")
    for page in ("README.md", "docs/trainers.md")
    for number, found in enumerate(EXAMPLE.finditer((ROOT / page).read_text(encoding="utf-8")), 1)
]


@pytest.mark.parametrize(("program", "printed"), EXAMPLES)
def test_an_example_prints_what_it_says(program: str, printed: str, server: Any) -> None:
    program = program.replace("localhost:50051", server.target).replace(
        "localhost:8000", f"localhost:{server.http_port}"
    )
    found = {"JURIST_CLIENT_TARGET": server.target}
    ran = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False, timeout=60, env=os.environ | found
    )

    assert ran.stdout == printed, ran.stderr


def test_there_are_examples() -> None:
    assert len(EXAMPLES) >= 3


def test_the_verifier_shown_is_one(tmp_path: Path) -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    blocks = re.findall(r"^```python\n(.*?)^```$", readme, re.DOTALL | re.MULTILINE)
    shown = next(block for block in blocks if "class FullStop" in block)
    header = (
        "from collections.abc import Sequence\nfrom dataclasses import dataclass\n"
        "from typing import Annotated, ClassVar\nfrom pydantic import Field\n"
        "from jurist.verifiers import Ask, Reply, Sample, Score, Task, Verdict\n"
    )
    check = (
        "\nfrom jurist.services import options\n"
        "judge = options.decode(FullStop, {'mark': '!'})\n"
        "assert judge.verdict(Sample(task=Task(), completion='Yes! ')) == Score(1.0, 'ends with it')\n"
    )
    file = tmp_path / "full_stop.py"
    file.write_text(header + shown + check, encoding="utf-8")
    subprocess.run([sys.executable, file], check=True, timeout=60)
