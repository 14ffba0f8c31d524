"""What rewards cost a trainer, in one run: their share of a GRPO step, the ways of asking for them, and their tail.

    make trainers && python benchmarks/trainers.py

Times are by the clock, with client and server sharing this machine: compare those of one run alone. Steps are TRL's own
GRPOTrainer's, in its own environment.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import statistics
import subprocess
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import aiohttp
import service

from jurist.client import Client, group
from jurist.trainers import trl, verl

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Generator, Iterator, Mapping

    from jurist.v1 import reward_pb2

ROOT = Path(__file__).parents[1]
TRL = ROOT / ".venv-trainers" / "trl" / "bin" / "python"

STEPS, SKIPPED = 25, 5  # the first ones warm up
SAMPLES, SIZE, GROUP = 512, 4096, 16
CONNECTIONS = 64  # what slime's client keeps
ROUNDS = 5
PACES_S = (0.01, 0.05)  # from one group's generation to the next's


class Up(NamedTuple):
    """A server's ports."""

    target: str
    http_port: int


@contextmanager
def served() -> Generator[Up]:
    """Run a server."""
    server = subprocess.Popen(
        [service.JURIST, "serve", "--port", "0", "--http-port", "0", "--log-format", "json"],
        stderr=subprocess.PIPE,
        text=True,
    )
    assert server.stderr is not None
    event = next(event for event in map(json.loads, server.stderr) if event["event"] == "serving")
    try:
        yield Up(event["target"], event["http_port"])
    finally:
        server.send_signal(signal.SIGTERM)
        server.communicate()


def share(up: Up) -> None:
    """Print the share of rewards in a step."""
    environment = os.environ | {"PYTHONPATH": str(ROOT / "examples" / "r1_zero"), "OMP_NUM_THREADS": "1"}
    ran = subprocess.run(
        [TRL, "-W", "ignore", ROOT / "benchmarks" / "trl" / "grpo_steps.py", up.target, str(STEPS)],
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    spent = json.loads(ran.stdout.splitlines()[-1])
    rewards, whole = (statistics.median(spent[name][SKIPPED:]) for name in ("rewards", "steps"))
    print(
        f"GRPOTrainer, 128 completions of at most 32 tokens a step, 200,000 weights, median of {STEPS - SKIPPED} steps"
    )
    print(f"  step {whole * 1e3:8.1f} ms")
    print(f"  rewards {rewards * 1e3:5.1f} ms: {rewards / whole:.1%} of the step")


class Ways:
    """The ways of asking for the same rewards."""

    def __init__(self, up: Up) -> None:
        self._texts = service.completions(SIZE, SAMPLES)
        self._labels = [str(place // GROUP) for place in range(SAMPLES)]  # a task for each group
        self._settings = {"target": up.target, "recipe": "format"}
        self._client = Client(up.target, recipe="format")
        self._url = f"http://127.0.0.1:{up.http_port}"

    def all(self) -> Mapping[str, Callable[[], Awaitable[list[Any]]]]:
        """Name them."""
        return {
            "one batch (TRL's adapter)": self._batch,
            "a sample a call, coalesced by the adapter (verl's)": self._coalesced,
            f"HTTP, {CONNECTIONS} connections kept, coalesced by the server": self._http_kept,
            "HTTP, a new session a sample, coalesced by the server": self._http_each,
            "an RPC a sample": self._rpc_each,
        }

    async def _batch(self) -> list[Any]:
        score = trl.with_settings(**self._settings)
        return await score([""] * SAMPLES, self._texts, answer=self._labels)

    async def _coalesced(self) -> list[Any]:
        calls = [verl.compute_score("", text, label, {}, **self._settings) for text, label in self._samples()]
        return [answer["score"] for answer in await asyncio.gather(*calls)]

    async def _rpc_each(self) -> list[Any]:
        calls = [self._client.ascore([group([text], answers=label)]) for text, label in self._samples()]
        return [scores[0].rollouts[0].reward for scores in await asyncio.gather(*calls)]

    async def _http_kept(self) -> list[Any]:
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=CONNECTIONS)) as session:

            async def one(text: str, label: str) -> float:
                body = {"prompt": "", "response": text, "label": label}
                async with session.post(f"{self._url}/slime?recipe=format", json=body) as response:
                    return float(await response.json())

            return await asyncio.gather(*(one(*sample) for sample in self._samples()))

    async def _http_each(self) -> list[Any]:
        async def one(text: str, label: str) -> float:
            body = {"query": [text], "prompts": [""], "labels": [label]}
            async with (
                aiohttp.ClientSession() as session,
                session.post(f"{self._url}/get_reward?recipe=format", json=body) as response,
            ):
                return float((await response.json())["rewards"][0])

        return await asyncio.gather(*(one(*sample) for sample in self._samples()))

    def _samples(self) -> Iterator[tuple[str, str]]:
        return zip(self._texts, self._labels, strict=True)


async def ways(up: Up) -> None:
    """Print what each way takes."""
    forms = Ways(up).all()
    seconds: dict[str, list[float]] = {name: [] for name in forms}
    for number in range(ROUNDS + 1):
        for name, form in forms.items():
            start = time.perf_counter()
            rewards = await form()
            elapsed = time.perf_counter() - start
            assert rewards == [1.0] * SAMPLES
            if number:  # the first round warms up
                seconds[name].append(elapsed)
    medians = {name: statistics.median(times) for name, times in seconds.items()}
    least = next(iter(medians.values()))
    print(f"{SAMPLES} samples of {SIZE} bytes in groups of {GROUP}, format_tags, median of {ROUNDS} rounds")
    for name, median in medians.items():
        print(f"  {name:54}{median * 1e3:8.1f} ms {median / least:6.1f}x")


def tails(up: Up) -> None:
    """Print how long after the last rollout the last reward comes, with and without a stream."""
    import service  # noqa: PLC0415  # as above

    from jurist.client import Client, group  # noqa: PLC0415

    texts = service.completions(4 * SIZE, SAMPLES)
    groups = [
        group(texts[at : at + GROUP], answers="3", language="en", group_id=str(at)) for at in range(0, SAMPLES, GROUP)
    ]

    def generated(pace_s: float, ends: list[float]) -> Iterator[reward_pb2.RolloutGroup]:
        for made in groups:
            time.sleep(pace_s)  # what the engine takes for it
            ends.append(time.perf_counter())
            yield made

    print(f"{SAMPLES} rollouts of {4 * SIZE} bytes in groups of {GROUP}, format_tags and language_share")
    with Client(up.target, recipe={"terms": [{"verifier": "format_tags"}, {"verifier": "language_share"}]}) as client:
        client.score(groups)
        for pace_s in PACES_S:
            after: list[float] = []
            along: list[float] = []
            for _ in range(ROUNDS):
                ends: list[float] = []
                client.score(list(generated(pace_s, ends)))
                after.append(time.perf_counter() - ends[-1])
                ends = []
                assert len(list(client.stream(generated(pace_s, ends)))) == len(groups)
                along.append(time.perf_counter() - ends[-1])
            batch, stream = statistics.median(after), statistics.median(along)
            print(
                f"  a group every {pace_s * 1e3:3.0f} ms: last rollout to last reward {batch * 1e3:7.1f} ms in one"
                f" ScoreBatch, {stream * 1e3:7.1f} ms by ScoreStream ({batch / stream:.1f}x)"
            )


def main() -> None:
    """Measure all three."""
    with served() as up:
        if TRL.exists():
            share(up)
        else:
            print("TRL has no environment here, so no step is measured: make trainers")
        asyncio.run(ways(up))
        tails(up)


if __name__ == "__main__":
    main()
