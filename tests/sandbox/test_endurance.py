"""Thousands of runs leave the machine as they found it."""

from __future__ import annotations

import asyncio
import os
import resource
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest

from jurist.sandbox import Asserts, Ending, Functions, Limits, Program, SandboxUnavailableError, Stdio
from jurist.sandbox import _cgroup as cgroup
from jurist.sandbox._forkserver import OWN_PROCESSES

if TYPE_CHECKING:
    from conftest import Make

    from jurist.sandbox._supervisor import Supervisor

RUNS: Final = 10_000
AT_A_TIME = 32
SETTLING_S = 3
RECYCLE_RUNS = 200
CONNECTIONS = 10
"""Kept at most by the engine's client, for later."""
LIMITS = Limits(cpu_s=5, wall_s=30, memory_bytes=128 << 20, output_bytes=1 << 20)
ADD = "def add(a, b):\n    return a + b\n"
PROGRAMS = [
    (Program(source="print(input())", tests=Stdio(stdins=("x",)), limits=LIMITS), Ending.OK),
    (Program(source="1 / 0", tests=Stdio(stdins=("x",)), limits=LIMITS), Ending.RUNTIME_ERROR),
    (Program(source=ADD, tests=Functions(entry_point="add", arguments=("[1, 2]",)), limits=LIMITS), Ending.OK),
    (Program(source=ADD, tests=Asserts(code="assert add(1, 2) == 3", entry_point="add"), limits=LIMITS), Ending.OK),
    (
        Program(source="import os\nfor _ in range(3): os.fork()", tests=Stdio(stdins=("x",)), limits=LIMITS),
        Ending.OK,
    ),
]


def zombies() -> set[str]:
    """Find all that are not those of other processes of this run of the tests."""
    states: dict[str, tuple[str, str]] = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):  # it ended meanwhile
            state, parent, *_ = path.read_text().rpartition(")")[2].split()
            states[path.parent.name] = state, parent

    def is_others(pid: str) -> bool:
        while pid in states and pid != str(os.getpid()):
            pid = states[pid][1]
            if pid == str(os.getppid()):
                return True
        return False

    return {pid for pid, (state, _) in states.items() if state == "Z" and not is_others(pid)}


def descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


async def settled() -> tuple[int, int, int]:
    """Count zombies, descriptors and KiB of memory at most, after the spent containers have been replaced."""
    await asyncio.sleep(SETTLING_S)
    seen = zombies()
    await asyncio.sleep(1.0)  # whatever else this machine does buries its own in that time
    return len(seen & zombies()), descriptors(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def survivors(sandbox: Supervisor) -> int:
    groups = [box._group for slot in sandbox._slots for box in (slot.programs, slot.tests)]
    return sum(
        len(Path(group.directories[0], "cgroup.procs").read_text().split()) for group in groups if group is not None
    )


@pytest.mark.slow
@pytest.mark.asyncio(loop_scope="session")
async def test_thousands_of_runs_leave_no_process_descriptor_or_memory_behind(
    make: Make, request: pytest.FixtureRequest
) -> None:
    gate = asyncio.Semaphore(AT_A_TIME)
    in_containers = "docker" in request.node.callspec.id
    options = {"recycle_runs": RECYCLE_RUNS} if in_containers else {}
    try:
        sandbox = await make(slots=2, **options).__aenter__()
    except SandboxUnavailableError as error:
        pytest.skip(f"this host cannot run this sandbox: {error}")

    async def one(number: int) -> bool:
        program, ending = PROGRAMS[number % len(PROGRAMS)]
        async with gate:
            return [case.ending for case in (await sandbox.run(program)).cases] == [ending]

    try:
        assert all(await asyncio.gather(*map(one, range(200))))
        before = await settled()
        assert all(await asyncio.gather(*map(one, range(RUNS))))
        after = await settled()
        still_there = survivors(sandbox)
    finally:
        await sandbox.__aexit__(None, None, None)

    assert after[0] <= before[0], "zombies"
    # A container for each of a hundred leaves more than that, if it leaves any.
    assert after[1] <= before[1] + (CONNECTIONS if in_containers else 0), "descriptors"
    assert after[2] - before[2] < 64 << 10, "KiB of memory grown"
    assert still_there <= 2 * 2 * OWN_PROCESSES + 2, "a standing test process in each slot, and no other"


def test_groups_of_a_supervisor_that_was_killed_are_swept_up() -> None:
    try:
        dead = cgroup.make("sweep", 1.0)
    except SandboxUnavailableError as error:
        pytest.skip(f"this host has no control group to write: {error}")
    dead.close()
    for directory in map(Path, dead.directories):
        directory.with_name("jurist-99999999-left").mkdir(exist_ok=True)
    dead.remove()

    swept = cgroup.make("sweeper", 1.0)
    swept.close()

    assert not any(Path(directory).with_name("jurist-99999999-left").exists() for directory in swept.directories)
    assert swept.remove()
