"""Programs in other languages are compiled once, run like Python's, and end as they did."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from jurist.sandbox import Asserts, CaseRun, Ending, Functions, Limits, Program, Stdio
from jurist.sandbox.embedded import Embedded
from jurist.sandbox.languages import LANGUAGES

if TYPE_CHECKING:
    from pathlib import Path

    from jurist.sandbox._supervisor import Supervisor

MIB = 1 << 20
LIMITS = Limits(cpu_s=2, wall_s=10, memory_bytes=256 * MIB, output_bytes=MIB)
SUMS = {
    "c": '#include <stdio.h>\nint main(){int a,b;scanf("%d %d",&a,&b);printf("%d\\n",a+b);return 0;}',
    "cpp": "#include <iostream>\nint main(){int a,b;std::cin>>a>>b;std::cout<<a+b<<std::endl;}",
    "rust": "fn main(){let mut s=String::new();std::io::stdin().read_line(&mut s).unwrap();"
    'println!("{}",s.split_whitespace().map(|x|x.parse::<i32>().unwrap()).sum::<i32>());}',
    "go": 'package main\nimport "fmt"\nfunc main(){var a,b int;fmt.Scan(&a,&b);fmt.Println(a+b)}',
    "java": "import java.util.*;\npublic class Sum{public static void main(String[] x){"
    "Scanner s=new Scanner(System.in);System.out.println(s.nextInt()+s.nextInt());}}",
    "javascript": "const [a,b]=require('fs').readFileSync('/dev/stdin','utf8').split(' ').map(Number);console.log(a+b)",
    "bash": "read a b; echo $((a+b))",
}  # fmt: skip

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def lacks(sandbox: Supervisor, language: str) -> bool:
    """Whether a language cannot be tried: an image need not have all, and the sandbox then says which it lacks."""
    if sandbox._tools.get(language) is not None:
        return False
    if isinstance(sandbox, Embedded):
        pytest.skip(f"this host has no {' and '.join(LANGUAGES[language].tools)}")
    (case,) = (await sandbox.run(Program(source="", language=language, tests=Stdio(stdins=("",))))).cases
    assert case.ending is Ending.UNAVAILABLE
    assert language in case.reason
    return True


async def ran(sandbox: Supervisor, language: str, source: str, *stdins: str, limits: Limits = LIMITS) -> list[CaseRun]:
    program = Program(source=source, language=language, tests=Stdio(stdins=stdins or ("",)), limits=limits)
    return list((await sandbox.run(program)).cases)


@pytest.mark.parametrize("language", LANGUAGES)
async def test_a_program_reads_and_writes(sandbox: Supervisor, language: str) -> None:
    if await lacks(sandbox, language):
        return
    cases = await ran(sandbox, language, SUMS[language], "2 3\n", "918273645 10\n")

    assert [(case.ending, case.stdout) for case in cases] == [(Ending.OK, b"5\n"), (Ending.OK, b"918273655\n")]


@pytest.mark.parametrize("language", [name for name, language in LANGUAGES.items() if language.compile])
async def test_what_does_not_compile_says_why(sandbox: Supervisor, language: str) -> None:
    if await lacks(sandbox, language):
        return
    (case,) = await ran(sandbox, language, "this is no program", "1", "2")

    assert case.ending is Ending.COMPILE_ERROR
    assert case.reason


ENDINGS = [
    ("c", "int main(){return 3;}", Ending.RUNTIME_ERROR, "exit status 3"),
    ("c", "#include <stdlib.h>\nint main(){abort();}", Ending.RUNTIME_ERROR, "ended by SIGABRT"),
    ("c", "int main(){int *p=0;return *(volatile int*)p;}", Ending.RUNTIME_ERROR, "ended by SIGSEGV"),
    ("c", "int main(){volatile int z=0;return 7/z;}", Ending.RUNTIME_ERROR, "ended by SIGFPE"),
    ("c", "int main(){for(;;);}", Ending.TIME_LIMIT, "more than 2 s of CPU time"),
    ("c", '#include <stdio.h>\nint main(){for(;;)puts("x");}', Ending.OUTPUT_LIMIT, "bytes of output"),
    (
        "c",
        "#include <stdlib.h>\n#include <string.h>\nint main(){for(;;)memset(malloc(1<<20),1,1<<20);}",
        Ending.MEMORY_LIMIT,
        "bytes of memory",
    ),
    ("cpp", "#include <vector>\nint main(){throw 1;}", Ending.RUNTIME_ERROR, "ended by SIGABRT"),
    ("cpp", "int f(int n){volatile int a=n;return n?f(n-1)+a:0;}int main(){return f(1000000)&1;}", Ending.OK, ""),
    ("rust", 'fn main(){panic!("no");}', Ending.RUNTIME_ERROR, ""),
    (
        "java",
        "class A{public static void main(String[] a){int[][] x=new int[9999][];for(int i=0;;)x[i++]=new int[1<<18];}}",
        Ending.MEMORY_LIMIT,
        "",
    ),
    ("javascript", "throw new Error('no')", Ending.RUNTIME_ERROR, ""),
    ("javascript", "for(;;);", Ending.TIME_LIMIT, "more than 2 s of CPU time"),
    ("bash", "exit 7", Ending.RUNTIME_ERROR, "exit status 7"),
    ("bash", "kill -TERM $$", Ending.RUNTIME_ERROR, "ended by SIGTERM"),
    ("bash", "sleep 600 & disown; echo x", Ending.OK, ""),
]  # fmt: skip


@pytest.mark.parametrize(
    ("language", "source", "ending", "reason"), ENDINGS, ids=[f"{row[0]}: {row[1][:40]}" for row in ENDINGS]
)
async def test_every_ending_is_told_apart(
    sandbox: Supervisor, language: str, source: str, ending: Ending, reason: str
) -> None:
    if await lacks(sandbox, language):
        return
    (case,) = await ran(sandbox, language, source)

    assert case.ending is ending, case
    assert reason in case.reason


async def test_a_program_is_compiled_once(sandbox: Supervisor) -> None:
    source = SUMS["cpp"] + f"// {time.monotonic()}"

    started = time.monotonic()
    await ran(sandbox, "cpp", source, "1 2")
    first_s = time.monotonic() - started
    started = time.monotonic()
    await ran(sandbox, "cpp", source, *["1 2"] * 5)
    again_s = time.monotonic() - started

    assert again_s < first_s


async def test_the_compiler_sees_nothing_of_the_host(sandbox: Supervisor, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("#error a secret")
    secret.chmod(0o644)
    (case,) = await ran(sandbox, "c", f'#include "{secret}"\nint main(){{}}')

    assert case.ending is Ending.COMPILE_ERROR
    assert "No such file" in case.reason


async def test_functions_are_for_python_alone(sandbox: Supervisor) -> None:
    for tests in (Functions(entry_point="f", arguments=("[]",)), Asserts(code="assert f()", entry_point="f")):
        (case,) = (await sandbox.run(Program(source="", language="c", tests=tests))).cases

        assert case.ending is Ending.UNAVAILABLE
        assert "Python alone" in case.reason


async def test_a_missing_toolchain_is_named(sandbox: Supervisor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sandbox._tools, "go", None)
    for language, reason in (("go", "no toolchain for go: go (package golang-go)"), ("cobol", "no language is called")):
        program = Program(source="x", language=language, tests=Stdio(stdins=("",)))
        (case,) = (await sandbox.run(program)).cases

        assert case.ending is Ending.UNAVAILABLE
        assert reason in case.reason
