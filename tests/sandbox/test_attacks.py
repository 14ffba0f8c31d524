"""Programs that try to cheat, to see what they must not, or to take the machine down: none passes, all end in time."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from jurist.sandbox import Program, Run, Stdio
from jurist.verifiers import (
    Ask,
    AssertTests,
    FunctionCase,
    FunctionTests,
    InteractiveCase,
    InteractiveTests,
    ProgramTests,
    RunLimits,
    Sample,
    Score,
    StdioCase,
    StdioTests,
    Task,
)
from jurist.verifiers.code_tests import CodeTests

if TYPE_CHECKING:
    from jurist.sandbox._slot import Slot, Try
    from jurist.sandbox._supervisor import Supervisor

CASES = [
    json.loads(line)
    for name in ("code_attacks.jsonl", "code_attacks_own.jsonl")
    for line in (Path(__file__).parents[1] / "cases" / name).read_text(encoding="utf-8").split("\n")
    if line
]
GRACE_S = 1.0
"""Beyond a test's limit, for the kill, for half a second in which it may be deaf to that, and for the report."""
IN_IMAGE = {"python", "c", "cpp", "javascript", "bash"}
"""What deploy/engine.sh puts into the image for tests."""
EVERYWHERE = [row for row in CASES if row["language"] in IN_IMAGE]
ON_HOSTS = [row for row in CASES if row["language"] not in IN_IMAGE]

pytestmark = pytest.mark.asyncio(loop_scope="session")


@dataclass(frozen=True)
class Outcome:
    verdict: str
    run: Run
    slowest_s: float


def problem_of(row: dict[str, Any], limits: dict[str, Any]) -> ProgramTests:
    given = row["tests"]
    protocol: StdioTests | FunctionTests | AssertTests | InteractiveTests
    if row["protocol"] in {"stdio", "checker"}:
        protocol = StdioTests(
            cases=tuple(StdioCase(stdin=case["stdin"], expected_stdout=case["expected"]) for case in given["cases"])
        )
    elif row["protocol"] == "function":
        protocol = FunctionTests(
            entry_point=given["entry"],
            cases=tuple(FunctionCase(args=tuple(case["args"]), expected=case["expected"]) for case in given["cases"]),
        )
    elif row["protocol"] == "interactive":
        protocol = InteractiveTests(
            interactor=given["interactor"],
            cases=tuple(InteractiveCase(input=case["input"], answer=case["answer"]) for case in given["cases"]),
        )
    else:
        protocol = AssertTests(entry_point=given["entry"], code=given["code"])
    return ProgramTests(
        protocol=protocol,
        language=row["language"],
        checker=given.get("checker", ""),
        limits=RunLimits(
            cpu_s=limits["time_s"],
            wall_s=limits["time_s"],
            memory_bytes=limits["memory_mb"] << 20,
            output_bytes=limits["output_kb"] << 10,
        ),
    )


async def judged(sandbox: Supervisor, row: dict[str, Any], limits: dict[str, Any]) -> Outcome:
    verifier = CodeTests()
    sample = Sample(
        task=Task(tests=problem_of(row, limits)), completion=f"~~~~~{row['language']}\n{row['program']}\n~~~~~"
    )
    ask = verifier.verdict(sample)
    assert isinstance(ask, Ask)
    (program,) = ask.questions
    assert isinstance(program, Program)
    tried_s: list[float] = []
    on = sandbox._on

    async def timed_on(slot: Slot, program: Program) -> Try:
        """A machine that is busy has some tried twice: the limit is that of each try."""
        started = time.monotonic()
        try:
            return await on(slot, program)
        finally:
            tried_s.append(time.monotonic() - started)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sandbox, "_on", timed_on)
        run = await sandbox.run(program)
    elapsed_s = max(tried_s, default=0.0) - run.compile_s  # a compiler has a limit of its own
    if any(case.ending == "unavailable" for case in run.cases):
        pytest.skip(f"no toolchain for {row['language']}")
    score = verifier.verdict(sample, [run])
    assert isinstance(score, Score), score
    cases = max(sum(case.wall_s > 0 for case in run.cases), 1)
    return Outcome(str(score.details["verdict"]), run, elapsed_s / cases)


async def withstands(sandbox: Supervisor, row: dict[str, Any]) -> None:
    # What an earlier attack has left of its box is replaced in this run's time, not in the attack's.
    await sandbox.run(Program(source="", tests=Stdio(stdins=("",))))
    outcome = await judged(sandbox, row, row["limits"])

    assert outcome.verdict in row["acceptable"], outcome.run
    _, found, forbidden = row["must_not"].partition("output contains ")
    for word in forbidden.split(" or ") if found else ():
        assert all(word.encode() not in case.stdout for case in outcome.run.cases), outcome.run
    assert outcome.slowest_s < row["limits"]["time_s"] + GRACE_S
    if "followup" in row:
        assert (await judged(sandbox, row["followup"], row["limits"])).verdict == "passed"


@pytest.mark.parametrize("row", EVERYWHERE, ids=[row["id"] for row in EVERYWHERE])
async def test_it_does_not_pass_and_the_next_program_is_judged_as_ever(
    sandbox: Supervisor, row: dict[str, Any]
) -> None:
    await withstands(sandbox, row)


@pytest.mark.parametrize("make", ["embedded"], indirect=True)
@pytest.mark.parametrize("row", ON_HOSTS, ids=[row["id"] for row in ON_HOSTS])
async def test_nor_does_it_in_a_language_that_the_image_lacks(sandbox: Supervisor, row: dict[str, Any]) -> None:
    await withstands(sandbox, row)
