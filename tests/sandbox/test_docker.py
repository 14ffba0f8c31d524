"""Containers: what they are shut in by, which images programs get, and what their deaths cost."""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import docker as sdk
import pytest
import pytest_asyncio

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
)
from jurist.sandbox import _cgroup as cgroup
from jurist.sandbox._box import seccomp
from jurist.sandbox._containers import LABEL, Container, _process, left_by_the_dead, profile, supervisor
from jurist.sandbox._engine import Engine
from jurist.sandbox.docker import Docker

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator, Sequence

MIB = 1 << 20
IMAGE = "jurist/sandbox:test"
ROOT = Path(__file__).parents[2]
BASE = "jurist/python:3.11"
LIMITS = Limits(cpu_s=5, wall_s=20, memory_bytes=128 * MIB, output_bytes=MIB)
ADD = "def add(a, b):\n    return a + b\n"
HAS_COMPILER = "import os\nprint(os.path.exists('/usr/bin/gcc'))"
NOWHERE = "unix:///nowhere/docker.sock"

pytestmark = [pytest.mark.docker, pytest.mark.asyncio(loop_scope="session")]


def echo(text: str = "x", source: str = "print(input())", image: str = "", limits: Limits = LIMITS) -> Program:
    return Program(source=source, tests=Stdio(stdins=(text,)), limits=limits, image=image)


async def one(sandbox: Docker, program: Program) -> CaseRun:
    (case,) = (await sandbox.run(program)).cases
    return case


def container_of(sandbox: Docker) -> Container:
    box = sandbox._slots[0].programs.box
    assert isinstance(box, Container)
    return box


@pytest.fixture
def client(image: str) -> Iterator[Any]:
    """The engine's own view."""
    assert image == IMAGE
    connected = sdk.APIClient(version="auto")
    yield connected
    connected.close()


def ours(client: Any, pid: int | None = None) -> Sequence[Any]:
    found: Sequence[Any] = client.containers(all=True, filters={"label": LABEL})
    return [each for each in found if each["Labels"][LABEL].split(":")[-2] == str(pid or os.getpid())]


def none_running(client: Any, pid: int, within_s: float = 30) -> bool:
    deadline = time.monotonic() + within_s
    while running := [each for each in ours(client, pid) if each["State"] == "running"]:
        if time.monotonic() > deadline:
            break
        time.sleep(0.1)
    return not running


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def sandbox(image: str) -> AsyncIterator[Docker]:
    async with Docker(slots=1, image=image, images=("jurist/pyth*", "jurist/missing")) as running:
        yield running


async def test_a_container_can_do_nothing_that_a_box_need_not(sandbox: Docker, client: Any) -> None:
    found = client.inspect_container(container_of(sandbox).identity)
    host = found["HostConfig"]

    assert found["Config"]["User"].split(":")[0] not in {"", "0"}
    assert (host["CapDrop"], host["CapAdd"] or []) == (["ALL"], [])
    assert host["NetworkMode"] == "none"
    assert host["ReadonlyRootfs"]
    assert not host["Privileged"]
    assert "no-new-privileges" in host["SecurityOpt"]
    assert host["Memory"] == host["MemorySwap"] > 0
    assert host["PidsLimit"] > 0
    assert all(not mount["RW"] for mount in found["Mounts"])


async def test_containers_run_as_users_that_no_host_and_no_other_container_has(client: Any) -> None:
    async with Docker(slots=3, image=IMAGE) as sandbox:
        boxes = [slot.programs.box for slot in sandbox._slots]
        found = [client.inspect_container(box.identity) for box in boxes if isinstance(box, Container)]
    users = {int(each["Config"]["User"].split(":")[0]) for each in found}

    assert len(users) == 3
    # What systemd gives to homes and containers, and to services (DynamicUser=).
    assert not users & {*range(60_001, 60_706), *range(61_184, 65_520)}
    assert max(users) < 65_534


async def test_the_profile_refuses_what_programs_are_refused_but_for_what_makes_boxes() -> None:
    (rule,) = profile()["syscalls"]

    assert rule["action"] == "SCMP_ACT_ERRNO"
    assert {"bpf", "io_uring_setup", "keyctl", "kexec_load", "perf_event_open", "userfaultfd"} <= set(rule["names"])
    assert not seccomp.BUILDERS & set(rule["names"])
    assert json.loads((ROOT / "deploy" / "seccomp.json").read_text()) == profile(), (
        "python -m jurist.sandbox.seccomp > deploy/seccomp.json"
    )


async def test_a_task_gets_the_image_that_it_names(sandbox: Docker) -> None:
    own = await one(sandbox, echo(source=HAS_COMPILER))
    other = await one(sandbox, echo(source=HAS_COMPILER, image=BASE))
    named = await one(sandbox, echo(source=HAS_COMPILER, image=IMAGE))

    assert [case.stdout for case in (own, other, named)] == [b"True\n", b"False\n", b"True\n"]


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("debian", "not among those that may be used here"),
        ("jurist/pyth/../sandbox:test", "not among those that may be used here"),
        ("jurist/missing", "the engine has no image jurist/missing: docker pull jurist/missing"),
    ],
)
async def test_an_image_that_may_not_be_used_or_is_not_there_is_told(sandbox: Docker, name: str, reason: str) -> None:
    case = await one(sandbox, echo(image=name))

    assert case.ending is Ending.UNAVAILABLE
    assert reason in case.reason


async def test_images_of_tasks_give_way_to_others(client: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("jurist.sandbox.docker.OTHER_IMAGES", 1)
    client.tag(BASE, "jurist/python", "again")
    try:
        async with Docker(slots=1, image=IMAGE, images=("jurist/python*",)) as sandbox:
            for image in (BASE, "jurist/python:again", BASE):
                assert (await one(sandbox, echo(image=image))).ending is Ending.OK
                assert list(sandbox._others) == [image]
    finally:
        client.remove_image("jurist/python:again")


async def test_one_program_of_an_image_starts_one_container_and_a_spare_one(monkeypatch: pytest.MonkeyPatch) -> None:
    async with Docker(slots=4, image=IMAGE, images=(BASE,)) as sandbox:
        await asyncio.sleep(1)  # for the spare one
        made, _ = slowly(monkeypatch, 1)
        for _ in range(3):
            assert (await one(sandbox, echo(image=BASE))).ending is Ending.OK
        assert len(made) <= 2
        runs = await asyncio.gather(*(one(sandbox, echo(str(number), image=BASE)) for number in range(8)))

    assert [case.stdout for case in runs] == [b"%d\n" % number for number in range(8)]


@pytest.mark.usefixtures("image")
async def test_an_image_that_starts_holds_up_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    starting, waited = asyncio.Event(), asyncio.Event()

    async def start(_: object) -> None:
        starting.set()
        await waited.wait()
        raise SandboxUnavailableError("not today")

    async with Docker(slots=3, image=IMAGE, images=("jurist/*",)) as sandbox:
        assert (await one(sandbox, echo(image=BASE))).ending is Ending.OK
        monkeypatch.setattr("jurist.sandbox.docker._OtherImage.__aenter__", start)
        others = [asyncio.ensure_future(one(sandbox, echo(image="jurist/other"))) for _ in range(2)]
        await starting.wait()
        assert (await asyncio.wait_for(one(sandbox, echo(image=BASE)), 10)).ending is Ending.OK
        waited.set()
        assert [(case.ending, case.reason) for case in await asyncio.gather(*others)] == [
            (Ending.UNAVAILABLE, "not today")
        ] * 2


SHADOWED = f"""
FROM {BASE}
RUN mkdir /shadows /repository \\
    && echo 'raise SystemExit("shadowed")' | tee /shadows/ast.py > /shadows/sitecustomize.py \\
    && echo 'WORD = "found"' > /repository/words.py
ENV PYTHONPATH=/shadows:/repository PYTHONOPTIMIZE=1
"""
FINDS = """
import ast, os, sys, words
print(words.WORD, "shadows" in ast.__file__, os.environ["PYTHONPATH"])
print({path.endswith("-packages") for path in sys.path[sys.path.index("/repository") + 1 :]})
try:
    assert False
except AssertionError:
    print("asserted")
"""


async def test_what_an_image_has_python_find_is_for_programs_and_shadows_nothing(client: Any, tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text(SHADOWED)
    list(client.build(path=str(tmp_path), tag="jurist/shadows", rm=True, decode=True))
    try:
        async with Docker(slots=1, image="jurist/shadows") as sandbox:
            case = await one(sandbox, echo(source=FINDS))
    finally:
        client.remove_image("jurist/shadows", force=True)

    assert case.stdout == b"found False /shadows:/repository\n{True}\nasserted\n", case


async def test_a_container_that_does_not_start_says_what_went_wrong(client: Any, tmp_path: Path) -> None:
    dockerfile = f"FROM {BASE}\nRUN ln -sf /bin/false /usr/local/bin/python3\n"
    (tmp_path / "Dockerfile").write_text(dockerfile)
    list(client.build(path=str(tmp_path), tag="jurist/broken", rm=True, decode=True))
    try:
        with pytest.raises(SandboxUnavailableError, match="a container of jurist/broken: it ended without a word"):
            await Docker(slots=1, image="jurist/broken").__aenter__()
    finally:
        client.remove_image("jurist/broken", force=True)


async def test_a_container_with_a_python_before_3_11_says_which_it_needs(client: Any, tmp_path: Path) -> None:
    said = "Unknown option: -P\nusage: python3 [option] ... [-c cmd | -m mod | file | -] [arg] ...\nTry `python -h'\n"
    (tmp_path / "said").write_text(said)
    (tmp_path / "python3").write_text("#!/bin/sh\ncat /said >&2\nexit 2\n")
    (tmp_path / "python3").chmod(0o755)
    (tmp_path / "Dockerfile").write_text(f"FROM {BASE}\nCOPY said /said\nCOPY python3 /usr/local/bin/python3\n")
    list(client.build(path=str(tmp_path), tag="jurist/old", rm=True, decode=True))
    try:
        with pytest.raises(SandboxUnavailableError, match=r"a container of jurist/old: .*needs Python 3\.11 or later"):
            await Docker(slots=1, image="jurist/old").__aenter__()
    finally:
        client.remove_image("jurist/old", force=True)


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (
            KeyError("memory"),
            r"its control group cannot be read \('memory'\).*on the engine's host, outside of containers",
        ),
        (FileNotFoundError(2, "nothing"), "nothing.*on the engine's host, outside of containers"),
    ],
)
@pytest.mark.usefixtures("image")
async def test_a_container_whose_group_cannot_be_read_is_told(
    monkeypatch: pytest.MonkeyPatch, error: Exception, reason: str
) -> None:
    def refused(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(cgroup, "of_process", refused)

    with pytest.raises(SandboxUnavailableError, match=reason):
        await Docker(slots=1, image=IMAGE).__aenter__()


async def test_a_container_that_dies_as_soon_as_it_has_started_is_told(
    client: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    of_process, start = cgroup.of_process, Engine.start
    started: list[str] = []

    def noted(engine: Engine, container: str) -> int:
        started.append(container)
        return start(engine, container)

    def late(pid: int, *, cpu: bool) -> cgroup.ControlGroup:
        client.kill(started[-1])
        client.wait(started[-1])
        return of_process(pid, cpu=cpu)

    monkeypatch.setattr(Engine, "start", noted)
    monkeypatch.setattr(cgroup, "of_process", late)

    with pytest.raises(SandboxUnavailableError, match=f"a container of {IMAGE}: it ended as soon as it had started"):
        await Docker(slots=1, image=IMAGE).__aenter__()


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"url": NOWHERE}, "no Docker engine answers.*apt-get install docker.io"),
        ({"url": "tcp://192.0.2.1:2375"}, "is not on this host"),
        ({"image": "jurist/sandbox:none"}, "docker build --tag jurist/sandbox:none --file sandbox/Dockerfile sandbox"),
        ({"image": IMAGE, "runtime": "none"}, "no runtime 'none', it has .*runc"),
    ],
)
@pytest.mark.usefixtures("image")
async def test_what_is_missing_is_told_with_its_remedy(options: dict[str, Any], reason: str) -> None:
    with pytest.raises(SandboxUnavailableError, match=reason):
        await Docker(slots=1, **options).__aenter__()


async def test_an_engine_without_its_package_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "docker", None)

    with pytest.raises(SandboxUnavailableError, match=r"pip install 'jurist\[docker\]'"):
        Engine.connected()


async def test_containers_killed_in_a_batch_lose_nothing(client: Any) -> None:
    async with Docker(slots=2, image=IMAGE) as sandbox:
        slow = "import time\ntime.sleep(0.1)\nprint(input())"
        runs = [asyncio.ensure_future(sandbox.run(echo(str(number), slow))) for number in range(20)]
        for slot in sandbox._slots:
            await asyncio.sleep(0.25)
            box = slot.programs.box
            assert isinstance(box, Container)
            await asyncio.to_thread(client.kill, box.identity)
        done = await asyncio.gather(*runs)

    assert [case.stdout for run in done for case in run.cases] == [b"%d\n" % number for number in range(20)]


async def test_a_spare_container_that_died_is_not_given_out(client: Any) -> None:
    async with Docker(slots=1, image=IMAGE) as sandbox:
        in_use = container_of(sandbox).identity
        spare = sandbox._fleet._spare
        assert spare is not None
        for identity in (in_use, (await spare).identity):
            await asyncio.to_thread(client.kill, identity)
        case = await one(sandbox, echo())

        assert case.ending is Ending.OK
        assert container_of(sandbox).identity not in {in_use, spare.result().identity}


async def test_a_container_is_replaced_after_so_many_runs() -> None:
    async with Docker(slots=1, image=IMAGE, recycle_runs=3) as sandbox:
        seen = []
        for _ in range(7):
            assert (await one(sandbox, echo())).ending is Ending.OK
            seen.append(container_of(sandbox).identity)

    assert [seen.index(identity) for identity in seen] == [0, 0, 0, 3, 3, 3, 6]


async def test_a_container_in_which_memory_ran_out_is_replaced(sandbox: Docker) -> None:
    greedy = await one(sandbox, echo(source="x = bytearray(10**9)"))
    before = container_of(sandbox).identity
    after = await one(sandbox, echo())

    assert greedy.ending is Ending.MEMORY_LIMIT
    assert after.ending is Ending.OK
    assert container_of(sandbox).identity != before


async def test_the_engine_limits_memory_where_we_may_not(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: object) -> None:
        raise PermissionError

    monkeypatch.setattr(cgroup.ControlGroup, "limit", refused)
    async with Docker(slots=1, image=IMAGE) as sandbox:
        greedy = "x = bytearray(300 * 2**20)"
        tight = await one(sandbox, echo(source=greedy, limits=LIMITS))
        wide = await one(sandbox, echo(source=greedy, limits=Limits(wall_s=20, memory_bytes=1024 * MIB)))

    assert tight.ending is Ending.MEMORY_LIMIT
    assert wide.ending is Ending.OK, wide


async def test_a_container_whose_memory_the_engine_cannot_change_is_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    limit_memory = Engine.limit_memory
    stuck: list[str] = []

    def refused(*_: object) -> None:
        raise PermissionError

    def busy(engine: Engine, container: str, memory_bytes: int) -> None:
        stuck.append(container)
        if container == stuck[0]:
            raise SandboxUnavailableError(
                "the Docker engine cannot change a container's memory: device or resource busy"
            )
        limit_memory(engine, container, memory_bytes)

    monkeypatch.setattr(cgroup.ControlGroup, "limit", refused)
    monkeypatch.setattr(Engine, "limit_memory", busy)
    async with Docker(slots=1, image=IMAGE) as sandbox:
        assert (await one(sandbox, echo())).ending is Ending.OK


async def test_an_engine_that_goes_away_is_told_apart_from_our_own_faults(monkeypatch: pytest.MonkeyPatch) -> None:
    async with Docker(slots=1, image=IMAGE, recycle_runs=1) as sandbox:
        assert (await one(sandbox, echo())).ending is Ending.OK
        await asyncio.sleep(1)

        def gone(*_: object) -> str:
            raise SandboxUnavailableError("no Docker engine answers")

        monkeypatch.setattr(Engine, "create", gone)
        cases = [await one(sandbox, echo()) for _ in range(3)]
        monkeypatch.undo()
        back = await one(sandbox, echo())

    assert cases[-1].ending is Ending.UNAVAILABLE
    assert "no Docker engine answers" in cases[-1].reason
    assert back.ending is Ending.OK


async def test_closing_leaves_no_container(client: Any) -> None:
    async with Docker(slots=2, image=IMAGE, images=(BASE,)) as sandbox:
        await asyncio.gather(*(sandbox.run(echo()) for _ in range(10)))
        await sandbox.run(Program(source=ADD, tests=Asserts(code="assert add(1, 2) == 3", entry_point="add")))
        await sandbox.run(echo(image=BASE))
        made: list[str] = []
        for each in (sandbox, *sandbox._others.values()):
            boxes = [box.box for slot in each._slots for box in (slot.programs, slot.tests) if box.ready]
            assert each._fleet._spare is not None
            made += [box.identity for box in (*boxes, await each._fleet._spare) if isinstance(box, Container)]

    assert len(made) == len(set(made)) >= 2 + 1 + 1 + 1 + 1
    assert not {each["Id"] for each in ours(client)} & set(made)


def slowly(monkeypatch: pytest.MonkeyPatch, count: int) -> tuple[list[str], asyncio.Event]:
    """Let the engine take its time for each container; the containers made, and what is set when there are so many."""
    create, loop = Engine.create, asyncio.get_running_loop()
    made: list[str] = []
    reached = asyncio.Event()

    def slow(engine: Engine, configuration: Any) -> str:
        identity = create(engine, configuration)
        made.append(identity)
        if len(made) == count:
            loop.call_soon_threadsafe(reached.set)
        time.sleep(0.3)
        return identity

    monkeypatch.setattr(Engine, "create", slow)
    return made, reached


@pytest.mark.parametrize("count", [1, 2])
async def test_a_start_that_is_cancelled_loses_no_container(
    client: Any, monkeypatch: pytest.MonkeyPatch, count: int
) -> None:
    made, reached = slowly(monkeypatch, count)
    start = asyncio.ensure_future(Docker(slots=2, image=IMAGE).__aenter__())
    await reached.wait()
    start.cancel()
    with pytest.raises(asyncio.CancelledError):
        await start

    assert not {each["Id"] for each in ours(client)} & set(made)


async def test_a_first_run_in_an_image_that_is_cancelled_loses_no_container(
    client: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with Docker(slots=2, image=IMAGE, images=(BASE,)) as sandbox:
        made, reached = slowly(monkeypatch, 1)
        run = asyncio.ensure_future(sandbox.run(echo(image=BASE)))
        await reached.wait()
        run.cancel()
        with pytest.raises(asyncio.CancelledError):
            await run

    assert not {each["Id"] for each in ours(client)} & set(made)


@pytest.mark.usefixtures("image")
async def test_a_service_whose_files_are_its_own_alone_has_containers() -> None:
    before = os.umask(0o077)
    try:
        async with Docker(slots=1, image=IMAGE) as sandbox:
            assert (await one(sandbox, echo())).ending is Ending.OK
    finally:
        os.umask(before)


SUPERVISOR = """
import asyncio
from jurist.sandbox.docker import Docker

async def main():
    async with Docker(slots=1, image=%r):
        print("up", flush=True)
        await asyncio.sleep(600)

asyncio.run(main())
"""


async def test_containers_end_with_a_supervisor_that_is_killed(client: Any) -> None:
    supervisor = await asyncio.create_subprocess_exec(
        sys.executable, "-c", SUPERVISOR % IMAGE, stdout=asyncio.subprocess.PIPE
    )
    assert supervisor.stdout is not None
    assert await supervisor.stdout.readline() == b"up\n"
    alive = ours(client, supervisor.pid)
    supervisor.kill()
    await supervisor.communicate()

    assert alive
    assert await asyncio.to_thread(none_running, client, supervisor.pid)
    async with Docker(slots=1, image=IMAGE):
        assert not ours(client, supervisor.pid), "what was made and not yet started goes with the next start"


async def test_containers_of_supervisors_that_may_live_are_left_alone() -> None:
    boot, namespace, user, pid, start = supervisor().split(":")
    owners = {
        "our own": (boot, namespace, user, pid, start),
        "a live one's": (boot, namespace, user, *_process(str(os.getppid())).split(":")),
        "a dead one's": (boot, namespace, user, "4194304", start),
        "one's whose pid is ours now": (boot, namespace, user, pid, "1"),
        "another namespace's": (boot, "1", user, "4194304", start),
        "another user's": (boot, namespace, "1", "4194304", start),
        "another boot's": ("1", namespace, user, "4194304", start),
    }

    class Listing:
        def labelled(self, label: str) -> dict[str, str]:
            assert label == LABEL
            return {name: ":".join(owner) for name, owner in owners.items()} | {"a stranger's": "1"}

    assert left_by_the_dead(cast("Engine", Listing())) == ["a dead one's", "one's whose pid is ours now"]


PROTOCOLS: list[tuple[Stdio | Functions | Asserts, str, bytes]] = [
    (Stdio(stdins=("2 3",)), "print(sum(map(int, input().split())))", b"5\n"),
    (Functions(entry_point="add", arguments=("[2, 3]",)), ADD, b""),
    (Asserts(entry_point="add", code="assert add(2, 3) == 5"), ADD, b""),
]


@pytest_asyncio.fixture(
    scope="module",
    loop_scope="session",
    params=[({"runtime": "runsc"}, Isolation.GVISOR), ({"weaker": True}, Isolation.CONTAINER)],
    ids=["gvisor", "weaker"],
)
async def capable(image: str, request: pytest.FixtureRequest) -> AsyncIterator[Docker]:
    """Boxes whose fork server holds capabilities instead of a user namespace."""
    options, isolation = request.param
    async with Docker(slots=1, image=image, **options) as running:
        assert running.isolation is isolation
        yield running


async def test_with_capabilities_every_protocol_runs(capable: Docker) -> None:
    for tests, source, stdout in PROTOCOLS:
        case = await one(capable, Program(source=source, tests=tests, limits=LIMITS))

        assert (case.ending, case.stdout) == (Ending.OK, stdout), case


async def test_with_capabilities_other_languages_run(capable: Docker) -> None:
    c = '#include <stdio.h>\nint main(){int a,b;scanf("%d %d",&a,&b);printf("%d\\n",a+b);}'
    for language, source in (("c", c), ("bash", "read a b; echo $((a + b))")):
        program = Program(source=source, language=language, tests=Stdio(stdins=("2 3",)), limits=LIMITS)
        assert (await one(capable, program)).stdout == b"5\n", language


@pytest.mark.parametrize(
    ("source", "ending"),
    [
        ("while True: pass", Ending.TIME_LIMIT),
        ("import time; time.sleep(60)", Ending.TIME_LIMIT),
        ("x = bytearray(10**9)", Ending.MEMORY_LIMIT),
        ("while True: print('x' * 1000)", Ending.OUTPUT_LIMIT),
        ("import os\nwhile True:\n    try: os.fork()\n    except OSError: pass", Ending.TIME_LIMIT),
        ("open('/tmp/x', 'wb').write(bytes(2**20)); open('/dev/shm/x', 'w')", Ending.OK),
        ("open('/tmp/x', 'wb').write(bytes(2**27))", Ending.RUNTIME_ERROR),
    ],
)
async def test_with_capabilities_limits_hold_and_the_next_run_is_as_ever(
    capable: Docker, source: str, ending: Ending
) -> None:
    limits = Limits(
        cpu_s=1, wall_s=5, memory_bytes=256 * MIB, output_bytes=64 * MIB, processes=10, scratch_bytes=16 * MIB
    )

    assert (await one(capable, echo(source=source, limits=limits))).ending is ending
    assert (await one(capable, echo("next"))).stdout == b"next\n"


LEAVE = "import os\nfor path in ('/tmp/left', '/dev/shm/left'): open(path, 'w').write('x')\n"
DAEMON = "import os, time\nif os.fork() == 0:\n    os.setsid()\n    if os.fork() == 0: time.sleep(60)\n"
LOOK = """
import json, os
def tried(action):
    try: return action() or "done"
    except OSError: return "refused"
print(json.dumps({
    "pid": os.getpid(), "root": os.getuid() == 0, "tmp": os.listdir("/tmp"), "shm": os.listdir("/dev/shm"),
    "kill": tried(lambda: os.kill(2, 9)),
    "write": [tried(lambda: open(path, "w").close()) for path in ("/x", "/etc/x", "/dev/x", "/run/x")],
}))
"""


async def test_with_capabilities_a_run_is_alone_and_has_none(capable: Docker) -> None:
    for source in (LEAVE, DAEMON):
        assert (await one(capable, echo(source=source))).ending is Ending.OK

    seen = json.loads((await one(capable, echo(source=LOOK))).stdout)

    assert seen == {
        "pid": 1,
        "root": False,
        "tmp": ["main.py"],
        "shm": [],
        "kill": "refused",
        "write": ["refused"] * 4,
    }
