"""Real programs with real tests: every reference passes in every protocol, and no mutant of one ever does."""

from __future__ import annotations

import ast
import asyncio
import copy
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from jurist.sandbox import Asserts, CaseRun, Ending, Functions, Limits, Program, Stdio, codec
from jurist.verifiers import Ask, Sample, Task
from jurist.verifiers._code.compare import value_difference
from jurist.verifiers.code_tests import CodeTests

if TYPE_CHECKING:
    from jurist.sandbox._supervisor import Supervisor

PROBLEMS = [
    json.loads(line)
    for line in (Path(__file__).parents[1] / "cases" / "humaneval.jsonl").read_text(encoding="utf-8").split("\n")
    if line
]
LIMITS = Limits(cpu_s=10, wall_s=30)
MUTANTS_EACH = 3
RECORDER = """
import sys
sys.path.insert(0, {root!r})
from jurist.sandbox import codec
def recorded(*args):
    packed = codec.packed(list(args))
    value = {entry}(*args)
    print(packed, codec.packed(value), sep=chr(9))
    return value
check(recorded)
"""
CALLER = """
import json
print(repr({entry}(*json.loads(input()))))
"""

pytestmark = pytest.mark.asyncio(loop_scope="session")


def asserts_of(problem: dict[str, Any]) -> Asserts:
    ask = CodeTests().verdict(Sample(task=Task(extra=problem), completion="```python\npass\n```"))
    if not (isinstance(ask, Ask) and isinstance(ask.questions[0], Program)):
        raise TypeError(problem["task_id"])
    tests = ask.questions[0].tests
    if not isinstance(tests, Asserts):
        raise TypeError(problem["task_id"])
    return tests


def mutants(source: str, entry_point: str) -> list[str]:
    """Change one operator, constant or condition of the entry point at a time."""
    swaps: dict[type[ast.AST], type[ast.AST]] = {
        ast.Lt: ast.GtE,
        ast.Gt: ast.LtE,
        ast.LtE: ast.Gt,
        ast.GtE: ast.Lt,
        ast.Eq: ast.NotEq,
        ast.NotEq: ast.Eq,
        ast.Add: ast.Sub,
        ast.Sub: ast.Add,
        ast.Mult: ast.Add,
    }
    tree = ast.parse(source)
    (function,) = [n for n in tree.body if isinstance(n, ast.FunctionDef) and n.name == entry_point][-1:]
    found: list[str] = []
    for index, node in enumerate(ast.walk(function)):
        changed = copy.deepcopy(tree)
        (again,) = [n for n in changed.body if isinstance(n, ast.FunctionDef) and n.name == entry_point][-1:]
        twin = list(ast.walk(again))[index]
        if isinstance(node, ast.Compare) and type(node.ops[0]) in swaps:
            twin.ops[0] = swaps[type(node.ops[0])]()  # type: ignore[attr-defined]
        elif isinstance(node, ast.BinOp) and type(node.op) in swaps:
            twin.op = swaps[type(node.op)]()  # type: ignore[attr-defined]
        elif isinstance(node, ast.Constant) and type(node.value) is int:
            twin.value = node.value + 1  # type: ignore[attr-defined]
        elif isinstance(node, ast.Return) and node.value is not None:
            twin.value = ast.Constant(value=None)  # type: ignore[attr-defined]
        else:
            continue
        found.append(ast.unparse(changed))
    return found


async def one(sandbox: Supervisor, program: Program) -> CaseRun:
    (case,) = (await sandbox.run(program)).cases
    return case


async def test_every_reference_passes_its_asserts(sandbox: Supervisor) -> None:
    cases = await asyncio.gather(
        *(
            one(
                sandbox,
                Program(source=row["prompt"] + row["canonical_solution"], tests=asserts_of(row), limits=LIMITS),
            )
            for row in PROBLEMS
        )
    )

    failed = {row["task_id"]: case for row, case in zip(PROBLEMS, cases, strict=True) if case.ending is not Ending.OK}
    assert not failed


async def recorded(sandbox: Supervisor, problem: dict[str, Any]) -> list[tuple[str, Any]]:
    """Learn the calls that a problem's tests make, and what the reference answers."""
    root = str(Path(codec.__file__).parents[2])
    reference = problem["prompt"] + problem["canonical_solution"]
    recorder = RECORDER.format(root=root, entry=problem["entry_point"])
    case = await one(
        sandbox, Program(source=reference + problem["test"] + recorder, tests=Stdio(stdins=("",)), limits=LIMITS)
    )
    assert case.ending is Ending.OK, case
    calls = [line.split("\t") for line in case.stdout.decode().split("\n") if line]
    return [(arguments, codec.unpacked(result)) for arguments, result in calls]


@pytest.mark.parametrize("problem", PROBLEMS, ids=[row["task_id"] for row in PROBLEMS])
async def test_a_reference_passes_when_called_and_by_stdio(sandbox: Supervisor, problem: dict[str, Any]) -> None:
    calls = await recorded(sandbox, problem)
    reference = problem["prompt"] + problem["canonical_solution"]
    tests = Functions(entry_point=problem["entry_point"], arguments=tuple(arguments for arguments, _ in calls))

    run = await sandbox.run(Program(source=reference, tests=tests, limits=LIMITS))

    assert [case.ending for case in run.cases] == [Ending.OK] * len(calls)
    for case, (_, expected) in zip(run.cases, calls, strict=True):
        assert value_difference(expected, codec.unpacked(case.returned or "")) is None

    plain = [(arguments, expected) for arguments, expected in calls[:3] if '"t"' not in arguments]
    stdio = Stdio(stdins=tuple(arguments for arguments, _ in plain))
    source = reference + CALLER.format(entry=problem["entry_point"])
    run = await sandbox.run(Program(source=source, tests=stdio, limits=LIMITS))

    for case, (_, expected) in zip(run.cases, plain, strict=True):
        assert case.ending is Ending.OK, case
        assert case.stdout.decode().strip() == repr(expected)


@pytest.mark.slow
async def test_no_mutant_passes_that_fails_when_run_in_the_open(sandbox: Supervisor) -> None:
    """A mutant may be equivalent; what decides is the plain interpreter with the tests in the same file."""
    tried: list[tuple[str, Program, Program]] = []
    for row in PROBLEMS:
        for source in mutants(row["prompt"] + row["canonical_solution"], row["entry_point"])[:MUTANTS_EACH]:
            limits = Limits(cpu_s=2, wall_s=10)
            together = f"{source}\n{row['test']}\ncheck({row['entry_point']})\n"
            tried.append(
                (
                    row["task_id"],
                    Program(source=source, tests=asserts_of(row), limits=limits),
                    Program(source=together, tests=Stdio(stdins=("",)), limits=limits),
                )
            )
    split = await asyncio.gather(*(one(sandbox, program) for _, program, _ in tried))
    plain = await asyncio.gather(*(one(sandbox, program) for _, _, program in tried))

    assert len(tried) > 300
    unlike = [
        (task_id, program.source, ours, theirs)
        for (task_id, program, _), ours, theirs in zip(tried, split, plain, strict=True)
        if (ours.ending is Ending.OK) != (theirs.ending is Ending.OK)
    ]
    assert not unlike
    assert sum(case.ending is Ending.OK for case in split) < len(tried) / 10
