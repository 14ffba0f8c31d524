"""Real model solutions through gRPC, beside the labels that came with them."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from jurist.client import Client, rewards

ROOT = Path(__file__).parents[2]


def test_real_solutions_are_paid_as_their_authors_labelled_them(server: Any) -> None:
    lines = (ROOT / "tests" / "cases" / "gsm8k_rollouts.jsonl").read_text(encoding="utf-8").splitlines()
    groups = [json.loads(line) for line in lines]
    labels = [[float(label) for label in group.pop("recorded_correct")] for group in groups]
    with Client(server.target, recipe="math") as client:
        scores = client.score(groups)

    assert [rewards(group) for group in scores] == labels


def test_the_example_scores_its_groups_and_leaves_no_server_behind() -> None:
    example = subprocess.run(
        [sys.executable, ROOT / "examples" / "score_gsm8k.py"], capture_output=True, text=True, check=True, timeout=120
    )

    assert "6 groups, 24 rollouts" in example.stderr
    assert "cue: 18 equals 18" in example.stdout
    assert example.stdout.endswith("server stopped, exit status 0\n")
