"""A server that does as a test says, speaking the real protocol on a real socket."""

from __future__ import annotations

import threading
import time
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from statistics import fmean
from typing import TYPE_CHECKING

import grpc
import pytest

from jurist.client import Client
from jurist.v1 import reward_pb2, reward_pb2_grpc

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from jurist.v1.reward_pb2_grpc import _ServicerContext as Context

LIMIT_BYTES = 64 << 20
BAD, POISONED = "bad", "poisoned"  # languages of tasks that a call is refused for, and that the server trips over


class ScriptedService(reward_pb2_grpc.RewardServiceServicer):
    """Rewards a completion with its length, after what `script` says for the call."""

    def __init__(self) -> None:
        self.target = ""
        self.script: deque[Callable[[Context], None]] = deque()  # one for each call to come; then calls just work
        self.answer = self.scores  # a test may put another in its place
        self.requests: list[reward_pb2.ScoreBatchRequest] = []
        self.announced: list[reward_pb2.WarmRequest] = []
        self.times_left: list[float] = []
        self.at_once = 0
        self.most_at_once = 0
        self.cancelled = threading.Event()
        self.arrived = threading.Event()
        self._lock = threading.Lock()
        self._threads = ThreadPoolExecutor(32)
        self._server: grpc.Server | None = None

    def listen(self, port: int = 0, most_bytes: int = LIMIT_BYTES) -> None:
        limits = (("grpc.max_receive_message_length", most_bytes), ("grpc.max_send_message_length", LIMIT_BYTES))
        self._server = grpc.server(self._threads, options=limits)
        reward_pb2_grpc.add_RewardServiceServicer_to_server(self, self._server)
        self.target = f"127.0.0.1:{self._server.add_insecure_port(f'127.0.0.1:{port}')}"
        self._server.start()

    def hang_up(self) -> None:
        if self._server is not None:
            self._server.stop(0).wait()

    def ScoreBatch(  # noqa: N802  # the contract's name
        self, request: reward_pb2.ScoreBatchRequest, context: Context
    ) -> reward_pb2.ScoreBatchResponse:
        with self._lock:
            self.requests.append(request)
            self.times_left.append(context.time_remaining() or 0.0)
            self.at_once += 1
            self.most_at_once = max(self.most_at_once, self.at_once)
            step = self.script.popleft() if self.script else None
        self.arrived.set()
        try:
            if step is not None:
                step(context)
            for index, group in enumerate(request.groups):
                if group.task.language == BAD:
                    context.abort(grpc.StatusCode.INVALID_ARGUMENT, f"groups[{index}].task.language: no such language")
                if group.task.language == POISONED:
                    context.abort(grpc.StatusCode.INTERNAL, "a fault in the service: KeyError")
            return reward_pb2.ScoreBatchResponse(groups=self.answer(request.groups), request_id=request.request_id)
        finally:
            with self._lock:
                self.at_once -= 1

    def ScoreStream(  # noqa: N802
        self,
        request_iterator: Iterator[reward_pb2.ScoreStreamRequest],
        context: Context,
    ) -> Iterator[reward_pb2.ScoreStreamResponse]:
        for message in request_iterator:
            self.requests.append(
                reward_pb2.ScoreBatchRequest(
                    groups=[message.group],
                    recipe=message.recipe if message.HasField("recipe") else None,
                    request_id=message.request_id,
                )
            )
            if message.group.task.language == POISONED:
                context.abort(grpc.StatusCode.UNAVAILABLE, "the service is shutting down")
            if message.group.task.language == BAD:
                refusal = reward_pb2.Refusal(group_id=message.group.group_id, field="task.language", message="none")
                yield reward_pb2.ScoreStreamResponse(refusal=refusal)
            else:
                yield reward_pb2.ScoreStreamResponse(scores=self.scores([message.group])[0])

    def ListVerifiers(  # noqa: N802
        self,
        request: reward_pb2.ListVerifiersRequest,  # noqa: ARG002
        context: Context,  # noqa: ARG002
    ) -> reward_pb2.ListVerifiersResponse:
        return reward_pb2.ListVerifiersResponse(verifiers=[reward_pb2.VerifierInfo(name="length")])

    def Warm(  # noqa: N802
        self,
        request: reward_pb2.WarmRequest,
        context: Context,  # noqa: ARG002
    ) -> reward_pb2.WarmResponse:
        self.announced.append(request)
        return reward_pb2.WarmResponse()

    def scores(self, groups: Sequence[reward_pb2.RolloutGroup]) -> list[reward_pb2.GroupScores]:
        return [_scores(group) for group in groups]

    # What a script is made of.

    def unavailable(self, context: Context) -> None:
        context.abort(grpc.StatusCode.UNAVAILABLE, "the service is shutting down")

    def overloaded(self, pushback_ms: str | None) -> Callable[[Context], None]:
        def step(context: Context) -> None:
            if pushback_ms is not None:
                context.set_trailing_metadata((("grpc-retry-pushback-ms", pushback_ms),))
            context.abort(grpc.StatusCode.RESOURCE_EXHAUSTED, "too much work waits")

        return step

    def fail(self, code: grpc.StatusCode) -> Callable[[Context], None]:
        def step(context: Context) -> None:
            context.abort(code, "said the script")

        return step

    def meet(self, others: threading.Barrier) -> Callable[[Context], None]:
        """Answer when enough calls are here at a time."""

        def step(_: Context) -> None:
            others.wait()

        return step

    def wait(self, timeout_s: float) -> Callable[[Context], None]:
        """Work until the time is over or the caller goes away."""

        def step(context: Context) -> None:
            until = time.monotonic() + timeout_s
            while time.monotonic() < until:
                if not context.is_active():
                    self.cancelled.set()
                    return
                time.sleep(0.005)

        return step


def _scores(group: reward_pb2.RolloutGroup) -> reward_pb2.GroupScores:
    rewards = [float(len(rollout.completion)) for rollout in group.rollouts]
    mean = fmean(rewards)
    scores = reward_pb2.GroupScores(
        group_id=group.group_id, mean=mean, std=max(rewards) - min(rewards), recipe="length"
    )
    scores.zero_variance = min(rewards) == max(rewards)
    for index, (rollout, reward) in enumerate(zip(group.rollouts, rewards, strict=True)):
        scores.rollouts.add(rollout_id=rollout.rollout_id or str(index), reward=reward, advantage=reward - mean)
    return scores


@pytest.fixture
def service() -> Iterator[ScriptedService]:
    """A scripted service on a port of its own."""
    scripted = ScriptedService()
    scripted.listen()
    yield scripted
    scripted.hang_up()


@pytest.fixture
def narrow_service() -> Iterator[ScriptedService]:
    """One that takes no message over 4 kB."""
    scripted = ScriptedService()
    scripted.listen(most_bytes=4 << 10)
    yield scripted
    scripted.hang_up()


@pytest.fixture
def client(service: ScriptedService) -> Iterator[Client]:
    """A client of the scripted service."""
    with Client(service.target, recipe="length", timeout_s=20.0, patience_s=10.0) as opened:
        yield opened
