"""What a rate of mixed work needs in cores, GPUs, fronts and nodes: arithmetic on what was measured, nothing is run.

    python benchmarks/scaling.py [--rollouts-s 100000] [--size-kb 16] [--cases 10] ...

Constants are measurements, with the page that has them; options are assumptions, to be replaced by what is true of a
training run. docs/scaling.md shows what this prints.
"""

from __future__ import annotations

import argparse
import math
from dataclasses import dataclass
from statistics import linear_regression

# CPU us of a rollout by size in kB, trivial verifier, whole process tree: benchmarks/serving.py.
LOCAL_US = {1: 31.1, 16: 59.0, 64: 125.1}
RAY_US = {1: 52.0, 16: 125.0, 64: 364.8}
CALLS_PER_1024 = {1: 1.0, 16: 4.0, 64: 16.0}
MATH_US = 50.0  # math_answer, a new answer: docs/operations.md
EXECUTION_MS = 3.6  # of a program on one stdin: docs/sandbox.md


@dataclass(frozen=True)
class Line:
    """CPU us of carrying a rollout: a part for each rollout and a part for each kB, by least squares."""

    rollout_us: float
    kb_us: float

    @classmethod
    def through(cls, measured: dict[int, float]) -> Line:
        """Fit."""
        slope, intercept = linear_regression(list(measured), list(measured.values()))
        return cls(intercept, slope)

    def at(self, size_kb: float) -> float:
        """CPU us of a rollout of a size."""
        return self.rollout_us + self.kb_us * size_kb


def assumptions(arguments: list[str] | None = None) -> argparse.Namespace:
    """What was not measured, from the command line."""
    parser = argparse.ArgumentParser(formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    add = parser.add_argument
    add("--rollouts-s", type=float, default=1e5, help="rollouts a second, held")
    add("--size-kb", type=float, default=16, help="size of a rollout's text, 1 to 64")
    add("--code", type=float, default=0.15, help="part of the rollouts that are programs")
    add("--judged", type=float, default=0.05, help="part of the rollouts that a model judges")
    add("--cases", type=float, default=10, help="executions of a program")
    add("--own-ms", type=float, default=0, help="CPU ms of an execution that the program itself takes")
    add("--judge-tokens", type=float, default=125, help="tokens computed for a judged rollout, none written")
    add("--parameters", type=float, default=8e9, help="of the judge; two operations each for a token")
    add("--gpu-flops", type=float, default=989e12, help="a GPU's peak (H100, dense bfloat16, its data sheet)")
    add("--gpu-use", type=float, default=0.4, help="part of the peak that is reached")
    add("--busy", type=float, default=1.0, help="part of the time that cores and GPUs are busy")
    add("--node-cores", type=int, default=8, help="cores of a node")
    add("--core-hour", type=float, default=0.05, help="price of a core for an hour")
    add("--gpu-hour", type=float, default=3.0, help="price of a GPU for an hour")
    given = parser.parse_args(arguments)
    if not min(RAY_US) <= given.size_kb <= max(RAY_US):
        parser.error(f"--size-kb: outside of what was measured, {min(RAY_US)} to {max(RAY_US)}")
    if min(given.code, given.judged) < 0 or given.code + given.judged > 1:
        parser.error("--code and --judged: parts of one, together 1 at most")
    for name in ("rollouts_s", "parameters", "gpu_flops", "gpu_use", "busy", "node_cores"):
        if getattr(given, name) <= 0:
            parser.error(f"--{name.replace('_', '-')}: must be above 0")
    return given


def table(given: argparse.Namespace) -> list[str]:
    """What is needed, line by line."""
    lines = ["carrying, CPU us a rollout   kB  measured  fitted"]
    local, ray = Line.through(LOCAL_US), Line.through(RAY_US)
    for name, measured, line in (("one machine", LOCAL_US, local), ("Ray", RAY_US, ray)):
        lines += [f"{name:27s} {kb:3d} {us:9.1f} {line.at(kb):7.1f}" for kb, us in measured.items()]
    rate, code, judged = given.rollouts_s, given.code, given.judged
    carry = ray.at(given.size_kb)
    calls, once = linear_regression(list(CALLS_PER_1024), list(CALLS_PER_1024.values()))

    def row(name: str, load: float, capacity: float, unit: str) -> float:
        needed = math.ceil(load / capacity)
        lines.append(f"{name:34s} {load:10.1f} {needed:10,d} {unit}")
        return needed

    lines += ["", f"{rate:,.0f} rollouts/s of {given.size_kb:g} kB                 busy     needed"]
    carrying = row("carrying, fronts in it", rate * carry / 1e6, given.busy, "cores")
    maths = row("math", rate * (1 - code - judged) * MATH_US / 1e6, given.busy, "cores")
    boxes = row("programs", rate * code * given.cases * (EXECUTION_MS + given.own_ms) / 1e3, given.busy, "cores")
    tokens_s = given.gpu_flops * given.gpu_use / (2 * given.parameters)
    gpus = row("judges", rate * judged * given.judge_tokens / tokens_s, given.busy, "GPUs")
    row("nodes for rules and fronts", carrying + maths, given.node_cores, "nodes")
    row("nodes for programs", boxes, given.node_cores, "nodes")
    lines.append(f"Ray calls a second                 {rate * (once + calls * given.size_kb) / 1024:10,.0f}")
    lines.append(f"network into the fronts            {rate * given.size_kb / 1e6 * 1.024:10.2f}            GB/s")

    millions_an_hour = rate * 3600 / 1e6
    cores = (carrying + maths + boxes) * given.core_hour / millions_an_hour
    cards = gpus * given.gpu_hour / millions_an_hour
    lines += ["", f"a million rollouts: {cores:.2f} for cores and {cards:.2f} for GPUs"]
    return lines


if __name__ == "__main__":
    print("\n".join(table(assumptions())))
