"""The program is found, the tests are read in every shape, and a run becomes a reward or an abstention."""

from __future__ import annotations

import json
import time
from typing import cast

import pytest

from jurist.sandbox import Asserts, CaseRun, Ending, Functions, Isolation, Program, Run, Stdio, codec
from jurist.verifiers import (
    Abstain,
    Ask,
    AssertTests,
    Cause,
    Comparison,
    FinishReason,
    FunctionCase,
    FunctionTests,
    NoReply,
    ProgramTests,
    RunLimits,
    Sample,
    Score,
    StdioCase,
    StdioTests,
    Task,
)
from jurist.verifiers._code.shapes import BadTestsError, read_tests
from jurist.verifiers._code.submission import Missing, submission
from jurist.verifiers.code_tests import CodeTests

ECHO = "print(input())"
FENCED = f"Here:\n```python\n{ECHO}\n```\nDone."
TWO = ProgramTests(
    protocol=StdioTests(
        cases=(StdioCase(stdin="1", expected_stdout="1\n"), StdioCase(stdin="2", expected_stdout="2\n", weight=3.0))
    )
)
CALLED = FunctionTests(entry_point="f", cases=(FunctionCase(args=(1,), expected=1),))
OK = CaseRun(ending=Ending.OK, cpu_s=0.1, wall_s=0.2, peak_memory_bytes=1000)


def printed(*outputs: str) -> Run:
    cases = tuple(CaseRun(ending=Ending.OK, stdout=output.encode()) for output in outputs)
    return Run(cases=cases, isolation=Isolation.NAMESPACES_AND_CGROUP)


def ended(*endings: Ending) -> Run:
    cases = tuple(CaseRun(ending=ending, reason="so", stdout=b"1\n") for ending in endings)
    return Run(cases=cases, isolation=Isolation.NAMESPACES_AND_CGROUP)


def question(task: Task, completion: str = FENCED) -> Program:
    ask = CodeTests().verdict(Sample(task=task, completion=completion))
    assert isinstance(ask, Ask)
    (program,) = ask.questions
    assert isinstance(program, Program)
    return program


def score(run: Run, tests: ProgramTests = TWO, verifier: CodeTests | None = None) -> Score:
    verdict = (verifier or CodeTests()).verdict(Sample(task=Task(tests=tests), completion=FENCED), [run])
    assert isinstance(verdict, Score)
    return verdict


SUBMISSIONS = [
    ("a fenced block", "python", "x\n```python\na = 1\n```", "a = 1"),
    ("the last of its language", "python", "```python\na = 1\n```\n```py\na = 2\n```", "a = 2"),
    ("not the last block if that is output", "python", "```python\na = 1\n```\nIt prints\n```\n1\n```", "a = 1"),
    (
        "not the last block if that is a shell's",
        "python",
        "```python\na = 1\n```\nRun\n```bash\npython x\n```",
        "a = 1",
    ),
    ("a block without a tag", "python", "```\na = 1\n```", "a = 1"),
    ("after the thought alone", "python", "<think>```python\na = 1\n```</think>\n```python\na = 2\n```", "a = 2"),
    ("tildes", "python", "~~~python\na = '```'\n~~~", "a = '```'"),
    ("a longer fence holds a shorter one", "python", "````python\na = '''\n```\n'''\n````", "a = '''\n```\n'''"),
    ("carriage returns after the fence", "python", "```python\r\na = 1\r\n```\r\n", "a = 1"),
    ("an unclosed block", "python", "```python\na = 1", "a = 1"),
    ("inside answer tags", "python", "<think>t</think><answer>\n```python\na = 1\n```\n</answer>", "a = 1"),
    ("bare code", "python", "import sys\nprint(1)", "import sys\nprint(1)"),
    ("bare code inside answer tags", "python", "<answer>print(1)</answer>", "print(1)"),
    ("C++ by any of its names", "cpp", "```c++\nint main(){}\n```", "int main(){}"),
    ("a tag in braces", "python", "```{.python}\na = 1\n```", "a = 1"),
    ("a tag in capitals", "python", "```Python\na = 1\n```", "a = 1"),
    ("a tag with a version", "python", "```python3.11\na = 1\n```", "a = 1"),
    ("a tag with a standard", "cpp", "```c++23\nint main(){}\n```", "int main(){}"),
    ("a tag with a file's name", "python", "```python:main.py\na = 1\n```", "a = 1"),
    ("a tag with options", "rust", "```rust,ignore\nfn main(){}\n```", "fn main(){}"),
    ("a tag and a title", "python", '```python title="a.py"\na = 1\n```', "a = 1"),
    ("a tag after a blank", "python", "``` python\na = 1\n```", "a = 1"),
    ("C is not C++", "c", "```c\nint c;\n```\n```cpp\nint cpp;\n```", "int c;"),
    ("Java is not JavaScript", "java", "```java\nclass A {}\n```\n```javascript\nlet a\n```", "class A {}"),
    ("on the line of the answer's tag", "python", "<answer>```python\na = 1\n```</answer>", "a = 1"),
    ("untagged on that line", "python", "<answer>```\na = 1\n```</answer>\n", "a = 1"),
    ("on the line where the thought ends", "python", "<think>t</think>```python\na = 1\n```", "a = 1"),
    ("behind words", "python", "Here is the program: ```python\na = 1\n```", "a = 1"),
    ("behind words with a tilde", "python", "It takes ~5 ms: ```python\na = 1\n```", "a = 1"),
    ("a body behind words", "python", "The rest: ```python\n    return 1\n```", "    return 1"),
    ("a body behind the answer's tag", "python", "<answer>```python\n    return 1\n```</answer>", "    return 1"),
    ("an item with a number", "python", "10. ```python\n    if a:\n        b = 1\n    ```", "if a:\n    b = 1"),
    (
        "bare code with fences in its text",
        "python",
        'def f(x):\n    """Doc.\n\n    ```\n    f(1)\n    ```\n    """\n    return x\n',
        'def f(x):\n    """Doc.\n\n    ```\n    f(1)\n    ```\n    """\n    return x\n',
    ),
    (
        "bare code with one in a comment",
        "python",
        "import sys\n# ```python\nprint(1)",
        "import sys\n# ```python\nprint(1)",
    ),
    ("after words that name a fence", "python", "I will answer in ```python\n\n```python\na = 1\n```", "a = 1"),
    ("after a fence in a sentence", "python", "Use ```python blocks\n\n```python\na = 1\n```", "a = 1"),
    ("after another language's name", "bash", "Type ```c and then\n```bash\necho 1\n```", "echo 1"),
    ("behind a name and untagged", "python", "I will answer in ```python\n\n```\na = 1\n```", "a = 1"),
    ("before a name and untagged", "python", "```\na = 1\n```\nThat was ```python\nUse it.", "a = 1"),
    ("behind words, without code's looks", "bash", "Run: ```bash\necho 1\n```\nDone.", "echo 1"),
    ("before words about it", "python", "```python\na = 1\n```\nThe ```python block above is it.", "a = 1"),
    (
        "with tabs and a fence in its text",
        "python",
        '```python\ndef f():\n\t"""\n\t```\n\tf()\n\t```\n\t"""\n\treturn 1\n```',
        'def f():\n\t"""\n\t```\n\tf()\n\t```\n\t"""\n\treturn 1',
    ),
    ("never closed, a fence in a comment", "python", "```python\na = 1\n# ```\nb = 2\n", "a = 1\n# ```\nb = 2\n"),
    (
        "never closed, fences in its text",
        "python",
        '```python\ndef f():\n    """\n    ```\n    f()```\n    """\n    return 1',
        'def f():\n    """\n    ```\n    f()```\n    """\n    return 1',
    ),
    (
        "behind words, with a fence in its text",
        "python",
        'Code: ```python\ndef f():\n    """\n    ```\n    f()\n    ```\n    """\n```',
        'def f():\n    """\n    ```\n    f()\n    ```\n    """',
    ),
    ("closed behind code", "python", "```python\na = 1```\nIt works.", "a = 1"),
    ("in an item of a list", "python", "1. So:\n   ```python\n   if a:\n       b = 1\n   ```", "if a:\n    b = 1"),
    ("as an item of a list", "python", "- ```python\n  if a:\n      b = 1\n  ```", "if a:\n    b = 1"),
    ("far in", "python", "        ```python\n        if a:\n            b = 1\n        ```", "if a:\n    b = 1"),
    ("indented less than its fence", "python", "    ```python\nif a:\n    b = 1\n    ```", "if a:\n    b = 1"),
    ("indented by itself", "python", "```python\n    return 1\n```", "    return 1"),
    (
        "a fence in its own text",
        "python",
        "```python\ndef f():\n    '''\n    ```\n    x\n    ```\n    '''\n```",
        "def f():\n    '''\n    ```\n    x\n    ```\n    '''",
    ),
    ("empty lines inside", "python", "   ```python\n   a = 1\n\n   b = 2\n   ```", "a = 1\n\nb = 2"),
    ("another language's block inside words", "python", "Use `x` or ```y```.\n```python\na = 1\n```", "a = 1"),
    ("a longer closing fence", "python", "```python\na = 1\n`````\nb", "a = 1"),
    ("backticks within tildes", "bash", "~~~sh\necho `date`\n```\n~~~", "echo `date`\n```"),
    (
        "an answer, a usage and its output",
        "go",
        "```go\npackage main\n```\n```sh\ngo run .\n```\n```\n5\n```",
        "package main",
    ),
    ("closed before the turn's end", "python", "```python\na = 1\n```<|im_end|>", "a = 1"),
    ("closed before the sequence's end", "python", "```python\na = 1\n```</s>\n", "a = 1"),
    ("before an empty block", "python", "```python\na = 1\n```\n```python\n\n```", "a = 1"),
    ("before a block of comments", "python", "```python\na = 1\n```\n```python\n# It prints\n# 1\n```", "a = 1"),
    ("before a block of remarks", "c", "```c\n#define A\n```\n```c\n// Done.\n```", "#define A"),
    *(
        (f"bare code that begins {begun[:12]!r}", "python", begun, begun)
        for begun in (
            '"""Adds."""\nprint(1)',
            "*a, = map(int, input().split())\nprint(a)",
            "(a, b) = 1, 2\nprint(a)",
            "N: int = 5\nprint(N)",
            "for _ in range(int(input())): print(1)",
            "match input():\n    case '1': print(1)",
            "assert True\nprint(1)",
            "[print(i) for i in range(3)]",
        )
    ),
    (
        "a block that is given anew",
        "python",
        "```python\na = 1\n```\nFixed:\n```python\na = 2\n```\nOutput:\n```text\n2\n```",
        "a = 2",
    ),
]


@pytest.mark.parametrize(("why", "language", "completion", "source"), SUBMISSIONS, ids=[row[0] for row in SUBMISSIONS])
def test_the_program_is_found(why: str, language: str, completion: str, source: str) -> None:  # noqa: ARG001  an id
    assert submission(completion, language) == source


@pytest.mark.parametrize(
    ("completion", "reason"),
    [
        ("", "empty"),
        ("I do not know.", "does not begin as code"),
        ("The sum of a and b is 5.", "does not begin as code"),
        *((words, "does not begin as code") for words in ("yes", "42", "Answer: 42", "not sure", "a, b", '"quoted"')),
        ("<think>```python\na = 1\n```", "never ends"),
        ("<think>```python\na = 1\n```</think>done.", "does not begin as code"),
        ("```cpp\nint main(){}\n```", "no block of python, but of cpp"),
        ("```python\n\n```", "block is empty"),
        ("Run ```pip install x``` first.", "does not begin as code"),
        ("I would write\n```pythonic\na = 1\n```", "no block of python, but of pythonic"),
        ("```output\n5\n```", "no block of python, but of output"),
        ("<answer></answer>", "empty"),
    ],
)
def test_there_is_a_reason_where_there_is_no_program(completion: str, reason: str) -> None:
    missing = submission(completion, "python")

    assert isinstance(missing, Missing)
    assert reason in missing.reason


def test_a_program_that_was_cut_off_is_none() -> None:
    assert isinstance(submission("```python\na = 1", "python", truncated=True), Missing)
    assert isinstance(submission("```python\na = 1```\nSo", "python", truncated=True), Missing)
    assert submission("```python\na = 1\n```\nSo", "python", truncated=True) == "a = 1"


@pytest.mark.parametrize(
    "text",
    [
        "```\n" * 100_000,
        "`" * 300_000,
        "~~~ " * 100_000,
        "a = " * 100_000,
        "x[" * 200_000,
        " " * 300_000,
        "```" + "a" * 300_000 + "`",
        "    ```\n" * 50_000,
        "```python\n'''\n" + "x```\n" * 60_000,
        "```python\n" + "# x```\n" * 60_000,
    ],
)
def test_finding_the_program_is_linear(text: str) -> None:
    started = time.process_time()
    submission(text, "python")

    assert time.process_time() - started < 5  # quadratic time would be minutes


SHAPES: list[tuple[object, object]] = [
    (
        {"inputs": ["1\n2", ["3", "4"]], "outputs": ["3", ["7", "8"]]},
        StdioTests(
            cases=(StdioCase(stdin="1\n2", expected_stdout="3"), StdioCase(stdin="3\n4", expected_stdout="7\n8"))
        ),
    ),
    (
        {"inputs": [[[1, 2], 3]], "outputs": [[5]], "fn_name": "f"},
        FunctionTests(entry_point="f", loose=True, wrapped=True, cases=(FunctionCase(args=([1, 2], 3), expected=5),)),
    ),
    (
        {"inputs": ["[1, 2]\n3"], "outputs": ["[5]"], "fn_name": "f"},
        FunctionTests(entry_point="f", loose=True, cases=(FunctionCase(args=([1, 2], 3), expected=[5], text="[5]"),)),
    ),
    (
        {"language": "cpp", "test_cases": [{"input": "1", "output": "2"}]},
        StdioTests(cases=(StdioCase(stdin="1", expected_stdout="2"),)),
    ),
    (
        {"test_cases": [{"type": "function_call", "fn_name": "f", "input": [1], "output": [2]}]},
        FunctionTests(entry_point="f", loose=True, wrapped=True, cases=(FunctionCase(args=(1,), expected=2),)),
    ),
    (
        {"fn_name": "f", "public_test_cases": '[{"input": "1\\n2", "output": "3", "testtype": "functional"}]'},
        FunctionTests(entry_point="f", loose=True, cases=(FunctionCase(args=(1, 2), expected=3, text="3"),)),
    ),
    (
        {"prompt": "def f(x):\n", "test": "def check(candidate):\n    assert candidate(1) == 2\n", "entry_point": "f"},
        AssertTests(
            entry_point="f",
            prelude="def f(x):\n",
            code="def check(candidate):\n    assert candidate(1) == 2\n",
        ),
    ),
    (
        {"test_list": ["assert set(f([1])) == {1}", "assert f([]) == []"], "test_setup_code": "import math"},
        AssertTests(entry_point="f", code="\nimport math\nassert set(f([1])) == {1}\nassert f([]) == []"),
    ),
    (
        {"test_cases": [{"input": {"stdin": "1"}, "output": {"stdout": "2"}}]},
        StdioTests(cases=(StdioCase(stdin="1", expected_stdout="2"),)),
    ),
    ({"inputs": [None], "outputs": ["2"]}, StdioTests(cases=(StdioCase(stdin="", expected_stdout="2"),))),
    (["assert f(1) == 2"], AssertTests(entry_point="f", code="\n\nassert f(1) == 2")),
    (
        {
            "public_test_cases": '[{"input": "1", "output": "2", "testtype": "stdin"}]',
            "private_test_cases": '[{"input": "3", "output": "4", "testtype": "stdin"}]',
            "metadata": "{}",
        },
        StdioTests(cases=(StdioCase(stdin="1", expected_stdout="2"), StdioCase(stdin="3", expected_stdout="4"))),
    ),
    (
        {
            "public_test_cases": [{"input": "[1]", "output": "3", "testtype": "functional"}],
            "private_test_cases": "[]",
            "metadata": '{"func_name": "f"}',
        },
        FunctionTests(entry_point="f", loose=True, cases=(FunctionCase(args=([1],), expected=3, text="3"),)),
    ),
    (
        [{"input": "1\n2", "output": "3", "testtype": "functional", "metadata": {"func_name": "f"}}],
        FunctionTests(entry_point="f", loose=True, cases=(FunctionCase(args=(1, 2), expected=3, text="3"),)),
    ),
    (
        [{"input": "1", "output": "2", "testtype": "stdin_stdout", "metadata": {"func_name": None}}],
        StdioTests(cases=(StdioCase(stdin="1", expected_stdout="2"),)),
    ),
    (
        {"question": "Add.", "input_output": '{"inputs": ["1"], "outputs": ["2"]}', "difficulty": "easy"},
        StdioTests(cases=(StdioCase(stdin="1", expected_stdout="2"),)),
    ),
    (
        {"input_output": {"inputs": [[1]], "outputs": [[2]], "fn_name": "f"}},
        FunctionTests(entry_point="f", loose=True, wrapped=True, cases=(FunctionCase(args=(1,), expected=2),)),
    ),
    (
        {"verification_info": '{"language": "python", "test_cases": [{"input": "1", "output": "2"}]}'},
        StdioTests(cases=(StdioCase(stdin="1", expected_stdout="2"),)),
    ),
    (
        {"inputs": ["1"], "outputs": [["2", "3"]], "input_output": "of no use"},
        StdioTests(cases=(StdioCase(stdin="1", expected_stdout="2\n3"),)),
    ),
    (
        {"inputs": ["1"], "outputs": ["2"], "metadata": "from a contest"},
        StdioTests(cases=(StdioCase(stdin="1", expected_stdout="2"),)),
    ),
    (
        [{"input": "1", "output": "2", "testtype": "stdin", "metadata": {"func_name": "f"}}],
        StdioTests(cases=(StdioCase(stdin="1", expected_stdout="2"),)),
    ),
    (
        {"input_output": '{"inputs": ["1"], "outputs": ["2"]}', "test": None, "test_list": []},
        StdioTests(cases=(StdioCase(stdin="1", expected_stdout="2"),)),
    ),
    (
        {"prompt": "def f(x):\n\t'Do.'\n", "test": "assert f(1) == 2", "entry_point": "f"},
        AssertTests(entry_point="f", code="assert f(1) == 2", prelude="def f(x):\n\t'Do.'\n"),
    ),
    (
        {"prompt": "def f(x):\n  for i in x:\n", "test": "assert f(1) == 2", "entry_point": "f"},
        AssertTests(entry_point="f", code="assert f(1) == 2", prelude="def f(x):\n  for i in x:\n"),
    ),
    (
        {"prompt": "Write a function `f`.", "test": "assert f(1) == 2", "entry_point": "f"},
        AssertTests(entry_point="f", code="assert f(1) == 2"),
    ),
    (
        {"prompt": [{"role": "user", "content": "Write f."}], "test": "assert f(1) == 2"},
        AssertTests(entry_point="", code="assert f(1) == 2"),
    ),
    (
        {
            "public_tests": {"input": ["1"], "output": ["2"]},
            "private_tests": {"input": [], "output": []},
            "generated_tests": {"input": ["3"], "output": ["4"]},
        },
        StdioTests(cases=(StdioCase(stdin="1", expected_stdout="2"), StdioCase(stdin="3", expected_stdout="4"))),
    ),
    (
        {"official_tests": [{"input": "1", "output": "2"}], "generated_checker": None, "input_mode": "stdio"},
        StdioTests(cases=(StdioCase(stdin="1", expected_stdout="2"),)),
    ),
    (["assert sum(10, 15) == 6"], AssertTests(entry_point="sum", code="\n\nassert sum(10, 15) == 6")),
]


@pytest.mark.parametrize(("shape", "protocol"), SHAPES, ids=[str(shape)[:40] for shape, _ in SHAPES])
def test_trainers_shapes_are_read_as_they_are_and_as_text(shape: object, protocol: object) -> None:
    assert read_tests(shape).protocol == protocol
    assert read_tests(json.dumps(shape)).protocol == protocol


@pytest.mark.parametrize(
    ("shape", "limits"),
    [
        ({"time_limit": 2.5, "memory_limit": 256.0}, RunLimits(cpu_s=2.5, memory_bytes=256 << 20)),
        (
            {"time_limit": {"seconds": 1, "nanos": 500_000_000}, "memory_limit_bytes": 1 << 28},
            RunLimits(cpu_s=1.5, memory_bytes=1 << 28),
        ),
        ({"time_limit": None, "memory_limit_bytes": 0}, RunLimits()),
        ({"time_limit": "2 seconds", "memory_limit": 4}, RunLimits(memory_bytes=64 << 20)),
        ({"time_limit": float("nan"), "memory_limit": float("inf")}, RunLimits()),
    ],
)
def test_a_contests_limits_are_the_tasks(shape: dict[str, object], limits: RunLimits) -> None:
    assert read_tests({"official_tests": [{"input": "1", "output": "2"}], **shape}).limits == limits


@pytest.mark.parametrize(
    ("shape", "returned", "passes"),
    [
        ({"inputs": [[1]], "outputs": [[5]], "fn_name": "f"}, 5, True),
        ({"inputs": [[1]], "outputs": [[5]], "fn_name": "f"}, [5], True),
        ({"inputs": [[1]], "outputs": [[5]], "fn_name": "f"}, [[5]], False),
        ({"inputs": [[1]], "outputs": [[[5]]], "fn_name": "f"}, [[5]], True),
        ({"inputs": [[1], [2]], "outputs": [[5], [6, 7]], "fn_name": "f"}, 5, False),
        ({"inputs": [[1]], "outputs": ["134"], "fn_name": "f"}, "134", True),
        ({"inputs": [[1]], "outputs": ["134"], "fn_name": "f"}, 134, True),
        ({"inputs": [[1]], "outputs": ["134"], "fn_name": "f"}, "13", False),
        ({"inputs": [[1]], "outputs": [[3]], "fn_name": "f"}, [[]] * 100_000, False),
        ({"inputs": [[1]], "outputs": [{"1": 2}], "fn_name": "f"}, {1: 2}, True),
        ({"inputs": [[1]], "outputs": [{"1": 2}], "fn_name": "f"}, {"1": 2}, True),
        ({"inputs": [[1]], "outputs": [{"1": 2}], "fn_name": "f"}, {2: 2}, False),
        ({"inputs": [[1]], "outputs": [{"1": 2}], "fn_name": "f"}, {True: 2}, False),
        ({"inputs": [[1]], "outputs": [{"1": 2}], "fn_name": "f"}, {10**5000: 2}, False),
    ],
)  # fmt: skip
def test_results_are_compared_with_what_apps_may_mean(shape: dict[str, object], returned: object, passes: bool) -> None:  # noqa: FBT001
    sample = Sample(task=Task(extra={"tests": shape}), completion="```python\ndef f(x): return x\n```")
    first = CaseRun(ending=Ending.OK, returned=codec.packed(returned))
    cases = (first, *[CaseRun(ending=Ending.WRONG_ANSWER)] * (len(cast("list[object]", shape["inputs"])) - 1))

    verdict = CodeTests(reward="prefix").verdict(sample, [Run(cases=cases, isolation=Isolation.NAMESPACES)])

    assert isinstance(verdict, Score)
    assert (verdict.value > 0) is passes, verdict.reason


def test_a_check_that_the_tests_only_define_is_called() -> None:
    tests = AssertTests(entry_point="f", code="def check(candidate):\n    assert candidate(1) == 2\n")
    task = Task(tests=ProgramTests(protocol=tests))
    asked = CodeTests().verdict(Sample(task=task, completion="```python\ndef f(x): return 2\n```"))

    assert isinstance(asked, Ask)
    (program,) = asked.questions
    assert isinstance(program, Program)
    assert isinstance(program.tests, Asserts)
    assert program.tests.code.endswith("check(f)\n")


@pytest.mark.parametrize(
    "shape",
    [
        "nonsense",
        5,
        {},
        {"inputs": ["1"], "outputs": []},
        {"inputs": "1", "outputs": "2"},
        {"inputs": ["{"], "outputs": ["1"], "fn_name": "f"},
        {"test_cases": "5"},
        {"test_cases": [1]},
        {"test_cases": [{"input": "1"}]},
        {"test_cases": [{"input": "1", "output": None}]},
        {"inputs": ["1"], "outputs": [{"stdout": "1", "files": {}}]},
        {"test_cases": [{"input": "1", "output": "2", "testtype": "functional"}]},
        {"public_test_cases": [{"input": "1", "output": "2"}], "private_test_cases": "eJxrYJmayzJ1AAAJdwHk"},
        {
            "test_cases": [{"input": "1", "output": "2"}, {"input": "1", "output": "2", "type": "function_call"}],
            "fn_name": "f",
        },
        {"input_output": {"input_output": {"inputs": ["1"], "outputs": ["2"]}}},
        {"input_output": "5"},
        {
            "test_cases": [
                {"input": "1", "output": "2", "type": "functional"},
                {"input": "1", "output": "2", "type": []},
            ]
        },
        "[" * 100_000,
        {"public_tests": {"input": ["1"], "output": []}},
        {"public_tests": {"input": ["1"]}},
        {"official_tests": [{"input": "1", "output": "2"}], "input_mode": "file"},
    ],
)
def test_broken_tests_are_refused_in_words(shape: object) -> None:
    with pytest.raises(BadTestsError, match=r"\w"):
        read_tests(shape)


def test_tests_are_found_in_the_task_its_extra_fields_or_its_answer() -> None:
    shape = {"inputs": ["1"], "outputs": ["1"]}
    wanted = Stdio(stdins=("1",))

    assert question(Task(tests=TWO)).tests == Stdio(stdins=("1", "2"))
    assert question(Task(extra={"tests": shape})).tests == wanted
    assert question(Task(extra=shape)).tests == wanted
    assert question(Task(extra={"input_output": json.dumps(shape)})).tests == wanted
    assert question(Task(answers=(json.dumps(shape),))).tests == wanted


@pytest.mark.parametrize(
    "task",
    [
        Task(),
        Task(answers=("42",)),
        Task(answers=("{",)),
        Task(tests=ProgramTests(protocol=StdioTests(cases=()))),
        Task(tests=ProgramTests(protocol=AssertTests(entry_point="f", code=" "))),
        Task(tests=ProgramTests(protocol=TWO.protocol, compare=Comparison(mode="guess"))),
        Task(tests=ProgramTests(protocol=StdioTests(cases=(StdioCase(weight=0.0),)))),
        Task(tests=ProgramTests(protocol=TWO.protocol, limits=RunLimits(cpu_s=-1.0))),
        Task(tests=ProgramTests(protocol=FunctionTests(entry_point="f", cases=(FunctionCase(args=(object(),)),)))),
    ],
)
def test_a_task_without_usable_tests_is_no_fault_of_the_program(task: Task) -> None:
    verdict = CodeTests().verdict(Sample(task=task, completion=FENCED))

    assert isinstance(verdict, Abstain)
    assert verdict.cause is Cause.INVALID_REFERENCE


@pytest.mark.parametrize(
    ("told", "language"),
    [
        ("", "python"),
        ("python3", "python"),
        ("Python", "python"),
        ("py", "python"),
        ("PYTHON3", "python"),
        ("Python 3.11 (CPython)", "python"),
        ("PyPy 3", "python"),
        ("c++", "cpp"),
        ("C++17", "cpp"),
        ("C", "c"),
        ("js", "javascript"),
        ("Node.js", "javascript"),
        ("golang", "go"),
        ("rs", "rust"),
    ],
)
def test_a_language_goes_by_any_of_its_names(told: str, language: str) -> None:
    tests = ProgramTests(protocol=TWO.protocol, language=told)

    assert question(Task(tests=tests), f"```{language}\n{ECHO}\n```").language == language


@pytest.mark.parametrize("told", ["cobol", "c#", "pythonic"])
def test_a_language_that_is_not_there_is_no_fault_of_the_program(told: str) -> None:
    tests = ProgramTests(protocol=TWO.protocol, language=told)
    verdict = CodeTests().verdict(Sample(task=Task(tests=tests), completion="I do not know."))

    assert isinstance(verdict, Abstain)
    assert verdict.cause is Cause.UNAVAILABLE


@pytest.mark.parametrize(
    ("tests", "field"),
    [
        (ProgramTests(protocol=TWO.protocol, compare=Comparison(mode="value")), "compare.mode"),
        (ProgramTests(protocol=CALLED, compare=Comparison(mode="tokens")), "compare.mode"),
        (ProgramTests(protocol=CALLED, compare=Comparison(mode="any_of")), "compare.mode"),
        (ProgramTests(protocol=CALLED, compare=Comparison(mode="checker"), checker="exit(0)"), "compare.mode"),
        (ProgramTests(protocol=CALLED, checker="exit(0)"), "checker"),
    ],
)
def test_a_comparison_that_the_protocol_has_no_use_for_is_refused(tests: ProgramTests, field: str) -> None:
    verdict = CodeTests().verdict(Sample(task=Task(tests=tests), completion=FENCED))

    assert isinstance(verdict, Abstain)
    assert verdict.cause is Cause.INVALID_REFERENCE
    assert verdict.reason.startswith(f"no usable tests: {field}: ")


def test_equal_questions_are_equal_and_hashable() -> None:
    one, two = question(Task(tests=TWO)), question(Task(tests=TWO), f"```py\n{ECHO}\n```")

    assert one == two
    assert hash(one) == hash(two)


def test_limits_are_the_tasks_then_the_recipes() -> None:
    limits = RunLimits(cpu_s=3.0, memory_bytes=64 << 20)
    program = question(Task(tests=ProgramTests(protocol=TWO.protocol, limits=limits)))

    assert (program.limits.cpu_s, program.limits.memory_bytes) == (3.0, 64 << 20)
    assert program.limits.output_bytes == CodeTests().output_bytes


def test_a_body_continues_the_tasks_prompt_and_a_whole_function_follows_it() -> None:
    prompt = "def f(x):\n    '''Next.'''\n"
    task = Task(tests=ProgramTests(protocol=AssertTests(entry_point="f", code="assert f(1) == 2", prelude=prompt)))

    body = question(task, "    return x + 1\n")
    whole = question(task, "```python\ndef f(x):\n    return x + 1\n```")

    assert body.source == prompt + "    return x + 1\n"
    assert whole.source == prompt + "\ndef f(x):\n    return x + 1"
    assert whole.tests == Asserts(code="assert f(1) == 2", entry_point="f", prelude=prompt)


@pytest.mark.parametrize("prompt", ["def f(x):\n", "def f(x):\n    # Next.\n"])
def test_a_prompt_without_a_body_compiles_by_itself_and_before_a_whole_function(prompt: str) -> None:
    task = Task(tests=ProgramTests(protocol=AssertTests(entry_point="f", code="assert f(1) == 2", prelude=prompt)))

    body = question(task, "    return x + 1\n")
    whole = question(task, "```python\nfrom __future__ import annotations\ndef f(x):\n    return x + 1\n```")

    assert isinstance(whole.tests, Asserts)
    for code in (whole.tests.prelude, body.source, whole.source):
        compile(code, "", "exec")


@pytest.mark.parametrize(
    ("source", "imports"),
    [
        ("class Solution:\n    def f(self, x: List[int]) -> Optional[int]: ...", "List Optional"),
        ("def f(x):\n    heapq.heapify(x)\n    return defaultdict(int), inf", "heapq defaultdict inf"),
        ("from __future__ import annotations\ndef f(x): return gcd(x, 2)", "gcd"),
        ("from math import inf\ndef gcd(a, b): return min(a, inf)\nf = lambda count: gcd(count, 1)", ""),
        ("def f(x): return sorted(x)", ""),
        ("def f(x) return gcd(x, 2)", ""),
    ],
)
def test_a_called_program_is_given_the_usual_imports_that_it_leaves_out(source: str, imports: str) -> None:
    program = question(Task(tests=ProgramTests(protocol=CALLED)), f"```python\n{source}\n```")
    names: dict[str, object] = {}

    assert program.source.endswith(source) or "__future__" in source
    if imports:
        exec(program.source, names)  # noqa: S102
        assert set(imports.split()) <= names.keys()
    else:
        assert program.source == source


def test_a_program_is_not_given_what_it_was_to_write() -> None:
    tests = FunctionTests(entry_point="gcd", cases=(FunctionCase(args=(4, 6), expected=2),))
    program = question(Task(tests=ProgramTests(protocol=tests)), "```python\nprint(gcd(4, 6))\n```")

    assert program.source == "print(gcd(4, 6))"


@pytest.mark.parametrize("entry_point", ["Solution().f", "Solution.f", "Sums().f"])
def test_a_method_is_called_by_a_plain_name(entry_point: str) -> None:
    tests = AssertTests(entry_point=entry_point, code="def check(candidate):\n    assert candidate(1) == 2\n")
    owner = entry_point.removesuffix(".f").removesuffix("()")
    source = f"class {owner}:\n    def f(self, x): return x + 1"
    program = question(Task(tests=ProgramTests(protocol=tests)), f"```python\n{source}\n```")
    call = question(Task(extra={"inputs": [[1]], "outputs": [[2]], "fn_name": entry_point}), source)

    assert isinstance(program.tests, Asserts)
    assert (program.tests.entry_point, program.tests.code.splitlines()[-1]) == ("f", "check(f)")
    assert program.source == (source if owner == "Solution" else f"{source}\nf = Sums().f\n")
    assert isinstance(call.tests, Functions)
    assert call.tests.entry_point == f"{owner}.f"


def test_arguments_travel_typed() -> None:
    tests = FunctionTests(entry_point="f", cases=(FunctionCase(args=((1, 2), {"a": None}), expected=1),))
    program = question(Task(tests=ProgramTests(protocol=tests)))

    assert isinstance(program.tests, Functions)
    assert codec.unpacked(program.tests.arguments[0]) == [(1, 2), {"a": None}]


@pytest.mark.parametrize(
    ("reward", "outputs", "value"),
    [
        ("all", ("1", "2"), 1.0),
        ("all", ("1", "3"), 0.0),
        ("fraction", ("1", "3"), 0.5),
        ("weighted", ("1", "3"), 0.25),
        ("weighted", ("0", "2"), 0.75),
        ("prefix", ("0", "2"), 0.0),
        ("prefix", ("1", "0"), 0.5),
        ("subtasks", ("1", "0"), 0.0),
    ],
)
def test_passed_tests_become_a_reward(reward: str, outputs: tuple[str, str], value: float) -> None:
    verifier = CodeTests(reward=reward)  # type: ignore[arg-type]

    assert score(printed(*outputs), verifier=verifier).value == value


def test_a_subtask_counts_when_all_its_tests_pass() -> None:
    cases = tuple(StdioCase(stdin=str(i), expected_stdout=str(i), subtask=name) for i, name in enumerate("aabb"))
    tests = ProgramTests(protocol=StdioTests(cases=cases))

    assert score(printed("0", "1", "2", "-"), tests, CodeTests(reward="subtasks")).value == 0.5


def test_a_wrong_answer_says_where() -> None:
    wrong = score(printed("1\n", "3\n"))

    assert wrong.details["verdict"] == "wrong_answer"
    assert wrong.reason == "1 of 2 tests passed; test 2: wrong_answer, token 1 is '3', expected '2'"


def test_no_program_is_the_completions_fault() -> None:
    verdict = CodeTests().verdict(
        Sample(task=Task(tests=TWO), completion="```python\nprint(", finish_reason=FinishReason.LENGTH)
    )

    assert isinstance(verdict, Score)
    assert verdict.value == 0.0
    assert verdict.details["verdict"] == "no_program"


@pytest.mark.parametrize(
    "ending",
    [
        Ending.TIME_LIMIT,
        Ending.MEMORY_LIMIT,
        Ending.OUTPUT_LIMIT,
        Ending.RUNTIME_ERROR,
        Ending.COMPILE_ERROR,
        Ending.WRONG_ANSWER,
    ],
)
def test_what_the_program_did_wrong_scores_nothing_even_with_the_right_output(ending: Ending) -> None:
    verdict = score(
        ended(Ending.OK, ending), ProgramTests(protocol=StdioTests(cases=(StdioCase(expected_stdout="1"),) * 2))
    )

    assert verdict.value == 0.0
    assert verdict.details["verdict"] == ending.value


@pytest.mark.parametrize(
    ("ending", "cause"),
    [
        (Ending.SANDBOX_ERROR, Cause.INTERNAL),
        (Ending.UNAVAILABLE, Cause.UNAVAILABLE),
        (Ending.TEST_ERROR, Cause.INVALID_REFERENCE),
    ],
)
def test_what_is_not_its_fault_is_no_score(ending: Ending, cause: Cause) -> None:
    verdict = CodeTests(reward="fraction").verdict(
        Sample(task=Task(tests=TWO), completion=FENCED), [ended(Ending.OK, ending)]
    )

    assert isinstance(verdict, Abstain)
    assert verdict.cause is cause


def test_one_failure_decides_whatever_the_sandbox_did_elsewhere() -> None:
    assert score(ended(Ending.RUNTIME_ERROR, Ending.SANDBOX_ERROR)).value == 0.0


def test_a_run_of_one_case_stands_for_all_tests() -> None:
    verdict = score(ended(Ending.COMPILE_ERROR))

    assert (verdict.details["passed"], verdict.details["total"]) == (0, 2)


def test_no_reply_is_no_score() -> None:
    verdict = CodeTests().verdict(
        Sample(task=Task(tests=TWO), completion=FENCED), [NoReply(Cause.UNAVAILABLE, "no sandbox here")]
    )

    assert verdict == Abstain(Cause.UNAVAILABLE, "no sandbox here")


def test_returned_values_are_compared_with_their_types() -> None:
    tests = ProgramTests(protocol=FunctionTests(entry_point="f", cases=(FunctionCase(args=(1,), expected=[1, 2]),)))

    def returned(text: str) -> Run:
        case = CaseRun(ending=Ending.OK, returned=text)
        return Run(cases=(case,), isolation=Isolation.NAMESPACES)

    assert score(returned(codec.packed((1, 2))), tests).value == 1.0
    assert score(returned(codec.packed([True, 2])), tests).value == 0.0
    assert score(returned("{hostile"), tests).value == 0.0


def test_details_are_json_and_say_how_each_test_went() -> None:
    case = CaseRun(ending=Ending.OK, stdout=b"\xff" * 1000, stderr=b"e", cpu_s=0.5, wall_s=0.6, peak_memory_bytes=7)
    verdict = score(Run(cases=(case, OK), isolation=Isolation.NAMESPACES))

    details = json.loads(json.dumps(verdict.details))
    assert details["isolation"] == "namespaces"
    assert details["tests"][0] == {
        "verdict": "wrong_answer",
        "reason": details["tests"][0]["reason"],
        "cpu_s": 0.5,
        "wall_s": 0.6,
        "peak_memory_bytes": 7,
        "stdout": "\ufffd" * 200,
        "stderr": "e",
        "truncated": True,
    }
