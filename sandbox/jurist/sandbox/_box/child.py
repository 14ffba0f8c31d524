"""A run's own process, from the fork to the program's first instruction.

Nothing here trusts what comes later and nothing later can undo it: the order is session, descriptors, scratch space,
user, resource limits; namespaces and the seccomp filter came with the fork. Then the harness for the job's kind takes
over.

It is written flat: each function that a run calls, and each object that it looks at, is a page or three of the fork
server's memory that the kernel has to copy, and a short run's time is little else.
"""

from __future__ import annotations

import os
from typing import NamedTuple, NoReturn

from jurist.sandbox._box import harness, kernel, root, wire

SETUP_FAILED = 125
PROC_REMEDY = "a container must be started with --security-opt systempaths=unconfined"
SCORE = wire.OWN + 1
"""The descriptor of the fork server's oom_score_adj."""


class Box(NamedTuple):
    """What the launcher found out about the box.

    `runner` is None where there is one user alone; `scratch` are the places where each run gets an empty file system.
    """

    runner: int | None
    has_proc: bool
    filter: bytes
    scratch: tuple[str, ...] = ("/tmp",)  # noqa: S108  the run's own


def main(box: Box) -> NoReturn:
    """Shut the process in, read its job and become the run; never returns to the fork server."""
    try:
        os.setsid()
        os.close(wire.OWN)
        if box.has_proc:
            os.close(SCORE)
        job = wire.read_plain(wire.CHANNEL)
        for place in box.scratch:
            root.mount_scratch(place, job["scratch_bytes"], job["scratch_files"])
        if job["proc"] and box.has_proc:
            root.cover_proc()
        elif job["proc"] == wire.REQUIRED:
            _fail(wire.LACKING, f"no /proc can be mounted here, which {job['argv'][0]} needs: {PROC_REMEDY}")
        os.chdir("/tmp")  # noqa: S108  the run's own
        if box.runner is None:
            kernel.drop_capabilities()
        else:
            os.setresgid(box.runner, box.runner, box.runner)
            # With it go all capabilities: those that could stay were given up by the launcher.
            os.setresuid(box.runner, box.runner, box.runner)
        harness.run(job)
    except BaseException as error:  # noqa: BLE001  whatever it is must not unwind into the fork server
        _fail(wire.NOT_STARTED, f"{type(error).__name__}: {error}")


def _fail(tag: bytes, reason: str) -> NoReturn:
    try:
        os.write(wire.CHANNEL, tag + reason.encode())
    finally:
        os._exit(SETUP_FAILED)
