"""What the README shows is what happens."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

README = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", README, re.DOTALL | re.MULTILINE)


def test_the_trainers_example_prints_what_it_says(server: Any) -> None:
    example = next(block for block in blocks("python") if "jurist.client" in block)
    printed = README.split(example, 1)[1].split("```\n```\n", 1)[1].split("```", 1)[0]
    program = example.replace("localhost:50051", server.target)
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60)

    assert ran.stdout == printed


def test_the_verifier_shown_is_one(tmp_path: Path) -> None:
    shown = next(block for block in blocks("python") if "class FullStop" in block)
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
