"""What the service costs beside calling the verifier in a plain loop, in one run.

CPU of the service is that of its whole process tree (front, zygote, workers), read from /proc before and after; the
client's is not in it. Rates are by the clock, with client and server sharing this machine.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from jurist.client import Client, group
from jurist.verifiers import Sample, Task, load

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from jurist.v1 import reward_pb2

JURIST = Path(sys.executable).with_name("jurist")
TICK_S = 1 / os.sysconf("SC_CLK_TCK")
SECONDS = float(os.environ.get("BENCH_SECONDS", "3"))  # of work for each figure
GROUP = 16
SENTENCE = "We add the two numbers and then check the sum once more by going through every digit. "


class Case(NamedTuple):
    """A verifier and the size of its completions, bytes."""

    verifier: str
    size: int


def completions(size: int, count: int) -> list[str]:
    """Return different completions in R1's template, of about `size` bytes."""
    body = (SENTENCE * (size // len(SENTENCE) + 1))[: max(size - 60, 0)]
    return [f"<think>{index} {body}</think> <answer>{index % 7}</answer>" for index in range(count)]


def tree(pid: int) -> list[int]:
    """Return a process and all that descend from it."""
    found = [pid]
    for each in found:
        for task in Path(f"/proc/{each}/task").iterdir():
            found += map(int, (task / "children").read_text().split())
    return found


def cpu_s(pid: int) -> float:
    """Return the CPU time of a process tree so far, seconds."""
    total = 0
    for each in tree(pid):
        fields = Path(f"/proc/{each}/stat").read_text().rsplit(")", 1)[1].split()
        total += sum(map(int, fields[11:15]))  # utime, stime, and those of children that ended
    return total * TICK_S


def repeat(work: Callable[[], int]) -> tuple[int, float]:
    """Do the work for SECONDS; returns how many rollouts it was, and how long it took, seconds."""
    work()
    start, done = time.perf_counter(), 0
    while (elapsed := time.perf_counter() - start) < SECONDS:
        done += work()
    return done, elapsed


def plain(case: Case, texts: Sequence[str]) -> float:
    """Return the CPU time of one rollout in a plain loop, seconds."""
    verifier, task = load(case.verifier)(), Task(answers=("3",), language="en")
    samples = [Sample(task=task, completion=text) for text in texts]
    start = time.process_time()
    done, _ = repeat(lambda: len([verifier.verdict(sample) for sample in samples]))
    return (time.process_time() - start) / (done + len(texts))


def served(pid: int, work: Callable[[], int], count: int) -> tuple[float, float]:
    """Return the server's CPU time of one rollout, seconds, and rollouts per second."""
    start = cpu_s(pid)
    done, elapsed = repeat(work)
    return (cpu_s(pid) - start) / (done + count), done / elapsed


def row(case: Case, pid: int, target: str) -> None:
    """Measure one case and print it."""
    count = max(GROUP * 4, min(1024, (16 << 20) // case.size))
    texts = completions(case.size, count)
    recipe = {"terms": [{"verifier": case.verifier}], "advantage": "ADVANTAGE_GRPO"}
    groups: list[reward_pb2.RolloutGroup] = [
        group(texts[at : at + GROUP], answers="3", language="en") for at in range(0, count, GROUP)
    ]
    loop = plain(case, texts)
    with Client(target, recipe=recipe) as client:
        unary, unary_rate = served(pid, lambda: len(client.score(groups)) * GROUP, count)
        stream, stream_rate = served(pid, lambda: len(list(client.stream(groups))) * GROUP, count)
    print(
        f"{case.verifier:16} {case.size >> 10:3d} kB {loop * 1e6:9.1f} {unary * 1e6:9.1f} {unary / loop:6.2f}x "
        f"{unary_rate:9.0f} {stream * 1e6:9.1f} {stream_rate:9.0f}",
        flush=True,
    )


def main() -> None:
    """Start a server, measure, stop it."""
    server = subprocess.Popen(
        [JURIST, "serve", "--port", "0", "--log-format", "json"], stderr=subprocess.PIPE, text=True
    )
    assert server.stderr is not None
    target = next(event["target"] for event in map(json.loads, server.stderr) if event["event"] == "serving")
    print("                         CPU us per rollout       ratio  unary/s    stream    stream/s")
    print("verifier         size      plain   service")
    try:
        for verifier in ("format_tags", "math_answer", "language_share"):
            for size in (1 << 10, 16 << 10, 64 << 10):
                row(Case(verifier, size), server.pid, target)
    finally:
        server.send_signal(signal.SIGTERM)
        server.communicate()


if __name__ == "__main__":
    main()
