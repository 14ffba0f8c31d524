"""A host that lacks something is told what, and one that runs out of something for a while loses nothing."""

from __future__ import annotations

import asyncio
import os
import resource
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from jurist import sandbox as package
from jurist.sandbox import Asserts, Ending, Functions, Interactive, Limits, Program, SandboxUnavailableError, Stdio
from jurist.sandbox.embedded import Embedded

if TYPE_CHECKING:
    from collections.abc import Iterator

START = """
import asyncio, sys
sys.path.insert(0, sys.argv[1])
{before}
from jurist.sandbox import SandboxUnavailableError
from jurist.sandbox.embedded import Embedded

async def main():
    try:
        async with Embedded(slots=1, weaker=True):
            print("started")
    except SandboxUnavailableError as error:
        print("refused:", error)

asyncio.run(main())
"""
NO_USER_NAMESPACES = """
import platform
from jurist.sandbox._box import kernel, seccomp
kernel.prctl(38, 1)  # PR_SET_NO_NEW_PRIVS
kernel.set_filter(seccomp.instructions(platform.machine()))
"""
FULL_DISK = """
import tempfile
from jurist.sandbox._box import kernel
kernel.unshare(kernel.CLONE_NEWNS)
kernel.mount("none", "/", "", kernel.MS_REC | kernel.MS_PRIVATE)
kernel.mount("tmpfs", sys.argv[2], "tmpfs", 0, "nr_inodes=1")
tempfile.tempdir = sys.argv[2]
"""


def said(before: str, directory: Path) -> str:
    root = str(Path(next(iter(package.__path__))).parents[1])
    done = subprocess.run(
        [sys.executable, "-c", START.format(before=before), root, directory],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.skipif(os.geteuid() != 0, reason="mounts a file system that is full")
@pytest.mark.parametrize(
    ("before", "missing", "remedy"),
    [
        (NO_USER_NAMESPACES, "Operation not permitted", "allow user namespaces: sysctl -w user.max_user_namespaces"),
        (FULL_DISK, "No space left on device", "free space in the temporary directory, or name another by TMPDIR"),
    ],
    ids=["no user namespaces", "a full disk"],
)
def test_a_host_that_lacks_something_is_refused_with_the_remedy(
    tmp_path: Path, before: str, missing: str, remedy: str
) -> None:
    answer = said(before, tmp_path)

    assert answer.startswith("refused: the sandbox cannot start: ")
    assert missing in answer
    assert remedy in answer


def opened() -> set[int]:
    return {number for number in map(int, os.listdir("/proc/self/fd")) if Path(f"/proc/self/fd/{number}").exists()}  # noqa: PTH208


@contextmanager
def room_for(descriptors: int) -> Iterator[None]:
    """Let this process open so many files more, and no more."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    taken = opened()
    limit = next(number for number in range(soft) if number - sum(one < number for one in taken) == descriptors)
    resource.setrlimit(resource.RLIMIT_NOFILE, (limit, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.mark.asyncio(loop_scope="session")
async def test_a_supervisor_without_descriptors_says_so_and_recovers() -> None:
    function = "def f(): return 1"
    programs = (
        Program(source="print(input())", tests=Stdio(stdins=("x",))),
        Program(source="print(input())", tests=Stdio(stdins=("x",), expected=("x",), checker="pass")),
        Program(source="print(input())", tests=Interactive(interactor="print(1)\ninput()", inputs=("",))),
        Program(source=function, tests=Functions(entry_point="f", arguments=("[]",))),
        Program(source=function, tests=Asserts(code="assert f() == 1", entry_point="f")),
        Program(source=function, tests=Asserts(code="assert f() == 1", entry_point="f", in_process=True)),
        Program(source="read line; echo $line", tests=Stdio(stdins=("x",)), language="bash"),
    )
    try:
        sandbox = await Embedded(slots=1).__aenter__()
    except SandboxUnavailableError as error:
        pytest.skip(f"this host cannot run this sandbox: {error}")
    failed = 0
    try:
        for program in programs * 3:  # tests that come again stand from then on
            await sandbox.run(program)
        before = opened()
        for room in range(16):
            with room_for(room):
                cases = [(await sandbox.run(program)).cases[0] for program in programs]
            for case in cases:
                assert case.ending in {Ending.OK, Ending.SANDBOX_ERROR, Ending.UNAVAILABLE}
                assert case.ending is Ending.OK or "Too many open files" in case.reason
                failed += case.ending is not Ending.OK
            again = [(await sandbox.run(program)).cases[0].ending for program in programs]
            assert again == [Ending.OK] * len(programs)
        endless = Program(source="import time\ntime.sleep(1e9)", tests=Stdio(stdins=("x",)), limits=Limits(wall_s=1))
        running = asyncio.ensure_future(sandbox.run(endless))
        await asyncio.sleep(0.5)
        with room_for(0):
            assert (await asyncio.wait_for(running, 30)).cases[0].ending is Ending.TIME_LIMIT
        assert len(opened()) <= len(before)
    finally:
        await sandbox.__aexit__(None, None, None)
    assert failed > 1, "the limit did not bite"
