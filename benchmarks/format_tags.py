"""The verdicts and the speed of format_tags beside the regular expressions that trainers ship, in one run.

    python benchmarks/format_tags.py

Verdicts are compared on the labelled cases of the tests (those without a prefilled tag). Hostile text is `<think>`
repeated: 5,000 times, since a common expression takes the square of it (40,000 take 43 s).
"""

from __future__ import annotations

import json
import re
import time
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table

from jurist.verifiers import Sample, Score, Task
from jurist.verifiers._tag_scan import TagScan
from jurist.verifiers.format_tags import FormatTags

if TYPE_CHECKING:
    from collections.abc import Callable

CASES = Path(__file__).parents[1] / "tests" / "cases" / "format_tags.jsonl"
THOUGHT = "so we have that the sum of both numbers must be even, since x < 3 and y > 5. " * 3_900
TEXTS = {
    "1 kB": f"<think>{THOUGHT[:1_000]}</think>\n<answer>7</answer>",
    "16 kB": f"<think>{THOUGHT[:16_000]}</think>\n<answer>7</answer>",
    "300 kB": f"<think>{THOUGHT}</think>\n<answer>7</answer>",
    "300 kB of blanks": f"<think>{' ' * 300_000}</think>\n<answer>7</answer>",
    "5,000 tags": "<think>" * 5_000,
}
CHUNK = 4  # characters of one model token, or so


def ours(text: str) -> bool:
    """Score as the service does."""
    verdict = FormatTags().verdict(Sample(task=Task(), completion=text))
    return isinstance(verdict, Score) and verdict.value == 1.0


def streamed(text: str) -> bool:
    """Feed the text in chunks of a token."""
    scan = TagScan(("think", "answer"))
    for start in range(0, len(text), CHUNK):
        scan.feed(text[start : start + CHUNK])
    return not scan.report().faults()


def expression(pattern: str, flags: re.RegexFlag, how: str) -> Callable[[str], bool]:
    """Judge by a regular expression."""
    matches = getattr(re.compile(pattern, flags), how)
    return lambda text: matches(text) is not None


WAYS: dict[str, Callable[[str], bool]] = {
    "format_tags": ours,
    "TagScan, 4 characters at a time": streamed,
    "open-r1": expression(r"^<think>\n.*?\n</think>\n<answer>\n.*?\n</answer>$", re.DOTALL | re.MULTILINE, "match"),
    "ms-swift": expression(r"^<think>.*?</think>\s*<answer>.*?</answer>(?![\s\S])", re.DOTALL, "match"),
    "search": expression(r"<think>.*?</think>\s*<answer>.*?</answer>", re.DOTALL, "search"),
}


def _ms(way: Callable[[str], bool], text: str) -> float:
    best_s = float("inf")
    rounds = max(1, 200_000 // len(text))
    for _ in range(5):
        started = time.process_time()
        for _ in range(rounds):
            way(text)
        best_s = min(best_s, (time.process_time() - started) / rounds)
    return best_s * 1e3


def main() -> None:
    """Print the table."""
    cases = [json.loads(line) for line in CASES.read_text().splitlines()]
    cases = [case for case in cases if not case["prefilled"]]
    table = Table("way", "right", "accepts wrongly", "refuses wrongly", *(f"{name}, ms" for name in TEXTS))
    table.title = f"{len(cases)} cases; CPU time of one verdict"
    for name, way in WAYS.items():
        verdicts = [(way(case["completion"]), case["strict"]) for case in cases]
        accepted = sum(said and not right for said, right in verdicts)
        refused = sum(right and not said for said, right in verdicts)
        times = [f"{_ms(way, text):.3f}" for text in TEXTS.values()]
        table.add_row(name, str(len(cases) - accepted - refused), str(accepted), str(refused), *times)
    Console(width=150).print(table)


if __name__ == "__main__":
    main()
