"""A run's own process, from the fork to the program's first instruction.

Nothing here trusts what comes later and nothing later can undo it: the order is namespaces and scratch space,
descriptors, resource limits, user, seccomp. Then the job is read and the harness for its kind takes over.
"""

from __future__ import annotations

import os
import socket
from dataclasses import dataclass
from typing import Any, NoReturn

from jurist.sandbox._box import harness, kernel, limits, root, wire

SETUP_FAILED = 125
EXPENDABLE = b"1000"
"""oom_score_adj of a run."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Box:
    """What the launcher found out about the box.

    `runner` is None where there is one user alone; `scratch` are the places where each run gets an empty file system.
    """

    runner: int | None
    has_proc: bool
    filter: bytes
    scratch: tuple[str, ...] = ("/tmp",)  # noqa: S108  the run's own


def _write(path: str, content: bytes) -> None:
    """Write without the layers of an open file, whose first use after a fork costs more than the write."""
    descriptor = os.open(path, os.O_WRONLY)
    os.write(descriptor, content)
    os.close(descriptor)


def _place(descriptors: list[int]) -> None:
    """Move the run's descriptors to 0, 1, 2, .. and close all others."""
    high = [os.dup2(descriptor, 100 + index, inheritable=False) for index, descriptor in enumerate(descriptors)]
    for index, descriptor in enumerate(high):
        os.dup2(descriptor, index, inheritable=index < wire.CHANNEL)
    kernel.close_descriptors(len(descriptors))


def _isolate(box: Box, descriptors: list[int]) -> dict[str, Any]:
    """Shut the process in and read its job."""
    os.setsid()
    kernel.unshare(kernel.CLONE_NEWNS | kernel.CLONE_NEWIPC)
    if box.has_proc:
        _write("/proc/self/oom_score_adj", EXPENDABLE)
    _place(descriptors)
    channel = socket.socket(fileno=wire.CHANNEL)
    job = wire.read_job(channel)
    channel.detach()
    for place in box.scratch:
        root.mount_scratch(place, job["scratch_bytes"], job["scratch_files"])
    if not (job["proc"] and box.has_proc and root.cover_proc()):
        root.hide_proc()
    os.chdir("/tmp")  # noqa: S108  the run's own
    if box.runner is not None:
        os.setgroups([])
        os.setresgid(box.runner, box.runner, box.runner)
        os.setresuid(box.runner, box.runner, box.runner)
    kernel.drop_capabilities()
    limits.bound(job)
    kernel.set_filter(box.filter)
    return job


def main(box: Box, descriptors: list[int]) -> NoReturn:
    """Become the run; never returns to the fork server."""
    try:
        harness.run(_isolate(box, descriptors))
    except BaseException as error:  # noqa: BLE001  whatever it is must not unwind into the fork server
        _fail(f"{type(error).__name__}: {error}")


def _fail(reason: str) -> NoReturn:
    try:
        os.write(wire.CHANNEL, wire.NOT_STARTED + reason.encode())
    finally:
        os._exit(SETUP_FAILED)
