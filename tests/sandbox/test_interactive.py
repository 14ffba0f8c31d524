"""A program and the task's interactor speak with each other; whatever either does, the verdict is the right one's."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from jurist.sandbox import CaseRun, Ending, Interactive, Limits, Program

if TYPE_CHECKING:
    from jurist.sandbox._supervisor import Supervisor

LIMITS = Limits(cpu_s=0.5, wall_s=3, memory_bytes=64 << 20, output_bytes=1 << 20)
GUESSING = """
import sys
secret = int(open(sys.argv[1]).read())
most = int(open(sys.argv[3]).read() or 10)
print(100, flush=True)
for _ in range(most):
    guess = int(input())
    if guess == secret:
        print("right", flush=True)
        sys.exit(0)
    print("higher" if guess < secret else "lower", flush=True)
print(f"not in {most} guesses", file=sys.stderr)
sys.exit(1)
"""
BISECTING = """
low, high = 0, int(input())
while True:
    guess = (low + high) // 2
    print(guess, flush=True)
    said = input()
    if said == "right":
        break
    if said == "higher":
        low = guess + 1
    else:
        high = guess - 1
"""

pytestmark = pytest.mark.asyncio(loop_scope="session")


def conversation(
    source: str, *inputs: str, interactor: str = GUESSING, answers: tuple[str, ...] = (), language: str = "python"
) -> Program:
    tests = Interactive(interactor=interactor, inputs=inputs or ("37",), answers=answers)
    return Program(source=source, tests=tests, limits=LIMITS, language=language)


async def one(sandbox: Supervisor, program: Program) -> CaseRun:
    (case,) = (await sandbox.run(program)).cases
    return case


async def test_each_case_is_a_conversation_of_its_own(sandbox: Supervisor) -> None:
    program = conversation(BISECTING, "37", "100", "0", "37", answers=("", "", "", "2"))

    cases = (await sandbox.run(program)).cases

    assert [case.ending for case in cases] == [Ending.OK, Ending.OK, Ending.OK, Ending.WRONG_ANSWER]
    assert cases[3].reason == "not in 2 guesses"
    assert all(0 < case.cpu_s < 1 and 0 < case.wall_s < 3 for case in cases)


SPEAKING = [
    ("pass", Ending.WRONG_ANSWER, "the program ended the conversation"),
    ("input()\nprint('no number', flush=True)\ninput()", Ending.WRONG_ANSWER, "the interactor: ValueError"),
    ("input()\nwhile True: print(1, flush=True)", Ending.WRONG_ANSWER, "not in 10 guesses"),
    ("input()\nprint(37)\nprint('more')", Ending.OK, ""),
    ("import sys\nwhile True: sys.stdout.write('1' * 1000)", Ending.WRONG_ANSWER, "said more than 1048576 bytes"),
    ("input()\nprint(37, flush=True)\n1 / 0", Ending.RUNTIME_ERROR, "ZeroDivisionError"),
    ("input()\n1 / 0", Ending.RUNTIME_ERROR, "ZeroDivisionError"),
    ("input()\nwhile True: pass", Ending.TIME_LIMIT, "of CPU time"),
    ("input()\ninput()", Ending.TIME_LIMIT, "more than 3 s"),
    ("import sys\nprint(1)\nfor line in sys.stdin: pass", Ending.TIME_LIMIT, "more than 3 s"),
    ("x = bytearray(10**9)", Ending.MEMORY_LIMIT, "bytes of memory"),
    ("import sys\nwhile True: sys.stderr.write('x' * 1000)", Ending.OUTPUT_LIMIT, "bytes of output"),
    ("def f(:", Ending.COMPILE_ERROR, "SyntaxError"),
    ("import os\nos.close(1)\ninput()", Ending.WRONG_ANSWER, "the program ended the conversation"),
    ("import os\nos._exit(0)", Ending.WRONG_ANSWER, "the program ended the conversation"),
    (
        "import os\nfor fd in range(256):\n    try: os.write(fd, b'right')\n    except OSError: pass",
        Ending.WRONG_ANSWER,
        "",
    ),
]


@pytest.mark.parametrize(("source", "ending", "reason"), SPEAKING, ids=[row[0][:40] for row in SPEAKING])
async def test_every_ending_is_told_apart(sandbox: Supervisor, source: str, ending: Ending, reason: str) -> None:
    case = await one(sandbox, conversation(source))

    assert case.ending is ending, case
    assert reason in case.reason


INTERACTORS = [
    ("import sys\nsys.exit(2)", Ending.WRONG_ANSWER, "the interactor rejected it"),
    ("import sys\nsys.exit(3)", Ending.TEST_ERROR, "the interactor: exit status 3"),
    ("1 / 0", Ending.TEST_ERROR, "the interactor: ZeroDivisionError"),
    ("def f(:", Ending.TEST_ERROR, "the interactor: SyntaxError"),
    ("for _ in range(10**5): print(1)", Ending.OK, ""),
    ("import time\ntime.sleep(60)", Ending.TIME_LIMIT, "more than 3 s"),
]


@pytest.mark.parametrize(("interactor", "ending", "reason"), INTERACTORS, ids=[row[0][:40] for row in INTERACTORS])
async def test_what_an_interactor_does_is_never_the_programs_fault(
    sandbox: Supervisor, interactor: str, ending: Ending, reason: str
) -> None:
    case = await one(sandbox, conversation("print(input(), flush=True)", interactor=interactor))

    assert case.ending is ending, case
    assert reason in case.reason


async def test_a_program_sees_neither_the_interactors_files_nor_its_arguments(sandbox: Supervisor) -> None:
    source = "import os, sys\ninput()\nprint(37 if os.listdir('/tmp') == ['main.py'] and len(sys.argv) == 1 else 0)"

    assert (await one(sandbox, conversation(source))).ending is Ending.OK


async def test_programs_in_other_languages_converse_too(sandbox: Supervisor) -> None:
    source = """
#include <cstdio>
#include <cstring>
int main() {
    int low = 0, high; char said[16];
    scanf("%d", &high);
    for (;;) {
        int guess = (low + high) / 2;
        printf("%d\\n", guess); fflush(stdout);
        if (scanf("%15s", said) != 1 || !strcmp(said, "right")) return 0;
        if (!strcmp(said, "higher")) low = guess + 1; else high = guess - 1;
    }
}
"""
    case = await one(sandbox, conversation(source, language="cpp"))
    if case.ending is Ending.UNAVAILABLE:
        pytest.skip(case.reason)

    assert case.ending is Ending.OK, case


async def test_a_long_conversation_is_quick(sandbox: Supervisor) -> None:
    interactor = "for n in range(20_000):\n    print(n, flush=True)\n    assert int(input()) == n + 1"
    source = "for _ in range(20_000): print(int(input()) + 1, flush=True)"
    program = conversation(source, interactor=interactor)
    started = time.process_time()

    case = await one(sandbox, program)

    assert case.ending in {Ending.OK, Ending.TIME_LIMIT}  # the latter where the machine is busy
    assert time.process_time() - started < 1, "the supervisor has no part in it"
