"""Many small calls become few messages.

Trainers that score one sample a call would send one message each, 5 to 15x slower. Groups that are submitted within a
moment travel together; single completions of one task and recipe are joined into one group, so that the task is sent
and read once and equal completions are judged once. Nobody pays for a neighbour: a message that fails because of what
is in it is parted and sent again until the fault is alone.
"""

from __future__ import annotations

import asyncio
import copy
import uuid
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from jurist.client._errors import ClientError, within_group
from jurist.client._packing import PACK_BYTES, PACK_ROLLOUTS, packs
from jurist.client._parting import NAMED, parts
from jurist.v1 import reward_pb2

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from jurist.client._scoring import Send

__all__ = ["Coalescer", "Submission"]

LINGER_S = 0.002  # how long the first of a batch waits for others


class Submission(NamedTuple):
    """A group that is to be sent, its bytes and rollouts, what it is scored by and until when.

    Completions of one task that are known to belong to different groups say so in `together`, and are not joined.
    """

    group: reward_pb2.RolloutGroup
    size: tuple[int, int]
    policy_step: int | None
    timeout_s: float
    deadline: float  # on `time.monotonic`'s clock
    together: str = ""


class _Waiting(NamedTuple):
    submission: Submission
    scores: asyncio.Future[reward_pb2.GroupScores]


@dataclass(slots=True)
class _Gathered:
    waiting: list[_Waiting] = field(default_factory=list[_Waiting])
    size_bytes: int = 0
    rollouts: int = 0

    def add(self, waiting: _Waiting) -> None:
        size_bytes, rollouts = waiting.submission.size
        self.waiting.append(waiting)
        self.size_bytes += size_bytes
        self.rollouts += rollouts

    @property
    def full(self) -> bool:
        return self.size_bytes >= PACK_BYTES or self.rollouts >= PACK_ROLLOUTS


class Coalescer:
    """Gathers submissions and sends them by `send`. Belongs to one event loop."""

    def __init__(self, send: Send) -> None:
        self._send = send
        # What is scored by one step travels together, and what waits as long: a short timeout ends no neighbour's call.
        self._gathered: dict[tuple[int | None, float], _Gathered] = {}
        self._sending: set[asyncio.Task[None]] = set()

    async def score(self, submission: Submission) -> reward_pb2.GroupScores:
        """Take a group along with the next message.

        Raises:
            ClientError: it could not be scored.
        """
        loop = asyncio.get_running_loop()
        key = (submission.policy_step, submission.timeout_s)
        gathered = self._gathered.get(key)
        if gathered is None:
            gathered = self._gathered[key] = _Gathered()
            loop.call_later(LINGER_S, self._dispatch, key, gathered)
        waiting = _Waiting(submission, loop.create_future())
        gathered.add(waiting)
        if gathered.full:
            self._dispatch(key, gathered)
        return await waiting.scores

    def _dispatch(self, key: tuple[int | None, float], gathered: _Gathered) -> None:
        if self._gathered.get(key) is not gathered:
            return  # it was full before its time
        del self._gathered[key]
        waiting = _still(gathered.waiting)
        for places in packs([each.submission.size for each in waiting]):
            batch = [waiting[place] for place in places]
            sending = asyncio.create_task(self._deliver(batch))
            self._sending.add(sending)
            sending.add_done_callback(self._sending.discard)
            _cancel_when_left(sending, batch)

    async def _deliver(self, batch: Sequence[_Waiting], named: int = NAMED) -> None:
        """Have a batch scored; every one of it gets its scores or an error, whatever happens."""
        batch = _still(batch)
        if not batch:
            return
        places: Sequence[int] = ()
        try:
            joined = Joined([waiting.submission for waiting in batch])
            places = joined.places
            response = await self._send(joined.request, max(waiting.submission.deadline for waiting in batch))
            for waiting, scores in zip(batch, joined.apart(response), strict=True):
                if not waiting.scores.done():
                    waiting.scores.set_result(scores)
        except ClientError as error:
            parted = parts(error, places, named)
            if parted is None:
                _fail(batch, within_group(error))
            else:
                again = ([batch[index] for index in part] for part in parted)
                await asyncio.gather(*(self._deliver(part, max(named - 1, 0)) for part in again))
        except Exception as error:  # noqa: BLE001  # nobody may be left waiting
            _fail(batch, error)


def _still(batch: Sequence[_Waiting]) -> list[_Waiting]:
    """Return those whose caller has not gone."""
    return [waiting for waiting in batch if not waiting.scores.done()]


def _cancel_when_left(sending: asyncio.Task[None], batch: Sequence[_Waiting]) -> None:
    """Stop the server's work on a message when the last of those who wait for it has gone."""
    left = len(batch)

    def leave(_: object) -> None:
        nonlocal left
        left -= 1
        if not left:
            sending.cancel()

    for waiting in batch:
        waiting.scores.add_done_callback(leave)


def _fail(batch: Sequence[_Waiting], error: Exception) -> None:
    for waiting in _still(batch):
        waiting.scores.set_exception(copy.copy(error))  # each raises its own: tracebacks grow with every raise


class Joined:
    """One message made of many groups, and the way back. Nobody can tell from its scores that it did not go alone."""

    def __init__(self, submissions: Sequence[Submission]) -> None:
        step = submissions[0].policy_step
        self.request = reward_pb2.ScoreBatchRequest(policy_step=step, request_id=uuid.uuid4().hex)
        self._groups = [submission.group for submission in submissions]
        self._places: list[tuple[int, int]] = []  # each group's place in the message, and its first rollout's there
        places: dict[tuple[str, bytes, bytes], int] = {}
        for group, submission in zip(self._groups, submissions, strict=True):
            single = len(group.rollouts) == 1
            task, recipe = group.task, group.recipe
            key = (
                submission.together,
                task.SerializeToString(deterministic=True),
                recipe.SerializeToString(deterministic=True),
            )
            place = places.get(key) if single else None
            if place is None:
                self._places.append((len(self.request.groups), 0))
                if single:
                    places[key] = len(self.request.groups)
                self._add(group)
            else:
                joint = self.request.groups[place]
                self._places.append((place, len(joint.rollouts)))
                joint.rollouts.add().CopyFrom(group.rollouts[0])
                joint.rollouts[-1].rollout_id = str(len(joint.rollouts) - 1)

    @property
    def places(self) -> Sequence[int]:
        """The group of the message in which each travels."""
        return [place for place, _ in self._places]

    def apart(self, response: reward_pb2.ScoreBatchResponse) -> Iterator[reward_pb2.GroupScores]:
        """Yield each group's scores, as if it had gone alone."""
        for group, (place, first) in zip(self._groups, self._places, strict=True):
            scored = response.groups[place]
            scores = _alone(scored, first) if len(group.rollouts) == 1 else scored
            scores.group_id = group.group_id
            if len(group.rollouts) == 1:
                scores.rollouts[0].rollout_id = group.rollouts[0].rollout_id or "0"
            yield scores

    def _add(self, group: reward_pb2.RolloutGroup) -> None:
        added = self.request.groups.add()
        added.CopyFrom(group)
        added.group_id = str(len(self.request.groups) - 1)  # two callers may use one id
        if len(group.rollouts) == 1:
            added.rollouts[0].rollout_id = "0"


def _alone(scored: reward_pb2.GroupScores, place: int) -> reward_pb2.GroupScores:
    """Return the scores of one completion as those of a group of one."""
    rollout = scored.rollouts[place]
    if rollout.HasField("advantage"):
        rollout.advantage = 0.0
    reward = rollout.reward if rollout.HasField("reward") else None
    return reward_pb2.GroupScores(
        rollouts=[rollout], mean=reward, std=None if reward is None else 0.0, zero_variance=True, recipe=scored.recipe
    )
