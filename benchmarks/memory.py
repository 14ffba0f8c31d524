"""Memory of the service over a million rollouts: resident bytes of the whole process tree, every 100,000.

BENCH_ROLLOUTS makes it shorter or longer.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
from pathlib import Path

from service import JURIST, tree

from jurist.client import Client, group

ROLLOUTS = int(os.environ.get("BENCH_ROLLOUTS", "1000000"))
STEP = 100_000
GROUP = 16
RECIPE = {"terms": [{"verifier": "math_answer"}, {"verifier": "format_tags"}], "advantage": "ADVANTAGE_GRPO"}


def resident_mb(pid: int) -> tuple[float, float]:
    """Return the resident megabytes of the front, and of the zygote with its workers (shared pages counted once)."""

    def pss_kb(each: int) -> int:
        lines = Path(f"/proc/{each}/smaps_rollup").read_text().splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith("Pss:"))

    front, *others = (pss_kb(each) / 1024 for each in tree(pid))
    return front, sum(others)


def main() -> None:
    """Start a server, send different rollouts, print a line for each step."""
    server = subprocess.Popen(
        [JURIST, "serve", "--port", "0", "--log-format", "json"], stderr=subprocess.PIPE, text=True
    )
    assert server.stderr is not None
    target = next(event["target"] for event in map(json.loads, server.stderr) if event["event"] == "serving")
    print("  rollouts   front MB   workers MB")
    try:
        with Client(target, recipe=RECIPE) as client:
            done = 0
            while done < ROLLOUTS:
                groups = [
                    group(
                        [
                            f"<think>{number} and {place}</think> <answer>\\boxed{{{number * place}/7}}</answer>"
                            for place in range(GROUP)
                        ],
                        answers=str(number),
                    )
                    for number in range(done, done + 250 * GROUP, GROUP)
                ]
                client.score(groups)
                before, done = done, done + len(groups) * GROUP
                if done // STEP > before // STEP or done >= ROLLOUTS:
                    front, workers = resident_mb(server.pid)
                    print(f"{done:10,} {front:10.1f} {workers:12.1f}", flush=True)
    finally:
        server.send_signal(signal.SIGTERM)
        server.communicate()


if __name__ == "__main__":
    main()
