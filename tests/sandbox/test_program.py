"""What a program is given beside its input, and what is known of how it was compiled."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from jurist.sandbox import Asserts, CaseRun, Ending, Functions, Limits, Program, Stdio

if TYPE_CHECKING:
    from jurist.sandbox._supervisor import Supervisor

LIMITS = Limits(cpu_s=5, wall_s=10, memory_bytes=512 << 20, output_bytes=1 << 20)
ONCE = Stdio(stdins=("",))

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def one(sandbox: Supervisor, program: Program) -> CaseRun:
    (case,) = (await sandbox.run(program)).cases
    if case.ending is Ending.UNAVAILABLE:
        pytest.skip(case.reason)
    return case


SHOWING = {
    "python": "import os, sys\nprint(*sys.argv[1:], os.environ['COLOUR'], open('data/a.txt').read())",
    "bash": 'echo "$@" $COLOUR "$(cat data/a.txt)"',
    "cpp": """
#include <cstdio>
#include <cstdlib>
#include "data/b.h"
int main(int argc, char** argv) {
    char text[16] = {0};
    FILE* file = fopen("data/a.txt", "r");
    if (!file || !fread(text, 1, 15, file)) return 1;
    printf("%s %s %s %s\\n", argv[1], argv[2], getenv("COLOUR"), text);
    return B;
}
""",
}


@pytest.mark.parametrize("language", SHOWING)
async def test_a_program_has_its_arguments_environment_and_files(sandbox: Supervisor, language: str) -> None:
    program = Program(
        source=SHOWING[language],
        language=language,
        tests=ONCE,
        limits=LIMITS,
        arguments=("one", "two words"),
        environment=(("COLOUR", "red"),),
        files=(("data/a.txt", b"content"), ("data/b.h", b"#define B 0\n")),
    )

    case = await one(sandbox, program)

    assert (case.ending, case.stdout) == (Ending.OK, b"one two words red content\n"), case
    assert (await one(sandbox, Program(source="import sys\nprint(sys.argv)", tests=ONCE))).stdout == b"['main.py']\n"


async def test_modules_beside_a_program_can_be_imported_in_every_protocol(sandbox: Supervisor) -> None:
    files = (("inner/__init__.py", b""), ("inner/sums.py", b"def add(a, b): return a + b\n"))
    source = "from inner.sums import add\nprint(add(1, 2))"
    programs = [
        Program(source=source, tests=tests, files=files)
        for tests in (
            ONCE,
            Functions(entry_point="add", arguments=("[1, 2]",)),
            Asserts(entry_point="add", code="assert add(1, 2) == 3"),
        )
    ]

    assert [(await one(sandbox, program)).ending for program in programs] == [Ending.OK] * 3


LEAVING = {
    "python": "import os\nos.mkdir('d')\nopen('d/a', 'wb').write(bytes([0, 255]))\nos.mkfifo('pipe')\n"
    "os.symlink('/etc', 'link')\nprint(input())\n1 / (len(open('given').read()) - 5)",
    "bash": "mkdir d; printf '\\0\\377' > d/a; mkfifo pipe; ln -s /etc link; cat; exit 1",
    "cpp": """
#include <cstdio>
#include <sys/stat.h>
#include <unistd.h>
int main() {
    mkdir("d", 0777);
    FILE* file = fopen("d/a", "w");
    fwrite("\\0\\377", 1, 2, file);
    fclose(file);
    mkfifo("pipe", 0666);
    symlink("/etc", "link");
    char line[64];
    printf("%s", fgets(line, 64, stdin));
    return 1;
}
""",
}


@pytest.mark.parametrize("language", LEAVING)
async def test_files_that_are_asked_for_come_back_though_the_program_failed(sandbox: Supervisor, language: str) -> None:
    program = Program(
        source=LEAVING[language],
        language=language,
        tests=Stdio(stdins=("1\n", "2\n", "3\n", "4\n")),
        limits=LIMITS,
        files=(("given", b"12345"),),
        fetch=("given", "d/a", "d", "pipe", "link", "none"),
    )

    cases = (await sandbox.run(program)).cases
    if cases[0].ending is Ending.UNAVAILABLE:
        pytest.skip(cases[0].reason)

    assert [(case.ending, case.stdout) for case in cases] == [
        (Ending.RUNTIME_ERROR, f"{n}\n".encode()) for n in (1, 2, 3, 4)
    ]
    assert {case.files for case in cases} == {(("given", b"12345"), ("d/a", bytes([0, 255])))}


@pytest.mark.parametrize(
    "source",
    [
        "open('a', 'w').write('x'); import os; os._exit(0)",
        "open('a', 'w').write('x'); import os; os.close(4)",
        "import os; os.write(4, b'\\xff' * 99)",
        "import os; os.write(4, b'\\0\\0\\0\\1b' * 99)",
    ],
)
async def test_a_program_that_leaves_nothing_harms_nobody(sandbox: Supervisor, source: str) -> None:
    case = await one(sandbox, Program(source=source, tests=ONCE, limits=LIMITS, fetch=("a",)))

    assert case.ending in {Ending.OK, Ending.RUNTIME_ERROR}
    assert case.files == ()


async def test_files_that_are_asked_for_share_the_room_of_the_output(sandbox: Supervisor) -> None:
    source = "for name in 'abc': open(name, 'w').write(name * 500_000)"

    case = await one(sandbox, Program(source=source, tests=ONCE, limits=LIMITS, fetch=("a", "b", "c")))

    assert [(path, len(content)) for path, content in case.files] == [("a", 500_000), ("b", 500_000)]


@pytest.mark.parametrize(
    "given",
    [
        {"files": (("/etc/x", b""),)},
        {"files": (("../x", b""),)},
        {"files": (("a/../../x", b""),)},
        {"files": (("", b""),)},
        {"files": (("a\0", b""),)},
        {"files": (("a", b"x" * (65 << 20)),)},
        {"fetch": ("../x",)},
        {"fetch": ("/etc/passwd",)},
        {"environment": (("A=B", "c"),)},
        {"environment": (("A", "b\0"),)},
        {"arguments": ("a\0",)},
    ],
)
async def test_what_no_program_can_be_given_is_refused(given: dict[str, tuple[object, ...]]) -> None:
    with pytest.raises(ValueError, match=r"path|scratch|may be used|NUL"):
        Program(source="", tests=ONCE, **given)  # type: ignore[arg-type]


FAST_IO = """
import os, sys
from io import BytesIO, IOBase

class FastIO(IOBase):
    newlines = 0
    def __init__(self, file):
        self._fd = file.fileno()
        self.buffer = BytesIO()
        self.writable = "x" in file.mode or "r" not in file.mode
        self.write = self.buffer.write if self.writable else None
    def flush(self):
        if self.writable:
            os.write(self._fd, self.buffer.getvalue())
            self.buffer.truncate(0), self.buffer.seek(0)

class IOWrapper(IOBase):
    def __init__(self, file):
        self.buffer = FastIO(file)
        self.flush = self.buffer.flush
        self.writable = self.buffer.writable
        self.write = lambda s: self.buffer.write(s.encode("ascii"))

sys.stdout = IOWrapper(sys.stdout)
print(input())
"""
RAISED_STACK = """
import resource, sys
resource.setrlimit(resource.RLIMIT_STACK, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
sys.setrecursionlimit(10**6)
print(input())
"""


@pytest.mark.parametrize("source", [FAST_IO, RAISED_STACK], ids=["fast output", "all the stack there is"])
async def test_what_programs_of_contests_begin_with_works(sandbox: Supervisor, source: str) -> None:
    run = await sandbox.run(Program(source=source, tests=Stdio(stdins=("6",))))

    assert [(case.ending, case.stdout) for case in run.cases] == [(Ending.OK, b"6\n")]


async def test_a_program_of_many_cases_is_compiled_once_and_does_the_same_in_each(sandbox: Supervisor) -> None:
    source = (
        "import sys\nmark = len('m') == 1\nclass A:\n    def f(self, n=(1, 2.5, None, 'ü')): return n\n"
        "print(input(), mark, A().f(), __name__, open(__file__).readline().strip())\n"
        "if True:\n    1 / (len(sys.argv) - 1)"
    )
    cases = (await sandbox.run(Program(source=source, tests=Stdio(stdins=("1", "2", "3", "4"))))).cases

    assert [case.stdout.decode() for case in cases] == [
        f"{n} True (1, 2.5, None, 'ü') __main__ import sys\n" for n in (1, 2, 3, 4)
    ]
    assert {case.stderr.decode().replace("^", "").split() and case.reason for case in cases} == {
        "ZeroDivisionError: division by zero"
    }
    assert len({case.stderr for case in cases}) == 1
    assert b'File "/tmp/main.py", line 7, in <module>\n    1 / (len(sys.argv) - 1)\n' in cases[3].stderr


async def test_a_program_of_many_cases_that_is_none_has_one(sandbox: Supervisor) -> None:
    cases = (await sandbox.run(Program(source="def f(:", tests=Stdio(stdins=("1", "2", "3", "4"))))).cases

    assert [case.ending for case in cases] == [Ending.COMPILE_ERROR]


async def test_a_run_tells_what_the_compiler_said_each_time(sandbox: Supervisor) -> None:
    source = "#warning beware\nint main(void) { return 0; }"
    program = Program(source=source, language="c", tests=ONCE)
    await one(sandbox, program)

    first, again = [(await sandbox.run(program)).compiled for _ in range(2)]
    broken = await sandbox.run(Program(source="int main(", language="c", tests=ONCE))
    interpreted = await sandbox.run(Program(source="pass", tests=ONCE))

    assert first is not None
    assert first == again
    assert b"beware" in first.stderr
    assert (first.ending, first.exit_status) == (Ending.OK, 0)
    assert first.wall_s > 0
    assert broken.compiled == broken.cases[0]
    assert broken.cases[0].exit_status == 1
    assert interpreted.compiled is None
    assert (interpreted.compile_s, broken.compile_s > 0) == (0.0, True)


TOGETHER = [
    (
        "class P:\n    x = 3\ndef add(a, b): return P()",
        "assert add(1, 2).x == 3 and isinstance(add(1, 2), P)",
        Ending.OK,
    ),
    ("def add(a, b): return 4", "assert add(1, 2) == 3", Ending.WRONG_ANSWER),
    ("def add(a, b): raise KeyError(a)", "assert add(1, 2) == 3", Ending.WRONG_ANSWER),
    ("def add(a, b): raise KeyError(a)", "try: add(1, 2)\nexcept KeyError: pass", Ending.OK),
    ("def add(a, b): raise SystemExit(0)", "assert add(1, 2) == 3", Ending.WRONG_ANSWER),
    ("import os\ndef add(a, b): os._exit(0)", "assert add(1, 2) == 3", Ending.RUNTIME_ERROR),
    ("import sys\nsys.exit(0)", "assert add(1, 2) == 3", Ending.RUNTIME_ERROR),
    ("1 / 0", "assert add(1, 2) == 3", Ending.RUNTIME_ERROR),
    ("def f(:", "assert add(1, 2) == 3", Ending.COMPILE_ERROR),
    ("def add(a, b): return 3", "def f(:", Ending.TEST_ERROR),
    ("def add(a, b):\n    while True: pass", "assert add(1, 2) == 3", Ending.TIME_LIMIT),
    ("def add(a, b): return bytearray(10**9)", "assert add(1, 2)", Ending.MEMORY_LIMIT),
    (
        "import os\nos.write(3, b'R' + bytes(16) + b'\\0\\0\\0\\3ok\\n')\nos._exit(0)",
        "assert False",
        Ending.RUNTIME_ERROR,
    ),
]


@pytest.mark.parametrize(("source", "code", "ending"), TOGETHER, ids=[f"{row[0]}: {row[1]}"[:60] for row in TOGETHER])
async def test_assertions_in_the_programs_process_are_marked(
    sandbox: Supervisor, source: str, code: str, ending: Ending
) -> None:
    limits = Limits(cpu_s=1, wall_s=10, memory_bytes=256 << 20)
    tests = Asserts(code=code, entry_point="add", in_process=True)

    run = await sandbox.run(Program(source=source, tests=tests, limits=limits))

    assert run.cases[0].ending is ending, run.cases[0]
    assert run.in_process
    apart = Program(source=source, tests=Asserts(code=code, entry_point="add"), limits=limits)
    assert not (await sandbox.run(apart)).in_process
