"""The sandbox lane on this machine: programs run in boxes of this process's own, or in containers.

They are started by the first program, so that a service which only judges mathematics needs nothing of its host.
`required` starts them with the service, and a host that lacks something then ends the start. Otherwise programs abstain
until it has what it lacked: an engine that is down may come back.
"""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Final

import structlog

from jurist.sandbox import Program, SandboxUnavailableError
from jurist.sandbox.docker import Docker
from jurist.sandbox.embedded import Embedded
from jurist.services.errors import ConfigurationError, StoppingError
from jurist.verifiers import Cause, NoReply

if TYPE_CHECKING:
    from jurist.services.config import Config
    from jurist.verifiers import Question, Reply

__all__ = ["LocalSandbox", "backend"]

log = structlog.get_logger(__name__)

RETRY_S: Final = 30.0
"""From a start that failed to the next program that tries it again; a failed start costs up to a second."""


def backend(config: Config) -> Embedded | Docker:
    """Make the sandbox that a configuration describes, with a slot a worker."""
    if config.sandbox_backend == "embedded":
        return Embedded(slots=config.workers, packages=config.sandbox_packages, weaker=config.sandbox_weaker)
    return Docker(
        slots=config.workers,
        image=config.sandbox_image,
        images=config.sandbox_images,
        runtime=config.sandbox_runtime,
        url=config.sandbox_engine,
        weaker=config.sandbox_weaker,
    )


class LocalSandbox:
    """Runs programs on a sandbox, which it starts and ends."""

    def __init__(self, sandbox: Embedded | Docker, *, required: bool) -> None:
        self._sandbox = sandbox
        self._required = required
        self._starting = asyncio.Lock()
        self._started: Embedded | Docker | None = None
        self._missing = ""
        self._again = 0.0
        """When a start may be tried, by the loop's clock."""
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

    async def warm(self, rollouts: int, ttl_s: float) -> None:  # noqa: ARG002  # it has the boxes that it has
        """Start the boxes."""
        await self._boxes()

    async def answer(self, question: Question) -> Reply:
        """Run a program."""
        if not isinstance(question, Program):
            return NoReply(Cause.UNAVAILABLE, f"the sandbox lane does not answer a {type(question).__name__}")
        boxes = self._started or await self._boxes()
        if boxes is None:
            return NoReply(Cause.UNAVAILABLE, self._missing)
        return await boxes.run(question)

    async def _boxes(self) -> Embedded | Docker | None:
        """Start the boxes once; None where this host cannot, now or lately."""
        loop = asyncio.get_running_loop()
        async with self._starting:
            if self._stopping:
                raise StoppingError("the sandbox is stopping")
            if self._started is None and loop.time() >= self._again:
                try:
                    await self._running.enter_async_context(self._sandbox)
                except SandboxUnavailableError as error:
                    self._missing, self._again = str(error), loop.time() + RETRY_S
                    log.warning("no sandbox", reason=self._missing)
                else:
                    self._started = self._sandbox
                    log.info("sandbox up", isolation=str(self._sandbox.isolation))
            return self._started
