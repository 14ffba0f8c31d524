"""Small things that travel together: what arrives within a moment, or while every call is taken, shares a call."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING, Generic, NamedTuple, TypeVar

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

__all__ = ["Post"]

T = TypeVar("T")
R = TypeVar("R")

LINGER_S = 0.01  # a call takes about as long, and so there are a hundred a second at most
FIRST_S = 0.02  # what one thing costs before anything is known
WEIGHT = 0.2  # of the newest call in the moving mean


class _Letter(NamedTuple, Generic[T, R]):
    """One thing that waits, and who waits for what becomes of it."""

    item: T
    reply: asyncio.Future[R]


class Post(Generic[T, R]):
    """Sends things by `send`, at most `calls` calls at a time and `most` things in each.

    Sharing what waits among the free calls makes none that costs less than `worth_s` seconds where they are received,
    and none that costs more than `most_s`, as far as is known: `send` returns the seconds that it took there, too.
    """

    def __init__(
        self,
        send: Callable[[Sequence[T]], Awaitable[tuple[Sequence[R], float]]],
        *,
        calls: int,
        most: int,
        worth_s: float,
        most_s: float,
    ) -> None:
        self._send = send
        self._free = calls
        self._most = most
        self._worth_s = worth_s
        self._most_s = most_s
        self._cost_s = FIRST_S
        self._waiting: deque[_Letter[T, R]] = deque()
        self._sending: set[asyncio.Task[None]] = set()
        self._timer: asyncio.TimerHandle | None = None

    async def stop(self) -> None:
        """Cancel what is under way; whoever waits is cancelled, too."""
        if self._timer is not None:
            self._timer.cancel()
        for letter in self._waiting:
            letter.reply.cancel()
        for sending in list(self._sending):
            sending.cancel()
        await asyncio.gather(*self._sending, return_exceptions=True)

    async def get(self, item: T) -> R:
        """Send one thing; returns what becomes of it. A call is cancelled when nobody waits for any of its things."""
        loop = asyncio.get_running_loop()
        letter = _Letter[T, R](item, loop.create_future())
        self._waiting.append(letter)
        if self._timer is None:
            self._timer = loop.call_later(LINGER_S, self._collect)
        return await letter.reply

    def _collect(self) -> None:
        self._timer = None
        while self._free and self._waiting:
            worth, most = (max(1, int(seconds / self._cost_s)) for seconds in (self._worth_s, self._most_s))
            count = min(max(-(-len(self._waiting) // self._free), worth), most, self._most, len(self._waiting))
            letters = [self._waiting.popleft() for _ in range(count)]
            letters = [letter for letter in letters if not letter.reply.done()]
            if letters:
                self._free -= 1
                sending = asyncio.ensure_future(self._deliver(letters))
                self._sending.add(sending)
                sending.add_done_callback(self._sent)
                _cancel_with(letters, sending)

    def _sent(self, sending: asyncio.Task[None]) -> None:
        self._sending.discard(sending)
        self._free += 1
        if self._timer is None:
            self._collect()

    async def _deliver(self, letters: Sequence[_Letter[T, R]]) -> None:
        try:
            replies, elapsed_s = await self._send([letter.item for letter in letters])
        except asyncio.CancelledError:
            for letter in letters:
                letter.reply.cancel()
            raise
        except Exception as error:  # noqa: BLE001  # handed to those who wait
            for letter in letters:
                if not letter.reply.done():
                    letter.reply.set_exception(error)
        else:
            self._cost_s += WEIGHT * (max(elapsed_s / len(letters), FIRST_S / 100) - self._cost_s)
            for letter, reply in zip(letters, replies, strict=True):
                if not letter.reply.done():
                    letter.reply.set_result(reply)


def _cancel_with(letters: Sequence[_Letter[T, R]], sending: asyncio.Task[None]) -> None:
    """Cancel a call when nobody waits for any of its replies any more."""
    waiting = len(letters)

    def left(reply: asyncio.Future[R]) -> None:
        nonlocal waiting
        waiting -= 1
        if not waiting and reply.cancelled():
            sending.cancel()

    for letter in letters:
        letter.reply.add_done_callback(left)
