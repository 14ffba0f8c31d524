"""What runs a Python program inside its box, as near to `python main.py` as a fork allows."""

from __future__ import annotations

import atexit
import base64
import gc
import os
import random
import sys
import threading
import traceback
import types
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, cast

from jurist.sandbox._box import executable, limits, serving, testing, wire

if TYPE_CHECKING:
    import io

MAIN = "/tmp/main.py"  # noqa: S108  the run's own scratch space
UNFLUSHED = 120
"""What CPython exits with when its last output cannot be written."""


def run(job: dict[str, Any]) -> NoReturn:
    """Do what the job says; every way out of here ends the process."""
    kind = job["kind"]
    if kind == "script":
        script(job)
    if kind == "serve":
        serve(job)
    if kind == "test":
        testing.test(job)
    executable.execute(job)


def _told(message: bytes) -> None:
    """Tell the supervisor how the start went and let go of the channel, before the program's first instruction."""
    os.write(wire.CHANNEL, message)
    os.close(wire.CHANNEL)


def _compiled(source: str) -> types.CodeType:
    """Compile the program, or end the process saying why it is none."""
    try:
        code = compile(source, MAIN, "exec", dont_inherit=True)
    except (MemoryError, RecursionError, SyntaxError, ValueError) as error:
        reason = "".join(traceback.format_exception_only(error)).strip()
        _told(wire.NOT_COMPILED + reason.encode(errors="replace")[:4000])
        os._exit(1)
    return code


def _opened(descriptor: int, mode: str, errors: str, buffering: int = -1) -> io.TextIOWrapper:
    stream = open(descriptor, mode, buffering, encoding="utf-8", errors=errors, closefd=False)  # noqa: SIM115
    return cast("io.TextIOWrapper", stream)


def _fresh_streams() -> None:
    """Open the standard streams anew: those of the fork server were made for other files."""
    sys.stdin = sys.__stdin__ = _opened(0, "r", "surrogateescape")  # type: ignore[misc]
    sys.stdout = sys.__stdout__ = _opened(1, "w", "surrogateescape")  # type: ignore[misc]
    sys.stderr = sys.__stderr__ = _opened(2, "w", "backslashreplace", buffering=1)  # type: ignore[misc]


def _main_module() -> types.ModuleType:
    module = types.ModuleType("__main__")
    module.__file__ = MAIN
    module.__builtins__ = sys.modules["builtins"]  # type: ignore[attr-defined]
    sys.modules["__main__"] = module
    sys.path.insert(0, "/tmp")  # noqa: S108  where main.py lies
    return module


def _begin(job: dict[str, Any]) -> tuple[types.CodeType, types.ModuleType]:
    code = _compiled(job["source"])
    # Some programs read themselves, and tracebacks show lines from here.
    Path(MAIN).write_text(job["source"], encoding="utf-8")
    for name, content in job["files"].items():
        Path(name).write_bytes(base64.b64decode(content))
    limits.bound_files(job)
    _fresh_streams()
    # The same program is to do the same each time; a fork seeds anew.
    random.seed(0)
    sys.argv = ["main.py", *job["arguments"]]
    module = _main_module()
    _told(wire.READY)
    return code, module


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


def leave(status: int, module: types.ModuleType) -> NoReturn:
    """End as the interpreter would: join threads, run exit functions, drop the program's objects, flush."""
    try:
        threading._shutdown()  # type: ignore[attr-defined]  # noqa: SLF001  what Py_Finalize calls
        atexit._run_exitfuncs()  # pyright: ignore[reportPrivateUsage]  # noqa: SLF001  as above
        if sys.stdout is not None and not getattr(sys.stdout, "closed", False):
            sys.stdout.flush()
        # Files that the program left open are flushed when their last name goes.
        module.__dict__.clear()
        gc.collect()
        for stream in (sys.stdout, sys.__stdout__):
            if stream is not None and not stream.closed:
                stream.flush()
    except BaseException as error:  # noqa: BLE001  the program's own functions run here
        show(error)
        status = status or UNFLUSHED
    os._exit(status)


def script(job: dict[str, Any]) -> NoReturn:
    """Run a program that reads stdin and writes stdout."""
    code, module = _begin(job)
    status = 0
    try:
        exec(code, module.__dict__)  # noqa: S102  this is what the box is for
    except SystemExit as error:
        status = _exit_status(error)
    except BaseException as error:  # noqa: BLE001  as the interpreter does
        show(error)
        status = 1
    leave(status, module)


def serve(job: dict[str, Any]) -> NoReturn:
    """Run a program for the functions it defines, then answer calls until the other side hangs up."""
    code, module = _begin(job)
    try:
        exec(code, module.__dict__)  # noqa: S102  this is what the box is for
    except SystemExit as error:
        # A program that ends before it can be called has no functions, whatever status it ends with.
        leave(_exit_status(error) or 1, module)
    except BaseException as error:  # noqa: BLE001  as the interpreter does
        show(error)
        leave(1, module)
    serving.serve(module.__dict__)
    leave(0, module)
