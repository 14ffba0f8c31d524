"""The fork server: pid 1 of a box, one run at a time.

It receives descriptors and nothing else: programs, inputs and limits go from the supervisor to the run's own process
over a channel of its own, so that no run's text lies in the memory that a later one inherits.

Most of a short run's time goes into copying this process's memory map, and the pages that either writes afterwards. So
what every run needs is made here once, what few need is not imported, and the loop is flat.
"""

from __future__ import annotations

import gc
import os
import select
import time
from typing import TYPE_CHECKING, NoReturn

from jurist.sandbox import codec
from jurist.sandbox._box import child, harness, kernel, rehearsal, root, wire

if TYPE_CHECKING:
    import _socket

EXPENDABLE = b"1000"
"""oom_score_adj of a run: out of memory is its end, not the box's."""

LONGEST_WAIT_MS = 16


def _own_score() -> bytes:
    """Keep this process's oom_score_adj open; b"" where /proc is empty."""
    try:
        opened = os.open("/proc/self/oom_score_adj", os.O_RDWR)
    except OSError:
        return b""
    os.dup2(opened, child.SCORE, inheritable=False)
    os.close(opened)
    return os.pread(child.SCORE, 16, 0)


def _kill(pid: int, control: _socket.socket) -> None:
    """Do as the supervisor says: kill the run, or end with it."""
    if control.recv(1) != wire.KILL:
        os._exit(0)
    # Killing pid 1 of a pid namespace kills all that live in it.
    os.kill(pid, 9)


def _watch(pid: int, control: _socket.socket, poll: select.poll) -> None:
    """Wait for a run's end on a kernel without pidfd_open, such as gVisor's, by looking again and again."""
    wait_ms = 1
    while os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None:
        if poll.poll(wait_ms):
            _kill(pid, control)
        wait_ms = min(2 * wait_ms, LONGEST_WAIT_MS)


def _report(pid: int, control: _socket.socket, poll: select.poll) -> bytes:
    """Wait until the run has ended, by itself or by the supervisor's word."""
    started = time.monotonic()
    try:
        ended = os.pidfd_open(pid)
    except OSError:
        _watch(pid, control, poll)
    else:
        poll.register(ended, select.POLLIN)
        while not any(descriptor == ended for descriptor, _ in poll.poll()):
            _kill(pid, control)
        poll.unregister(ended)
        os.close(ended)
    _, status, usage = os.wait4(pid, 0)
    wall_s = time.monotonic() - started
    return wire.REPORT.pack(status, usage.ru_utime + usage.ru_stime, wall_s, usage.ru_maxrss * 1024)


def prepare(box: child.Box) -> bytes:
    """Make what a run inherits; what this process must keep for itself is its oom_score_adj."""
    own_score = _own_score()
    if box.has_proc:
        root.hide_proc()  # most programs do without, and a run that needs one mounts its own
    codec.rebuild_arrays()
    rehearsal.rehearse()
    harness.prepare()
    # What a run is given arrives there.
    os.closerange(0, wire.OWN)
    # Last: what this process must still ask of the kernel needs privileges that a run then gives up.
    kernel.set_filter(box.filter)
    gc.collect()
    # The collector would write to every object's header, and each write copies a page into the run.
    gc.freeze()
    return own_score


def serve(box: child.Box, control: _socket.socket, own_score: bytes) -> NoReturn:
    """Run what the supervisor sends until it closes the control socket, which is descriptor `wire.OWN`."""
    fork = kernel.forker(kernel.CLONE_NEWPID | kernel.CLONE_NEWNS | kernel.CLONE_NEWIPC)
    poll = select.poll()
    poll.register(control, select.POLLIN)
    while True:
        message, ancillary, _, _ = control.recvmsg(1, wire.DESCRIPTORS_BYTES)
        if not message:
            os._exit(0)
        if message != wire.RUN:
            continue  # a kill that came after the end
        if own_score:
            os.pwrite(child.SCORE, EXPENDABLE, 0)
        try:
            pid = fork()
            if pid == 0:
                child.main(box)
        except OSError as error:
            pid, refused = -1, f"cannot start a process: {error}".encode()
        else:
            refused = b""
        if own_score:
            os.pwrite(child.SCORE, own_score, 0)
        os.closerange(0, len(ancillary[0][2]) // 4)
        control.send(refused or _report(pid, control, poll))
