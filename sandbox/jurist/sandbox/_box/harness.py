"""What runs a Python program inside its box, as near to `python main.py` as a fork allows."""

from __future__ import annotations

import atexit
import contextlib
import gc
import io
import marshal
import os
import random
import resource
import stat
import sys
import threading
import traceback
import types
from typing import TYPE_CHECKING, Any, NoReturn, cast

from jurist.sandbox._box import executable, serving, testing, wire

if TYPE_CHECKING:
    from collections.abc import Iterable

    from _typeshed import ReadableBuffer as Buffer

SCRATCH = "/tmp"  # noqa: S108  the run's own
MAIN = f"{SCRATCH}/main.py"
UNFLUSHED = 120
"""What CPython exits with when its last output cannot be written."""
MALFORMED = 2
"""What an interactor ends with that cannot read what the program says, as testlib's do."""


def run(job: dict[str, Any]) -> NoReturn:
    """Do what the job says; every way out of here ends the process."""
    if "source" in job:
        status = python(job)
        if job["fetch"]:
            hand_over(job["fetch"], wire.PEER)
        os._exit(status)
    if job["kind"] == "test":
        testing.test(job)
    executable.execute(job)


def bound(limits: Iterable[tuple[int, int, bool]]) -> None:
    """Set resource limits: number, value, and whether the program may raise it as far as it could before."""
    for number, value, raised in limits:
        hard = resource.getrlimit(number)[1] if raised else value
        try:
            resource.setrlimit(number, (value, hard))
        except ValueError:
            if number != resource.RLIMIT_MSGQUEUE:  # which gVisor lets nobody set
                raise


def _opened(descriptor: int, mode: str, errors: str, buffering: int = -1) -> io.TextIOWrapper:
    stream = open(descriptor, mode, buffering, encoding="utf-8", errors=errors, closefd=False)  # noqa: SIM115
    return cast("io.TextIOWrapper", stream)


def prepare() -> None:
    """Make in the fork server what is the same for every program: streams, main module, arguments.

    The streams look at their files when they are made: empty ones in memory, as each run's are.
    """
    for descriptor in range(wire.OWN):
        placeholder = os.memfd_create("placeholder")
        if placeholder != descriptor:
            os.dup2(placeholder, descriptor)
            os.close(placeholder)
    sys.stdin = sys.__stdin__ = _opened(0, "r", "surrogateescape")  # type: ignore[misc]
    sys.stdout = sys.__stdout__ = _opened(1, "w", "surrogateescape")  # type: ignore[misc]
    sys.stderr = sys.__stderr__ = _opened(2, "w", "backslashreplace", buffering=1)  # type: ignore[misc]
    module = types.ModuleType("__main__")
    module.__file__ = MAIN
    module.__builtins__ = sys.modules["builtins"]  # type: ignore[attr-defined]
    sys.modules["__main__"] = module
    sys.argv = ["main.py"]
    if SCRATCH not in sys.path:
        sys.path.insert(0, SCRATCH)  # where main.py lies
    # The same program is to do the same each time.
    random.seed(0)


def place(files: Iterable[tuple[str, bytes]]) -> None:
    """Write the files that lie beside the program."""
    for path, content in files:
        os.makedirs(os.path.dirname(path), exist_ok=True)
        wire.write_file(path, content)


def hand_over(paths: Iterable[str], descriptor: int) -> None:
    """Write some files, each one's path before it, as long as there is room; what is no plain file is passed over."""
    for path in paths:
        # The program may have done anything to them, and to this process: that is its own loss.
        with contextlib.suppress(Exception):
            # Nobody may ever open a pipe's other end.
            opened = os.open(f"{SCRATCH}/{path}", os.O_RDONLY | os.O_NONBLOCK)
            status = os.fstat(opened)
            if stat.S_ISREG(status.st_mode):
                content = os.read(opened, status.st_size)
                wire.write_all(descriptor, wire.framed(path.encode(errors="surrogatepass")) + wire.framed(content))
            os.close(opened)


class _Patient(io.FileIO):
    """A stream that may be written to when nobody reads it any more: an interactor still has its verdict to give."""

    def write(self, data: Buffer, /) -> int:
        """Write, or let it vanish."""
        try:
            return super().write(data)
        except BrokenPipeError:
            return memoryview(data).nbytes


class _Heard(io.RawIOBase):
    """The stream from a program, for an interactor: a flood ends the conversation, not the interactor's memory."""

    name = "<stdin>"
    mode = "rb"

    def __init__(self, most_bytes: int) -> None:
        super().__init__()
        self._most_bytes = self._left_bytes = most_bytes

    def fileno(self) -> int:
        """Be a stream that programs may poll."""
        return 0

    def readable(self) -> bool:
        """Be a stream to read."""
        return True

    def readinto(self, buffer: Buffer, /) -> int:
        """Read, or reject the program that says too much."""
        count = os.readv(0, [buffer])
        self._left_bytes -= count
        if self._left_bytes < 0:
            os.write(2, f"the program said more than {self._most_bytes} bytes\n".encode())
            os._exit(MALFORMED)
        return count


def _make_special(job: dict[str, Any], code: types.CodeType) -> None:
    """Do what most programs do without."""
    sys.argv += job["arguments"]
    os.environ.update(job["environment"])
    if job["kind"] != "script":
        serving.rename(sys.modules["__main__"])
    if job["kind"] == "serve" or job["fetch"]:
        os.set_inheritable(wire.PEER, False)  # noqa: FBT003  os's own
    if job["piped"]:
        # The streams made before took their files for files.
        sys.stdin = sys.__stdin__ = _opened(0, "r", "surrogateescape")  # type: ignore[misc]
        sys.stdout = sys.__stdout__ = _opened(1, "w", "surrogateescape")  # type: ignore[misc]
    if job["hears_bytes"]:
        heard = io.BufferedReader(_Heard(job["hears_bytes"]))
        sys.stdin = sys.__stdin__ = io.TextIOWrapper(heard, "utf-8", "surrogateescape")  # type: ignore[misc]
        patient = io.BufferedWriter(_Patient(1, "w", closefd=False))
        sys.stdout = sys.__stdout__ = io.TextIOWrapper(patient, "utf-8", "surrogateescape")  # type: ignore[misc]
    if job["keeps_code"]:
        wire.write_all(wire.PEER, marshal.dumps(code))
        os.close(wire.PEER)


def _exit_status(error: SystemExit) -> int:
    if error.code is None:
        return 0
    if isinstance(error.code, int):
        return error.code & 0xFF
    print(error.code, file=sys.stderr)  # noqa: T201  as the interpreter does
    return 1


def show(error: BaseException) -> None:
    """Write a traceback to stderr that begins in the program."""
    frames = error.__traceback__
    while frames is not None and frames.tb_frame.f_code.co_filename != MAIN:
        frames = frames.tb_next
    try:
        traceback.print_exception(type(error), error, frames)
    except BaseException:  # noqa: BLE001  the exception's own methods may raise anything
        os.write(2, type(error).__name__.encode() + b"\n")


def _finished(status: int, module: types.ModuleType) -> int:
    """End as the interpreter would: join threads, run exit functions, drop the program's objects, flush."""
    try:
        # Both do nothing in most programs, but look at much before they find that out.
        if threading.active_count() > 1:
            threading._shutdown()  # type: ignore[attr-defined]  # noqa: SLF001  what Py_Finalize calls
        if atexit._ncallbacks():  # pyright: ignore[reportPrivateUsage]  # noqa: SLF001  as above
            atexit._run_exitfuncs()  # pyright: ignore[reportPrivateUsage]  # noqa: SLF001
        if sys.stdout is not None and not getattr(sys.stdout, "closed", False):
            sys.stdout.flush()
        # A stream that the program has put there needs the program's names, and goes with them.
        sys.stdout = sys.__stdout__
        # Files that the program left open are flushed when their last name goes.
        module.__dict__.clear()
        gc.collect()
        if sys.stdout is not None and not getattr(sys.stdout, "closed", False):
            sys.stdout.flush()
    except BaseException as error:  # noqa: BLE001  the program's own functions run here
        show(error)
        return status or UNFLUSHED
    return status


def python(job: dict[str, Any]) -> int:
    """Run a Python program: to its end, or, to serve, for the functions it defines, until nobody calls them any more.

    The answer is its exit status.
    """
    source: str = job["source"]
    # Some programs read themselves, and tracebacks show lines from here.
    wire.write_file(MAIN, source.encode(errors="surrogatepass"))
    if job["files"]:
        place(job["files"])
    # Files are bounded from here on, stdout and stderr among them, and so is the compiler.
    bound(job["limits"])
    try:
        code = marshal.loads(job["code"]) if job["code"] else compile(source, MAIN, "exec", dont_inherit=True)  # noqa: S302
    except (MemoryError, RecursionError, SyntaxError, ValueError) as error:
        reason = "".join(traceback.format_exception_only(error)).strip()
        os.write(wire.CHANNEL, wire.NOT_COMPILED + reason.encode(errors="replace")[:4000])
        return 1
    kind = job["kind"]
    special = job["arguments"] or job["environment"] or job["fetch"] or job["keeps_code"] or job["piped"]
    if kind != "script" or special:
        _make_special(job, code)
    os.write(wire.CHANNEL, wire.READY)
    if kind != "together":
        # Before the program's first instruction: what it writes is not ours to read.
        os.close(wire.CHANNEL)
    module = sys.modules["__main__"]
    status = 0
    try:
        exec(code, module.__dict__)  # noqa: S102  this is what the box is for
    except SystemExit as error:
        status = _exit_status(error)
        # A program that ends before it can be called has no functions, whatever status it ends with.
        if kind != "script":
            return _finished(status or 1, module)
    except BaseException as error:  # noqa: BLE001  as the interpreter does
        show(error)
        return _finished(1, module)
    if kind == "serve":
        serving.serve(module.__dict__, objects=job["objects"])
    if kind == "together":
        testing.test_together(job, module.__dict__)
    return _finished(status, module)
