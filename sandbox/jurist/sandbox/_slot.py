"""One slot of the embedded backend: the three ways of trying a program."""

from __future__ import annotations

import asyncio
import dataclasses
import math
import os
import resource
import socket
from typing import TYPE_CHECKING, Any, Final, cast

from jurist.sandbox import codec
from jurist.sandbox._activity import Outcome, Stop, file_in_memory, read_whole, received
from jurist.sandbox._box import wire
from jurist.sandbox._endings import REASON_CHARACTERS, case_run, starved
from jurist.sandbox._forkserver import ForkServer
from jurist.sandbox._judge import Judge, Said
from jurist.sandbox._values import Asserts, CaseRun, Ending, Functions, Limits, Program, Stdio
from jurist.sandbox.languages import MAIN, Toolchain

if TYPE_CHECKING:
    from jurist.sandbox._standing import Launch

SCRATCH_FILES: Final = 4_096
OPEN_FILES: Final = 256
CHECKED_FILES: Final = ("/tmp/input", "/tmp/expected", "/tmp/actual")  # noqa: S108  the run's own
REJECTED: Final = (1, 2)
"""A checker's statuses for a wrong answer and for a malformed one, as testlib has them."""
STACK_BYTES: Final = 256 << 20
ADDRESS_SPACE_SLACK: Final = 64 << 20
"""The interpreter's own, where memory is limited by address space for want of a control group."""
ADDRESS_SPACE_BYTES: Final = 1 << 44
"""Where a control group counts memory: no limit, but one that a program cannot raise."""
TEST_CPU_S, TEST_WALL_SLACK_S = 10.0, 5.0
"""What test code may use beside the program it waits for."""
TEST_MEMORY_BYTES: Final = 512 << 20
COMPILE_MEMORY_BYTES: Final = 1 << 30
COMPILE_FILE_BYTES: Final = 64 << 20
COMPILE_SCRATCH_BYTES: Final = 256 << 20
ENVIRONMENT: Final = {
    "PATH": "/usr/local/bin:/usr/bin:/bin",
    "HOME": "/tmp",  # noqa: S108  the run's own
    "LANG": "C.UTF-8",
    "GOCACHE": "/tmp/go",  # noqa: S108
    "GOPATH": "/tmp/gopath",  # noqa: S108
    "GOFLAGS": "-mod=mod",
    "GO111MODULE": "off",
}
PROC_WORDS: Final = ("/proc", "/dev/", "psutil", "multiprocessing", "subprocess")
"""A Python program that names none of these gets an empty /proc, which saves a fifth of a short run."""


def _rlimits(limits: Limits, cases: int = 1, *, counted: bool) -> list[tuple[int, int]]:
    return [
        (resource.RLIMIT_CPU, math.ceil(limits.cpu_s * cases) + 1),
        (resource.RLIMIT_FSIZE, limits.output_bytes + 1),
        (resource.RLIMIT_NOFILE, OPEN_FILES),
        (resource.RLIMIT_NPROC, limits.processes),
        (resource.RLIMIT_STACK, min(limits.memory_bytes, STACK_BYTES)),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_MEMLOCK, 0),
        (resource.RLIMIT_MSGQUEUE, 0),
        (resource.RLIMIT_AS, ADDRESS_SPACE_BYTES if counted else limits.memory_bytes + ADDRESS_SPACE_SLACK),
    ]


class CancelledRunError(Exception):
    """Raised inside a slot whose run nobody waits for any more."""


@dataclasses.dataclass(frozen=True, slots=True)
class Try:
    """Cases as one attempt left them; `starved` if the machine, not the program, made the last one late."""

    cases: list[CaseRun]
    starved: bool = False


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

    async def _begin(
        self,
        box: ForkServer,
        job: dict[str, Any],
        limits: Limits,
        stdin: bytes = b"",
        peer: socket.socket | int | None = None,
    ) -> None:
        try:
            if not box.ready:
                await box.stop()
                await box.start()
            if self.cancelled:
                raise CancelledRunError
            await box.begin(job, limits, stdin=stdin, peer=peer.fileno() if isinstance(peer, socket.socket) else peer)
        finally:
            # The box has its own copy, and ours would keep the other side from seeing it close.
            if isinstance(peer, socket.socket):
                peer.close()

    def _job(self, kind: str, program: Program, cases: int = 1) -> dict[str, Any]:
        limits = program.limits
        return {
            "kind": kind,
            "scratch_bytes": limits.scratch_bytes,
            "scratch_files": SCRATCH_FILES,
            "proc": any(word in program.source for word in PROC_WORDS),
            "limits": _rlimits(limits, cases, counted=self.programs.counted),
            "arguments": [],
            "files": [],
        }

    def _python(self, kind: str, program: Program, cases: int = 1) -> dict[str, Any]:
        return self._job(kind, program, cases) | {"source": program.source}

    async def checked(self, program: Program, tests: Stdio, index: int, case: CaseRun) -> CaseRun:
        """Have the task's checker decide on an output, in the box for test code."""
        limits = Limits(
            cpu_s=TEST_CPU_S,
            wall_s=2 * TEST_CPU_S,
            memory_bytes=TEST_MEMORY_BYTES,
            scratch_bytes=program.limits.scratch_bytes + 2 * program.limits.output_bytes,
        )
        contents = (tests.stdins[index], tests.expected[index])
        files = [*(text.encode(errors="surrogateescape") for text in contents), case.stdout]
        job = self._python("script", dataclasses.replace(program, source=tests.checker, limits=limits)) | {
            "arguments": list(CHECKED_FILES),
            "files": list(zip(CHECKED_FILES, files, strict=True)),
        }
        await self._judge.retire()
        await self._begin(self.tests, job, limits)
        said = case_run(await self.tests.ended(), limits)
        reason = (said.stdout + b"\n" + said.stderr).decode(errors="replace").strip()[:REASON_CHARACTERS]
        if said.ending in {Ending.OK, Ending.SANDBOX_ERROR}:
            return dataclasses.replace(case, ending=said.ending, reason=said.reason)
        if said.ending is Ending.RUNTIME_ERROR and said.exit_status in REJECTED and b"Traceback" not in said.stderr:
            return dataclasses.replace(case, ending=Ending.WRONG_ANSWER, reason=reason or "the checker rejected it")
        return dataclasses.replace(case, ending=Ending.TEST_ERROR, reason=f"the checker: {said.reason}")

    async def script(self, program: Program, stdin: str) -> Try:
        """Run the program on one input."""
        job = self._python("script", program)
        await self._begin(self.programs, job, program.limits, stdin=stdin.encode(errors="surrogateescape"))
        outcome = await self.programs.ended()
        return Try([case_run(outcome, program.limits)], starved(outcome, program.limits))

    async def compiled(self, program: Program, tools: Toolchain) -> bytes | CaseRun:
        """Compile a program in a run of its own; what the compiler made, or why it made nothing."""
        limits = Limits(
            cpu_s=program.limits.compile_s,
            wall_s=2 * program.limits.compile_s,
            memory_bytes=COMPILE_MEMORY_BYTES,
            output_bytes=COMPILE_FILE_BYTES,
            processes=max(program.limits.processes, tools.language.processes),
            scratch_bytes=COMPILE_SCRATCH_BYTES,
        )
        job = self._command("compile", program, tools, limits) | {"artifact": tools.language.artifact}
        artifact = file_in_memory("artifact")
        try:
            await self._begin(self.programs, job, limits, peer=artifact)
            case = case_run(await self.programs.ended(), limits)
            if case.ending is Ending.OK:
                return read_whole(artifact, COMPILE_FILE_BYTES)[0]
        finally:
            os.close(artifact)
        if case.ending is Ending.SANDBOX_ERROR:
            return case
        reason = _first_error(case.stderr) if case.ending is Ending.RUNTIME_ERROR else f"the compiler: {case.reason}"
        return dataclasses.replace(case, ending=Ending.COMPILE_ERROR, reason=reason or case.reason)

    def _command(self, kind: str, program: Program, tools: Toolchain, limits: Limits) -> dict[str, Any]:
        language = tools.language
        command = language.compile if kind == "compile" else language.run
        needs_source = kind == "compile" or not language.compile
        return self._job(kind, dataclasses.replace(program, limits=limits)) | {
            "proc": language.proc or any(word in program.source for word in PROC_WORDS),
            "files": [(tools.source_file(program.source), program.source.encode(errors="surrogatepass"))]
            if needs_source
            else [],
            "argv": tools.command(command, program.source, program.limits.memory_bytes),
            "artifact": "" if needs_source else MAIN,
            "environment": ENVIRONMENT,
        }

    async def executable(self, program: Program, tools: Toolchain, artifact: bytes, stdin: str) -> Try:
        """Run a program in another language than Python on one input."""
        limits = program.limits
        limits = dataclasses.replace(limits, processes=max(limits.processes, tools.language.processes))
        job = self._command("execute", program, tools, limits)
        compiled = file_in_memory("artifact", artifact)
        try:
            await self._begin(self.programs, job, limits, stdin=stdin.encode(errors="surrogateescape"), peer=compiled)
            outcome = await self.programs.ended()
        finally:
            os.close(compiled)
        return Try([case_run(outcome, limits)], starved(outcome, limits))

    async def calls(self, program: Program, tests: Functions, first: int) -> Try:
        """Call the function with each of the arguments from `first` on, until the program's process ends."""
        ours, theirs = socket.socketpair()
        ours.setblocking(False)  # noqa: FBT003  socket's own
        done: list[CaseRun] = []
        job = self._python("serve", program, len(tests.arguments))
        with ours:
            await self._begin(self.programs, job, program.limits, peer=theirs)
            lost = False
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
        return (
            Try([*done, _last_call(outcome, program.limits)], starved(outcome, program.limits)) if lost else Try(done)
        )

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
        return dataclasses.replace(_answered(answer), cpu_s=cpu_s, wall_s=wall_s)

    async def asserts(self, program: Program, tests: Asserts) -> Try:
        """Run test code in the one box against the program in the other."""
        theirs, ours = socket.socketpair()
        limits = program.limits
        test_limits = dataclasses.replace(
            limits,
            cpu_s=max(TEST_CPU_S, limits.cpu_s),
            wall_s=limits.wall_s + TEST_WALL_SLACK_S,
            memory_bytes=TEST_MEMORY_BYTES,
        )
        job = self._job("test", program) | {
            "proc": False,
            "code": tests.code,
            "prelude": tests.prelude,
            "entry_point": tests.entry_point,
            "limits": _rlimits(test_limits, counted=self.programs.counted),
        }
        with ours:
            await self._begin(self.programs, self._python("serve", program), limits, peer=theirs)
            try:
                said = await self._judge.said(tests, job, test_limits, ours, self._begin_tests)
            finally:
                self.programs.kill(Stop.CANCELLED)
                outcome = await self.programs.ended()
        return Try([_concluded(outcome, said, limits)], starved(outcome, limits))

    async def _begin_tests(self, job: dict[str, Any], limits: Limits, peer: socket.socket | None) -> None:
        await self._begin(self.tests, job, limits, peer=peer)


def _first_error(stderr: bytes) -> str:
    """Give the first line of a compiler's complaints that says error."""
    lines = stderr.decode(errors="replace").strip().splitlines()
    return next((line for line in lines if "error" in line), lines[-1] if lines else "")[:REASON_CHARACTERS]


def _lost(case: CaseRun, outcome: Outcome) -> CaseRun:
    """Describe the end of a program that did not answer, by what became of its process."""
    if case.ending is Ending.OK or (case.ending is Ending.SANDBOX_ERROR and outcome.stopped is Stop.CANCELLED):
        return dataclasses.replace(case, ending=Ending.RUNTIME_ERROR, reason="the program ended before it answered")
    return case


def _last_call(outcome: Outcome, limits: Limits) -> CaseRun:
    """Describe a process that died in a call: its time is that of all calls, while the limits are those of each."""
    case = case_run(outcome, dataclasses.replace(limits, cpu_s=math.inf, wall_s=math.inf))
    if case.ending is Ending.TIME_LIMIT:
        case = dataclasses.replace(case, reason=f"more than {limits.cpu_s:g} s of CPU time or {limits.wall_s:g} s")
    return _lost(case, outcome)


def _answered(answer: bytes) -> CaseRun:
    """Read an answer without looking into a value: that is for whoever compares it."""
    tag, body = answer[:1], answer[1:].decode(errors="replace")
    if tag == wire.VALUE:
        return CaseRun(ending=Ending.OK, returned=body)
    if tag != wire.RAISED:
        return CaseRun(ending=Ending.WRONG_ANSWER, reason=body[:300])
    try:
        message, name, *_ = cast("list[object]", codec.read(body))
        reason = f"{name}: {message}"
    except (TypeError, ValueError):
        reason = "an exception that cannot be read"
    ending = Ending.MEMORY_LIMIT if reason.startswith("MemoryError") else Ending.RUNTIME_ERROR
    return CaseRun(ending=ending, reason=reason[:300])


def _concluded(outcome: Outcome, said: Said, limits: Limits) -> CaseRun:
    """Join what the test side says with what is seen of the program's process."""
    case = case_run(outcome, limits)
    if said.fault:
        return dataclasses.replace(case, ending=Ending.SANDBOX_ERROR, reason=said.fault)
    if said.ending == wire.GONE:
        return _lost(case, outcome)
    if case.ending in {Ending.TIME_LIMIT, Ending.MEMORY_LIMIT, Ending.OUTPUT_LIMIT}:
        return case
    if said.ending:
        return dataclasses.replace(case, ending=Ending(said.ending), reason=said.reason)
    if said.late:
        return dataclasses.replace(case, ending=Ending.TIME_LIMIT, reason="the tests took too long")
    return dataclasses.replace(case, ending=Ending.WRONG_ANSWER, reason="the tests ended without a verdict")
