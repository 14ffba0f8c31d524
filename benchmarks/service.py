"""What the service costs beside calling the verifier in a plain loop, in one run.

CPU of the service is that of its whole process tree (front, zygote, workers), read from /proc before and after; the
client's is not in it. Rates are by the clock, with client and server sharing this machine. The floor is the CPU of a
server that receives the same messages, reads nothing of them and sends as many bytes back: what gRPC takes by itself.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import struct
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import grpc

from jurist.client import Client, group
from jurist.client._packing import PACK_BYTES
from jurist.client._scoring import CALLS_AHEAD
from jurist.services.allocator import keep_freed_memory
from jurist.services.server import OPTIONS
from jurist.verifiers import Sample, Task, Verifier, load

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from jurist.v1 import reward_pb2

JURIST = Path(sys.executable).with_name("jurist")
TICK_S = 1 / os.sysconf("SC_CLK_TCK")
SECONDS = float(os.environ.get("BENCH_SECONDS", "3"))  # of work for each figure
GROUP = 16
COUNT = struct.Struct("!I")  # what a message to the echo begins with: how many rollouts it stands for
SCORE_BYTES = 180  # of a rollout's score with one component
SENTENCE = "We add the two numbers and then check the sum once more by going through every digit. "


class Case(NamedTuple):
    """A verifier and the size of its completions, bytes."""

    verifier: str
    size: int


def completions(size: int, count: int) -> list[str]:
    """Return different completions in R1's template, of about `size` bytes."""
    body = (SENTENCE * (size // len(SENTENCE) + 1))[: max(size - 60, 0)]
    return [f"<think>{index} {body}</think> <answer>{index % 7}</answer>" for index in range(count)]


def tree(pid: int) -> list[int]:
    """Return a process and all that descend from it."""
    found = [pid]
    for each in found:
        for task in Path(f"/proc/{each}/task").iterdir():
            found += map(int, (task / "children").read_text().split())
    return found


def cpu_s(pid: int) -> float:
    """Return the CPU time of a process tree so far, seconds."""
    total = 0
    for each in tree(pid):
        fields = Path(f"/proc/{each}/stat").read_text().rsplit(")", 1)[1].split()
        total += sum(map(int, fields[11:15]))  # utime, stime, and those of children that ended
    return total * TICK_S


def repeat(work: Callable[[], int]) -> tuple[int, float]:
    """Do the work for SECONDS; returns how many rollouts it was, and how long it took, seconds."""
    work()
    start, done = time.perf_counter(), 0
    while (elapsed := time.perf_counter() - start) < SECONDS:
        done += work()
    return done, elapsed


def plain(case: Case, texts: Sequence[str]) -> float:
    """Return the CPU time of one rollout in a plain loop, seconds."""
    verifier, task = load(case.verifier)(), Task(answers=("3",), language="en")
    assert isinstance(verifier, Verifier)
    samples = [Sample(task=task, completion=text) for text in texts]
    start = time.process_time()
    done, _ = repeat(lambda: len([verifier.verdict(sample) for sample in samples]))
    return (time.process_time() - start) / (done + len(texts))


def served(pid: int, work: Callable[[], int], count: int) -> tuple[float, float]:
    """Return the server's CPU time of one rollout, seconds, and rollouts per second."""
    start = cpu_s(pid)
    done, elapsed = repeat(work)
    return (cpu_s(pid) - start) / (done + count), done / elapsed


async def echo() -> None:
    """Serve calls that answer with as many bytes as scores would take; tells its port on standard output."""
    keep_freed_memory()

    async def answer(request: bytes, _: object) -> bytes:
        (rollouts,) = COUNT.unpack_from(request)
        return bytes(SCORE_BYTES * rollouts)

    server = grpc.aio.server(options=OPTIONS)
    handler: grpc.RpcMethodHandler[bytes, bytes] = grpc.unary_unary_rpc_method_handler(answer)
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("bench", {"echo": handler}),))
    print(server.add_insecure_port("127.0.0.1:0"), flush=True)
    await server.start()
    await server.wait_for_termination()


def floor(size: int) -> float:
    """Return the CPU time that gRPC takes to receive a rollout and to send its score, seconds."""
    rollouts = max(1, PACK_BYTES // size)
    message = COUNT.pack(rollouts) + os.urandom(rollouts * size)
    server = subprocess.Popen([sys.executable, __file__, "echo"], stdout=subprocess.PIPE, text=True)
    assert server.stdout is not None
    try:
        with grpc.insecure_channel(f"127.0.0.1:{int(server.stdout.readline())}", options=OPTIONS) as channel:
            call: grpc.UnaryUnaryMultiCallable[bytes, bytes] = channel.unary_unary("/bench/echo")

            def send() -> int:
                for answer in [call.future(message) for _ in range(CALLS_AHEAD)]:
                    answer.result()
                return CALLS_AHEAD * rollouts

            return served(server.pid, send, CALLS_AHEAD * rollouts)[0]
    finally:
        server.kill()
        server.communicate()


def row(case: Case, pid: int, target: str, floor_s: float) -> None:
    """Measure one case and print it."""
    count = max(GROUP * 4, min(1024, (16 << 20) // case.size))
    texts = completions(case.size, count)
    recipe = {"terms": [{"verifier": case.verifier}], "advantage": "ADVANTAGE_GRPO"}
    groups: list[reward_pb2.RolloutGroup] = [
        group(texts[at : at + GROUP], answers="3", language="en") for at in range(0, count, GROUP)
    ]
    loop = plain(case, texts)
    with Client(target, recipe=recipe) as client:
        unary, unary_rate = served(pid, lambda: len(client.score(groups)) * GROUP, count)
        stream, stream_rate = served(pid, lambda: len(list(client.stream(groups))) * GROUP, count)
    print(
        f"{case.verifier:16} {case.size >> 10:3d} kB {loop * 1e6:9.1f} {floor_s * 1e6:7.1f} {unary * 1e6:9.1f} "
        f"{unary / loop:6.2f}x {unary / (loop + floor_s):6.2f}x "
        f"{unary_rate:9.0f} {stream * 1e6:9.1f} {stream_rate:9.0f}",
        flush=True,
    )


def main() -> None:
    """Start a server, measure, stop it."""
    server = subprocess.Popen(
        [JURIST, "serve", "--port", "0", "--log-format", "json"], stderr=subprocess.PIPE, text=True
    )
    assert server.stderr is not None
    target = next(event["target"] for event in map(json.loads, server.stderr) if event["event"] == "serving")
    print("                        CPU us per rollout         beside   beside               stream")
    print("verifier         size      plain   floor   service  plain   + floor  unary/s    CPU us  stream/s")
    try:
        for size in (1 << 10, 16 << 10, 64 << 10):
            floor_s = floor(size)
            for verifier in ("format_tags", "math_answer", "language_share"):
                row(Case(verifier, size), server.pid, target, floor_s)
    finally:
        server.send_signal(signal.SIGTERM)
        server.communicate()


if __name__ == "__main__":
    if sys.argv[1:] == ["echo"]:
        asyncio.run(echo())
    else:
        main()
