"""One process's connection: a channel, and threads that send and retry.

A call is repeated while the server cannot be reached or says that it is overloaded, under one request id, with full
jitter (aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter), or after the pause that the server asks for.
Repeating is safe: scoring is pure.
"""

from __future__ import annotations

import random
import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, cast

import grpc

from jurist.client._errors import DeadlineError, InvalidInputError, error_of
from jurist.client._packing import MESSAGE_BYTES, shifted
from jurist.v1 import reward_pb2, reward_pb2_grpc

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

__all__ = ["Connection"]

CALLS_AHEAD = 8  # messages on their way at a time: keeps a server busy, holds at most 8 x 64 MB
BACKOFF_S, BACKOFF_MAX_S = 0.1, 5.0
PUSHBACK = "grpc-retry-pushback-ms"
MESSAGE_LIMIT = MESSAGE_BYTES + (1 << 20)
OPTIONS = (
    ("grpc.max_send_message_length", MESSAGE_LIMIT),
    ("grpc.max_receive_message_length", MESSAGE_LIMIT),
    ("grpc.use_local_subchannel_pool", 1),  # a client of its own never shares a broken connection
    ("grpc.enable_retries", 0),  # ours retry
)


class _Attempt:
    """One message's way through its retries, which can be cancelled from outside."""

    def __init__(self) -> None:
        self.cancelled = threading.Event()
        self._call: grpc.Future[reward_pb2.ScoreBatchResponse] | None = None

    def cancel(self) -> None:
        self.cancelled.set()
        if self._call is not None:
            self._call.cancel()

    def send(self, call: grpc.Future[reward_pb2.ScoreBatchResponse]) -> reward_pb2.ScoreBatchResponse:
        self._call = call
        if self.cancelled.is_set():
            call.cancel()
        return call.result()


class Connection:
    """A channel to one target."""

    def __init__(self, target: str, patience_s: float) -> None:
        self._patience_s = patience_s
        self.channel = grpc.insecure_channel(target, options=OPTIONS)
        self.stub = reward_pb2_grpc.RewardServiceStub(self.channel)
        self._threads = ThreadPoolExecutor(CALLS_AHEAD, thread_name_prefix="jurist-client")

    def send(
        self, request: reward_pb2.ScoreBatchRequest, deadline: float, start: int = 0
    ) -> tuple[Future[reward_pb2.ScoreBatchResponse], Callable[[], None]]:
        """Send one message; returns its future and what cancels it.

        `deadline` is on `time.monotonic`'s clock; `start` the index of the message's first group in the caller's list.
        """
        attempt = _Attempt()
        return self._threads.submit(self._send, request, deadline, start, attempt), attempt.cancel

    def close(self) -> None:
        """Give up what is on its way and close the channel."""
        self._threads.shutdown(wait=False, cancel_futures=True)
        self.channel.close()

    def _send(
        self, request: reward_pb2.ScoreBatchRequest, deadline: float, start: int, attempt: _Attempt
    ) -> reward_pb2.ScoreBatchResponse:
        patience = time.monotonic() + self._patience_s
        tries = 0
        while True:
            left = deadline - time.monotonic()
            if left <= 0:
                raise DeadlineError(
                    "the timeout passed before the groups could be sent", grpc.StatusCode.DEADLINE_EXCEEDED
                )
            try:
                return attempt.send(self.stub.ScoreBatch.future(request, timeout=left))
            except grpc.RpcError as error:
                wait = _pause(error, tries)
                if wait is None or time.monotonic() + wait > min(patience, deadline):
                    raised = error_of(error)
                    if isinstance(raised, InvalidInputError):
                        raised = type(raised)(shifted(str(raised), start), raised.code)
                    raise raised from None
            tries += 1
            attempt.cancelled.wait(wait)


def _pause(error: grpc.RpcError, tries: int) -> float | None:
    """Return how long to wait before trying again, seconds, or None when that would not help."""
    code = error.code()
    if code not in {grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.RESOURCE_EXHAUSTED}:
        return None
    metadata = cast("Iterable[tuple[str, str]]", error.trailing_metadata() or ())
    asked = dict(metadata).get(PUSHBACK)
    if asked is not None:
        return float(asked) / 1e3 * random.uniform(1.0, 1.5)  # noqa: S311  # spreads callers, hides nothing
    if code is grpc.StatusCode.RESOURCE_EXHAUSTED:  # gRPC's own: the message is too large, and will be next time
        return None
    return random.uniform(0, min(BACKOFF_MAX_S, BACKOFF_S * 2**tries))  # noqa: S311
