"""Scores a file of groups: through a server, or through an engine of its own."""

from __future__ import annotations

import asyncio
import re
from collections import Counter, deque
from collections.abc import Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from jurist.client import Client, InvalidInputError
from jurist.services import assembly, decode, encode
from jurist.services.cookbook import Cookbook
from jurist.services.decode import ROLLOUTS_A_CALL
from jurist.services.errors import BadInputError
from jurist.services.metrics import Metrics
from jurist.services.read_ahead import ReadAhead
from jurist.v1 import reward_pb2

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Iterable

    from jurist.client import Tls
    from jurist.services.config import Config
    from jurist.services.groups_file import Line
    from jurist.services.values import GroupReward

__all__ = ["Scored", "Summary", "local", "remote", "score_lines"]

WINDOW_ROLLOUTS = 256
WINDOW_BYTES = 4 << 20
WINDOWS_AHEAD = 8
LINES_AHEAD = 8
LINGER_S = 0.05  # how long lines wait for more of them

NO_GROUP = reward_pb2.RolloutGroup()

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


async def score_lines(name: str, lines: Iterable[Line], score: Score) -> AsyncGenerator[Scored]:
    """Score lines, several windows of them at a time, and yield them in order, each as soon as that allows."""
    ahead: deque[asyncio.Task[list[Scored]]] = deque()
    windows = _windows(lines)
    coming = asyncio.create_task(_next(windows))
    more = True
    try:
        while more or ahead:
            wanted = [coming] if more and len(ahead) < WINDOWS_AHEAD else []
            await asyncio.wait([*wanted, *list(ahead)[:1]], return_when=asyncio.FIRST_COMPLETED)
            if wanted and coming.done():
                window = coming.result()
                more = window is not None
                if window is not None:
                    ahead.append(asyncio.create_task(_score_window(name, window, score)))
                    coming = asyncio.create_task(_next(windows))
            while ahead and ahead[0].done():
                for scored in ahead.popleft().result():
                    yield scored
    finally:
        for task in (coming, *ahead):
            task.cancel()
        await asyncio.gather(coming, *ahead, return_exceptions=True)
        await windows.aclose()


async def _next(windows: AsyncGenerator[list[Line]]) -> list[Line] | None:
    return await anext(windows, None)


async def _windows(lines: Iterable[Line]) -> AsyncGenerator[list[Line]]:
    """Gather lines into windows that fit into a call; what has come does not wait for what is long in coming."""
    reading = ReadAhead(lines, LINES_AHEAD)
    window: list[Line] = []
    rollouts = size = 0
    line: Line | None = None
    more = True
    try:
        while more:
            line = None
            with suppress(TimeoutError):
                async with asyncio.timeout(LINGER_S if window else None):
                    line = await reading.get()
                more = line is not None
            group = line.group if line is not None and isinstance(line.group, reward_pb2.RolloutGroup) else NO_GROUP
            full = rollouts >= WINDOW_ROLLOUTS or size >= WINDOW_BYTES or len(window) >= WINDOW_ROLLOUTS
            if window and (full or line is None or rollouts + len(group.rollouts) > ROLLOUTS_A_CALL):
                yield window
                window, rollouts, size = [], 0, 0
            if line is not None:
                window.append(line)
                rollouts += len(group.rollouts)
                size += group.ByteSize()
    finally:
        reading.close()


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
