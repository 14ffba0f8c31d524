"""Scores a file of groups: through a server, or through an engine of its own."""

from __future__ import annotations

import asyncio
import re
from collections import Counter, deque
from collections.abc import Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from jurist.client import Client, InvalidInputError
from jurist.services import assembly, decode, encode
from jurist.services.cookbook import Cookbook
from jurist.services.errors import BadInputError
from jurist.services.metrics import Metrics
from jurist.v1 import reward_pb2

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Iterable, Iterator

    from jurist.client import Tls
    from jurist.services.config import Config
    from jurist.services.groups_file import Line
    from jurist.services.values import GroupReward

__all__ = ["Scored", "Summary", "local", "remote", "score_lines"]

WINDOW_ROLLOUTS = 256
WINDOW_BYTES = 4 << 20
WINDOWS_AHEAD = 8

Score = Callable[[Sequence[reward_pb2.RolloutGroup]], Awaitable[Sequence[reward_pb2.GroupScores]]]


class Scored(NamedTuple):
    """A line's number and its group's scores, or what is wrong with it."""

    number: int
    scores: reward_pb2.GroupScores | BadInputError


@dataclass(slots=True)
class Summary:
    """What a file came to."""

    groups: int = 0
    rollouts: int = 0
    refused: int = 0
    rewarded: int = 0
    reward_sum: float = 0.0
    zero_variance: int = 0
    outcomes: Counter[str] = field(default_factory=Counter[str])
    slowest_ms: float = 0.0
    slowest: str = ""

    def add(self, scores: reward_pb2.GroupScores) -> None:
        """Count one group."""
        self.groups += 1
        self.rollouts += len(scores.rollouts)
        self.zero_variance += scores.zero_variance
        for rollout in scores.rollouts:
            if rollout.HasField("reward"):
                self.rewarded += 1
                self.reward_sum += rollout.reward
            for component in rollout.components:
                cause = component.abstention.cause
                scored = component.HasField("score")
                self.outcomes["score" if scored else reward_pb2.Cause.Name(cause).removeprefix("CAUSE_")] += 1
                if component.elapsed_ms > self.slowest_ms:
                    self.slowest_ms = component.elapsed_ms
                    self.slowest = f"{scores.group_id}/{rollout.rollout_id} {component.name}"


@asynccontextmanager
async def local(config: Config, recipe: reward_pb2.Recipe | None) -> AsyncGenerator[Score]:
    """Score in an engine of this process.

    Raises:
        ConfigurationError: it cannot start.
    """
    decoder = decode.Decoder(Cookbook(config.recipes))
    engine = assembly.engine(config, Metrics())
    await engine.start()

    async def score(groups: Sequence[reward_pb2.RolloutGroup]) -> Sequence[reward_pb2.GroupScores]:
        request = reward_pb2.ScoreBatchRequest(groups=groups, recipe=recipe)
        batch = decoder.batch(request.SerializeToString())
        scores: dict[int, reward_pb2.GroupScores] = {}

        def deliver(index: int, reward: GroupReward) -> None:
            scores[index] = reward_pb2.GroupScores.FromString(encode.group_scores(reward))

        await engine.score(batch, deliver, wait=True)
        return [scores[index] for index in range(len(groups))]

    try:
        yield score
    finally:
        await engine.stop()


@asynccontextmanager
async def remote(
    target: str, recipe: reward_pb2.Recipe | None, timeout_s: float, tls: Tls | None = None
) -> AsyncGenerator[Score]:
    """Score through the server at `target`."""
    with Client(target, recipe=recipe, timeout_s=timeout_s, tls=tls) as client:

        async def score(groups: Sequence[reward_pb2.RolloutGroup]) -> Sequence[reward_pb2.GroupScores]:
            try:
                return await client.ascore(groups)
            except InvalidInputError as error:
                field, _, message = str(error).partition(": ")
                raise BadInputError(field, message) from None

        yield score


async def score_lines(name: str, lines: Iterable[Line], score: Score) -> AsyncIterator[Scored]:
    """Score lines, several windows of them at a time, and yield them in order."""
    ahead: deque[asyncio.Task[list[Scored]]] = deque()
    try:
        for window in _windows(lines):
            ahead.append(asyncio.create_task(_score_window(name, window, score)))
            while len(ahead) >= WINDOWS_AHEAD:
                for scored in await ahead.popleft():
                    yield scored
        while ahead:
            for scored in await ahead.popleft():
                yield scored
    finally:
        for task in ahead:
            task.cancel()


def _windows(lines: Iterable[Line]) -> Iterator[list[Line]]:
    window: list[Line] = []
    rollouts = size = 0
    for line in lines:
        window.append(line)
        if isinstance(line.group, reward_pb2.RolloutGroup):
            rollouts += len(line.group.rollouts)
            size += line.group.ByteSize()
        if rollouts >= WINDOW_ROLLOUTS or size >= WINDOW_BYTES or len(window) >= WINDOW_ROLLOUTS:
            yield window
            window, rollouts, size = [], 0, 0
    if window:
        yield window


async def _score_window(name: str, window: Sequence[Line], score: Score) -> list[Scored]:
    """Score a window; a group that is refused is taken out, and the rest tried again."""
    scored = {line.number: Scored(line.number, line.group) for line in window if isinstance(line.group, BadInputError)}
    left = [(line.number, line.group) for line in window if isinstance(line.group, reward_pb2.RolloutGroup)]
    while left:
        try:
            scores = await score([group for _, group in left])
        except BadInputError as error:
            named = re.match(r"groups\[(\d+)\]\.?", error.field)
            if named is None:  # the recipe of the whole call, not a line's fault
                raise
            number, _ = left.pop(int(named[1]))
            scored[number] = Scored(
                number, BadInputError(f"{name}:{number}: {error.field[named.end() :]}", error.message)
            )
        else:
            scored |= {number: Scored(number, one) for (number, _), one in zip(left, scores, strict=True)}
            break
    return [scored[line.number] for line in window]
