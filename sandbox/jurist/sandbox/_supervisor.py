"""What every backend shares: slots that run programs, second tries, and what is kept of compilers and outputs.

Theory of operation. A *slot* is a core's worth of running: a box for programs and, once assertions are to be run, a
second box for test code. A run whose box died with it is tried once more in a new one. A wall limit reached with little
CPU while cores were taken is tried once more with no other run beside it. What ends as `sandbox_error` is our fault and
says nothing about the program. Cancelling the task that waits for a run kills the run's tree.
"""

from __future__ import annotations

import asyncio
import dataclasses
import os
from abc import ABC, abstractmethod
from contextlib import AsyncExitStack
from functools import partial
from typing import TYPE_CHECKING, Final, Self, cast

from jurist.sandbox._activity import Stop
from jurist.sandbox._compiled import CompileCache, Compiled
from jurist.sandbox._forkserver import BoxDiedError
from jurist.sandbox._slot import WORTH_KEEPING, CancelledRunError, Slot, Try
from jurist.sandbox._values import (
    Asserts,
    CaseRun,
    Ending,
    Functions,
    Interactive,
    Isolation,
    Program,
    Run,
    SandboxUnavailableError,
    Stdio,
)
from jurist.sandbox.languages import LANGUAGES

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping
    from contextlib import AbstractAsyncContextManager
    from types import TracebackType

    from jurist.sandbox._standing import Launch
    from jurist.sandbox.languages import Toolchain

KEPT_OUTPUT_BYTES: Final = 128 << 20
"""Of all cases of one run together: their outputs wait in memory until they are compared."""
TRIES: Final = 2
"""Boxes that one case may take down before we stop blaming ourselves for it."""


@dataclasses.dataclass(frozen=True, slots=True)
class Ground:
    """What starts a box, and the toolchains that programs find in it."""

    launch: Launch
    tools: Mapping[str, Toolchain | None]


class Supervisor(ABC):
    """Runs programs on `slots` slots at the same time, one a core by default.

    A backend is a subclass that says where boxes stand. Use it as an asynchronous context manager; `run` may be called
    from any number of tasks.

    Raises:
        SandboxUnavailableError: on entering, where something needed is not there.
    """

    def __init__(self, slots: int | None, image: str = "") -> None:
        self._image = image
        self._count = slots or os.cpu_count() or 1
        self._at_once = self._count
        """Slots that have a box from the start; the others build one for their first run."""
        self._slots: list[Slot] = []
        self._isolation = Isolation.NAMESPACES_AND_CGROUP
        self._tools: Mapping[str, Toolchain | None] = {}
        self._held = AsyncExitStack()
        self._cache = CompileCache()
        # The slot that was used last is the next: what stands in it is warm, and others may need none.
        self._free: asyncio.Queue[Slot] = asyncio.LifoQueue()
        self._alone = asyncio.Lock()
        self._tasks: set[asyncio.Task[Try]] = set()

    @abstractmethod
    def _ground(self) -> AbstractAsyncContextManager[Ground]:
        """Hold ready what boxes are made of, for as long as the supervisor runs.

        Raises:
            SandboxUnavailableError: on entering, where something needed is not there.
        """

    async def __aenter__(self) -> Self:
        ground = await self._held.enter_async_context(self._ground())
        self._tools = ground.tools
        self._slots = [Slot(number, ground.launch) for number in range(self._count)]
        try:
            await self._build()
        except BaseException:  # a cancellation, too
            await asyncio.gather(*(slot.stop() for slot in self._slots))
            await self._held.aclose()
            raise
        self._isolation = self._slots[0].programs.box.isolation
        for slot in reversed(self._slots):
            self._free.put_nowait(slot)
        return self

    async def _build(self) -> None:
        """Build the boxes that are wanted at once; when it raises, none is being built any more."""
        starts = [slot.programs.start() for slot in self._slots[: self._at_once]]
        for failure in await asyncio.gather(*starts, return_exceptions=True):
            if failure is not None:
                raise failure

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for slot in self._slots:
            slot.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await asyncio.gather(*(slot.stop() for slot in self._slots))
        await self._held.aclose()

    @property
    def isolation(self) -> Isolation:
        """How programs are shut in."""
        return self._isolation

    def boxes_cpu_s(self) -> float:
        """Give the CPU seconds that all boxes have used since they started; 0.0 without control groups."""
        return sum(box.cpu_s() for slot in self._slots for box in (slot.programs, slot.tests))

    async def run(self, program: Program) -> Run:
        """Run a program on all its cases, one after the other.

        It answers for every program; what goes wrong here is in the cases (`sandbox_error`). Cancelling the task that
        waits kills the run.
        """
        missing = self._missing(program)
        if missing:
            return Run(cases=(CaseRun(ending=Ending.UNAVAILABLE, reason=missing),), isolation=self.isolation)
        slot = await self._free.get()
        tried = await self._on(slot, program)
        if tried.starved:
            tried = await self._with_nothing_beside(program)
        return Run(
            cases=tuple(tried.cases),
            isolation=self.isolation,
            compiled=tried.compiled,
            in_process=isinstance(program.tests, Asserts) and program.tests.in_process,
        )

    def _missing(self, program: Program) -> str:
        """Say what this host lacks to run a program; "" where it lacks nothing."""
        if program.image not in {"", self._image}:
            return f"programs do not run in the image {program.image!r} here"
        name = program.language
        if name == "python":
            return ""
        if name not in LANGUAGES:
            return f"no language is called {name!r}; there are python, {', '.join(LANGUAGES)}"
        if not isinstance(program.tests, Stdio | Interactive):
            return f"functions and assertions are for Python alone, not for {name}"
        if self._tools.get(name) is None:
            language = LANGUAGES[name]
            return f"no toolchain for {name}: {' and '.join(language.tools)} (package {language.package})"
        return ""

    async def _with_nothing_beside(self, program: Program) -> Try:
        """Wait until every slot is free and use one of them."""
        async with self._alone:
            taken: list[Slot] = []
            try:
                while len(taken) < len(self._slots):
                    taken.append(await self._free.get())
                return await self._on(taken.pop(), program)
            finally:
                for slot in taken:
                    self._free.put_nowait(slot)

    async def _on(self, slot: Slot, program: Program) -> Try:
        """Run on a slot, which is free again afterwards, even if nobody waits any more."""
        slot.cancelled = False
        task = asyncio.ensure_future(self._all_cases(slot, program))
        self._tasks.add(task)

        def release(done: asyncio.Task[Try]) -> None:
            self._tasks.discard(done)
            if not done.cancelled():
                done.exception()
            self._free.put_nowait(slot)

        task.add_done_callback(release)
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            slot.cancel()
            raise

    async def _all_cases(self, slot: Slot, program: Program) -> Try:
        tests = program.tests
        if isinstance(tests, Asserts):
            attempt = slot.asserts_together if tests.in_process else slot.asserts
            return await _surely(slot, lambda: attempt(program, tests))
        compiled = await self._compiled(slot, program)
        if compiled.run is not None and compiled.run.ending is not Ending.OK:
            return Try([compiled.run], compiled=compiled.run)
        ready = _Ready(program, self._tools.get(program.language), compiled)
        count = _count(tests)
        cases: list[CaseRun] = []
        late = False
        while len(cases) < count and not slot.cancelled:
            tried = await _surely(slot, partial(_attempt, slot, ready, len(cases)))
            cases += _within(tried.cases, KEPT_OUTPUT_BYTES - sum(map(_size, cases)))
            late |= tried.starved
            ending = cases[-1].ending
            if ending is Ending.COMPILE_ERROR:
                return Try([cases[-1]])
            if program.stop_at_failure and ending is not Ending.OK:
                break
        skipped = CaseRun(ending=Ending.SKIPPED, reason="an earlier case failed")
        return Try(cases + [skipped] * (count - len(cases)), late, compiled.run)

    async def _compiled(self, slot: Slot, program: Program) -> Compiled:
        """Compile the program unless that has been done."""
        tools = self._tools.get(program.language)
        if tools is None or not tools.language.compile:
            return Compiled()
        key = (program.language, program.source, program.files)
        kept = self._cache.get(key)
        if kept is not None:
            return kept
        made: list[Compiled] = []

        async def attempt() -> Try:
            compiled = await slot.compilation(program, tools)
            made.append(compiled)
            return Try([cast("CaseRun", compiled.run)])

        tried = await _surely(slot, attempt)
        if tried.cases[-1].ending is not Ending.OK:
            return Compiled(run=tried.cases[-1])
        self._cache.put(key, made[-1])
        return made[-1]


@dataclasses.dataclass(slots=True)
class _Ready:
    """A program that is ready to be run on its cases."""

    program: Program
    tools: Toolchain | None
    compiled: Compiled


async def _attempt(slot: Slot, ready: _Ready, first: int) -> Try:
    """Try the case, or for functions the cases, from `first` on."""
    program, tests = ready.program, ready.program.tests
    if isinstance(tests, Functions):
        return await slot.calls(program, tests, first)
    if isinstance(tests, Interactive):
        return await slot.interaction(program, tests, first, ready.tools, ready.compiled)
    stdio = cast("Stdio", tests)
    if ready.tools is None:
        keep = not ready.compiled.artifact and not program.fetch and len(stdio.stdins) - first >= WORTH_KEEPING
        tried, ready.compiled = await slot.script(program, stdio.stdins[first], ready.compiled, keep=keep)
    else:
        tried = await slot.executable(program, ready.tools, ready.compiled, stdio.stdins[first])
    if not stdio.checker or tried.cases[0].ending is not Ending.OK:
        return tried
    return Try([await slot.check(program, stdio, first, tried.cases[0])], tried.starved)


def _count(tests: Stdio | Functions | Interactive) -> int:
    if isinstance(tests, Functions):
        return len(tests.arguments)
    return len(tests.stdins if isinstance(tests, Stdio) else tests.inputs)


def _size(case: CaseRun) -> int:
    return len(case.stdout) + len(case.returned or "") + sum(len(content) for _, content in case.files)


def _within(cases: list[CaseRun], room_bytes: int) -> list[CaseRun]:
    """Give up what a program printed beyond what is kept of one."""
    kept: list[CaseRun] = []
    for case in cases:
        room_bytes -= _size(case)
        if room_bytes < 0:
            reason = f"more than {KEPT_OUTPUT_BYTES} bytes in all its tests"
            kept.append(
                dataclasses.replace(
                    case, ending=Ending.OUTPUT_LIMIT, reason=reason, stdout=b"", returned=None, files=()
                )
            )
        else:
            kept.append(case)
    return kept


def _died_with(error: BoxDiedError) -> CaseRun | None:
    """Tell what a run did that took its box along; None where it was no fault of the run's."""
    if error.stopped in {Stop.CPU, Stop.WALL}:
        return CaseRun(ending=Ending.TIME_LIMIT, reason="over its time, and deaf to being killed")
    if error.overflowed:
        return CaseRun(ending=Ending.OUTPUT_LIMIT, reason="too much output, and the box went with it")
    if error.out_of_memory:
        return CaseRun(ending=Ending.MEMORY_LIMIT, reason="out of memory, and the box with it")
    return None


async def _surely(slot: Slot, attempt: Callable[[], Awaitable[Try]]) -> Try:
    """Try until the sandbox itself did not fail, some times."""
    ending, reason = Ending.SANDBOX_ERROR, ""
    for _ in range(TRIES):
        try:
            tried = await attempt()
        except CancelledRunError:
            return Try([CaseRun(ending=Ending.SANDBOX_ERROR, reason="cancelled")])
        except SandboxUnavailableError as error:
            ending, reason = Ending.UNAVAILABLE, str(error)
        except BoxDiedError as error:
            if (case := _died_with(error)) is not None:
                return Try([case])
            ending, reason = Ending.SANDBOX_ERROR, "the box died"
        except OSError as error:
            await slot.stop()  # without descriptors, memory or processes: new boxes show when there are some again
            ending, reason = Ending.SANDBOX_ERROR, str(error)
        else:
            if tried.cases[-1].ending is not Ending.SANDBOX_ERROR or slot.cancelled:
                return tried
            ending, reason = Ending.SANDBOX_ERROR, tried.cases[-1].reason
    return Try([CaseRun(ending=ending, reason=reason)])
