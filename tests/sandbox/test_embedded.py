"""The embedded backend tells every way of ending apart, holds its limits, and leaves nothing behind."""

from __future__ import annotations

import asyncio
import os
import signal
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from jurist.sandbox import (
    Asserts,
    CaseRun,
    Ending,
    Functions,
    Isolation,
    Limits,
    Program,
    SandboxUnavailableError,
    Stdio,
    _slot,
    _supervisor,
    codec,
)
from jurist.sandbox import _cgroup as cgroup
from jurist.sandbox._activity import Outcome, Stop
from jurist.sandbox._endings import starved
from jurist.sandbox._forkserver import OWN_PROCESSES, ForkServer
from jurist.sandbox.embedded import Embedded

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from conftest import Make

    from jurist.sandbox._supervisor import Supervisor

MIB = 1 << 20
LIMITS = Limits(cpu_s=2, wall_s=3, memory_bytes=256 * MIB, output_bytes=MIB)
ECHO = "print(input())"
ADD = "def add(a, b):\n    return a + b\n"

pytestmark = pytest.mark.asyncio(loop_scope="session")


def stdio(source: str, *stdins: str, limits: Limits = LIMITS, stop: bool = False) -> Program:
    return Program(source=source, tests=Stdio(stdins=stdins or ("",)), limits=limits, stop_at_failure=stop)


def calls(source: str, *arguments: Sequence[object], limits: Limits = LIMITS, stop: bool = False) -> Program:
    tests = Functions(entry_point="add", arguments=tuple(codec.packed(list(each)) for each in arguments))
    return Program(source=source, tests=tests, limits=limits, stop_at_failure=stop)


def asserts(source: str, code: str, *, prelude: str = "", limits: Limits = LIMITS) -> Program:
    return Program(source=source, tests=Asserts(code=code, entry_point="add", prelude=prelude), limits=limits)


async def one(sandbox: Supervisor, program: Program) -> CaseRun:
    (case,) = (await sandbox.run(program)).cases
    return case


async def test_a_program_reads_and_writes(sandbox: Supervisor) -> None:
    run = await sandbox.run(stdio("import sys\nprint(sys.stdin.read() * 2, end='')", "a\u00e4\n", ""))

    assert [case.stdout.decode() for case in run.cases] == ["a\u00e4\na\u00e4\n", ""]
    assert run.isolation in {Isolation.NAMESPACES_AND_CGROUP, Isolation.CONTAINER_AND_NAMESPACES}
    assert all(0 < case.cpu_s < 1 and 0 < case.wall_s < 3 and case.peak_memory_bytes > 0 for case in run.cases)


ENDINGS = [
    ("pass", Ending.OK, ""),
    ("import sys; sys.exit()", Ending.OK, ""),
    ("exit()", Ending.OK, ""),
    ("import sys; sys.stdout.close()", Ending.OK, ""),
    ("import os; os.killpg(0, 9)", Ending.OK, ""),
    ("quit(2)", Ending.RUNTIME_ERROR, "exit status 2"),
    ("import sys; sys.exit(3)", Ending.RUNTIME_ERROR, "exit status 3"),
    ("import sys; sys.exit('no')", Ending.RUNTIME_ERROR, "no"),
    ("1 / 0", Ending.RUNTIME_ERROR, "ZeroDivisionError: division by zero"),
    ("import os; os._exit(7)", Ending.RUNTIME_ERROR, "exit status 7"),
    ("import ctypes; ctypes.string_at(0)", Ending.RUNTIME_ERROR, "ended by SIGSEGV"),
    ("def f(:", Ending.COMPILE_ERROR, "SyntaxError: invalid syntax"),
    ("while True: pass", Ending.TIME_LIMIT, "more than 0.5 s of CPU time"),
    ("import time; time.sleep(60)", Ending.TIME_LIMIT, "more than 1.5 s"),
    ("import os\nos.fork()\nwhile True: pass", Ending.TIME_LIMIT, "more than 0.5 s of CPU time"),
    ("x = bytearray(10**9)", Ending.MEMORY_LIMIT, "more than 67108864 bytes of memory"),
    ("x = [0] * 10**13", Ending.MEMORY_LIMIT, "MemoryError"),
    ("while True: print('x' * 1000)", Ending.OUTPUT_LIMIT, "more than 1048576 bytes of output"),
    ("import sys\nwhile True: sys.stderr.write('x' * 1000)", Ending.OUTPUT_LIMIT, "more than 1048576 bytes of output"),
    ("import threading\nthreading.Thread(target=lambda: print('late')).start()", Ending.OK, ""),
]


@pytest.mark.parametrize(("source", "ending", "reason"), ENDINGS, ids=[row[0][:40] for row in ENDINGS])
async def test_every_ending_is_told_apart(sandbox: Supervisor, source: str, ending: Ending, reason: str) -> None:
    wall_s = 1.5 if "sleep" in source else 10
    limits = Limits(
        cpu_s=0.5, wall_s=wall_s, memory_bytes=64 * MIB, output_bytes=MIB
    )  # filling more takes that CPU time

    case = await one(sandbox, stdio(source, limits=limits))

    assert (case.ending, case.reason) == (ending, reason)


async def test_a_null_byte_is_no_program(sandbox: Supervisor) -> None:
    case = await one(sandbox, stdio("x = '\x00'"))

    # The exception's class differs between patch releases of Python 3.11.
    assert case.ending is Ending.COMPILE_ERROR
    assert case.reason.endswith("source code string cannot contain null bytes")


async def test_output_is_whole_to_the_byte_and_one_more_is_too_much(sandbox: Supervisor) -> None:
    limits = Limits(output_bytes=16 * MIB)
    write = "import sys\nsys.stdout.write('x' * {})"

    exact = await one(sandbox, stdio(write.format(16 * MIB), limits=limits))
    more = await one(sandbox, stdio(write.format(16 * MIB + 1), limits=limits))

    assert exact.ending is Ending.OK
    assert exact.stdout == b"x" * 16 * MIB
    assert more.ending is Ending.OUTPUT_LIMIT


async def test_what_a_program_leaves_open_is_flushed(sandbox: Supervisor) -> None:
    case = await one(sandbox, stdio("out = open(1, 'w', closefd=False)\nout.write('kept')"))

    assert case.stdout == b"kept"


async def test_exit_functions_run_and_the_main_module_is_the_programs(sandbox: Supervisor) -> None:
    source = "import atexit, sys\natexit.register(print, 'bye')\nprint(__name__, sys.argv, open(__file__).readline(6))"

    case = await one(sandbox, stdio(source))

    assert case.stdout.decode() == "__main__ ['main.py'] import\nbye\n"


async def test_a_traceback_begins_in_the_program(sandbox: Supervisor) -> None:
    case = await one(sandbox, stdio("def f():\n    1 / 0\nf()"))

    lines = case.stderr.decode().splitlines()
    assert lines[:3] == ["Traceback (most recent call last):", '  File "/tmp/main.py", line 3, in <module>', "    f()"]


async def test_a_stopped_program_skips_its_later_cases(sandbox: Supervisor) -> None:
    source = "if input() == '2': raise ValueError\nprint('ok')"

    to_the_end = await sandbox.run(stdio(source, "1", "2", "3"))
    stopped = await sandbox.run(stdio(source, "1", "2", "3", stop=True))

    assert [case.ending for case in to_the_end.cases] == [Ending.OK, Ending.RUNTIME_ERROR, Ending.OK]
    assert [case.ending for case in stopped.cases] == [Ending.OK, Ending.RUNTIME_ERROR, Ending.SKIPPED]


async def test_a_program_that_does_not_compile_has_one_case(sandbox: Supervisor) -> None:
    run = await sandbox.run(stdio("def f(:", "1", "2"))

    assert [case.ending for case in run.cases] == [Ending.COMPILE_ERROR]


async def test_calls_are_answered_one_by_one(sandbox: Supervisor) -> None:
    source = "seen = []\ndef add(a, b):\n    seen.append(a)\n    return [a + b, len(seen)]\n"

    run = await sandbox.run(calls(source, [1, 2], [0.5, 1], ["a", "b"], [1, "b"]))

    assert [codec.unpacked(case.returned or "null") for case in run.cases] == [[3, 1], [1.5, 2], ["ab", 3], None]
    assert run.cases[3].ending is Ending.RUNTIME_ERROR
    assert run.cases[3].reason.startswith("TypeError")


async def test_a_method_of_solution_is_called(sandbox: Supervisor) -> None:
    source = "class Solution:\n    def add(self, a, b):\n        return a + b\n"

    run = await sandbox.run(calls(source, [1, 2]))

    assert run.cases[0].returned == "3"


async def test_calls_after_one_that_ends_the_process_go_to_a_new_one(sandbox: Supervisor) -> None:
    source = "import os\ndef add(a, b):\n    if a == 2: os._exit(0)\n    return a\n"

    run = await sandbox.run(calls(source, [1, 0], [2, 0], [3, 0]))

    assert [case.ending for case in run.cases] == [Ending.OK, Ending.RUNTIME_ERROR, Ending.OK]
    assert run.cases[2].returned == "3"


async def test_limits_hold_for_each_call(sandbox: Supervisor) -> None:
    source = (
        "import time\ndef add(a, b):\n    end = time.process_time() + a\n    while time.process_time() < end: pass\n"
    )
    limits = Limits(cpu_s=0.6, wall_s=3)

    within = await sandbox.run(calls(source, [0.35, 0], [0.35, 0], [0.35, 0], limits=limits))
    beyond = await sandbox.run(calls(source, [0.35, 0], [5, 0], [0.1, 0], limits=limits))

    assert [case.ending for case in within.cases] == [Ending.OK] * 3
    assert [case.ending for case in beyond.cases] == [Ending.OK, Ending.TIME_LIMIT, Ending.OK]


@pytest.mark.parametrize(
    ("source", "ending", "reason"),
    [
        ("", Ending.RUNTIME_ERROR, "name 'add' is not defined"),
        ("def add(a, b): return lambda: a", Ending.WRONG_ANSWER, "no plain value"),
        ("def add(a, b): return 'x' * (17 << 20)", Ending.WRONG_ANSWER, "a value of"),
        ("def add(a, b): raise MemoryError", Ending.MEMORY_LIMIT, "MemoryError"),
        ("def add(a, b): print('x' * (20 << 20), flush=True)", Ending.OUTPUT_LIMIT, "too large"),
        ("import sys\nsys.exit(0)", Ending.RUNTIME_ERROR, "exit status 1"),
        ("def add(a, b): return add(b, a)", Ending.RUNTIME_ERROR, "RecursionError"),
    ],
)
async def test_a_call_that_gives_no_value_says_why(
    sandbox: Supervisor, source: str, ending: Ending, reason: str
) -> None:
    run = await sandbox.run(calls(source, [1, 2]))

    assert run.cases[0].ending is ending
    assert reason in run.cases[0].reason


ASSERTIONS = [
    (ADD, "assert add(1, 2) == 3", Ending.OK, ""),
    (ADD, "assert add(1, 2) == 4", Ending.WRONG_ANSWER, "line 1: assert add(1, 2) == 4"),
    (ADD, "assert add(1, b=2) == 3", Ending.OK, ""),
    (ADD, "assert math.isclose(add(0.1, 0.2), 0.3)", Ending.OK, ""),
    (ADD + "LIMIT = {1: 2}", "assert add(LIMIT[1], 0) == 2", Ending.OK, ""),
    (ADD, "def check(candidate): assert candidate(1, 2) == 4", Ending.TEST_ERROR, "never used the program"),
    (ADD, "raise SystemExit(0)", Ending.TEST_ERROR, "never used the program"),
    (ADD, "def f(:", Ending.TEST_ERROR, "SyntaxError"),
    (ADD, "undefined_name", Ending.TEST_ERROR, "NameError"),
    (ADD, "assert undefined_name(add(1, 2))", Ending.TEST_ERROR, "NameError"),
    ("def add(a, b): raise KeyError('k')", "assert add(1, 2) == 3", Ending.RUNTIME_ERROR, "KeyError"),
    (
        "class Own(ValueError): pass\ndef add(a, b): raise Own('no')",
        "try:\n    add(1, 2)\nexcept ValueError as error:\n    assert str(error) == 'no'\nelse:\n    assert False",
        Ending.OK,
        "",
    ),
    ("def add(a, b): raise SystemExit(0)", "try:\n    add(1, 2)\nexcept: pass", Ending.RUNTIME_ERROR, "SystemExit"),
    ("def add(a, b): return None", "assert add(1, 2)[0] == 3", Ending.WRONG_ANSWER, "TypeError"),
    ("x = 1", "assert add(1, 2) == 3", Ending.RUNTIME_ERROR, "NameError"),
    ("1 / 0", "assert add(1, 2) == 3", Ending.RUNTIME_ERROR, "ZeroDivisionError"),
    ("def add(a, b): return a\nimport atexit\natexit.register(exit)", "assert add(1, 2) == 3", Ending.WRONG_ANSWER, ""),
    ("def add(a, b):\n    while True: pass", "assert add(1, 2) == 3", Ending.TIME_LIMIT, "of CPU time"),
    ("def add(a, b): return bytearray(10**9)", "assert add(1, 2)", Ending.MEMORY_LIMIT, "bytes of memory"),
    ("def min(a): return 7\n" + ADD, "assert min([1, 2]) == 1 and add(0, 0) == 0", Ending.OK, ""),
    (ADD, "import sys\nassert add(1, 2) == 3\nsys.exit(0)", Ending.OK, ""),
]  # fmt: skip


@pytest.mark.parametrize(("source", "code", "ending", "reason"), ASSERTIONS, ids=[row[1][:50] for row in ASSERTIONS])
async def test_assertions_run_apart_from_the_program(
    sandbox: Supervisor, source: str, code: str, ending: Ending, reason: str
) -> None:
    limits = Limits(cpu_s=1, wall_s=20, memory_bytes=256 * MIB)
    case = await one(sandbox, asserts(source, code, limits=limits))

    assert case.ending is ending, case
    assert reason in case.reason


async def test_an_entry_point_may_be_named_like_a_builtin(sandbox: Supervisor) -> None:
    tests = Asserts(code="assert sum([1, 2]) == 99", entry_point="sum")

    case = await one(sandbox, Program(source="def sum(a): return 99", tests=tests, limits=LIMITS))

    assert case.ending is Ending.OK


async def test_a_helper_of_the_task_is_not_the_programs_to_replace(sandbox: Supervisor) -> None:
    prelude = "def twice(x):\n    return 2 * x\ndef add(a, b):\n    '''The sum.'''\n"
    source = "def twice(x): return 3\ndef add(a, b): return 1"

    case = await one(sandbox, asserts(source, "assert twice(add(1, 2)) == 3", prelude=prelude))

    assert case.ending is Ending.WRONG_ANSWER


async def test_a_change_of_its_arguments_does_not_reach_what_they_are_compared_with(sandbox: Supervisor) -> None:
    case = await one(sandbox, asserts("def add(a, b):\n    a.clear()\n    return a", "x = [1]\nassert add(x, 0) == x"))

    assert case.ending is Ending.WRONG_ANSWER


async def test_the_time_of_other_runs_is_not_a_programs(sandbox: Supervisor) -> None:
    limits = Limits(cpu_s=1, wall_s=10)
    work = "import time\nend = time.process_time() + 0.05\nwhile time.process_time() < end: pass\nprint(input())"

    runs = await asyncio.gather(*(sandbox.run(stdio(work, "hello", limits=limits)) for _ in range(32)))

    assert {case.ending for run in runs for case in run.cases} == {Ending.OK}


async def test_nothing_of_a_run_is_there_for_the_next(sandbox: Supervisor) -> None:
    leave = "open('left', 'w').write('x')\nopen('/dev/shm/left', 'w').write('x')\nprint(__import__('os').listdir('.'))"
    look = "import os\nprint(os.listdir('/tmp'), os.listdir('/dev/shm'))"

    await asyncio.gather(*(sandbox.run(stdio(leave)) for _ in range(4)))
    cases = await asyncio.gather(*(one(sandbox, stdio(look)) for _ in range(4)))

    assert {case.stdout.decode() for case in cases} == {"['main.py'] ['main.py']\n"}


PRIVILEGED = """
import ctypes, os
libc = ctypes.CDLL(None, use_errno=True)
def tried(result):
    return "did it" if result >= 0 else os.strerror(ctypes.get_errno())
print(tried(libc.mount(b"tmpfs", b"/tmp", b"tmpfs", 0, None)))
print(tried(libc.mount(b"/usr", b"/tmp", None, 4096, None)))
for flag in (0x20000000, 0x00020000, 0x08000000, 0x10000000, 0x40000000):
    pid = libc.syscall(56 if os.uname().machine == "x86_64" else 220, flag | 17, 0, 0, 0, 0)
    if pid == 0:
        os._exit(0)
    print(tried(pid))
"""


async def test_a_run_has_no_privilege_to_mount_or_to_make_namespaces(sandbox: Supervisor) -> None:
    case = await one(sandbox, stdio(PRIVILEGED))

    assert case.stdout.decode().splitlines() == ["Operation not permitted"] * 7


async def test_the_same_program_does_the_same_each_time(sandbox: Supervisor) -> None:
    source = "import random\nprint(hash('x'), random.random(), {chr(c) for c in range(97, 110)})"

    cases = await asyncio.gather(*(one(sandbox, stdio(source)) for _ in range(8)))

    assert len({case.stdout for case in cases}) == 1


def group_of(sandbox: Supervisor) -> cgroup.ControlGroup:
    group = sandbox._slots[0].programs._group
    assert group is not None
    return group


def members(box: ForkServer) -> Sequence[int]:
    """Every process of a box, as this host counts them."""
    assert box._group is not None
    return [int(pid) for pid in Path(box._group.directories[0], "cgroup.procs").read_text().split()]


def processes(sandbox: Supervisor) -> int:
    return len(members(sandbox._slots[0].programs))


def descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def left_behind(groups: Sequence[str]) -> tuple[object, ...]:
    boxes = sorted(Path("/tmp").glob("jurist-[bc]o*-*"))  # noqa: S108  where they are made
    return descriptors(), children(), boxes, [group for group in groups if Path(group).exists()]


def children() -> Sequence[int]:
    pid = os.getpid()
    return [int(p) for p in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


async def test_cancelling_kills_the_tree_and_frees_the_slot(make: Make) -> None:
    async with make(slots=1) as sandbox:
        spawn = "import os, time\nfor _ in range(5): os.fork()\ntime.sleep(600)"
        task = asyncio.ensure_future(sandbox.run(stdio(spawn, limits=Limits(wall_s=600))))
        await asyncio.sleep(0.3)
        alive = processes(sandbox)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        started = time.monotonic()
        case = await one(sandbox, stdio(ECHO, "next"))

        assert alive > 10
        assert case.stdout == b"next\n"
        assert time.monotonic() - started < 1
        assert processes(sandbox) <= OWN_PROCESSES


@pytest.mark.parametrize(
    "program", [calls(ADD, *[[1, 2]] * 3), asserts(ADD, "assert add(1, 2) == 3"), stdio(ECHO, "a")]
)
async def test_cancelling_at_any_moment_leaves_a_sandbox_that_works(sandbox: Supervisor, program: Program) -> None:
    for delay_ms in range(0, 16, 2):
        task = asyncio.ensure_future(sandbox.run(program))
        await asyncio.sleep(delay_ms / 1000)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    run = await sandbox.run(program)

    assert {case.ending for case in run.cases} == {Ending.OK}


async def test_killing_a_fork_server_loses_nothing(make: Make) -> None:
    async with make(slots=2) as sandbox:
        runs = [
            asyncio.ensure_future(sandbox.run(stdio("import time\ntime.sleep(0.1)\nprint(input())", "x")))
            for _ in range(12)
        ]
        for slot in sandbox._slots:
            await asyncio.sleep(0.15)
            os.kill(min(members(slot.programs)), signal.SIGKILL)
        done = await asyncio.gather(*runs)

    assert {case.ending for run in done for case in run.cases} == {Ending.OK}


async def test_closing_leaves_no_process_descriptor_directory_or_group(make: Make) -> None:
    before = left_behind([])
    async with make(slots=2) as sandbox:
        groups = group_of(sandbox).directories
        await asyncio.gather(*(sandbox.run(stdio(ECHO, "x")) for _ in range(20)))
        await sandbox.run(asserts(ADD, "assert add(1, 2) == 3"))

    assert left_behind(groups) == before


async def test_closing_while_programs_run_ends_them(make: Make) -> None:
    async with make(slots=1) as sandbox:
        task = asyncio.ensure_future(sandbox.run(stdio("while True: pass", limits=Limits(cpu_s=60, wall_s=60))))
        await asyncio.sleep(0.2)
    run = await task

    assert run.cases[0].ending is Ending.SANDBOX_ERROR


async def test_many_runs_leave_memory_and_descriptors_flat(sandbox: Supervisor) -> None:
    async def burst(count: int) -> None:
        await asyncio.gather(*(sandbox.run(stdio(ECHO, "x")) for _ in range(count)))

    await burst(100)
    before = (descriptors(), group_of(sandbox).usage_bytes())
    await burst(400)
    after = (descriptors(), group_of(sandbox).usage_bytes())

    assert after[0] == before[0]
    assert after[1] - before[1] < 4 * MIB


async def test_a_host_without_control_groups_is_refused_unless_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    def none(name: str, cores: float) -> cgroup.ControlGroup:
        raise SandboxUnavailableError(f"no writable control group for {name}, {cores}")

    monkeypatch.setattr(cgroup, "make", none)
    with pytest.raises(SandboxUnavailableError, match="no writable control group"):
        await Embedded(slots=1).__aenter__()

    async with Embedded(slots=1, weaker=True) as sandbox:
        run = await sandbox.run(stdio(ECHO, "x"))
        greedy = await one(sandbox, stdio("x = bytearray(10**9)"))

    assert run.isolation is Isolation.NAMESPACES
    assert run.cases[0].stdout == b"x\n"
    assert greedy.ending is Ending.MEMORY_LIMIT


async def test_a_host_that_cannot_build_a_box_is_refused_in_words() -> None:
    with pytest.raises(SandboxUnavailableError, match="the sandbox cannot start"):
        await Embedded(slots=1, python="/bin/true").__aenter__()


async def test_a_program_may_be_longer_than_its_output(sandbox: Supervisor) -> None:
    case = await one(sandbox, stdio("#" * 5000 + "\nprint('x')", limits=Limits(output_bytes=1000)))

    assert (case.ending, case.stdout) == (Ending.OK, b"x\n")


CHECKER = """
import sys
given, expected, actual = (open(path).read().split() for path in sys.argv[1:])
if actual == ["boom"]:
    raise ValueError("no such thing")
if actual == ["loud"]:
    sys.exit(3)
if sorted(actual) != sorted(expected):
    print("not a permutation of", *given)
    sys.exit(1)
"""


@pytest.mark.parametrize(
    ("source", "ending", "reason"),
    [
        ("print(*reversed(input().split()))", Ending.OK, ""),
        ("print(1)", Ending.WRONG_ANSWER, "not a permutation of 3 1 2"),
        ("1 / 0", Ending.RUNTIME_ERROR, "ZeroDivisionError: division by zero"),
        ("print('boom')", Ending.WRONG_ANSWER, "the checker: ValueError: no such thing"),
        ("print('loud')", Ending.WRONG_ANSWER, "the checker: exit status 3"),
        ("import os\nprint(os.listdir('/tmp'), *map(os.path.exists, ['/tmp/expected']))", Ending.WRONG_ANSWER, "not a"),
    ],
)
async def test_a_checker_decides_on_an_output(sandbox: Supervisor, source: str, ending: Ending, reason: str) -> None:
    tests = Stdio(stdins=("3 1 2",), expected=("1 2 3",), checker=CHECKER)

    case = await one(sandbox, Program(source=source, tests=tests, limits=LIMITS))

    assert case.ending is ending, case
    assert case.reason.startswith(reason)
    assert b"True" not in case.stdout


async def test_a_full_disk_is_the_programs_own_error(sandbox: Supervisor) -> None:
    fill = "with open('/tmp/x', 'wb') as file:\n    while True: file.write(bytes(2**20))"
    many = "for number in range(10_000): open(f'/tmp/{number}', 'w').close()"
    limits = Limits(scratch_bytes=8 * MIB, output_bytes=64 * MIB)

    cases = [await one(sandbox, stdio(source, limits=limits)) for source in (fill, many)]

    assert [case.ending for case in cases] == [Ending.RUNTIME_ERROR] * 2
    assert all("No space left on device" in case.reason for case in cases)


@pytest.mark.parametrize("checker", ["1 / 0", "import sys\nsys.exit(3)", "def f(:", "import nothing"])
async def test_a_checker_that_does_not_accept_the_expected_output_is_itself_at_fault(
    sandbox: Supervisor, checker: str
) -> None:
    tests = Stdio(stdins=("x",), expected=("y",), checker=checker)

    case = await one(sandbox, Program(source="print('z')", tests=tests, limits=LIMITS))

    assert case.ending is Ending.TEST_ERROR, case


async def test_the_output_of_all_cases_together_is_bounded(
    sandbox: Supervisor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_supervisor, "KEPT_OUTPUT_BYTES", 25_000)

    run = await sandbox.run(stdio("print('x' * 10_000)", "", "", "", ""))

    assert [case.ending for case in run.cases] == [Ending.OK, Ending.OK, Ending.OUTPUT_LIMIT, Ending.OUTPUT_LIMIT]
    assert sum(len(case.stdout) for case in run.cases) < 25_000


async def test_a_starved_run_is_tried_once_more_alone(sandbox: Supervisor, monkeypatch: pytest.MonkeyPatch) -> None:
    tries: list[str] = []

    def starved(outcome: Outcome, limits: Limits) -> bool:
        if limits.wall_s == 1:
            tries.append(outcome.note.decode())
        return tries == ["R"]

    monkeypatch.setattr(_slot, "starved", starved)
    limits = Limits(cpu_s=1, wall_s=1)
    others = [asyncio.ensure_future(sandbox.run(stdio("import time\ntime.sleep(0.3)"))) for _ in range(3)]

    case = await one(sandbox, stdio("import time\ntime.sleep(60)", limits=limits))
    await asyncio.gather(*others)

    assert case.ending is Ending.TIME_LIMIT
    assert tries == ["R", "R"]


async def test_waiting_for_a_core_is_told_from_sleeping() -> None:
    def outcome(cpu_s: float, waited_s: float, stopped: Stop | None) -> Outcome:
        return Outcome(
            status=9,
            cpu_s=cpu_s,
            wall_s=3.0,
            resident_bytes=0,
            peak_bytes=0,
            stdout=b"",
            stdout_bytes=0,
            stderr=b"",
            stderr_bytes=0,
            note=b"R",
            stopped=stopped,
            out_of_memory=False,
            waited_s=waited_s,
        )

    limits = Limits(cpu_s=3, wall_s=3)

    assert starved(outcome(0.5, 2.0, Stop.WALL), limits)
    assert not starved(outcome(0.5, 0.0, Stop.WALL), limits)
    assert not starved(outcome(2.0, 1.0, Stop.WALL), limits)
    assert not starved(outcome(0.5, 2.0, Stop.CPU), limits)


async def test_tests_that_come_again_stand_and_judge_each_program_alike(make: Make) -> None:
    good, bad = ADD, "def add(a, b):\n    return 7\n"
    code = "seen = []\nseen.append(1)\nassert len(seen) == 1\nassert add(1, 2) == 3"
    others = [
        ("def add(a, b):\n    raise SystemExit", Ending.RUNTIME_ERROR),
        ("def add(a, b):\n    while True: pass", Ending.TIME_LIMIT),
        ("def add(a, b):\n    return bytearray(10**9)", Ending.MEMORY_LIMIT),
        ("def f(:", Ending.COMPILE_ERROR),
    ]
    limits = Limits(cpu_s=2, wall_s=20, memory_bytes=128 * MIB)
    async with make(slots=1) as sandbox:
        first = [await one(sandbox, asserts(source, code)) for source in (good, bad, good, bad, good)]
        stands = sandbox._slots[0]._judge._stands
        hostile = [await one(sandbox, asserts(source, code, limits=limits)) for source, _ in others * 2]
        different = await one(sandbox, asserts(good, "assert add(2, 2) == 4"))
        checked = await one(
            sandbox, Program(source="print(1)", tests=Stdio(stdins=("",), expected=("",), checker="pass"))
        )
        again = [await one(sandbox, asserts(good, code)) for _ in range(3)]

    assert [case.ending for case in first] == [Ending.OK, Ending.WRONG_ANSWER] * 2 + [Ending.OK]
    assert stands
    assert [case.ending for case in hostile] == [ending for _, ending in others] * 2
    assert {case.ending for case in [different, checked, *again]} == {Ending.OK}


async def test_standing_tests_that_hang_or_die_are_replaced(make: Make) -> None:
    hang = "import time\nif add(1, 2) == 4:\n    time.sleep(60)\n"
    die = "import os\nif add(1, 2) == 4:\n    os.abort()\n"
    limits = Limits(cpu_s=1, wall_s=1)
    bad = "def add(a, b):\n    return 4\n"
    async with make(slots=1) as sandbox:
        hung = [await one(sandbox, asserts(source, hang, limits=limits)) for source in (ADD, ADD, bad, ADD, ADD)]
        died = [await one(sandbox, asserts(source, die, limits=limits)) for source in (ADD, ADD, bad, ADD)]

    assert [case.ending for case in hung] == [Ending.OK, Ending.OK, Ending.TIME_LIMIT, Ending.OK, Ending.OK]
    assert [case.ending for case in died] == [Ending.OK, Ending.OK, Ending.WRONG_ANSWER, Ending.OK]


async def test_cancelling_a_group_at_any_moment_leaves_its_tests_in_order(make: Make) -> None:
    program = asserts(ADD, "assert add(1, 2) == 3")
    async with make(slots=1) as sandbox:
        for _ in range(3):
            await sandbox.run(program)
        for delay_ms in range(20):
            task = asyncio.ensure_future(sandbox.run(program))
            await asyncio.sleep(delay_ms / 1000)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        after = [await one(sandbox, program) for _ in range(3)]

    assert {case.ending for case in after} == {Ending.OK}


async def test_a_program_that_keeps_itself_from_running_is_not_tried_again(make: Make) -> None:
    crowd = "import os\nfor _ in range(30):\n    if os.fork() == 0:\n        while True: pass\nwhile True: pass"
    async with make(slots=1) as sandbox:
        started = time.monotonic()
        case = await one(sandbox, stdio(crowd, limits=Limits(cpu_s=60, wall_s=1.5)))
        elapsed_s = time.monotonic() - started

    assert case.ending is Ending.TIME_LIMIT
    assert elapsed_s < 2.5


@pytest.fixture
def packages() -> Iterator[Path]:
    """A directory with a module, which users that nobody else is may read."""
    with tempfile.TemporaryDirectory(dir="/var/tmp") as folder:
        Path(folder).chmod(0o755)
        (Path(folder) / "sums.py").write_text("def added(a, b):\n    return a + b\n")
        yield Path(folder)


async def test_packages_are_there_for_programs_and_for_tests(packages: Path) -> None:
    added = "from sums import added\ndef add(a, b):\n    return added(a, b)\n"
    programs = [
        Program(source="from sums import added\nprint(added(1, 2))", tests=Stdio(stdins=("",)), limits=LIMITS),
        asserts(added, "import sums\nassert add(1, 2) == sums.added(2, 1)"),
    ]
    async with Embedded(slots=1, packages=(str(packages),)) as sandbox:
        cases = [await one(sandbox, program) for program in programs]

    assert [case.ending for case in cases] == [Ending.OK, Ending.OK], cases
    assert cases[0].stdout == b"3\n"


@pytest.mark.parametrize("path", ["/nowhere/packages", "/tmp"])  # noqa: S108
async def test_packages_that_no_program_can_read_are_named(path: str) -> None:
    with pytest.raises(SandboxUnavailableError, match=path):
        async with Embedded(slots=1, packages=(path,)):
            pass
