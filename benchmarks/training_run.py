"""A training run as the service sees it: bursts of rollouts for rules, boxes and a judge, pauses of generation between.

    python benchmarks/training_run.py [--steps 4] [--rollouts 8192] [--pause 20]

The same run goes through three services in turn: a fleet on Ray that grows and shrinks, the same fleet held at its
largest, and the embedded driver. What is compared: the tail (last rollout in to last reward out, the whole burst being
sent at once) and, on Ray, for how long replicas stood by. The trainer announces each burst a little before its
generation ends. Every reward is checked.
"""

from __future__ import annotations

import argparse
import json
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.table import Table

from jurist.client import Client, group, rewards

if TYPE_CHECKING:
    from collections.abc import Sequence

JURIST = Path(sys.executable).with_name("jurist")
SOLUTIONS = Path(__file__).parents[1] / "tests" / "cases" / "gsm8k_rollouts.jsonl"
FLAGS = ("--port", "0", "--metrics-port", "0", "--log-format", "json", "--judge", "tiny_judge")
GROUP = 8
PROGRAMS, JUDGED = 1 / 8, 1 / 16  # of the groups; the rest are solutions of GSM8K
ANNOUNCED_S = 10.0  # before a burst: a replica starts in some 5 s
LOOK_S = 0.5
TIMEOUT_S = 600.0
GROWING = "upscale_delay_s: 0, downscale_delay_s: 4, rest_delay_s: 8, look_back_s: 1"
MOST = {"rules": 2, "sandbox": 2, "model": 1}
FLEETS = {
    "growing": ", ".join(f"{lane}: {{max_replicas: {most}, {GROWING}}}" for lane, most in MOST.items()),
    "fixed": ", ".join(f"{lane}: {{min_replicas: {most}, max_replicas: {most}}}" for lane, most in MOST.items()),
}
JUDGE = {"terms": [{"verifier": "reference_judge", "options": {"template": "same_number", "numbers": "judge"}}]}


@dataclass
class Run:
    """What one service's run took."""

    driver: str
    tails_s: list[float] = field(default_factory=list[float])
    looks: list[dict[str, int]] = field(default_factory=list[dict[str, int]])
    bursts: list[bool] = field(default_factory=list[bool])

    def replica_s(self, lane: str) -> float:
        """For how long replicas of a lane stood, all together, seconds."""
        return sum(look[lane] for look in self.looks) * LOOK_S


def burst(step: int, rollouts: int) -> tuple[list[Any], list[list[float] | None]]:
    """The groups of a step, none like another step's, and what each one is paid; None where a small judge decides."""
    lines = SOLUTIONS.read_text(encoding="utf-8").splitlines()
    solved = [json.loads(line) for line in lines]
    groups: list[Any] = []
    paid: list[list[float] | None] = []
    for at in range(rollouts // GROUP):
        if at % round(1 / PROGRAMS) == 0:
            signs = "+-" * (GROUP // 2)
            texts = [f"```python\ndef add(a, b):\n    return a {sign} b  # {step}.{at}\n```" for sign in signs]
            tests = {"function": {"entry_point": "add", "cases": [{"args": [at, 1], "expected": at + 1}]}}
            groups.append(group(texts, tests=tests, recipe="code"))
            paid.append([1.0, 0.0] * (GROUP // 2))
        elif at % round(1 / JUDGED) == 1:
            texts = [f"<answer>{number}</answer>" for number in range(at, at + GROUP)]
            groups.append(group(texts, prompt="Which number?", answers=f"{at + step}", recipe=JUDGE))
            paid.append(None)
        else:
            row = solved[at % len(solved)]
            chosen = [place % len(row["rollouts"]) for place in range(GROUP)]
            texts = [f"Try {step}.{at}.{n}.\n{row['rollouts'][place]['completion']}" for n, place in enumerate(chosen)]
            groups.append(group(texts, answers=row["task"]["answers"], recipe="math"))
            paid.append([float(row["recorded_correct"][place]) for place in chosen])
    return groups, paid


class Service:
    """A server of one driver, watched."""

    def __init__(self, driver: str, folder: Path) -> None:
        self.run = Run(driver)
        self._over = threading.Event()
        self._working = False
        lanes = folder / f"{driver}.yaml"
        lanes.write_text(f"lanes: {{{FLEETS.get(driver, '')}}}", encoding="utf-8")
        ray = ["--lanes", "ray", "--ray-config", str(lanes)] if driver in FLEETS else []
        self._process = subprocess.Popen([JURIST, "serve", *FLAGS, *ray], stderr=subprocess.PIPE, text=True)
        assert self._process.stderr is not None
        for line in self._process.stderr:
            event: dict[str, Any] = json.loads(line) if line.startswith("{") else {"event": ""}
            if event["event"] == "serving":
                self.target, self._metrics_port = event["target"], event["metrics_port"]
                break
        else:
            sys.exit(f"{driver}: the server did not start")
        # What it writes later must not fill the pipe.
        self._reading = threading.Thread(target=self._process.stderr.read, daemon=True)
        self._reading.start()

    def _replicas(self) -> dict[str, int]:
        with urllib.request.urlopen(f"http://127.0.0.1:{self._metrics_port}/metrics") as page:
            lines = page.read().decode().splitlines()
        begin = 'jurist_lane_replicas{lane="'
        running = [line for line in lines if line.startswith(begin) and 'state="running"' in line]
        found = {line[len(begin) :].partition('"')[0]: int(float(line.rpartition(" ")[2])) for line in running}
        return {lane: found.get(lane, 0) for lane in MOST}

    def _watch(self) -> None:
        while not self._over.wait(LOOK_S):
            self.run.looks.append(self._replicas())
            self.run.bursts.append(self._working)

    def train(self, steps: int, rollouts: int, pause_s: float) -> Run:
        """Generate, score, and again; generation is a pause."""
        while self.run.driver == "fixed" and self._replicas() != MOST:
            time.sleep(LOOK_S)
        watching = threading.Thread(target=self._watch)
        watching.start()
        try:
            with Client(self.target, timeout_s=TIMEOUT_S) as client:
                for step in range(steps):
                    groups, paid = burst(step, rollouts)
                    time.sleep(max(0.0, pause_s - ANNOUNCED_S))
                    client.warm(rollouts, ttl_s=2 * ANNOUNCED_S)
                    time.sleep(min(pause_s, ANNOUNCED_S))
                    self._working = True
                    began = time.perf_counter()
                    scores = client.score(groups)
                    self.run.tails_s.append(time.perf_counter() - began)
                    self._working = False
                    check(scores, paid)
        finally:
            self._over.set()
            watching.join()
        return self.run

    def stop(self) -> None:
        """End the server."""
        self._process.send_signal(signal.SIGTERM)
        self._process.wait()


def check(scores: Sequence[Any], paid: Sequence[list[float] | None]) -> None:
    """Stop where a reward is not what it should be; of a judge's, that there is one."""
    for each, wanted in zip(scores, paid, strict=True):
        found = rewards(each)
        if (wanted is None and None in found) or (wanted is not None and found != wanted):
            sys.exit(f"group {each.group_id}: {found}, not {wanted}: {each.rollouts[0].components[0].reason}")


def chart(run: Run) -> str:
    """Draw the replicas over time, a sign for each second: their number, 0 as a dot; a burst is marked below."""
    step = round(1 / LOOK_S)
    rows = [f"{lane:8}" + "".join(str(look[lane] or ".") for look in run.looks[::step]) for lane in run.looks[0]]
    marks = "".join("^" if any(run.bursts[at : at + step]) else " " for at in range(0, len(run.bursts), step))
    return "\n".join([f"replicas, {run.driver}", *rows, f"{'bursts':8}{marks}"])


def main() -> None:
    """Run all three, print table and charts."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=4)
    parser.add_argument("--rollouts", type=int, default=8192)
    parser.add_argument("--pause", type=float, default=20.0, help="of generation, seconds")
    given = parser.parse_args()
    runs: list[Run] = []
    with tempfile.TemporaryDirectory() as folder:
        for driver in (*FLEETS, "embedded"):
            service = Service(driver, Path(folder))
            try:
                runs.append(service.train(given.steps, given.rollouts, given.pause))
            finally:
                service.stop()
    fixed = next(run for run in runs if run.driver == "fixed")
    table = Table(
        title=f"{given.steps} bursts of {given.rollouts} rollouts, {given.pause:g} s of generation before each"
    )
    for column in (
        "driver",
        "tail, median s",
        "worst s",
        *(f"{lane} replica-s" for lane in MOST),
        "of the fixed fleet",
    ):
        table.add_column(column)
    for run in runs:
        stood = [run.replica_s(lane) for lane in MOST]
        share = sum(stood) / max(sum(fixed.replica_s(lane) for lane in MOST), 1e-9)
        on_ray = run.driver in FLEETS
        table.add_row(
            run.driver,
            f"{statistics.median(run.tails_s):.1f}",
            f"{max(run.tails_s):.1f}",
            *(f"{each:.0f}" if on_ray else "-" for each in stood),
            f"{share:.0%}" if on_ray else "-",
        )
    Console(width=120).print(table)
    for run in runs:
        if run.driver in FLEETS:
            print(chart(run))


if __name__ == "__main__":
    main()
