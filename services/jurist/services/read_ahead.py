"""Iterates in a thread: who waits for the next item holds up nothing else."""

from __future__ import annotations

import asyncio
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["ReadAhead"]

T = TypeVar("T")


class ReadAhead(Generic[T]):
    """Items as a thread reads them, at most `most` before they are asked for."""

    def __init__(self, items: Iterable[T], most: int) -> None:
        self._items = items
        self._loop = asyncio.get_running_loop()
        self._came: asyncio.Queue[T | Exception | None] = asyncio.Queue()
        self._room = threading.Semaphore(most)
        self._closed = False
        threading.Thread(target=self._read, daemon=True).start()  # what may wait for ever must not keep a process

    async def get(self) -> T | None:
        """Return the next item, None at the end; what the iteration raised is raised here."""
        came = await self._came.get()
        self._room.release()
        if isinstance(came, Exception):
            raise came
        return came

    def close(self) -> None:
        """Read no more, once the item is there that is read just now."""
        self._closed = True
        self._room.release()

    def _read(self) -> None:
        last: Exception | None = None
        try:
            for item in self._items:
                self._room.acquire()
                if self._closed:
                    return
                self._hand_over(item)
        except Exception as error:  # noqa: BLE001  # whatever it is, it is raised where the item would be
            last = error
        self._hand_over(last)

    def _hand_over(self, item: T | Exception | None) -> None:
        with suppress(RuntimeError):  # the loop is closed: nobody asks any more
            self._loop.call_soon_threadsafe(self._came.put_nowait, item)
