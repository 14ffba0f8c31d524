"""The sandbox lane on this machine: programs run in boxes of the embedded sandbox.

The boxes are started by the first program, so that a service which only judges mathematics needs nothing of its host.
`required` starts them with the service, and a host that lacks something then ends the start.
"""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

import structlog

from jurist.sandbox import Program, SandboxUnavailableError
from jurist.sandbox.embedded import Embedded
from jurist.services.errors import ConfigurationError, StoppingError
from jurist.verifiers import Cause, NoReply

if TYPE_CHECKING:
    from jurist.verifiers import Question, Reply

__all__ = ["LocalSandbox"]

log = structlog.get_logger(__name__)


class LocalSandbox:
    """Runs `slots` programs at a time; `weaker` allows a host without a writable control group."""

    def __init__(self, slots: int, *, required: bool, weaker: bool) -> None:
        self._sandbox = Embedded(slots=slots, weaker=weaker)
        self._required = required
        self._starting = asyncio.Lock()
        self._started: Embedded | None = None
        self._missing = ""
        self._running = AsyncExitStack()
        self._stopping = False

    async def start(self) -> None:
        """Start the boxes, where they are required.

        Raises:
            ConfigurationError: this host cannot isolate programs; the message says what it lacks and how to get it.
        """
        if self._required and await self._boxes() is None:
            raise ConfigurationError(f"sandbox: {self._missing}")

    async def stop(self) -> None:
        """Kill every program and end the boxes."""
        self._stopping = True
        async with self._starting:
            await self._running.aclose()

    async def answer(self, question: Question) -> Reply:
        """Run a program."""
        if not isinstance(question, Program):
            return NoReply(Cause.UNAVAILABLE, f"the sandbox lane does not answer a {type(question).__name__}")
        boxes = self._started or await self._boxes()
        if boxes is None:
            return NoReply(Cause.UNAVAILABLE, self._missing)
        return await boxes.run(question)

    async def _boxes(self) -> Embedded | None:
        """Start the boxes once; None where this host cannot."""
        async with self._starting:
            if self._stopping:
                raise StoppingError("the sandbox is stopping")
            if self._started is None and not self._missing:
                try:
                    self._started = await self._running.enter_async_context(self._sandbox)
                except SandboxUnavailableError as error:
                    self._missing = str(error)
                    log.warning("no sandbox", reason=self._missing)
                else:
                    log.info("sandbox up", isolation=str(self._started.isolation))
            return self._started
