"""Runs programs on this host, without a container engine: the default backend.

Theory of operation. A box (`_box.launch`) is a standing fork server in namespaces of its own with a read-only
view of a few system directories, no network, no capabilities and a control group; a run is one fork of it into fresh
pid, mount and ipc namespaces with an empty /tmp (`_box.child`). Killing the run's first process removes all its
descendants, and with them go its files and shared memory.

- *stdio*: a run for each case. Its stdin, stdout and stderr are files in memory.
- *functions*: one run; the arguments of each call go in and a plain value comes out over a socket. What was expected
  never comes near it.
- *a checker* of the task's judges each output in the box for test code.
- *asserts*: the program in one box, the test code in the other, a socket between them (`_box.testing`).

What happens to runs that fail through no fault of theirs is in `_supervisor`.
"""

from __future__ import annotations

import asyncio
import os
import sys
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from jurist.sandbox._host import Options
from jurist.sandbox._jobs import SCRATCH
from jurist.sandbox._standing import local
from jurist.sandbox._supervisor import Ground, Supervisor
from jurist.sandbox._values import SandboxUnavailableError
from jurist.sandbox.languages import LANGUAGES, toolchain

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Sequence

__all__ = ["Embedded"]


class Embedded(Supervisor):
    """Runs programs in boxes of this process's own.

    `slots` is how many run at the same time, one a core by default. `python` is the interpreter for Python programs
    and `packages` directories with modules for them beside the standard library; `readable` further paths that
    programs may read. `weaker` allows a start where no control group can be written; the runs say so.

    Use it as an asynchronous context manager; `run` may be called from any number of tasks.

    Raises:
        SandboxUnavailableError: on entering, where this host lacks something needed, or one of the paths.
    """

    def __init__(
        self,
        *,
        slots: int | None = None,
        python: str = sys.executable,
        packages: Sequence[str] = (),
        readable: Sequence[str] = (),
        weaker: bool = False,
    ) -> None:
        super().__init__(slots)
        self._python = os.path.realpath(python)
        self._packages = tuple(packages)
        self._readable = tuple(readable)
        self._weaker = weaker

    @asynccontextmanager
    async def _ground(self) -> AsyncGenerator[Ground]:
        _check((*self._packages, *self._readable))
        tools = {name: await asyncio.to_thread(toolchain, name) for name in LANGUAGES}
        readable = [path for found in tools.values() if found is not None for path in found.readable]
        options = Options(
            python=self._python,
            packages=self._packages,
            readable=(*self._readable, *readable),
            cores=1.0,
            weaker=self._weaker,
        )
        yield Ground(local(options), tools)


def _check(paths: Sequence[str]) -> None:
    for path in map(Path, paths):
        if not path.exists():
            message = f"there is nothing at {path}, which programs are to read"
            raise SandboxUnavailableError(message)
        if path.resolve().is_relative_to(SCRATCH):
            message = f"programs cannot read {path}: each has a {SCRATCH} of its own"
            raise SandboxUnavailableError(message)
