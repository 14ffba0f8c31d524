"""The client."""

from __future__ import annotations

import asyncio
import os
import threading
import time
import uuid
from concurrent.futures import Future
from typing import TYPE_CHECKING, Self

import grpc

from jurist.client._coalescing import Coalescer, Submission
from jurist.client._connection import Connection
from jurist.client._errors import error_of
from jurist.client._groups import group as build_group
from jurist.client._groups import message as group_message
from jurist.client._groups import recipe_message
from jurist.client._packing import pack
from jurist.v1 import reward_pb2

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

__all__ = ["Client"]

TIMEOUT_S = 600.0
PATIENCE_S = 60.0


class Client:
    """Scores rollouts through one server.

    It may be used from any thread, any event loop and, with a connection of its own, any process: it pickles, and it
    survives a fork. Nothing is opened before the first call.

    Args:
        target: HOST:PORT of the server, or any name that gRPC resolves.
        recipe: How to score groups that name no recipe: a name, the contract's JSON, or a message.
        timeout_s: How long a call may take in all, retries included, seconds; the server stops work that is late.
        patience_s: How long a server may be unreachable or overloaded before the call fails, seconds.

    Every method raises, besides what it names:
        InvalidInputError: a field is not what it must be.
        UnreachableError: no server took the work in `patience_s`.
        DeadlineError: the scores were not there in `timeout_s`.
        ServerError: the server failed.
    """

    def __init__(
        self,
        target: str = "localhost:50051",
        *,
        recipe: str | Mapping[str, object] | reward_pb2.Recipe | None = None,
        timeout_s: float = TIMEOUT_S,
        patience_s: float = PATIENCE_S,
    ) -> None:
        self._settings = (target, recipe, timeout_s, patience_s)
        self._recipe = None if recipe is None else recipe_message(recipe)
        self._lock = threading.Lock()
        self._process = 0
        self._connection: Connection | None = None
        self._coalescer: Coalescer | None = None

    def __reduce__(self) -> tuple[Callable[..., Client], tuple[object, ...]]:
        return _client, self._settings

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Give up what is on its way and close the connection; the next call opens another."""
        with self._lock:
            if self._coalescer is not None:
                self._coalescer.close()
            if self._connection is not None and self._process == os.getpid():
                self._connection.close()
            self._connection = self._coalescer = None

    def score(
        self,
        groups: Sequence[reward_pb2.RolloutGroup | Mapping[str, object]],
        *,
        policy_step: int | None = None,
        timeout_s: float | None = None,
    ) -> list[reward_pb2.GroupScores]:
        """Score groups; returns their scores in the same order.

        `policy_step` is the trainer's optimisation step: terms with a later `from_step` are not active yet.
        """
        futures, cancel = self._score(groups, policy_step, timeout_s)
        try:
            return [scores for future in futures for scores in future.result().groups]
        finally:
            cancel()

    async def ascore(
        self,
        groups: Sequence[reward_pb2.RolloutGroup | Mapping[str, object]],
        *,
        policy_step: int | None = None,
        timeout_s: float | None = None,
    ) -> list[reward_pb2.GroupScores]:
        """Score groups as `score` does, without blocking; cancelling stops the server's work, too."""
        futures, cancel = self._score(groups, policy_step, timeout_s)
        try:
            responses = await asyncio.gather(*map(asyncio.wrap_future, futures))
        finally:
            cancel()
        return [scores for response in responses for scores in response.groups]

    def submit(
        self,
        group: reward_pb2.RolloutGroup | Mapping[str, object],
        *,
        policy_step: int | None = None,
        timeout_s: float | None = None,
    ) -> Future[reward_pb2.GroupScores]:
        """Hand in one group and get its scores later: what is submitted within 2 ms travels together.

        For groups that become ready one by one, and for trainers that score one sample a call.
        """
        wanted = group_message(group, 0)
        if self._recipe is not None and not wanted.HasField("recipe"):
            own = reward_pb2.RolloutGroup()
            own.CopyFrom(wanted)
            own.recipe.CopyFrom(self._recipe)
            wanted = own
        future: Future[reward_pb2.GroupScores] = Future()
        deadline = time.monotonic() + (self._settings[2] if timeout_s is None else timeout_s)
        self._connected()[1].submit(Submission(wanted, policy_step, deadline, future))
        return future

    def score_rollout(self, completion: str, **task: object) -> reward_pb2.RolloutScore:
        """Score one completion; `task` as for `group`. Calls from many threads travel together."""
        return self.submit(build_group([completion], **task)).result().rollouts[0]  # type: ignore[arg-type]

    async def ascore_rollout(self, completion: str, **task: object) -> reward_pb2.RolloutScore:
        """Score one completion without blocking; `task` as for `group`. Concurrent calls travel together."""
        submitted = self.submit(build_group([completion], **task))  # type: ignore[arg-type]
        return (await asyncio.wrap_future(submitted)).rollouts[0]

    def stream(
        self,
        groups: Iterable[reward_pb2.RolloutGroup | Mapping[str, object]],
        *,
        policy_step: int | None = None,
        timeout_s: float | None = None,
    ) -> Iterator[reward_pb2.GroupScores | reward_pb2.Refusal]:
        """Score groups while they are being made: yields each one's scores as soon as they are known, in any order.

        A group that cannot be accepted yields a `Refusal`. A connection that breaks ends the stream with an error;
        `submit` retries.
        """
        connection = self._connected()[0]

        def requests() -> Iterator[reward_pb2.ScoreStreamRequest]:
            for index, like in enumerate(groups):
                recipe = self._recipe if index == 0 else None
                yield reward_pb2.ScoreStreamRequest(
                    group=group_message(like, index), recipe=recipe, policy_step=policy_step
                )

        call = connection.stub.ScoreStream(requests(), timeout=self._settings[2] if timeout_s is None else timeout_s)
        try:
            for response in call:
                yield response.scores if response.HasField("scores") else response.refusal
        except grpc.RpcError as error:
            raise error_of(error) from None
        finally:
            call.cancel()

    def list_verifiers(self) -> reward_pb2.ListVerifiersResponse:
        """Ask what verifiers and recipes the server knows."""
        try:
            return self._connected()[0].stub.ListVerifiers(
                reward_pb2.ListVerifiersRequest(), timeout=self._settings[2], wait_for_ready=True
            )
        except grpc.RpcError as error:
            raise error_of(error) from None

    def _score(
        self,
        groups: Sequence[reward_pb2.RolloutGroup | Mapping[str, object]],
        policy_step: int | None,
        timeout_s: float | None,
    ) -> tuple[list[Future[reward_pb2.ScoreBatchResponse]], Callable[[], None]]:
        connection = self._connected()[0]
        deadline = time.monotonic() + (self._settings[2] if timeout_s is None else timeout_s)
        packs = list(pack([group_message(like, index) for index, like in enumerate(groups)]))
        call_id = uuid.uuid4().hex
        sent = [
            connection.send(
                reward_pb2.ScoreBatchRequest(
                    groups=packed.groups,
                    recipe=self._recipe,
                    policy_step=policy_step,
                    request_id=f"{call_id}-{number}",
                ),
                deadline,
                packed.start,
            )
            for number, packed in enumerate(packs)
        ]

        def cancel() -> None:
            for future, stop in sent:
                if not future.done():
                    future.cancel()
                    stop()

        return [future for future, _ in sent], cancel

    def _connected(self) -> tuple[Connection, Coalescer]:
        """Return this process's connection. A parent's does not work after a fork, and may not even be closed."""
        if self._process != os.getpid():
            self._lock = threading.Lock()  # another thread may have held it at the fork
        with self._lock:
            if self._connection is None or self._coalescer is None or self._process != os.getpid():
                target, _, _, patience_s = self._settings
                self._process = os.getpid()
                self._connection = connection = Connection(target, patience_s)
                self._coalescer = Coalescer(lambda request, deadline: connection.send(request, deadline)[0])
            return self._connection, self._coalescer


def _client(
    target: str,
    recipe: str | Mapping[str, object] | reward_pb2.Recipe | None,
    timeout_s: float,
    patience_s: float,
) -> Client:
    return Client(target, recipe=recipe, timeout_s=timeout_s, patience_s=patience_s)
