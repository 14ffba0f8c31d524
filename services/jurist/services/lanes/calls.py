"""Calls to a lane's replicas: how many at a time, what is tried again, and until when. Knows nothing of Ray."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from time import monotonic
from typing import TYPE_CHECKING, Protocol

import structlog

from jurist.services.errors import StoppingError, UnreachableError

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Calls", "Carrier", "RefusedError", "ReplicaDiedError"]

DEATHS = 2  # replicas that one call may take down before it is suspected: one may be an accident
UNREACHABLE_S = 60.0  # how long a lane may be out of reach before its callers are told
FIRST_WAIT_S = 0.05
LONGEST_WAIT_S = 2.0

log = structlog.get_logger(__name__)


class ReplicaDiedError(Exception):
    """Raised when the replica that had a call died; `str` says what is known of its death."""


class RefusedError(Exception):
    """Raised when the replicas' queue is full."""


class Carrier(Protocol):
    """Carries calls to the replicas of one lane."""

    async def start(self) -> None:
        """Connect.

        Raises:
            ConfigurationError: it cannot.
        """
        ...

    async def stop(self) -> None:
        """Disconnect."""
        ...

    async def call(self, method: str, request: bytes) -> bytes:
        """Have a replica do a piece of work. Cancelling stops it there.

        Raises:
            ReplicaDiedError: the replica died.
            RefusedError: too much waits already.
            UnreachableError: there is no such lane now, or no cluster.
        """
        ...

    async def warm(self, rollouts: int, ttl_s: float) -> None:
        """Have replicas ready for so many rollouts, for so long, seconds."""
        ...


class Calls:
    """At most `most` calls are on their way; `count` is told how each of them ended."""

    def __init__(self, carrier: Carrier, most: int, count: Callable[[str], None]) -> None:
        self._carrier = carrier
        self._count = count
        self._most = most
        self._room = asyncio.Semaphore(most)
        self._running: set[asyncio.Future[bytes]] = set()
        self._stopping = False

    async def start(self) -> None:
        """Connect.

        Raises:
            ConfigurationError: it cannot.
        """
        await self._carrier.start()

    async def stop(self) -> None:
        """Cancel every call."""
        self._stopping = True
        running = list(self._running)
        for call in running:
            call.cancel()
        await asyncio.gather(*running, return_exceptions=True)
        await self._carrier.stop()

    async def send(self, method: str, request: bytes, *, alone: bool = False) -> bytes:
        """Make a call until it is answered. A lane that refuses is busy, and waited for as a free worker would be.

        `alone` waits for all other calls to end and holds new ones back, so that no replica can die of another's work.
        There may be one such at a time.

        Raises:
            ReplicaDiedError: `DEATHS` replicas died of it, or beside it.
            UnreachableError: the lane was out of reach for `UNREACHABLE_S`.
            StoppingError: the lane is stopping.
        """
        deaths = 0
        wait_s = FIRST_WAIT_S
        lost_at: float | None = None
        async with AsyncExitStack() as held:
            for _ in range(self._most if alone else 1):
                await held.enter_async_context(self._room)
            while True:
                try:
                    return await self._once(method, request)
                except ReplicaDiedError as died:
                    deaths += 1
                    log.warning("replica died", method=method, how=str(died), time=deaths)
                    if deaths == DEATHS:
                        raise
                    lost_at = None
                except RefusedError:
                    lost_at = None
                except UnreachableError:
                    lost_at = monotonic() if lost_at is None else lost_at
                    if monotonic() - lost_at > UNREACHABLE_S:
                        raise
                await asyncio.sleep(wait_s)
                wait_s = min(LONGEST_WAIT_S, wait_s * 2)

    async def warm(self, rollouts: int, ttl_s: float) -> None:
        """Have replicas ready."""
        await self._carrier.warm(rollouts, ttl_s)

    async def _once(self, method: str, request: bytes) -> bytes:
        if self._stopping:
            raise StoppingError("the lane is stopping")
        call = asyncio.ensure_future(self._carrier.call(method, request))
        self._running.add(call)
        call.add_done_callback(self._running.discard)
        ending = "done"
        try:
            return await call
        except asyncio.CancelledError:
            ending = "cancelled"
            task = asyncio.current_task()
            if self._stopping and (task is None or not task.cancelling()):
                raise StoppingError("the lane is stopping") from None
            raise
        except ReplicaDiedError:
            ending = "died"
            raise
        except RefusedError:
            ending = "refused"
            raise
        except UnreachableError:
            ending = "unreachable"
            raise
        except BaseException:
            ending = "failed"
            raise
        finally:
            self._count(ending)
