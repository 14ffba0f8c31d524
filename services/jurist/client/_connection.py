"""One process's connection: a channel, and a thread with an event loop in which everything about it runs.

Callers hand in coroutines from any thread or event loop and get futures; cancelling one cancels the server's work.
gRPC's callback API does the calls: its asyncio API knows one loop a process and no fork.

A call is repeated while the server cannot be reached or says that it is overloaded, under one request id, with full
jitter (aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter), or after the pause that the server asks for.
Repeating is safe: scoring is pure.
"""

from __future__ import annotations

import asyncio
import os
import random
import threading
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any, TypeVar

import grpc

from jurist.client._errors import ClientError, DeadlineError, ServerError, error_of, is_too_large, pushback
from jurist.client._forking import GATE
from jurist.client._packing import MESSAGE_BYTES
from jurist.v1 import reward_pb2, reward_pb2_grpc

if TYPE_CHECKING:
    from collections.abc import Coroutine
    from concurrent.futures import Future

__all__ = ["Connection", "result_of"]

THREAD = "jurist-client"
BACKOFF_S, BACKOFF_MAX_S = 0.1, 5.0
LONGEST_S = 1e9  # 30 years; gRPC's clock does not hold every float
MESSAGE_LIMIT = MESSAGE_BYTES + (1 << 20)
ALIVE_MS, ANSWER_MS = 30_000, 20_000  # how often a server that works in silence is asked whether it lives
OPTIONS = (
    ("grpc.max_send_message_length", MESSAGE_LIMIT),
    ("grpc.max_receive_message_length", MESSAGE_LIMIT),
    ("grpc.use_local_subchannel_pool", 1),  # a client of its own never shares a broken connection
    ("grpc.enable_retries", 0),  # ours retry
    ("grpc.initial_reconnect_backoff_ms", 100),  # a server that is back is found again before patience ends: the
    ("grpc.min_reconnect_backoff_ms", 1000),  # default grows to 2 minutes
    ("grpc.max_reconnect_backoff_ms", 5000),
    ("grpc.keepalive_time_ms", ALIVE_MS),  # a host that vanished says nothing: a call would wait for its deadline
    ("grpc.keepalive_timeout_ms", ANSWER_MS),
    ("grpc.http2.ping_timeout_ms", ANSWER_MS),  # what newer versions go by (github.com/grpc/grpc/pull/39239)
)

Request = TypeVar("Request")
Response = TypeVar("Response")
Answer = TypeVar("Answer")


class Connection:
    """A channel to one target, over TLS where there are credentials."""

    def __init__(self, target: str, patience_s: float, credentials: grpc.ChannelCredentials | None = None) -> None:
        self.closed = False
        self._patience_s = patience_s
        self._process = os.getpid()
        with GATE:
            if credentials is None:
                self._channel = grpc.insecure_channel(target, options=OPTIONS)
            else:
                self._channel = grpc.secure_channel(target, credentials, options=OPTIONS)
            self.stub = reward_pb2_grpc.RewardServiceStub(self._channel)
        self._lock = threading.Lock()  # nothing is handed in once the loop is told to end
        self._loop = asyncio.SelectorEventLoop()
        self._end = asyncio.Event()
        self._thread = threading.Thread(target=self._run, name=THREAD, daemon=True)
        self._thread.start()

    def run(self, work: Coroutine[Any, Any, Answer], owner: object) -> Future[Answer]:
        """Run `work` in the connection's thread. Cancelling the future cancels it; `owner` is kept alive meanwhile.

        Raises:
            ClientError: the connection is closed.
        """
        with self._lock:
            if self.closed:
                work.close()
                raise ClientError("the client was closed")
            return asyncio.run_coroutine_threadsafe(self._told(work, owner), self._loop)

    def close(self) -> None:
        """Begin to give up what is on its way and to close the channel. In a forked child nothing happens."""
        if self._process != os.getpid():  # its lock may be held by a thread that is not here
            return
        with self._lock:
            if not self.closed:
                self.closed = True
                self._loop.call_soon_threadsafe(self._end.set)

    def join(self, timeout_s: float) -> None:
        """Wait until `close` is through, from any thread but the connection's own."""
        if threading.current_thread() is not self._thread:
            self._thread.join(timeout_s)

    async def score(self, request: reward_pb2.ScoreBatchRequest, deadline: float) -> reward_pb2.ScoreBatchResponse:
        """Send one message; `deadline` is on `time.monotonic`'s clock."""
        response = await self.call(self.stub.ScoreBatch, request, deadline)
        if len(response.groups) != len(request.groups):
            raise ServerError(f"the server answered {len(request.groups)} groups with {len(response.groups)}")
        return response

    async def call(
        self, method: grpc.UnaryUnaryMultiCallable[Request, Response], request: Request, deadline: float
    ) -> Response:
        """Call a method of the stub, again and again while no server takes it; patience begins at the first failure."""
        patience: float | None = None
        tries = 0
        while True:
            left = deadline - time.monotonic()
            if left <= 0:
                raise DeadlineError("the timeout passed before a server took the work")
            try:
                return await _attempt(method, request, left)
            except grpc.RpcError as error:
                now, pause = time.monotonic(), _pause(error, tries)
                patience = now + self._patience_s if patience is None else patience
                if pause is None or now + pause > min(patience, deadline):
                    raise error_of(error) from None
            tries += 1
            await asyncio.sleep(pause)

    def _run(self) -> None:
        try:
            with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
                runner.run(self._live())
        finally:
            with GATE:
                self._channel.close()

    async def _live(self) -> None:
        try:
            await self._end.wait()
        finally:
            self.closed = True  # whatever ends the loop, such as sys.exit in a callback
        unfinished = asyncio.all_tasks() - {asyncio.current_task()}
        for task in unfinished:
            task.cancel()
        await asyncio.gather(*unfinished, return_exceptions=True)

    async def _told(self, work: Coroutine[Any, Any, Answer], _: object) -> Answer:
        """Tell those who wait when the client is closed: to them a cancellation would look like their own."""
        try:
            return await work
        except asyncio.CancelledError:
            if self.closed:
                raise ClientError("the client was closed") from None
            raise


def result_of(future: Future[Answer]) -> Answer:
    """Wait for work that was handed in; an interrupt, such as Ctrl-C, cancels it.

    Raises:
        RuntimeError: the work is waited for in a connection's own thread, by a callback, and would never be done.
    """
    if threading.current_thread().name == THREAD:
        future.cancel()
        raise RuntimeError("a callback must not wait for scores: submit, and add a callback to that")
    try:
        return future.result()
    except BaseException:
        future.cancel()
        raise


async def _attempt(
    method: grpc.UnaryUnaryMultiCallable[Request, Response], request: Request, timeout_s: float
) -> Response:
    loop, answered = asyncio.get_running_loop(), asyncio.Event()

    def tell(_: object) -> None:  # in gRPC's thread, which must not be held up
        with suppress(RuntimeError):  # the loop ended meanwhile
            loop.call_soon_threadsafe(answered.set)

    with GATE:
        call = method.future(request, timeout=None if timeout_s > LONGEST_S else timeout_s)
    try:
        call.add_done_callback(tell)
        await answered.wait()
    finally:
        with GATE:
            call.cancel()  # the server's work, when nobody waits for it; an answered call stays as it is
    return call.result()


def _pause(error: grpc.RpcError, tries: int) -> float | None:
    """Return how long to wait before trying again, seconds, or None when that would not help."""
    code, asked = error.code(), pushback(error)
    if code not in {grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.RESOURCE_EXHAUSTED} or is_too_large(error):
        return None
    if asked is not None and asked < 0:
        return None
    if asked is not None:
        return asked * random.uniform(1.0, 1.5)  # noqa: S311  # spreads callers, hides nothing
    return random.uniform(0, min(BACKOFF_MAX_S, BACKOFF_S * 2**tries))  # noqa: S311
