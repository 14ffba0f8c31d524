"""docker-compose.yml, built and brought up for real: scored through from outside, a worker killed, taken down."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import socket
import subprocess
import time
import urllib.parse
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from jurist.client import Client, group, rewards
from jurist.v1.reward_pb2 import Cause

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = [pytest.mark.docker, pytest.mark.slow]

ROOT = Path(__file__).parents[2]
CASES = ROOT / "tests" / "cases"
BASE = "jurist/python:3.11"  # as deploy/engine.sh calls it
IMAGE = "jurist/service:test"
PROMETHEUS = "jurist/prometheus:test"
PARTS = ("head", "rules", "sandbox", "front", "prometheus")  # what can be built here; Grafana's image is others'
COUNTED = ("head", "rules", "front")
MEMORY_BYTES = 2 << 30
DOCKER = shutil.which("docker") or "docker"
PROSE = "We add the numbers and see that the sum of all of them is larger than what we were given at first. " * 600
DASHBOARD = json.loads((ROOT / "deploy" / "grafana" / "dashboards" / "jurist.json").read_text("utf-8"))
EXPRESSIONS = [(panel["title"], target["expr"]) for panel in DASHBOARD["panels"] for target in panel["targets"]]
SCRAPED_S = 60.0
UP_S = 300.0  # 20 s on a quiet machine
TIMEOUT_S = 300.0
MATHS, PROGRAMS, FORMATS = 160, 40, 200  # groups; 1,000 rollouts with four, four and one
GOOD, BAD = (f"\n```python\ndef add(a, b):\n    return a {sign} b\n```" for sign in "+-")


def composing() -> list[str]:
    """The command: version 2, a part of docker, or version 1, one of its own."""
    version = [DOCKER, "compose", "version"]
    if not subprocess.run(version, check=False, capture_output=True).returncode:
        return [DOCKER, "compose"]
    if shutil.which("docker-compose"):
        return ["docker-compose"]
    pytest.fail("neither docker compose nor docker-compose is installed")


def held_bytes(container: str) -> int:
    """Memory that is the processes' own; `docker stats` counts pages of files, too, which the kernel takes back."""
    number = docker("inspect", "--format", "{{.Id}}", container).strip()
    places = (f"memory/docker/{number}", f"docker/{number}", f"system.slice/docker-{number}.scope")
    paths = (Path("/sys/fs/cgroup", place, "memory.stat") for place in places)
    fields = dict(line.split() for line in next(path for path in paths if path.exists()).read_text().splitlines())
    names = ("total_rss", "total_shmem") if "total_rss" in fields else ("anon", "shmem")
    return sum(int(fields[name]) for name in names)


def free_port() -> int:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        port: int = listening.getsockname()[1]
        return port


class Project(NamedTuple):
    """The containers of one `up`, and the ports that they have on this host."""

    name: str
    grpc_port: int
    http_port: int
    prometheus_port: int
    environment: dict[str, str]

    @property
    def target(self) -> str:
        return f"localhost:{self.grpc_port}"

    def compose(self, *arguments: str) -> None:
        """Run a command of compose."""
        command = [*composing(), "--project-name", self.name, "--project-directory", str(ROOT), *arguments]
        done = subprocess.run(command, check=False, capture_output=True, text=True, env=self.environment, cwd=ROOT)
        if done.returncode:
            pytest.fail(f"{' '.join(command)}: {done.stdout[-1000:]}{done.stderr[-2000:]}")

    def prometheus(self, path: str, **query: str) -> Any:
        """Ask Prometheus; what it answers, as data."""
        address = f"http://localhost:{self.prometheus_port}/api/v1/{path}?{urllib.parse.urlencode(query)}"
        with urllib.request.urlopen(address, timeout=30) as page:
            answer: dict[str, Any] = json.load(page)
        assert answer["status"] == "success", answer
        return answer["data"]

    def containers(self, part: str = "") -> list[str]:
        """Ids of the project's containers that run."""
        labels = [f"label=com.docker.compose.project={self.name}"]
        if part:
            labels.append(f"label=com.docker.compose.service={part}")
        return docker("ps", "--quiet", *(flag for label in labels for flag in ("--filter", label))).split()

    def metric(self, series: str) -> float:
        """Read the front's metric; 0 where it has none."""
        with urllib.request.urlopen(f"http://localhost:{self.http_port}/metrics", timeout=30) as page:
            lines = page.read().decode().splitlines()
        return next((float(line.rpartition(" ")[2]) for line in lines if line.startswith(f"{series} ")), 0.0)


def docker(*arguments: str) -> str:
    done = subprocess.run([DOCKER, *arguments], check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def health(container: str) -> str:
    return docker("inspect", "--format", "{{.State.Health.Status}}", container).strip()


@pytest.fixture(scope="module")
def project(image: str) -> Iterator[Project]:
    """The cluster, healthy; `image` stands for an engine that answers."""
    assert image
    grpc_port, http_port, prometheus_port = free_port(), free_port(), free_port()
    settings = {
        "RAY_AUTH_TOKEN": secrets.token_hex(32),
        "SERVICE_IMAGE": IMAGE,
        "BASE_IMAGE": BASE,
        "GRPC_PORT": f"{grpc_port}",
        "HTTP_PORT": f"{http_port}",
        "PROMETHEUS_PORT": f"{prometheus_port}",
        "PROMETHEUS_IMAGE": PROMETHEUS,
    }
    environment = os.environ | settings
    project = Project(f"jurist-test-{os.getpid()}", grpc_port, http_port, prometheus_port, environment)
    file = Path(__file__).with_name("prometheus.Dockerfile")
    docker("build", "--tag", PROMETHEUS, "--build-arg", f"BASE_IMAGE={BASE}", "--file", str(file), str(file.parent))
    project.compose("build", "head")
    try:
        project.compose("up", "--detach", *PARTS)
        end = time.monotonic() + UP_S
        while not all(health(container) == "healthy" for container in project.containers()):
            assert time.monotonic() < end, docker("ps", "--all")
            time.sleep(0.5)
        yield project
    finally:
        project.compose("down", "--volumes", "--timeout", "30")
    assert project.containers() == []
    assert docker("network", "ls", "--quiet", "--filter", f"label=com.docker.compose.project={project.name}") == ""


def work(name: str) -> tuple[list[Any], list[list[float]]]:
    """A thousand rollouts for rules and boxes, none like those of another name, and what each one is paid."""
    sums = [
        group(
            [f"{name}: \\boxed{{{at + 7}}}", f"\\boxed{{{at + 8}}}", f"It is {at + 7}.", f"The answer is {at}"],
            answers=f"{at + 7}",
            recipe="math",
        )
        for at in range(MATHS)
    ]
    programs = [
        group(
            [f"{name}{GOOD}", f"{name}{BAD}", f"{name}!{GOOD}", f"{name}!{BAD}"],
            tests={"function": {"entry_point": "add", "cases": [{"args": [at, 1], "expected": at + 1}]}},
            recipe="code",
        )
        for at in range(PROGRAMS)
    ]
    formats = [group([f"<think>{name}</think><answer>{at}</answer>"], recipe="format") for at in range(FORMATS)]
    paid = [[1.0, 0.0, 1.0, 0.0]] * (MATHS + PROGRAMS) + [[1.0]] * FORMATS
    return [*sums, *programs, *formats], paid


def test_a_thousand_rollouts_are_scored_from_outside(project: Project) -> None:
    groups, paid = work("outside")
    assert sum(map(len, paid)) == 1000
    with Client(project.target, timeout_s=TIMEOUT_S) as client:
        scores = client.score(groups)

    assert [rewards(each) for each in scores] == paid


def test_a_language_that_needs_a_proc_abstains_and_says_what_is_missing(project: Project) -> None:
    tests = {"language": "bash", "stdio": {"cases": [{"stdin": "", "expected_stdout": "3"}]}}
    with Client(project.target, timeout_s=TIMEOUT_S) as client:
        (scores,) = client.score([group(["```bash\necho 3\n```"], tests=tests, recipe="code")])

    component = scores.rollouts[0].components[0]
    assert component.abstention.cause == Cause.CAUSE_UNAVAILABLE
    assert "systempaths=unconfined" in component.reason


def test_prometheus_scrapes_the_front_and_understands_what_it_is_to_show(project: Project) -> None:
    end = time.monotonic() + SCRAPED_S
    while not any(target["health"] == "up" for target in project.prometheus("targets")["activeTargets"]):
        assert time.monotonic() < end, project.prometheus("targets")
        time.sleep(1)
    while not project.prometheus("query", query="sum(jurist_rollouts_total) >= 1000")["result"]:
        assert time.monotonic() < end, "the rollouts of the first test were not seen"
        time.sleep(1)

    (rules,) = project.prometheus("rules")["groups"]
    assert {rule["lastError"] for rule in rules["rules"] if "lastError" in rule} <= {""}
    assert {rule["name"] for rule in rules["rules"] if rule["state"] == "firing"} == set()
    for title, expression in EXPRESSIONS:
        asked = expression.replace("$__rate_interval", "1m").replace("$__range", "1m")
        assert project.prometheus("query", query=asked)["resultType"] in {"vector", "scalar"}, title


def test_head_workers_and_front_keep_to_their_memory(project: Project) -> None:
    containers = [each for part in COUNTED for each in project.containers(part)]
    assert len(containers) == 4  # two of them rules
    held = [held_bytes(container) for container in containers]

    assert sum(held) < MEMORY_BYTES, held


def test_a_worker_container_killed_under_load_loses_and_doubles_nothing(project: Project) -> None:
    calls = 'jurist_lane_calls_total{{ending="{}",lane="rules"}}'
    answered, died = (project.metric(calls.format(ending)) for ending in ("done", "died"))
    victim, survivor = project.containers("rules")
    recipe = {"terms": [{"verifier": "language_share"}]}
    groups = [group([f"{at} {PROSE}", f"{at}, {PROSE}"], recipe=recipe, language="en") for at in range(500)]
    with Client(project.target, timeout_s=TIMEOUT_S) as client, ThreadPoolExecutor() as pool:
        client.warm(4096, lanes=["rules"])
        while project.metric('jurist_lane_replicas{lane="rules",state="running"}') < 2:  # one in each container
            time.sleep(0.5)
        scored = pool.submit(client.score, groups)
        while project.metric(calls.format("done")) < answered + 2:
            assert not scored.done()
        docker("kill", victim)
        scores = scored.result()

    assert [rewards(each) for each in scores] == [[1.0, 1.0]] * 500
    assert [[rollout.rollout_id for rollout in each.rollouts] for each in scores] == [["0", "1"]] * 500
    assert project.metric(calls.format("died")) > died  # there was work on it
    assert project.containers("rules") == [survivor]


def test_nothing_of_the_engine_is_inside_and_nobody_is_root(project: Project) -> None:
    prometheus = project.containers("prometheus")
    for container in project.containers():
        (said,) = json.loads(docker("inspect", container))
        assert said["HostConfig"]["CapDrop"] == ["ALL"]
        if container in prometheus:
            continue  # its image is others'
        assert said["Config"]["User"] == "60001:60001"
        assert not said["HostConfig"]["Privileged"]
        assert said["HostConfig"]["ReadonlyRootfs"]
        assert said["HostConfig"]["Memory"] > 0
        assert not any("docker.sock" in mount["Source"] for mount in said["Mounts"])
        for ports in (said["NetworkSettings"]["Ports"] or {}).values():
            assert {port["HostIp"] for port in ports or ()} <= {"127.0.0.1"}


def test_a_laptop_has_all_of_it_in_one_container(project: Project) -> None:
    grpc_port, http_port = free_port(), free_port()
    ports = {"GRPC_PORT": f"{grpc_port}", "HTTP_PORT": f"{http_port}"}
    laptop = project._replace(
        name=f"{project.name}-laptop",
        grpc_port=grpc_port,
        http_port=http_port,
        environment=project.environment | ports,
    )
    groups, paid = work("laptop")
    try:
        laptop.compose("up", "--detach", "laptop")
        (container,) = laptop.containers()
        end = time.monotonic() + UP_S
        while health(container) != "healthy":
            assert time.monotonic() < end, docker("logs", container)
            time.sleep(0.5)
        with Client(laptop.target, timeout_s=TIMEOUT_S) as client:
            scores = client.score(groups)
    finally:
        laptop.compose("down", "--volumes", "--timeout", "30")

    assert [rewards(each) for each in scores] == paid
    assert laptop.containers() == []
