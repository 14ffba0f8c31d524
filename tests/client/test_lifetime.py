"""Where a client may be used: threads, event loops, processes; and how its life ends."""

from __future__ import annotations

import asyncio
import copy
import gc
import json
import os
import pickle
import signal
import socket
import subprocess
import sys
import threading
import time
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from contextlib import closing, suppress
from typing import TYPE_CHECKING

import pytest

from jurist.client import Client, ClientError, _connection, group, rewards

if TYPE_CHECKING:
    from collections.abc import Callable

    from jurist.v1 import reward_pb2
    from tests.client.conftest import ScriptedService as Service


def threads_of_clients() -> int:
    return sum(thread.name == "jurist-client" for thread in threading.enumerate())


def run_script(script: str, *arguments: str, timeout_s: float = 30.0) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # our own script
        [sys.executable, "-c", script, *arguments],
        capture_output=True,
        text=True,
        timeout=timeout_s,
        check=False,
        env={name: value for name, value in os.environ.items() if name != "GRPC_ENABLE_FORK_SUPPORT"},
    )


def test_nothing_is_opened_before_the_first_call() -> None:
    before = threads_of_clients()

    Client("nobody:1", recipe="length").close()

    assert threads_of_clients() == before


class Wire:
    """Passes bytes between a client and a server until it is cut, after which both wait for nothing."""

    def __init__(self, target: str) -> None:
        host, _, port = target.rpartition(":")
        self._server = (host, int(port))
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.target = f"127.0.0.1:{self._listening.getsockname()[1]}"
        self._cut: set[socket.socket] = set()
        self._open: list[socket.socket] = []
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                near, _ = self._listening.accept()
                far = socket.create_connection(self._server)
                self._open += [near, far]
                for source, sink in ((near, far), (far, near)):
                    threading.Thread(target=self._pass, args=(source, sink), daemon=True).start()

    def _pass(self, source: socket.socket, sink: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(1 << 16):
                if sink not in self._cut:
                    sink.sendall(data)

    def cut(self) -> None:
        """Let nothing more through on the connections that there are; new ones work."""
        self._cut.update(self._open)

    def close(self) -> None:
        for end in (self._listening, *self._open):
            end.close()


def test_a_server_that_vanishes_without_a_word_is_left_for_another(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    soon = {_connection.ALIVE_MS: 1_000, _connection.ANSWER_MS: 500}
    monkeypatch.setattr(_connection, "OPTIONS", [(name, soon.get(value, value)) for name, value in _connection.OPTIONS])
    service.script.append(service.wait(60.0))
    wire = Wire(service.target)
    with closing(wire), Client(wire.target, recipe="length", timeout_s=50.0) as client:
        scored = client.submit(group(["abc"]))
        assert service.arrived.wait(10.0)
        wire.cut()

        assert rewards(scored.result(30.0)) == [3.0]


def test_one_client_serves_many_threads(client: Client) -> None:
    def score(n: int) -> list[float | None]:
        return [rewards(each)[0] for each in client.score([group(["x" * n]), group(["y"])])]

    with ThreadPoolExecutor(32) as threads:
        assert list(threads.map(score, range(200))) == [[float(n), 1.0] for n in range(200)]


def test_threads_that_come_first_together_open_one_connection(service: Service) -> None:
    before = threads_of_clients()
    with Client(service.target, recipe="length") as client, ThreadPoolExecutor(16) as threads:
        list(threads.map(lambda _: client.score([group(["x"])]), range(16)))

        assert threads_of_clients() == before + 1


def test_one_client_serves_one_event_loop_after_another(client: Client) -> None:
    async def score() -> float:
        single, [scores] = await asyncio.gather(client.ascore_rollout("abc"), client.ascore([group(["abc"])]))
        return single.reward + scores.rollouts[0].reward

    assert [asyncio.run(score()) for _ in range(3)] == [6.0] * 3


def test_one_client_serves_event_loops_at_the_same_time(client: Client) -> None:
    async def score() -> float:
        return sum([(await client.ascore_rollout("x")).reward for _ in range(20)])

    with ThreadPoolExecutor(4) as threads:
        assert list(threads.map(lambda _: asyncio.run(score()), range(4))) == [20.0] * 4


def test_an_event_loop_that_ends_leaves_the_client_whole(service: Service, client: Client) -> None:
    service.script.append(service.wait(15.0))

    async def leave() -> None:
        scoring = asyncio.create_task(client.ascore([group(["x"])]))
        await asyncio.sleep(0.2)
        assert not scoring.done()

    asyncio.run(leave())

    assert service.cancelled.wait(5.0)
    assert client.score_rollout("abc").reward == 3.0


def test_a_client_pickles_and_copies_with_its_settings(service: Service, client: Client) -> None:
    client.score_rollout("abc")

    for twin in (pickle.loads(pickle.dumps(client)), copy.deepcopy(client)):  # noqa: S301  # our own
        with twin:
            assert twin.score_rollout("abcd").reward == 4.0

    assert [request.groups[0].recipe.name for request in service.requests] == ["length"] * 3
    assert service.times_left[1] == pytest.approx(20.0, abs=1.0)


def test_a_client_goes_to_another_process(client: Client) -> None:
    client.score_rollout("abc")

    script = "import pickle, sys; print(pickle.loads(bytes.fromhex(sys.argv[1])).score_rollout('abcde').reward)"
    ended = run_script(script, pickle.dumps(client).hex())

    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "5.0\n", "")


FORKING = """
import os, sys, threading, time, warnings
from jurist.client import Client, group
warnings.filterwarnings("ignore", "This process", DeprecationWarning)  # Python 3.12 on, of every fork beside threads

client = Client(sys.argv[1], recipe="length")
client.score([group(["abc"])])

def score():
    while True:
        assert client.score([group(["abc"])])[0].rollouts[0].reward == 3.0
        assert client.score_rollout("abc").reward == 3.0

for _ in range(int(sys.argv[2])):
    threading.Thread(target=score, daemon=True).start()
time.sleep(0.1)
for _ in range(5):
    child = os.fork()
    if not child:
        assert client.score([group(["abc"])], timeout_s=5.0)[0].rollouts[0].reward == 3.0
        assert client.score_rollout("abc", timeout_s=5.0).reward == 3.0
        sys.exit(7)
    until = time.monotonic() + 10.0
    while (ended := os.waitpid(child, os.WNOHANG))[0] == 0:
        assert time.monotonic() < until, "the child hangs"
        time.sleep(0.01)
    assert os.waitstatus_to_exitcode(ended[1]) == 7
    assert client.score([group(["abc"])], timeout_s=5.0)[0].rollouts[0].reward == 3.0
"""


@pytest.mark.parametrize("threads", [0, 4])
def test_parent_and_child_both_score_after_a_fork(service: Service, threads: int) -> None:
    ended = run_script(FORKING, service.target, str(threads))

    assert (ended.returncode, ended.stderr) == (0, "")


def test_a_child_that_could_only_hang_is_told_so(service: Service) -> None:
    closing = FORKING.replace("time.sleep(0.1)", "client.close()")
    for script in (FORKING, closing):
        ended = run_script(f"import grpc\n{script}", service.target, "0")

        assert "GRPC_ENABLE_FORK_SUPPORT=1: set it, import jurist.client before grpc" in ended.stderr


def test_a_child_of_a_process_that_streams_is_told_that_it_cannot_score(service: Service) -> None:
    script = """
import os, sys, warnings
from jurist.client import Client, ClientError, group
warnings.filterwarnings("ignore", "This process", DeprecationWarning)
client = Client(sys.argv[1], recipe="length")
stream = client.stream(group(["abc"]) for _ in range(3))
next(stream)
child = os.fork()
if not child:
    try:
        client.score([group(["abc"])])
    except ClientError as error:
        print(error, flush=True)
    os._exit(0)
os.waitpid(child, 0)
print(len(list(stream)), client.score_rollout("abc").reward)
if os.fork():
    os.wait()
print(client.score_rollout("abc").reward)
"""
    ended = run_script(script, service.target)

    told, *rest = ended.stdout.splitlines()
    assert told.startswith("this process was forked while another thread used `stream`")
    assert (rest, ended.stderr) == (["2 3.0", "3.0", "3.0"], "")


def test_exit_does_not_wait_for_scores(service: Service) -> None:
    service.script.extend([service.wait(60.0)] * 2)
    script = """
import sys, threading
from jurist.client import Client, group
client = Client(sys.argv[1], recipe="length")
client.submit(group(["x"]))
threading.Thread(target=client.score, args=([group(["x"])],), daemon=True).start()
import time; time.sleep(0.3)
"""
    start = time.monotonic()
    ended = run_script(script, service.target)

    assert (ended.returncode, ended.stderr) == (0, "")
    assert time.monotonic() - start < 5.0
    assert service.cancelled.wait(5.0)


def test_a_thread_that_waits_at_exit_still_gets_its_scores(service: Service) -> None:
    service.script.extend([service.unavailable, service.wait(0.5)])
    script = """
import sys, threading
from jurist.client import Client, group
client = Client(sys.argv[1], recipe="length")
def score():
    print(client.score([group(["abc"])])[0].rollouts[0].reward, client.score_rollout("abcd").reward)
threading.Thread(target=score).start()
"""
    ended = run_script(script, service.target)

    # Python 3.12.1 starts no more threads then, and gRPC needs one
    assert ended.stdout == "3.0 4.0\n" or "can't create new thread at interpreter shutdown" in ended.stderr
    assert ended.returncode == 0


@pytest.mark.parametrize(
    "call",
    [
        lambda client: client.score([group(["x"])]),
        lambda client: client.score_rollout("x"),
        lambda client: asyncio.run(client.ascore([group(["x"])])),
        lambda client: asyncio.run(client.ascore_rollout("x")),
    ],
    ids=["score", "score_rollout", "ascore", "ascore_rollout"],
)
@pytest.mark.parametrize("state", ["working", "retrying"])
def test_close_gives_an_error_to_all_who_wait(
    service: Service, client: Client, call: Callable[[Client], object], state: str
) -> None:
    service.script.extend([service.wait(15.0) if state == "working" else service.overloaded("5000")] * 4)
    with ThreadPoolExecutor(4) as threads:
        waiting: list[Future[object]] = [threads.submit(call, client) for _ in range(4)]
        assert service.arrived.wait(5.0)
        time.sleep(0.1)

        client.close()

        for future in waiting:
            assert str(future.exception(timeout=2.0)) == "the client was closed"
            assert isinstance(future.exception(), ClientError)


def test_close_just_after_a_submission_leaves_nobody_waiting(service: Service) -> None:
    client = Client(service.target, recipe="length")
    for _ in range(50):
        future = client.submit(group(["x"]))
        client.close()

        assert isinstance(future.exception(timeout=2.0), ClientError)


def test_calls_and_closes_that_race_leave_nobody_waiting(service: Service) -> None:
    client = Client(service.target, recipe="length", timeout_s=5.0)
    over = threading.Event()

    def score() -> list[object]:
        outcomes: list[object] = []
        while not over.is_set():
            try:
                outcomes.append(client.score_rollout("abc").reward)
            except ClientError as error:
                outcomes.append(str(error))
        return outcomes

    with ThreadPoolExecutor(8) as threads:
        racing = [threads.submit(score) for _ in range(8)]
        for _ in range(40):
            time.sleep(0.01)
            client.close()
        over.set()
        outcomes = {outcome for future in racing for outcome in future.result(10.0)}
    client.close()

    assert outcomes <= {3.0, "the client was closed"}


def test_a_closed_client_opens_again(client: Client) -> None:
    client.score_rollout("abc")
    client.close()
    client.close()

    assert client.score_rollout("abc").reward == 3.0


def test_a_client_that_is_dropped_ends_its_connection(service: Service) -> None:
    before = threads_of_clients()
    for _ in range(5):
        Client(service.target, recipe="length").score_rollout("abc")
    gc.collect()
    until = time.monotonic() + 5.0
    while threads_of_clients() > before and time.monotonic() < until:
        time.sleep(0.01)

    assert threads_of_clients() == before


def test_a_client_that_is_dropped_still_scores_what_it_was_given(service: Service) -> None:
    service.script.append(service.wait(0.3))

    future: Future[reward_pb2.GroupScores] = Client(service.target, recipe="length").submit(group(["abc"]))
    gc.collect()

    assert rewards(future.result(5.0)) == [3.0]


def test_a_callback_that_fails_harms_no_neighbour(client: Client) -> None:
    def fail(_: object) -> None:
        raise ZeroDivisionError

    futures = [client.submit(group(["abc"])) for _ in range(3)]
    futures[0].add_done_callback(fail)

    assert [rewards(future.result(5.0)) for future in futures] == [[3.0]] * 3
    assert client.score_rollout("abc").reward == 3.0


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_callback_that_exits_leaves_nobody_waiting(service: Service, client: Client) -> None:
    service.script.extend([service.wait(0.2), service.wait(15.0)])
    client.submit(group(["abc"])).add_done_callback(lambda _: sys.exit())
    assert service.arrived.wait(5.0)
    other = client.submit(group(["abc"]))

    with pytest.raises((ClientError, CancelledError)):
        other.result(5.0)
    assert client.score_rollout("abc").reward == 3.0


def test_ctrl_c_stops_the_servers_work(service: Service) -> None:
    service.script.append(service.wait(60.0))
    # Jobs in a shell's background, as these tests may be, begin with the signal ignored.
    script = (
        "import signal, sys; signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "from jurist.client import Client, group; Client(sys.argv[1]).score([group(['x'])])"
    )
    with subprocess.Popen([sys.executable, "-c", script, service.target], stderr=subprocess.PIPE, text=True) as process:
        assert service.arrived.wait(10.0)
        process.send_signal(signal.SIGINT)

        assert process.communicate(timeout=5.0)[1].endswith("KeyboardInterrupt\n")
    assert service.cancelled.wait(5.0)


def test_a_callback_that_would_wait_for_itself_is_told_so(client: Client) -> None:
    met: list[BaseException] = []
    told = threading.Event()

    def wait(_: object) -> None:
        try:
            client.score_rollout("abc")
        except RuntimeError as error:
            met.append(error)
        told.set()

    client.submit(group(["abc"])).add_done_callback(wait)

    assert told.wait(5.0)
    assert "must not wait" in str(met[0])
    assert client.score_rollout("abc").reward == 3.0


def test_a_server_that_comes_back_is_found(service: Service, client: Client) -> None:
    service.script.append(service.wait(15.0))
    future = client.submit(group(["abc"]))
    assert service.arrived.wait(5.0)
    service.hang_up()
    time.sleep(0.7)
    start = time.monotonic()
    service.listen(int(service.target.rpartition(":")[2]))

    assert rewards(future.result(10.0)) == [3.0]
    assert time.monotonic() - start < 7.0


def test_the_client_imports_nothing_but_grpcio_and_protobuf() -> None:
    script = """
import json, sys
before = set(sys.modules)
import jurist.client
new = set(sys.modules) - before
print(json.dumps(sorted(name for name in new if getattr(sys.modules[name], '__file__', None))))
"""
    ended = run_script(script)
    names = json.loads(ended.stdout)
    roots = {name.partition(".")[0] for name in names} - set(sys.stdlib_module_names)

    # grpc itself imports its sister packages where they are installed
    assert roots - {"grpc_health", "grpc_reflection", "grpc_tools"} <= {"google", "grpc", "jurist", "typing_extensions"}
    assert {name for name in names if name.startswith("jurist.") and name.count(".") == 1} == {
        "jurist.client",
        "jurist.v1",
    }
