"""How lines become calls: what travels together, and what is waited for."""

from __future__ import annotations

import asyncio
import threading
from contextlib import aclosing
from typing import TYPE_CHECKING

import pytest

from jurist.services.errors import BadInputError
from jurist.services.groups_file import Line
from jurist.services.scoring import LINES_AHEAD, WINDOWS_AHEAD, score_lines
from jurist.v1 import reward_pb2

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


def line(number: int, rollouts: int = 1) -> Line:
    group = reward_pb2.RolloutGroup(group_id=f"{number}", rollouts=[reward_pb2.Rollout()] * rollouts)
    return Line(number, group)


class Scorer:
    """Scores nothing; keeps what each call held, in rollouts."""

    def __init__(self) -> None:
        self.calls: list[list[int]] = []

    async def __call__(self, groups: Sequence[reward_pb2.RolloutGroup]) -> list[reward_pb2.GroupScores]:
        self.calls.append([len(group.rollouts) for group in groups])
        await asyncio.sleep(0)
        return [reward_pb2.GroupScores(group_id=group.group_id) for group in groups]


async def test_no_call_holds_more_than_one_may() -> None:
    sizes = (10, 8190, 2, 255, 1, 8193, 8192, 1)
    scorer = Scorer()
    lines = [line(number, size) for number, size in enumerate(sizes)]
    found = [scored.number async for scored in score_lines("f", lines, scorer)]

    assert found == list(range(len(sizes)))
    assert scorer.calls == [[10], [8190], [2, 255], [1], [8193], [8192], [1]]


async def test_what_has_come_is_scored_while_the_next_line_is_awaited() -> None:
    more = threading.Event()

    def lines() -> Iterator[Line]:
        yield line(1)
        more.wait(60)
        yield line(2)

    found: list[int] = []
    async with aclosing(score_lines("f", lines(), Scorer())) as scored:
        async for one in scored:
            found.append(one.number)
            if found == [1]:
                assert not more.is_set()
                more.set()

    assert found == [1, 2]


async def test_no_more_is_read_than_is_soon_needed() -> None:
    read = 0

    def lines() -> Iterator[Line]:
        nonlocal read
        while True:
            read += 1
            yield line(read, 256)

    async def never(_: object) -> list[reward_pb2.GroupScores]:
        await asyncio.Event().wait()
        return []

    scored = score_lines("f", lines(), never)
    first = asyncio.ensure_future(anext(scored))
    await asyncio.sleep(0.5)
    first.cancel()
    await asyncio.gather(first, return_exceptions=True)
    at_rest = read
    await asyncio.sleep(0.1)

    assert at_rest <= WINDOWS_AHEAD + LINES_AHEAD + 4
    assert read <= at_rest + 1


@pytest.mark.parametrize("error", [BadInputError("groups", "no"), OSError("no")])
async def test_an_error_ends_it_and_all_that_runs(error: Exception, caplog: pytest.LogCaptureFixture) -> None:
    running = 0

    async def score(groups: Sequence[reward_pb2.RolloutGroup]) -> list[reward_pb2.GroupScores]:
        nonlocal running
        running += 1
        try:
            await asyncio.sleep(0.05 if groups[0].group_id == "0" else 60)
            raise error
        finally:
            running -= 1

    with pytest.raises(type(error)):
        async for _ in score_lines("f", [line(number, 256) for number in range(20)], score):
            pass

    assert running == 0
    assert not caplog.records


async def test_an_error_of_reading_is_raised_where_the_line_would_be() -> None:
    def lines() -> Iterator[Line]:
        yield line(1)
        raise OSError("gone")

    with pytest.raises(OSError, match="gone"):
        [scored async for scored in score_lines("f", lines(), Scorer())]
