"""The command line, as a person or a script calls it."""

from __future__ import annotations

import gzip
import json
import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Generator

JURIST = str(Path(sys.executable).with_name("jurist"))
GOOD = "<think>six times seven</think> <answer>42</answer>"


def jurist(*arguments: object, **kwargs: Any) -> subprocess.CompletedProcess[str]:
    command = [JURIST, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=120, **kwargs)


def line(group_id: str, *completions: str, **fields: Any) -> str:
    rollouts = [{"completion": completion} for completion in completions]
    return json.dumps({"group_id": group_id, "task": {"answers": ["42"]}, "rollouts": rollouts} | fields)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "groups.jsonl"
    path.write_text("\n".join([line("a", GOOD, "no"), "", line("b", GOOD), line("c", "no", "no")]) + "\n")
    return path


def test_a_file_is_scored_here_into_a_file_in_its_order(file: Path, tmp_path: Path) -> None:
    out = tmp_path / "scores.jsonl"
    done = jurist("score", file, "--verifier", "format_tags", "--out", out, "--workers", 1)
    scores = [json.loads(text) for text in out.read_text().splitlines()]

    assert done.returncode == 0, done.stderr
    assert [group["group_id"] for group in scores] == ["a", "b", "c"]
    assert [[rollout["reward"] for rollout in group["rollouts"]] for group in scores] == [[1.0, 0.0], [1.0], [0.0, 0.0]]
    assert "3 groups, 5 rollouts" in done.stderr
    assert "mean reward 0.4000" in done.stderr
    assert "score 100.0%" in done.stderr
    assert sorted(tmp_path.iterdir()) == sorted([file, out])


def test_a_server_gives_the_same_scores(file: Path, tmp_path: Path, server: Any) -> None:
    texts = []
    for name, where in (("here", ["--workers", 1]), ("there", ["--target", server.target])):
        out = tmp_path / name
        assert jurist("score", file, "--verifier", "format_tags", "--out", out, *where).returncode == 0
        scores = [json.loads(text) for text in out.read_text().splitlines()]
        for group in scores:
            for rollout in group["rollouts"]:
                for component in rollout["components"]:
                    del component["elapsed_ms"]
        texts.append(scores)

    assert texts[0] == texts[1]


def test_options_reach_the_verifier_and_a_table_shows_the_reasons(file: Path, server: Any) -> None:
    done = jurist("score", file, "--verifier", "format_tags", "--option", "partial=true", "--target", server.target)

    assert done.returncode == 0, done.stderr
    assert "reason" in done.stdout
    assert "keeps to the template" in done.stdout


@pytest.mark.parametrize("packed", [True, False])
def test_gzip_and_standard_input_are_read(file: Path, tmp_path: Path, packed: bool, server: Any) -> None:  # noqa: FBT001
    arguments = ["--verifier", "format_tags", "--format", "jsonl", "--target", server.target]
    if packed:
        name = tmp_path / "groups.jsonl.gz"
        name.write_bytes(gzip.compress(file.read_bytes()))
        done = jurist("score", name, *arguments)
    else:
        done = jurist("score", "-", *arguments, input=file.read_text())

    assert done.returncode == 0, done.stderr
    assert [json.loads(text)["group_id"] for text in done.stdout.splitlines()] == ["a", "b", "c"]


@pytest.mark.parametrize(
    ("bad", "told"),
    [
        ("{", "groups.jsonl:2: "),
        ('{"group_id": "x", "rolouts": []}', "groups.jsonl:2: rolouts: unknown field; there are: group_id, "),
        (line("x"), "groups.jsonl:2: rollouts: at least one"),
        (line("a", GOOD), "groups.jsonl:2: group_id: 'a' is line 1's already"),
        (line("x", GOOD, recipe={"name": "nope"}), "groups.jsonl:2: recipe.name: unknown recipe 'nope'"),
        (line("x", GOOD, task={"answers": 5}), "groups.jsonl:2: task.answers: is no JSON array"),
        (line("x", *["no"] * 8193), "groups.jsonl:2: rollouts: 8193"),
    ],
)
def test_a_bad_line_is_an_error_with_its_place_and_leaves_no_file(
    tmp_path: Path, bad: str, told: str, server: Any
) -> None:
    path, out = tmp_path / "groups.jsonl", tmp_path / "out.jsonl"
    path.write_text(f"{line('a', GOOD)}\n{bad}\n{line('z', GOOD)}\n")
    arguments = ["score", path, "--verifier", "format_tags", "--out", out, "--target", server.target]
    done = jurist(*arguments)

    assert done.returncode == 1
    assert told in done.stderr
    assert list(tmp_path.iterdir()) == [path]

    kept = jurist(*arguments, "--keep-going")
    assert kept.returncode == 0
    assert told in kept.stderr
    assert "1 lines refused" in kept.stderr
    assert [json.loads(text)["group_id"] for text in out.read_text().splitlines()] == ["a", "z"]


def test_lines_that_would_not_fit_into_a_call_together_are_scored(tmp_path: Path) -> None:
    path = tmp_path / "groups.jsonl"
    sizes = (10, 8190, 2, 8193, 1)
    path.write_text("\n".join(line(str(size), *["no"] * size) for size in sizes))
    arguments = ["score", path, "--verifier", "format_tags", "--format", "jsonl", "--workers", 1]
    kept, stopped = jurist(*arguments, "--keep-going"), jurist(*arguments)
    told = "groups.jsonl:4: rollouts: 8193 rollouts; at most 8192"

    assert kept.returncode == 0, kept.stderr
    assert [json.loads(text)["group_id"] for text in kept.stdout.splitlines()] == ["10", "8190", "2", "1"]
    assert (told in kept.stderr, "1 lines refused" in kept.stderr) == (True, True)
    assert (stopped.returncode, stopped.stderr) == (1, f"jurist: {tmp_path}/{told}\n")


@contextmanager
def scoring(*arguments: object, **kwargs: Any) -> Generator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [JURIST, "score", *map(str, arguments), "--verifier", "format_tags", "--workers", "1"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        **kwargs,
    )
    late = threading.Timer(60, process.kill)  # who waits for what does not come hears its end
    late.start()
    with process:
        try:
            yield process
        finally:
            late.cancel()
            process.kill()


def typed(process: subprocess.Popen[str], text: str) -> None:
    assert process.stdin is not None
    process.stdin.write(f"{text}\n")
    process.stdin.flush()


def heard(process: subprocess.Popen[str], groups: int) -> list[str]:
    assert process.stdout is not None
    return [json.loads(process.stdout.readline())["group_id"] for _ in range(groups)]


def test_what_is_scored_is_written_before_standard_input_ends() -> None:
    with scoring("-", "--format", "jsonl") as process:
        typed(process, "\n".join(line(f"{number}", *["no"] * 8) for number in range(100)))
        many = heard(process, 100)
        typed(process, line("one", GOOD))
        one = heard(process, 1)
        output, told = process.communicate(timeout=60)

    assert (many, one, output) == ([f"{number}" for number in range(100)], ["one"], "")
    assert "101 groups" in told


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (None, 1)])
def test_ctrl_c_and_a_bad_line_end_it_while_standard_input_is_open(number: int | None, status: int) -> None:
    with scoring("-", "--format", "jsonl") as process:
        typed(process, line("a", GOOD))
        scored = heard(process, 1)
        if number is None:
            typed(process, "{")
        else:
            process.send_signal(number)
        assert process.stderr is not None
        told = process.stderr.read()
        ended = process.wait(timeout=60)

    assert (scored, ended) == (["a"], status)
    assert "Traceback" not in told


def test_sigterm_leaves_no_part_of_a_file(tmp_path: Path) -> None:
    out = tmp_path / "out.jsonl"
    with scoring("-", "--out", out) as process:
        typed(process, line("a", GOOD))
        end = time.monotonic() + 60
        while not list(tmp_path.iterdir()):
            assert time.monotonic() < end
            time.sleep(0.05)
        process.terminate()
        told = process.communicate(timeout=60)[1]

    assert process.returncode == 128 + signal.SIGTERM
    assert told == ""
    assert list(tmp_path.iterdir()) == []


def test_what_is_no_file_is_written_through(file: Path, tmp_path: Path) -> None:
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    reader = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)
    done = jurist("score", file, "--verifier", "format_tags", "--workers", 1, "--out", fifo)

    assert (done.returncode, fifo.is_fifo()) == (0, True)
    with os.fdopen(reader) as scores:
        assert len(scores.readlines()) == 3


def test_a_file_that_standard_output_goes_to_is_not_replaced(file: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.jsonl"
    out.write_text("before\n")
    with out.open("a") as stdout:
        command = [JURIST, "score", str(file), "--verifier", "format_tags", "--workers", "1", "--out", str(out)]
        assert subprocess.run(command, stdout=stdout, check=False, timeout=60).returncode == 0

    assert [text[:6] for text in out.read_text().splitlines()] == ["before", *['{"grou'] * 3]


def test_a_link_is_followed_and_modes_are_as_of_any_file(file: Path, tmp_path: Path) -> None:
    arguments = ["score", file, "--verifier", "format_tags", "--workers", 1, "--out"]
    folder, link, there = tmp_path / "folder", tmp_path / "link", tmp_path / "there"
    folder.mkdir()
    link.symlink_to("folder/new")
    there.touch(mode=0o640)
    for out in (link, there):
        assert jurist(*arguments, out, umask=0o027).returncode == 0
    refused = jurist(*arguments, folder)

    assert link.is_symlink()
    assert [oct(path.stat().st_mode & 0o777) for path in (folder / "new", there)] == ["0o640", "0o640"]
    assert len((folder / "new").read_text().splitlines()) == 3
    assert (refused.returncode, refused.stderr) == (2, f"jurist: --out {folder}: Is a directory\n")
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["folder", "groups.jsonl", "link", "new", "there"]


@pytest.mark.parametrize("flag", ["--recipes", "--workers"])
def test_flags_of_an_engine_here_do_not_go_with_a_server(file: Path, flag: str) -> None:
    done = jurist("score", file, "--recipe", "math", "--target", "localhost:1", flag, "1")

    assert (done.returncode, "--recipes and --workers" in done.stderr) == (2, True)


@pytest.mark.parametrize("packed", [True, False])
def test_progress_is_a_share_of_a_file_that_has_a_length(file: Path, tmp_path: Path, packed: bool, server: Any) -> None:  # noqa: FBT001
    name = tmp_path / "groups.jsonl.gz"
    name.write_bytes(gzip.compress(file.read_bytes()))
    terminal = {"env": os.environ | {"FORCE_COLOR": "1", "COLUMNS": "120"}}
    arguments = ["--verifier", "format_tags", "--target", server.target]
    known = jurist("score", name if packed else file, *arguments, **terminal)
    unknown = jurist("score", "-", *arguments, input=file.read_text(), **terminal)

    assert ("3 groups" in known.stderr, "100%" in known.stderr) == (True, True)
    assert ("3 groups" in unknown.stderr, "%" in unknown.stderr.partition("mean reward")[0]) == (True, False)


def test_fields_that_the_contract_lacks_can_be_passed_over(tmp_path: Path, server: Any) -> None:
    path = tmp_path / "groups.jsonl"
    path.write_text(line("a", GOOD, recorded_correct=[True]))
    arguments = ["score", path, "--verifier", "format_tags", "--target", server.target]

    assert jurist(*arguments).returncode == 1
    assert jurist(*arguments, "--ignore-unknown-fields").returncode == 0


def test_what_cannot_be_begun_says_so(tmp_path: Path, file: Path) -> None:
    missing = jurist("score", tmp_path / "nowhere.jsonl", "--recipe", "math")
    both = jurist("score", file, "--recipe", "math", "--verifier", "format_tags")
    neither = jurist("score", file, "--workers", 1)
    unknown = jurist("score", file, "--verifier", "nope", "--workers", 1)
    nowhere = jurist("score", file, "--recipe", "math", "--out", tmp_path / "no" / "out", "--workers", 1)
    broken = tmp_path / "broken.jsonl.gz"
    broken.write_bytes(b"no gzip")
    unpacked = jurist("score", broken, "--recipe", "math", "--workers", 1)

    assert (missing.returncode, "No such file" in missing.stderr) == (2, True)
    assert (both.returncode, "--recipe or --verifier" in both.stderr) == (2, True)
    assert (neither.returncode, ":1: recipe: is required" in neither.stderr) == (1, True)
    assert (nowhere.returncode, "--out" in nowhere.stderr) == (2, True)
    assert (unpacked.returncode, "not a whole gzip file" in unpacked.stderr) == (2, True)
    assert (unknown.returncode, "recipe.terms[0].verifier: unknown verifier 'nope'" in unknown.stderr) == (1, True)


def test_verifiers_and_recipes_are_listed_and_described() -> None:
    wide = os.environ | {"COLUMNS": "400"}
    listed = jurist("verifiers")
    described = jurist("verifiers", "format_tags", env=wide)
    large = jurist("verifiers", "code_tests", env=wide)
    as_json = json.loads(jurist("verifiers", "--json").stdout)
    recipes = jurist("recipes")
    recipe = jurist("recipes", "r1_zero")
    unknown = jurist("verifiers", "nope")

    assert all(name in listed.stdout for name in ("format_tags", "math_answer", "language_share"))
    assert "partial" in described.stdout
    assert "array of (string matching ^[^<>/\\s]{1,64}$) >= 1 items, <= 16 items" in described.stdout
    assert "<= 67108864" in large.stdout
    assert "format_tags" in [info["name"] for info in as_json]
    assert "r1_reasoning" in recipes.stdout
    assert "accuracy" in recipe.stdout
    assert (unknown.returncode, "unknown verifier 'nope'" in unknown.stderr) == (1, True)


def test_ping_tells_whether_a_server_serves(server: Any) -> None:
    up = jurist("ping", "--target", server.target)
    down = jurist("ping", "--target", "localhost:1", "--timeout-s", 0.3)

    assert (up.returncode, "SERVING" in up.stdout) == (0, True)
    assert (down.returncode, "DEADLINE_EXCEEDED" in down.stderr) == (1, True)


@pytest.mark.parametrize(
    ("arguments", "environment", "told"),
    [
        (["--port", "99999"], {}, "port: "),
        (["--recipes", "/nowhere"], {}, "recipes: /nowhere is not a folder"),
        (["--config", "/nowhere.yaml"], {}, "config: /nowhere.yaml is not a file"),
        ([], {"JURIST_WORKERS": "none"}, "workers: "),
        (["--log-format", "xml"], {}, "log_format: "),
        ([], {"JURIST_WROKERS": "2"}, "JURIST_WROKERS: no such setting"),
    ],
)
def test_a_wrong_setting_is_told_and_the_server_does_not_start(
    arguments: list[str], environment: dict[str, str], told: str
) -> None:
    done = jurist("serve", *arguments, env=environment | {"PATH": "/usr/bin"})

    assert done.returncode == 2
    assert told in done.stderr


def test_a_port_that_is_taken_is_told(server: Any) -> None:
    done = jurist("serve", "--port", server.target.rsplit(":", 1)[1])

    assert done.returncode == 2
    assert "port: cannot listen" in done.stderr


def test_flags_beat_the_environment_and_the_environment_beats_the_file(tmp_path: Path) -> None:
    file = tmp_path / "jurist.yaml"
    file.write_text("workers: 1\ncell_cpu_s: 7\nstall_s: 9\nport: 1\n")
    process = subprocess.Popen(
        [JURIST, "serve", "--config", file, "--port", "0", "--log-format", "json"],
        stderr=subprocess.PIPE,
        text=True,
        env={"JURIST_CELL_CPU_S": "8", "JURIST_PORT": "2", "PATH": "/usr/bin"},
    )
    assert process.stderr is not None
    settings = json.loads(process.stderr.readline())
    process.stderr.readline()
    process.terminate()
    process.communicate(timeout=30)

    assert process.returncode == 0
    assert [settings[name] for name in ("port", "cell_cpu_s", "stall_s", "workers")] == [0, 8.0, 9.0, 1]


def test_a_program_is_run_and_its_ending_told(tmp_path: Path) -> None:
    program, words = tmp_path / "sum.py", tmp_path / "words.txt"
    program.write_text("print(sum(map(int, input().split())))")
    words.write_text("1 2 3\n")
    done = jurist("run", program, "--language", "Python3", "--stdin", words)
    spins = jurist("run", "-", "--cpu-s", 0.3, input="while True: pass")

    assert (done.returncode, done.stdout) == (0, "6\n")
    assert "isolation" in done.stderr
    assert (spins.returncode, "time_limit" in spins.stderr) == (1, True)


def test_doctor_tells_what_this_host_offers() -> None:
    done = jurist("doctor")

    assert done.returncode == 0, done.stdout
    assert "seccomp" in done.stdout


def test_a_verdict_is_explained_its_questions_too() -> None:
    plain = jurist("explain", "--answer", "[1,2]", r"It is \boxed{[1, 2]}")
    asked = jurist("explain", "--answer", r"\frac{\pi^2}{6}", "-", input=r"\boxed{\sum_{n=1}^{\infty} 1/n^2}")
    wrong = jurist("explain", "--verifier", "nope", "x")

    assert (plain.returncode, plain.stdout.split()[:2]) == (0, ["score", "1"])
    assert "[1,2]" in plain.stdout
    rows = [line.split("  ")[0] for line in plain.stdout.splitlines()]
    assert rows[2:7] == ["stage", "extracted", "read as", "reference read as", "decided by"]
    assert (asked.returncode, asked.stdout.split()[:2]) == (0, ["score", "1"])
    assert (wrong.returncode, "verifier: unknown verifier 'nope'" in wrong.stderr) == (1, True)
