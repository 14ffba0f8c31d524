"""The fork server: pid 1 of a box, one run at a time.

It receives descriptors and nothing else: programs, inputs and limits go from the supervisor to the run's own process
over a channel of its own, so that no run's text lies in the memory that a later one inherits.
"""

from __future__ import annotations

import gc
import os
import select
import socket
import time
from typing import NoReturn

from jurist.sandbox._box import child, kernel, wire

DESCRIPTORS_PER_RUN = 8


def _spawn(box: child.Box, descriptors: list[int], own_namespace: int) -> int:
    """Start a run as pid 1 of a fresh pid namespace and give its pid in ours."""
    kernel.unshare(kernel.CLONE_NEWPID)
    try:
        pid = os.fork()
    except OSError:
        kernel.setns(own_namespace, kernel.CLONE_NEWPID)
        raise
    if pid == 0:
        child.main(box, descriptors)
    kernel.setns(own_namespace, kernel.CLONE_NEWPID)
    return pid


def _watched(pid: int, control: socket.socket) -> bytes:
    """Wait until the run has ended, by itself or by the supervisor's word, and report on it."""
    started = time.monotonic()
    ended = os.pidfd_open(pid)
    poll = select.poll()
    poll.register(ended, select.POLLIN)
    poll.register(control, select.POLLIN)
    while True:
        ready = {descriptor for descriptor, _ in poll.poll()}
        if ended in ready:
            break
        if control.recv(1) != wire.KILL:
            os._exit(0)
        # Killing pid 1 of a pid namespace kills all that live in it.
        os.kill(pid, 9)
    os.close(ended)
    _, status, usage = os.wait4(pid, 0)
    wall_s = time.monotonic() - started
    return wire.REPORT.pack(status, usage.ru_utime + usage.ru_stime, wall_s, usage.ru_maxrss * 1024)


def serve(box: child.Box, control: socket.socket) -> NoReturn:
    """Run what the supervisor sends until it closes the control socket."""
    own_namespace = os.open("/proc/self/ns/pid", os.O_RDONLY)
    gc.collect()
    # The collector would write to every object's header, and each write copies a page into the run.
    gc.freeze()
    while True:
        message, descriptors, _, _ = socket.recv_fds(control, 16, DESCRIPTORS_PER_RUN)
        if not message:
            os._exit(0)
        if message != wire.RUN:
            continue  # a kill that came after the end
        try:
            pid = _spawn(box, descriptors, own_namespace)
        except OSError as error:
            control.send(f"cannot start a process: {error}".encode())
        else:
            for descriptor in descriptors:
                os.close(descriptor)
            control.send(_watched(pid, control))
            continue
        for descriptor in descriptors:
            os.close(descriptor)
