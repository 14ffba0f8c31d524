"""Many small calls become few messages.

Trainers that score one sample a call would send one message each, 11x slower. Groups that are submitted within a
moment travel together; groups of the same task and recipe are joined into one, so that equal completions are judged
once. A message that is refused because of one group is sent again group by group: nobody pays for a neighbour.
"""

from __future__ import annotations

import queue
import threading
import time
from typing import TYPE_CHECKING, NamedTuple

from jurist.client._errors import ClientError, InvalidInputError
from jurist.client._packing import PACK_BYTES
from jurist.v1 import reward_pb2

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from concurrent.futures import Future

__all__ = ["Coalescer", "Submission"]

LINGER_S = 0.002  # how long the first of a batch waits for others
BATCH_GROUPS = 1024


class Submission(NamedTuple):
    """A group that waits to be sent, what it is scored by, until when, and who waits for it."""

    group: reward_pb2.RolloutGroup
    policy_step: int | None
    deadline: float
    future: Future[reward_pb2.GroupScores]


class Coalescer:
    """Gathers submissions in a thread of its own and sends them by `send`."""

    def __init__(
        self, send: Callable[[reward_pb2.ScoreBatchRequest, float], Future[reward_pb2.ScoreBatchResponse]]
    ) -> None:
        self._send = send
        self._queue: queue.SimpleQueue[Submission | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="jurist-coalescer", daemon=True)
        self._thread.start()

    def submit(self, submission: Submission) -> None:
        """Take a group along with the next message."""
        self._queue.put(submission)

    def close(self) -> None:
        """Send what waits, then end."""
        self._queue.put(None)

    def _run(self) -> None:
        while (first := self._queue.get()) is not None:
            batch, more = self._gather(first)
            for step in dict.fromkeys(submission.policy_step for submission in batch):
                self._dispatch([each for each in batch if each.policy_step == step], step)
            if not more:
                break

    def _gather(self, first: Submission) -> tuple[list[Submission], bool]:
        batch, size = [first], first.group.ByteSize()
        until = time.monotonic() + LINGER_S
        while len(batch) < BATCH_GROUPS and size < PACK_BYTES:
            try:
                submission = self._queue.get(timeout=max(0.0, until - time.monotonic()))
            except queue.Empty:
                break
            if submission is None:
                return batch, False
            batch.append(submission)
            size += submission.group.ByteSize()
        return batch, True

    def _dispatch(self, batch: Sequence[Submission], policy_step: int | None) -> None:
        joined = _Joined(batch, policy_step)
        try:
            sent = self._send(joined.request, max(submission.deadline for submission in batch))
        except BaseException as error:  # noqa: BLE001  # whatever it is, nobody may be left waiting
            joined.fail(error)
            return
        sent.add_done_callback(lambda done: self._settle(joined, done))

    def _settle(self, joined: _Joined, done: Future[reward_pb2.ScoreBatchResponse]) -> None:
        if done.cancelled():
            joined.fail(ClientError("the client was closed"))
            return
        error = done.exception()
        if error is None:
            joined.deliver(done.result())
        elif isinstance(error, InvalidInputError) and len(joined.batch) > 1:
            for submission in joined.batch:
                self._dispatch([submission], submission.policy_step)
        else:
            joined.fail(error)


class _Joined:
    """One message made of many submissions, and the way back.

    Single completions of one task become one group, whose statistics are nobody's; larger groups stay what they are.
    """

    def __init__(self, batch: Sequence[Submission], policy_step: int | None) -> None:
        self.batch = batch
        self.request = reward_pb2.ScoreBatchRequest(policy_step=policy_step)
        self._places: list[tuple[int, int]] = []  # each submission's group in the message, and its first rollout there
        singles: dict[tuple[bytes, bytes], reward_pb2.RolloutGroup] = {}
        for submission in batch:
            group = submission.group
            key = (group.task.SerializeToString(deterministic=True), group.recipe.SerializeToString(deterministic=True))
            target = singles.get(key) if len(group.rollouts) == 1 else None
            if target is None:
                target = self.request.groups.add()
                target.CopyFrom(group)
                target.group_id = str(len(self.request.groups) - 1)
                if len(group.rollouts) == 1:
                    target.rollouts[0].rollout_id = "0"
                    singles[key] = target
                self._places.append((int(target.group_id), 0))
            else:
                self._places.append((int(target.group_id), len(target.rollouts)))
                target.rollouts.add().CopyFrom(group.rollouts[0])
                target.rollouts[-1].rollout_id = str(len(target.rollouts) - 1)

    def deliver(self, response: reward_pb2.ScoreBatchResponse) -> None:
        for submission, (place, first) in zip(self.batch, self._places, strict=True):
            scored = response.groups[place]
            scores = _alone(scored, first) if len(submission.group.rollouts) == 1 else scored
            scores.group_id = submission.group.group_id
            if len(submission.group.rollouts) == 1:
                scores.rollouts[0].rollout_id = submission.group.rollouts[0].rollout_id or "0"
            if not submission.future.done():  # its waiter may have cancelled it
                submission.future.set_result(scores)

    def fail(self, error: BaseException) -> None:
        for submission in self.batch:
            if not submission.future.done():
                submission.future.set_exception(error)


def _alone(scored: reward_pb2.GroupScores, index: int) -> reward_pb2.GroupScores:
    """Return one completion's scores as those of a group of one."""
    rollout = scored.rollouts[index]
    rollout.ClearField("advantage")
    reward = rollout.reward if rollout.HasField("reward") else None
    return reward_pb2.GroupScores(
        rollouts=[rollout], mean=reward, std=None if reward is None else 0.0, zero_variance=True, recipe=scored.recipe
    )
