"""Runs programs in Docker containers: a second wall around the boxes, and images that bring what programs need.

    async with Docker(slots=2, image="jurist/sandbox") as sandbox:
        run = await sandbox.run(program)

How a container is shut in, and a run in it, is told in `_containers`; what happens to runs that fail through no fault
of theirs in `_supervisor`.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from contextlib import asynccontextmanager
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Final

from jurist.sandbox._containers import Fleet, Mould, left_by_the_dead
from jurist.sandbox._engine import IMAGE, NO_RUNTIME, Engine
from jurist.sandbox._supervisor import Ground, Supervisor
from jurist.sandbox._values import CaseRun, Ending, Program, Run, SandboxUnavailableError

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Sequence
    from types import TracebackType

__all__ = ["IMAGE", "Docker"]

RECYCLE_RUNS: Final = 5_000
"""Runs of one container. A new one costs 0.4 s, half of it elsewhere than on the slot: under two in a hundred."""
OTHER_IMAGES: Final = 4
"""Images of tasks that keep their containers while nothing runs in them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Choice:
    """What the containers of all images have in common."""

    runtime: str
    url: str
    weaker: bool
    recycle_runs: int


class _OneImage(Supervisor):
    """Runs programs in the containers of one image."""

    def __init__(self, slots: int | None, image: str, choice: _Choice) -> None:
        super().__init__(slots, image)
        self._choice = choice

    @asynccontextmanager
    async def _ground(self) -> AsyncGenerator[Ground]:
        engine = await asyncio.to_thread(Engine.connected, self._choice.url)
        try:
            self._fleet = Fleet(await asyncio.to_thread(self._mould, engine))
            try:
                yield Ground(self._fleet.launch, await self._fleet.tools())
            finally:
                await self._fleet.disband()
        finally:
            engine.close()

    def _mould(self, engine: Engine) -> Mould:
        choice = self._choice
        for container in left_by_the_dead(engine):
            engine.remove(container)
        if choice.runtime and choice.runtime not in engine.runtimes:
            raise SandboxUnavailableError(
                f"the Docker engine has no runtime {choice.runtime!r}, it has {', '.join(engine.runtimes)}: "
                f"{NO_RUNTIME}"
            )
        if not engine.limits_memory and not choice.weaker:
            raise SandboxUnavailableError(
                "the Docker engine cannot limit memory and processes: give its host the control groups memory and "
                "pids, or allow weaker isolation"
            )
        identity = engine.image_id(self._image)
        return Mould(
            engine=engine,
            image=identity,
            search=engine.environment(identity).get("PYTHONPATH", ""),
            name=self._image,
            runtime=choice.runtime,
            weaker=choice.weaker,
            recycle_runs=choice.recycle_runs,
        )


class _OtherImage(_OneImage):
    """Runs programs in the containers of an image that tasks name: most run few at a time, so few start at once."""

    def __init__(self, slots: int, image: str, choice: _Choice) -> None:
        super().__init__(slots, image, choice)
        self._at_once = 1
        self.users = 0
        """Programs that run here or wait to."""


class Docker(_OneImage):
    """Runs programs in containers of the engine on this host, up to `slots` at the same time, one a core by default.

    `image` is the one for programs that name none; a program may name another that matches one of the patterns `images`
    (`registry.example/repos/*`), no other. Images must be there: nothing is pulled. `runtime` is an engine's runtime
    such as "runsc", "" its default. `url` is the engine's socket (`unix:///..`), "" where DOCKER_HOST says or the usual
    one. `weaker` allows hosts that permit no user namespaces in containers; the runs say so. A container is replaced
    after `recycle_runs` runs.

    Use it as an asynchronous context manager; `run` may be called from any number of tasks.

    Raises:
        SandboxUnavailableError: on entering, where engine, image or runtime are missing; the message says how to get
            them.
    """

    def __init__(  # noqa: PLR0913  options, each by its name
        self,
        *,
        slots: int | None = None,
        image: str = IMAGE,
        images: Sequence[str] = (),
        runtime: str = "",
        url: str = "",
        weaker: bool = False,
        recycle_runs: int = RECYCLE_RUNS,
    ) -> None:
        super().__init__(slots, image, _Choice(runtime=runtime, url=url, weaker=weaker, recycle_runs=recycle_runs))
        self._patterns = tuple(images)
        self._others: OrderedDict[str, _OtherImage] = OrderedDict()
        self._turns = asyncio.Semaphore(self._count)
        self._starts: dict[str, asyncio.Task[None]] = {}
        self._choosing = asyncio.Lock()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await asyncio.gather(*self._starts.values(), return_exceptions=True)
        others = [
            super().__aexit__(kind, error, trace),
            *(one.__aexit__(kind, error, trace) for one in self._others.values()),
        ]
        await asyncio.gather(*others)

    async def run(self, program: Program) -> Run:
        """Run a program on all its cases, in the image that it names.

        It answers for every program; what goes wrong here is in the cases (`sandbox_error`, `unavailable`). Cancelling
        the task that waits kills the run.
        """
        if program.image in {"", self._image}:
            async with self._turns:
                return await super().run(program)
        # No image has such a name, but the engine follows it as it does a path: to one that no pattern permits.
        climbs = {".", ".."} & set(program.image.split("/"))
        if climbs or not any(fnmatchcase(program.image, pattern) for pattern in self._patterns):
            return self._refused(f"the image {program.image!r} is not among those that may be used here")
        async with self._turns:
            try:
                other = await self._other(program.image)
            except SandboxUnavailableError as error:
                return self._refused(str(error))
            try:
                return await other.run(program)
            finally:
                other.users -= 1

    def _refused(self, reason: str) -> Run:
        return Run(cases=(CaseRun(ending=Ending.UNAVAILABLE, reason=reason),), isolation=self.isolation)

    async def _other(self, image: str) -> _OtherImage:
        """Find or start the containers of another image.

        Raises:
            SandboxUnavailableError: they cannot be started.
        """
        while image not in self._others:
            if image not in self._starts:
                self._starts[image] = asyncio.create_task(self._start(image))
            # It goes on when this program is cancelled: others may wait for it, and it loses nothing halfway.
            await asyncio.shield(self._starts[image])
        self._others.move_to_end(image)
        self._others[image].users += 1
        return self._others[image]

    async def _start(self, image: str) -> None:
        """Start the containers of another image, in place of those that were used least recently.

        Raises:
            SandboxUnavailableError: they cannot be started.
        """
        try:
            async with self._choosing:
                idle = [name for name, one in self._others.items() if not one.users]
                if len(self._others) >= OTHER_IMAGES and idle:
                    await self._others.pop(idle[0]).__aexit__(None, None, None)
                self._others[image] = await _OtherImage(self._count, image, self._choice).__aenter__()
        finally:
            del self._starts[image]
