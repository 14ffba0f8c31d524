"""The table of docs/scaling.md: what the script prints, and right where it can be reckoned by hand."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / "benchmarks" / "scaling.py"


def printed(*options: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, SCRIPT, *options], capture_output=True, text=True, check=False)


def test_the_page_shows_what_is_printed() -> None:
    assert f"```\n{printed().stdout}```\n" in (ROOT / "docs" / "scaling.md").read_text(encoding="utf-8")


def test_programs_cost_their_executions() -> None:
    rows = printed("--rollouts-s=1000", "--code=1", "--judged=0", "--cases=2", "--own-ms=1.4", "--busy=0.5").stdout

    assert "programs                                 10.0         20 cores" in rows


@pytest.mark.parametrize("option", ["--size-kb=128", "--code=1", "--busy=0"])
def test_what_was_not_measured_or_cannot_be_is_refused(option: str) -> None:
    refused = printed(option)

    assert refused.returncode == 2
    assert option.partition("=")[0] in refused.stderr
