"""HTTP beside gRPC: what the same 1,024 rollouts of 1 kB cost, in one run.

CPU is that of the whole server (front, zygote, workers); the client's is not in it. `json_format` is what protobuf's
own JSON would cost for reading the request and writing the answer alone, without any server.
"""

from __future__ import annotations

import json
import signal
import subprocess
import time
import urllib.request
from typing import TYPE_CHECKING

import service
from google.protobuf.json_format import MessageToJson, Parse

from jurist.client import Client, group
from jurist.services.facade import contract
from jurist.v1 import reward_pb2

if TYPE_CHECKING:
    from collections.abc import Callable

COUNT = 1024
SIZE = 1 << 10
ROUNDS = 20


def timed(work: Callable[[], object]) -> float:
    """Return the CPU time of one round in this process, seconds."""
    work()
    start = time.process_time()
    for _ in range(ROUNDS):
        work()
    return (time.process_time() - start) / ROUNDS


def main() -> None:
    """Start a server, measure, stop it."""
    texts = service.completions(SIZE, COUNT)
    groups = [group(texts[at : at + 16], answers="3", group_id=str(at)) for at in range(0, COUNT, 16)]
    recipe = reward_pb2.Recipe(name="format")
    message = reward_pb2.ScoreBatchRequest(groups=groups, recipe=recipe)
    body = MessageToJson(message, preserving_proto_field_name=True).encode()
    server = subprocess.Popen(
        [service.JURIST, "serve", "--port", "0", "--http-port", "0", "--log-format", "json"],
        stderr=subprocess.PIPE,
        text=True,
    )
    assert server.stderr is not None
    up = next(event for event in map(json.loads, server.stderr) if event["event"] == "serving")
    address = f"http://127.0.0.1:{up['http_port']}/v1/score"

    def post() -> int:
        with urllib.request.urlopen(address, body, timeout=60) as response:
            return len(json.loads(response.read())["groups"]) * 16

    try:
        with Client(up["target"], recipe=recipe) as client:
            grpc_s, grpc_rate = service.served(server.pid, lambda: len(client.score(groups)) * 16, COUNT)
            http_s, http_rate = service.served(server.pid, post, COUNT)
            answer = reward_pb2.ScoreBatchResponse(groups=client.score(groups))
    finally:
        server.send_signal(signal.SIGTERM)
        server.communicate()
    reading = timed(lambda: Parse(body, reward_pb2.ScoreBatchRequest())) / COUNT
    writing = timed(lambda: MessageToJson(answer, preserving_proto_field_name=True)) / COUNT
    ours = timed(lambda: contract.request(body)) / COUNT, timed(lambda: contract.plain(answer)) / COUNT
    print("                     CPU us a rollout    beside gRPC    rollouts/s")
    print(f"gRPC                 {grpc_s * 1e6:16.1f}{1:14.2f}x{grpc_rate:14.0f}")
    print(f"HTTP                 {http_s * 1e6:16.1f}{http_s / grpc_s:14.2f}x{http_rate:14.0f}")
    print(f"JSON alone, ours     {sum(ours) * 1e6:16.1f}   (read {ours[0] * 1e6:.1f}, write {ours[1] * 1e6:.1f})")
    theirs = reading + writing
    print(f"JSON alone, protobuf {theirs * 1e6:16.1f}   (read {reading * 1e6:.1f}, write {writing * 1e6:.1f})")


if __name__ == "__main__":
    main()
