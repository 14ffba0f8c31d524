"""Builds a box and becomes its fork server. Started afresh by the supervisor, whose memory it never shares.

Theory of operation. The supervisor starts this module in a new interpreter with a control socket, which first
carries a JSON configuration. Two processes come of it: the *keeper*, which stays outside and only waits (killing
it kills the box), and the *fork server*, pid 1 of the box's pid namespace. On the way:

1. the keeper joins the box's control groups, so that all it starts is counted there;
2. where it is root, the root file system is built first, while everything can still be read, then the child enters a
   user namespace whose two users are real unprivileged ones of the host (RLIMIT_NPROC does not bind root, mapped or
   not); where it is not, the user namespace comes first and knows its own user alone;
3. the child makes mount, net, ipc, uts and cgroup namespaces, then a pid namespace, and its child serves.

What a run drops at its own start (user, capabilities, scratch space, seccomp) is in `child`.
"""

from __future__ import annotations

import _socket
import contextlib
import importlib
import json
import os
import site
import sys
from typing import TYPE_CHECKING, Any, Final, NoReturn

from jurist.sandbox._box import child, kernel, root, seccomp, server, wire

if TYPE_CHECKING:
    from collections.abc import Callable

INNER_SERVER, INNER_RUNNER = 0, 1000
"""Users inside the box: the fork server, and the programs."""
KILL_SIGNAL = 9
UNKILLABLE = "-1000"
"""oom_score_adj of the fork server: out of memory is the run's end, not the box's."""

PRELOADED: Final = (
    "abc",
    "ast",
    "bisect",
    "collections.abc",
    "contextlib",
    "copy",
    "dataclasses",
    "datetime",
    "enum",
    "functools",
    "gc",
    "heapq",
    "inspect",
    "io",
    "itertools",
    "json",
    "keyword",
    "linecache",
    "math",
    "operator",
    "random",
    "re",
    "string",
    "struct",
    "textwrap",
    "threading",
    "time",
    "traceback",
    "types",
    "typing",
    "warnings",
    "weakref",
)
"""Imported once in the fork server, since programs import them all the time. Each costs every run some 5 us for each of
its memory areas (an extension has five) and the imports of those programs that want it a hundred times that: what fewer
than one program in a hundred imports is left to it."""


class LaunchError(Exception):
    """Raised when the box cannot be built; the message says what is missing."""


def _map_users(pid: int, first: int) -> None:
    lines = f"{INNER_SERVER} {first} 1\n{INNER_RUNNER} {first + 1} 1\n"
    for name in ("uid_map", "gid_map"):
        wire.rewrite(f"/proc/{pid}/{name}", lines)


def _map_self(user: int, group: int) -> None:
    wire.rewrite("/proc/self/setgroups", "deny")
    wire.rewrite("/proc/self/uid_map", f"{INNER_RUNNER} {user} 1\n")
    wire.rewrite("/proc/self/gid_map", f"{INNER_RUNNER} {group} 1\n")


def _enter_as_root(first_user: int) -> None:
    """Fork; the child is in a user namespace with two users and holds no privilege outside. The parent waits."""
    entered_read, entered_write = os.pipe()
    mapped_read, mapped_write = os.pipe()
    pid = os.fork()
    if pid:
        os.read(entered_read, 1)
        _map_users(pid, first_user)
        os.write(mapped_write, b"m")
        _keep(pid)
    kernel.prctl(kernel.PR_SET_PDEATHSIG, KILL_SIGNAL)
    kernel.unshare(kernel.CLONE_NEWUSER)
    os.write(entered_write, b"e")
    os.read(mapped_read, 1)
    for descriptor in (entered_read, entered_write, mapped_read, mapped_write):
        os.close(descriptor)
    os.setgroups([])
    os.setresgid(INNER_SERVER, INNER_SERVER, INNER_SERVER)
    os.setresuid(INNER_SERVER, INNER_SERVER, INNER_SERVER)


def _keep(pid: int) -> NoReturn:
    """Wait for the only child and end as it did."""
    _, status = os.waitpid(pid, 0)
    os._exit(os.waitstatus_to_exitcode(status) & 0xFF)


def _stay_with_parent() -> None:
    """Die with the parent, and stay readable to oneself: both are undone by a change of user."""
    kernel.prctl(kernel.PR_SET_DUMPABLE, 1)
    kernel.prctl(kernel.PR_SET_PDEATHSIG, KILL_SIGNAL)


def build(configuration: dict[str, Any]) -> child.Box:
    """Enter the namespaces and become pid 1 of the box.

    Raises:
        OSError: the kernel refused; the message names the call.
    """
    for group in configuration["cgroups"]:
        wire.rewrite(f"{group}/cgroup.procs", "0")
    as_root = os.geteuid() == 0
    if as_root:
        # Without CAP_SYS_RESOURCE the run's own score of 1000 still makes it the first to go.
        with contextlib.suppress(PermissionError):
            wire.rewrite("/proc/self/oom_score_adj", UNKILLABLE)
        kernel.unshare(kernel.CLONE_NEWNS)
        root.build(configuration["root"], configuration["readable"])
        _enter_as_root(configuration["first_user"])
        kernel.unshare(kernel.CLONE_NEWNS)
    else:
        user, group = os.getuid(), os.getgid()
        kernel.unshare(kernel.CLONE_NEWUSER)
        _map_self(user, group)
        kernel.unshare(kernel.CLONE_NEWNS)
        root.build(configuration["root"], configuration["readable"])
    _stay_with_parent()
    kernel.unshare(
        kernel.CLONE_NEWNET | kernel.CLONE_NEWIPC | kernel.CLONE_NEWUTS | kernel.CLONE_NEWCGROUP | kernel.CLONE_NEWPID
    )
    pid = os.fork()
    if pid:
        _keep(pid)
    _stay_with_parent()
    has_proc = root.cover_proc()
    _socket.sethostname("box")
    kernel.drop_bounding_set()
    kernel.prctl(kernel.PR_SET_NO_NEW_PRIVS, 1)
    return child.Box(
        runner=INNER_RUNNER if as_root else None,
        has_proc=has_proc,
        filter=seccomp.instructions(os.uname().machine),
    )


def _out_of_the_way(control: _socket.socket) -> _socket.socket:
    """Move the control socket to where no run's descriptors arrive."""
    given = control.detach()
    os.dup2(given, wire.OWN, inheritable=False)
    if given != wire.OWN:
        os.close(given)
    return _socket.socket(fileno=wire.OWN)


def _built(configuration: dict[str, Any]) -> tuple[child.Box, dict[str, object]]:
    return build(configuration), {}


def begin(control: _socket.socket, build: Callable[[dict[str, Any]], tuple[child.Box, dict[str, object]]]) -> NoReturn:
    """Build what the configuration at a control socket describes, tell what was found out, and serve."""
    control = _out_of_the_way(control)
    # Not on the command line, which every run could read in /proc.
    configuration: dict[str, Any] = json.loads(control.recv(wire.PACKET_BYTES))
    # A module that is missing here is missing for programs too.
    for name in PRELOADED:
        importlib.import_module(name)
    # The interpreter runs without `site`, but programs do call exit().
    site.setquit()
    site.setcopyright()
    site.sethelper()
    sys.path[:] = [path for path in sys.path if path not in configuration["hidden"]] + configuration["packages"]
    try:
        box, found = build(configuration)
        own_score = server.prepare(box)
    except Exception as error:  # noqa: BLE001  whatever keeps the box from serving is told to whoever waits for it
        control.send(wire.FAILED + (str(error) or type(error).__name__).encode())
        os._exit(1)
    control.send(wire.SERVING + json.dumps(found).encode())
    server.serve(box, control, own_score)


def main() -> NoReturn:
    """Build the box that the supervisor describes at the descriptor on the command line, and serve in it."""
    begin(_socket.socket(fileno=int(sys.argv[1])), _built)


if __name__ == "__main__":
    main()
