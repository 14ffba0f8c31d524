"""The client."""

from __future__ import annotations

import asyncio
import os
import threading
import time
import uuid
import weakref
from functools import partial
from typing import TYPE_CHECKING, Self, Unpack

import grpc

from jurist.client import _forking
from jurist.client._coalescing import Coalescer, Submission
from jurist.client._connection import Connection, result_of
from jurist.client._errors import ClientError, InvalidInputError, error_of
from jurist.client._groups import TaskFields, recipe_message
from jurist.client._groups import group as build_group
from jurist.client._groups import message as group_message
from jurist.client._packing import check_size
from jurist.client._scoring import Batch, score, score_each
from jurist.client._values import seconds, whole
from jurist.v1 import reward_pb2

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from concurrent.futures import Future

    from jurist.client._tls import Tls

__all__ = ["Client"]

TIMEOUT_S = 600.0
PATIENCE_S = 60.0
CLOSING_S = 1.0  # how long `close` waits for the connection's end, which takes milliseconds


class Client:
    """Scores rollouts through one server.

    It may be used from any thread, any event loop and, with a connection of its own, any process: it pickles, and it
    survives a fork. Nothing is opened before the first call.

    Args:
        target: HOST:PORT of the server, or any name that gRPC resolves.
        recipe: How to score groups that name no recipe: a name, the contract's JSON, or a message.
        timeout_s: How long a call may take in all, retries included, seconds; the server stops work that is late.
            Infinity is no limit.
        patience_s: How long a server may be unreachable or overloaded before the call fails, seconds.
        tls: What to speak TLS with; None speaks none.

    Raises:
        ValueError: `timeout_s` or `patience_s` is no number from 0.

    Every method raises, besides what it names:
        InvalidInputError: a field is not what it must be.
        UnreachableError: no server took the work in `patience_s`.
        DeadlineError: the scores were not there in `timeout_s`.
        ServerError: the server failed.
        ClientError: the client was closed meanwhile.
    """

    def __init__(
        self,
        target: str = "localhost:50051",
        *,
        recipe: str | Mapping[str, object] | reward_pb2.Recipe | None = None,
        timeout_s: float = TIMEOUT_S,
        patience_s: float = PATIENCE_S,
        tls: Tls | None = None,
    ) -> None:
        self._target = target
        self._recipe = None if recipe is None else recipe_message(recipe)
        self._timeout_s = seconds(timeout_s, "timeout_s")
        self._patience_s = seconds(patience_s, "patience_s")
        self._tls = tls
        self._here = _Here()

    def __reduce__(self) -> tuple[Callable[[], Client], tuple[()]]:
        return partial(
            type(self),
            self._target,
            recipe=self._recipe,
            timeout_s=self._timeout_s,
            patience_s=self._patience_s,
            tls=self._tls,
        ), ()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Give up what is on its way, with an error to all who wait, and close the connection.

        The next call opens another.
        """
        with self._here.lock:
            opened, self._here.opened = self._here.opened, None
        if opened is not None:
            opened.close()
            opened.connection.join(CLOSING_S)

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
        return result_of(self._score(groups, policy_step, timeout_s))

    async def ascore(
        self,
        groups: Sequence[reward_pb2.RolloutGroup | Mapping[str, object]],
        *,
        policy_step: int | None = None,
        timeout_s: float | None = None,
    ) -> list[reward_pb2.GroupScores]:
        """Score groups as `score` does, without blocking; cancelling stops the server's work, too."""
        return await asyncio.wrap_future(self._score(groups, policy_step, timeout_s))

    def score_each(
        self,
        groups: Sequence[reward_pb2.RolloutGroup | Mapping[str, object]],
        *,
        policy_step: int | None = None,
        timeout_s: float | None = None,
    ) -> list[reward_pb2.GroupScores | ClientError]:
        """Score groups as `score` does; one that cannot be scored gets its error, and costs no other its scores.

        A refusal's message begins with a path from the group. What concerns the whole call, a recipe that the server
        does not know or a policy step below 0, is raised.
        """
        return result_of(self._score_each(groups, policy_step, timeout_s))

    async def ascore_each(
        self,
        groups: Sequence[reward_pb2.RolloutGroup | Mapping[str, object]],
        *,
        policy_step: int | None = None,
        timeout_s: float | None = None,
    ) -> list[reward_pb2.GroupScores | ClientError]:
        """Score groups as `score_each` does, without blocking; cancelling stops the server's work, too."""
        return await asyncio.wrap_future(self._score_each(groups, policy_step, timeout_s))

    def submit(
        self,
        group: reward_pb2.RolloutGroup | Mapping[str, object],
        *,
        policy_step: int | None = None,
        timeout_s: float | None = None,
        together: str = "",
    ) -> Future[reward_pb2.GroupScores]:
        """Hand in one group and get its scores later: what is submitted within 2 ms travels together.

        For groups that become ready one by one, and for trainers that score one sample a call. Callbacks of the future
        run in the client's own thread, where they hold up every other score: they must be short, and may not wait.

        Single completions of one task are judged as one group; of those that say `together`, only equal ones are.
        """
        wanted = reward_pb2.RolloutGroup()
        wanted.CopyFrom(group_message(group, "group"))
        if self._recipe is not None and not wanted.HasField("recipe"):
            wanted.recipe.CopyFrom(self._recipe)
        limit_s = self._limit_s(timeout_s)
        size = check_size(wanted, "group")
        step = _step(policy_step)
        submission = Submission(wanted, size, step, limit_s, time.monotonic() + limit_s, together)
        opened = self._open()
        return opened.connection.run(opened.coalescer.score(submission), self)

    def score_rollout(
        self,
        completion: str,
        *,
        completion_tokens: int | None = None,
        truncated: bool | None = None,
        policy_step: int | None = None,
        timeout_s: float | None = None,
        **task: Unpack[TaskFields],
    ) -> reward_pb2.RolloutScore:
        """Score one completion; `task` as for `group`. Calls from many threads travel together."""
        group = _single(completion, completion_tokens, truncated, task)
        return result_of(self.submit(group, policy_step=policy_step, timeout_s=timeout_s)).rollouts[0]

    async def ascore_rollout(
        self,
        completion: str,
        *,
        completion_tokens: int | None = None,
        truncated: bool | None = None,
        policy_step: int | None = None,
        timeout_s: float | None = None,
        **task: Unpack[TaskFields],
    ) -> reward_pb2.RolloutScore:
        """Score one completion without blocking; `task` as for `group`. Concurrent calls travel together."""
        group = _single(completion, completion_tokens, truncated, task)
        scores = await asyncio.wrap_future(self.submit(group, policy_step=policy_step, timeout_s=timeout_s))
        return scores.rollouts[0]

    def stream(
        self,
        groups: Iterable[reward_pb2.RolloutGroup | Mapping[str, object]],
        *,
        policy_step: int | None = None,
        timeout_s: float | None = None,
    ) -> Iterator[reward_pb2.GroupScores | reward_pb2.Refusal]:
        """Score groups while they are being made: yields each one's scores as soon as they are known, in any order.

        A group that cannot be accepted yields a `Refusal`. `groups` is read in another thread; an error of it is raised
        after the scores of what came before it. A connection that breaks ends the stream with an error: `submit`
        retries, a stream does not. It takes as long as `groups` does, so there is no timeout by default. A process
        that is forked meanwhile cannot score.
        """
        step = _step(policy_step)
        connection = self._open().connection
        failures: list[Exception] = []

        def requests() -> Iterator[reward_pb2.ScoreStreamRequest]:
            try:
                for index, like in enumerate(groups):
                    group = group_message(like, f"groups[{index}]")
                    check_size(group, f"groups[{index}]")
                    request = reward_pb2.ScoreStreamRequest(
                        recipe=self._recipe if index == 0 else None,
                        policy_step=step,
                        request_id=uuid.uuid4().hex if index == 0 else "",
                    )
                    request.group.CopyFrom(group)
                    yield request
            except Exception as error:  # noqa: BLE001  # gRPC would log it and tell the caller nothing of it
                failures.append(error)

        with _forking.GATE:
            call = connection.stub.ScoreStream(requests(), timeout=timeout_s)
            _forking.STREAMS.add(call)
        try:
            for response in call:
                yield response.scores if response.HasField("scores") else response.refusal
        except grpc.RpcError as error:
            raise ClientError("the client was closed") if connection.closed else error_of(error) from None
        finally:
            call.cancel()
            _forking.STREAMS.discard(call)
        if failures:
            raise failures[0]

    def list_verifiers(self) -> reward_pb2.ListVerifiersResponse:
        """Ask what verifiers and recipes the server knows."""
        connection = self._open().connection
        method, request = connection.stub.ListVerifiers, reward_pb2.ListVerifiersRequest()
        return result_of(connection.run(connection.call(method, request, time.monotonic() + self._timeout_s), self))

    def warm(self, rollouts: int, *, lanes: Sequence[str] = (), ttl_s: float | None = None) -> None:
        """Announce rollouts that will come within `ttl_s` seconds (300), so that what judges them is there by then.

        `lanes` are those that they need, of rules, sandbox and model; all when empty.
        """
        connection = self._open().connection
        method, request = connection.stub.Warm, reward_pb2.WarmRequest(rollouts=rollouts, lanes=lanes, ttl_s=ttl_s)
        result_of(connection.run(connection.call(method, request, time.monotonic() + self._timeout_s), self))

    def _score(
        self,
        groups: Sequence[reward_pb2.RolloutGroup | Mapping[str, object]],
        policy_step: int | None,
        timeout_s: float | None,
    ) -> Future[list[reward_pb2.GroupScores]]:
        deadline, step = time.monotonic() + self._limit_s(timeout_s), _step(policy_step)
        messages = [group_message(like, f"groups[{index}]") for index, like in enumerate(groups)]
        sizes = [check_size(group, f"groups[{index}]") for index, group in enumerate(messages)]
        seen: dict[str, int] = {}
        for index, group in enumerate(messages):  # the server sees one message's alone
            if seen.setdefault(group.group_id, index) != index:
                raise InvalidInputError(
                    f"groups[{index}].group_id: {group.group_id!r} is groups[{seen[group.group_id]}]'s already"
                )
        connection = self._open().connection
        return connection.run(score(Batch(messages, sizes, self._recipe, step, deadline), connection.score), self)

    def _score_each(
        self,
        groups: Sequence[reward_pb2.RolloutGroup | Mapping[str, object]],
        policy_step: int | None,
        timeout_s: float | None,
    ) -> Future[list[reward_pb2.GroupScores | ClientError]]:
        deadline, step = time.monotonic() + self._limit_s(timeout_s), _step(policy_step)
        messages: list[reward_pb2.RolloutGroup] = []
        sizes: list[tuple[int, int]] = []
        refused: dict[int, ClientError] = {}
        for index, like in enumerate(groups):
            try:
                message = group_message(like, "group")
                sizes.append(check_size(message, "group"))
                messages.append(message)
            except InvalidInputError as error:
                refused[index] = error

        async def scored() -> list[reward_pb2.GroupScores | ClientError]:
            outcomes = iter(await score_each(Batch(messages, sizes, self._recipe, step, deadline), connection.score))
            return [refused[index] if index in refused else next(outcomes) for index in range(len(groups))]

        connection = self._open().connection
        return connection.run(scored(), self)

    def _limit_s(self, timeout_s: float | None) -> float:
        if timeout_s is None:
            return self._timeout_s
        return 0.0 if timeout_s < 0 else seconds(timeout_s, "timeout_s")  # the time that was left may be over

    def _open(self) -> _Opened:
        here = self._here
        with here.lock:
            if here.opened is None or here.opened.connection.closed:
                obstacle = _forking.obstacle()
                if obstacle:
                    raise ClientError(obstacle)
                credentials = None if self._tls is None else self._tls.credentials()
                here.opened = _Opened(self, Connection(self._target, self._patience_s, credentials))
            return here.opened


class _Opened:
    """What a client has open in one process; ends with the client if nobody closes it before."""

    def __init__(self, client: Client, connection: Connection) -> None:
        self.connection = connection
        self.coalescer = Coalescer(connection.score)
        self.close = weakref.finalize(client, connection.close)
        self.close.atexit = False  # daemon threads and the kernel do it then


def _step(policy_step: int | None) -> int | None:
    return None if policy_step is None else whole(policy_step, "policy_step")


def _single(
    completion: str,
    tokens: int | None,
    truncated: bool | None,  # noqa: FBT001  # a column's value
    task: TaskFields,
) -> reward_pb2.RolloutGroup:
    return build_group(
        [completion],
        completion_tokens=None if tokens is None else [tokens],
        truncated=None if truncated is None else [truncated],
        **task,
    )


class _Here:
    """What a client has in this process. A forked child begins with nothing."""

    def __init__(self) -> None:
        self.lock = threading.Lock()  # one connection is opened, by whichever thread comes first
        self.opened: _Opened | None = None
        _everywhere.add(self)

    def forget(self) -> None:
        """Leave the parent's connection alone: even freeing it would disturb the parent's calls."""
        self.lock = threading.Lock()  # another thread may have held it
        if self.opened is not None:
            _inherited.append(self.opened)
            self.opened = None


_everywhere: weakref.WeakSet[_Here] = weakref.WeakSet()
_inherited: list[_Opened] = []


def _after_fork() -> None:
    for here in _everywhere:
        here.forget()


os.register_at_fork(after_in_child=_after_fork)
