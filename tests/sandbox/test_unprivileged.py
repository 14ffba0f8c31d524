"""A user without privileges gets the same boxes, in a user namespace of its own and without control groups."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from jurist import sandbox

PYTHON = "/usr/bin/python3"
NOBODY = 65534
SCRIPT = """
import asyncio, json, sys
sys.path.insert(0, sys.argv[1])
from jurist.sandbox import Asserts, Limits, Program, Stdio
from jurist.sandbox.embedded import Embedded

STDIO = {
    "echo": "print(input())",
    "memory": "x = bytearray(10**9)",
    "cpu": "while True: pass",
    "bomb": "import os\\nwhile True:\\n    try: os.fork()\\n    except OSError: pass",
    "files": "import os\\nprint(os.path.exists('/etc/shadow'), os.path.exists('/home'), os.listdir('/tmp'))",
}

async def main():
    limits = Limits(cpu_s=1, wall_s=2, processes=20)
    async with Embedded(slots=1, weaker=True) as sandbox:
        found = {}
        for name, source in STDIO.items():
            run = await sandbox.run(Program(source=source, tests=Stdio(stdins=("x",)), limits=limits))
            found[name] = [run.cases[0].ending, run.cases[0].stdout.decode(), run.isolation]
        tests = Asserts(code="assert add(1, 2) == 3", entry_point="add")
        run = await sandbox.run(Program(source="def add(a, b): return a + b", tests=tests))
        found["asserts"] = [run.cases[0].ending, "", run.isolation]
    print(json.dumps(found))

asyncio.run(main())
"""


def test_nobody_can_run_programs_where_weaker_isolation_is_allowed(tmp_path: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("the other tests of this folder run without privileges already")
    if not Path(PYTHON).exists() or subprocess.run([PYTHON, "-c", "from typing import Self"], check=False).returncode:
        pytest.skip(f"{PYTHON} is missing or older than 3.11")
    (source,) = sandbox.__path__
    root = tmp_path / "source"
    shutil.copytree(source, root / "jurist" / "sandbox")
    for path in (*tmp_path.parents, tmp_path, root):
        if path.stat().st_uid == os.geteuid() and path != Path("/"):
            path.chmod(path.stat().st_mode | 0o055)

    done = subprocess.run(
        [PYTHON, "-c", SCRIPT, str(root)],
        check=False,
        capture_output=True,
        text=True,
        user=NOBODY,
        group=NOBODY,
        extra_groups=[],
        cwd="/",
        timeout=60,
    )
    if "user namespaces" in done.stderr:
        pytest.skip(f"this host gives users no namespaces: {done.stderr.strip().splitlines()[-1]}")

    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert {name: ending for name, (ending, _, _) in found.items()} == {
        "echo": "ok",
        "memory": "memory_limit",
        "cpu": "time_limit",
        "bomb": "time_limit",
        "files": "ok",
        "asserts": "ok",
    }
    assert found["files"][1] == "False False ['main.py']\n"
    assert {isolation for _, _, isolation in found.values()} == {"namespaces"}
