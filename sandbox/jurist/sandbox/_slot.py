"""One slot of a backend: the ways of trying a program."""

from __future__ import annotations

import asyncio
import dataclasses
import os
import secrets
import socket
from typing import TYPE_CHECKING, Final, Self

from jurist.sandbox import _jobs as jobs
from jurist.sandbox import codec
from jurist.sandbox._activity import Stop, file_in_memory, read_whole, received
from jurist.sandbox._box import wire
from jurist.sandbox._compiled import Compiled
from jurist.sandbox._endings import (
    Said,
    answered,
    case_run,
    checked,
    concluded,
    conversed,
    last_call,
    not_compiled,
    starved,
)
from jurist.sandbox._forkserver import ForkServer
from jurist.sandbox._judge import Judge, verdict
from jurist.sandbox._values import Asserts, CaseRun, Ending, Functions, Interactive, Limits, Program, Stdio

if TYPE_CHECKING:
    from jurist.sandbox._activity import Outcome
    from jurist.sandbox._standing import Launch
    from jurist.sandbox.languages import Toolchain

CHECKED_FILES: Final = tuple(f"{jobs.SCRATCH}/{name}" for name in ("input", "expected", "actual"))
INTERACTION_FILES: Final = tuple(f"{jobs.SCRATCH}/{name}" for name in ("input", "output", "answer"))
"""What a checker and an interactor are given, in the order of their arguments."""
WORD_BYTES: Final = 16
WORTH_KEEPING: Final = 3
"""Cases of a Python program from which on its compiled code is kept for the later ones."""


class CancelledRunError(Exception):
    """Raised inside a slot whose run nobody waits for any more."""


@dataclasses.dataclass(frozen=True, slots=True)
class Try:
    """Cases as one attempt left them; `starved` if the machine, not the program, made the last one late.

    `compiled` is what the compiler did, where there is one.
    """

    cases: list[CaseRun]
    starved: bool = False
    compiled: CaseRun | None = None


Files = tuple[tuple[str, bytes], ...]


def _handed_over(left: bytes, program: Program) -> Files:
    """Read the files that a program left; it may have written nonsense there itself: that is its own loss."""
    parts: list[bytes] = []
    start = 0
    while start + wire.LENGTH.size <= len(left) and len(parts) < 2 * len(program.fetch):
        (length,) = wire.LENGTH.unpack_from(left, start)
        start += wire.LENGTH.size + length
        if start > len(left):
            break  # there was no room for the rest
        parts.append(left[start - length : start])
    files = {path.decode(errors="replace"): content for path, content in zip(parts[::2], parts[1::2], strict=False)}
    return tuple((path, files[path]) for path in program.fetch if path in files)


def _with_files(outcome: Outcome, limits: Limits, files: Files) -> CaseRun:
    return dataclasses.replace(case_run(outcome, limits), files=files)


def _bytes(text: str) -> bytes:
    return text.encode(errors="surrogateescape")


class _Pipes:
    """Two pipes between two boxes; each has its own copies of the ends once it has begun."""

    def __init__(self) -> None:
        to_program, from_interactor = os.pipe()
        try:
            to_interactor, from_program = os.pipe()
        except OSError:
            os.close(to_program)
            os.close(from_interactor)
            raise
        self.program = (to_program, from_program)
        self.interactor = (to_interactor, from_interactor)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for end in (*self.program, *self.interactor):
            os.close(end)


class Slot:
    """A core's worth of running: a box for programs and, from the first assertion on, one for test code."""

    def __init__(self, number: int, launch: Launch) -> None:
        self.programs = ForkServer(f"{number}p", launch)
        self.tests = ForkServer(f"{number}t", launch)
        self._judge = Judge(self.tests)
        self.cancelled = False

    def cancel(self) -> None:
        """Kill what runs and let nothing more begin."""
        self.cancelled = True
        self.programs.kill(Stop.CANCELLED)
        self.tests.kill(Stop.CANCELLED)

    async def stop(self) -> None:
        """Kill both boxes."""
        await self._judge.retire()
        await asyncio.gather(self.programs.stop(), self.tests.stop())

    async def _begin(  # noqa: PLR0913  a run is that much
        self,
        box: ForkServer,
        job: jobs.Job,
        limits: Limits,
        *,
        stdin: bytes = b"",
        pipes: tuple[int, int] | None = None,
        peer: socket.socket | int | None = None,
    ) -> None:
        try:
            if not box.ready:
                await box.stop()
                await box.start()
            if self.cancelled:
                raise CancelledRunError
            number = peer.fileno() if isinstance(peer, socket.socket) else peer
            await box.begin(job, limits, stdin=stdin, pipes=pipes, peer=number)
        finally:
            # The box has its own copy, and ours would keep the other side from seeing it close.
            if isinstance(peer, socket.socket):
                peer.close()

    async def script(self, program: Program, stdin: str, compiled: Compiled, *, keep: bool) -> tuple[Try, Compiled]:
        """Run a Python program on one input; with `keep` what it was compiled to comes back for later runs."""
        job = jobs.python_job("script", program, counted=self.programs.counted)
        job |= {"code": compiled.artifact, "keeps_code": keep}
        left = file_in_memory("left") if keep or program.fetch else None
        files: Files = ()
        try:
            await self._begin(self.programs, job, program.limits, stdin=_bytes(stdin), peer=left)
            outcome = await self.programs.ended()
            if keep and left is not None:
                compiled = Compiled(read_whole(left, jobs.COMPILE_FILE_BYTES)[0])
            elif left is not None:
                files = _handed_over(read_whole(left, program.limits.output_bytes)[0], program)
        finally:
            if left is not None:
                os.close(left)
        return Try([_with_files(outcome, program.limits, files)], starved(outcome, program.limits)), compiled

    async def compilation(self, program: Program, tools: Toolchain) -> Compiled:
        """Compile a program in a run of its own; what has not ended well made no artifact."""
        limits = jobs.compile_limits(program.limits, tools)
        job = jobs.command_job("compile", program, tools, limits, counted=self.programs.counted)
        artifact = file_in_memory("artifact")
        try:
            await self._begin(self.programs, job, limits, peer=artifact)
            case = case_run(await self.programs.ended(), limits)
            if case.ending is Ending.OK:
                return Compiled(read_whole(artifact, jobs.COMPILE_FILE_BYTES)[0], case)
        finally:
            os.close(artifact)
        return Compiled(run=not_compiled(case))

    async def executable(self, program: Program, tools: Toolchain, compiled: Compiled, stdin: str) -> Try:
        """Run a program in another language than Python on one input."""
        # What the program leaves comes behind what it was compiled to.
        artifact = file_in_memory("artifact", compiled.artifact, sealed=not program.fetch)
        try:
            limits = await self._begin_executable(program, tools, artifact, stdin=_bytes(stdin))
            outcome = await self.programs.ended()
            size = len(compiled.artifact)
            left = read_whole(artifact, size + limits.output_bytes)[0][size:] if program.fetch else b""
        finally:
            os.close(artifact)
        return Try([_with_files(outcome, limits, _handed_over(left, program))], starved(outcome, limits))

    async def _begin_executable(
        self,
        program: Program,
        tools: Toolchain,
        artifact: int,
        *,
        stdin: bytes = b"",
        pipes: tuple[int, int] | None = None,
    ) -> Limits:
        processes = max(program.limits.processes, tools.language.processes)
        limits = dataclasses.replace(program.limits, processes=processes)
        job = jobs.command_job("execute", program, tools, limits, counted=self.programs.counted)
        await self._begin(self.programs, job, limits, stdin=stdin, pipes=pipes, peer=artifact)
        return limits

    async def check(self, program: Program, tests: Stdio, index: int, case: CaseRun) -> CaseRun:
        """Have the task's checker decide on an output.

        One that fails by itself is tried on the expected output: if it accepts that, what it could not judge is wrong.
        Where nothing is expected it need not accept that, but decide.
        """
        found = checked(case, await self._said_of(case.stdout, program, tests, index))
        expected = _bytes(tests.expected[index])
        if found.ending is not Ending.TEST_ERROR:
            return found
        control = checked(case, await self._said_of(expected, program, tests, index))
        sound = control.ending is Ending.OK or (control.ending is Ending.WRONG_ANSWER and not expected)
        return dataclasses.replace(found, ending=Ending.WRONG_ANSWER) if sound else found

    async def _said_of(self, output: bytes, program: Program, tests: Stdio, index: int) -> CaseRun:
        """Run the checker on an output, in the box for test code."""
        limits = jobs.task_limits(program.limits, 2 * jobs.TEST_CPU_S)
        contents = (_bytes(tests.stdins[index]), _bytes(tests.expected[index]), output)
        files = dict(zip(CHECKED_FILES, contents, strict=True))
        await self._judge.retire()
        job = jobs.task_job(tests.checker, limits, files, counted=self.programs.counted)
        await self._begin(self.tests, job, limits)
        return case_run(await self.tests.ended(), limits)

    async def interaction(
        self, program: Program, tests: Interactive, index: int, tools: Toolchain | None, compiled: Compiled
    ) -> Try:
        """Let the program and the task's interactor, each in a box, speak with each other."""
        task = jobs.task_limits(program.limits, program.limits.wall_s + jobs.TEST_WALL_SLACK_S)
        contents = (_bytes(tests.inputs[index]), b"", _bytes(tests.answers[index] if tests.answers else ""))
        files = dict(zip(INTERACTION_FILES, contents, strict=True))
        job = jobs.task_job(tests.interactor, task, files, counted=self.programs.counted)
        job |= {"piped": True, "hears_bytes": program.limits.output_bytes}
        await self._judge.retire()
        try:
            # Whoever ends is to be noticed by the other: no copy of an end may stay open here.
            with _Pipes() as pipes:
                await self._begin(self.tests, job, task, pipes=pipes.interactor)
                limits = await self._begin_conversing(program, tools, compiled, pipes.program)
            outcome = await self.programs.ended()
        except BaseException:
            self.tests.kill(Stop.CANCELLED)
            await self.tests.abandoned()
            raise
        said = case_run(await self.tests.ended(), task)
        return Try([conversed(case_run(outcome, limits), said)], starved(outcome, limits))

    async def _begin_conversing(
        self, program: Program, tools: Toolchain | None, compiled: Compiled, pipes: tuple[int, int]
    ) -> Limits:
        if tools is not None:
            artifact = file_in_memory("artifact", compiled.artifact)
            try:
                return await self._begin_executable(program, tools, artifact, pipes=pipes)
            finally:
                os.close(artifact)
        job = jobs.python_job("script", program, counted=self.programs.counted) | {"piped": True}
        await self._begin(self.programs, job, program.limits, pipes=pipes)
        return program.limits

    async def calls(self, program: Program, tests: Functions, first: int) -> Try:
        """Call the function with each of the arguments from `first` on, until the program's process ends."""
        ours, theirs = socket.socketpair()
        ours.setblocking(False)  # noqa: FBT003  socket's own
        done: list[CaseRun] = []
        lost = False
        job = jobs.python_job("serve", program, len(tests.arguments), counted=self.programs.counted)
        with ours:
            await self._begin(self.programs, job, program.limits, peer=theirs)
            for arguments in tests.arguments[first:]:
                if done:
                    self.programs.restart_clock()
                case = await self._called(ours, tests.entry_point, arguments)
                lost = case is None
                if case is None:
                    break
                done.append(case)
                if case.ending is not Ending.OK and program.stop_at_failure:
                    break
            self.programs.kill(Stop.CANCELLED)
            outcome = await self.programs.ended()
        if lost:
            return Try([*done, last_call(outcome, program.limits)], starved(outcome, program.limits))
        return Try(done)

    async def _called(self, peer: socket.socket, name: str, arguments: str) -> CaseRun | None:
        """Make one call; None where no answer came."""
        loop = asyncio.get_running_loop()
        try:
            await loop.sock_sendall(peer, wire.plain((name, codec.read(arguments), None)))
            (length,) = wire.LENGTH.unpack(await received(peer, wire.LENGTH.size))
            answer = await received(peer, length) if length <= wire.ANSWER_BYTES + 1 else wire.UNFIT + b"too long"
        except (EOFError, OSError):
            return None
        cpu_s, wall_s = self.programs.clocks()
        return dataclasses.replace(answered(answer), cpu_s=cpu_s, wall_s=wall_s)

    async def asserts(self, program: Program, tests: Asserts) -> Try:
        """Run test code in the one box against the program in the other.

        It sees no change to what it still holds. Where it has passed and there was one, it must pass in sight of it.
        """
        tried = await self._asserted(program, tests, shares=False)
        if (tried.cases[0].ending, tried.cases[0].reason) == (Ending.OK, wire.CHANGED):
            tried = await self._asserted(program, tests, shares=True)
        return tried

    async def _asserted(self, program: Program, tests: Asserts, *, shares: bool) -> Try:
        theirs, ours = socket.socketpair()
        limits = jobs.tests_limits(program.limits)
        counted = self.programs.counted
        with ours:
            await self._begin(
                self.programs, jobs.python_job("serve", program, counted=counted), program.limits, peer=theirs
            )
            try:
                job = jobs.tests_job(tests, limits, shares=shares, counted=counted)
                said = await self._judge.said(tests, job, limits, ours, self._begin_tests)
            finally:
                self.programs.kill(Stop.CANCELLED)
                outcome = await self.programs.ended()
        return Try([concluded(outcome, said, program.limits)], starved(outcome, program.limits))

    async def _begin_tests(self, job: jobs.Job, limits: Limits, peer: socket.socket | None) -> None:
        await self._begin(self.tests, job, limits, peer=peer)

    async def asserts_together(self, program: Program, tests: Asserts) -> Try:
        """Run test code in the program's own process, after it: what it says counts if it knows a word of ours."""
        word = secrets.token_bytes(WORD_BYTES)
        job = jobs.python_job("together", program, counted=self.programs.counted)
        await self._begin(self.programs, job | {"tests": tests.code, "word": word}, program.limits)
        outcome = await self.programs.ended()
        spoken, _, message = outcome.note.removeprefix(wire.READY).partition(word)
        said = verdict(message[wire.LENGTH.size :]) if message and not spoken else Said(ending=wire.GONE)
        return Try([concluded(outcome, said, program.limits)], starved(outcome, program.limits))
