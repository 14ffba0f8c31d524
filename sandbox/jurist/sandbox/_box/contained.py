"""Builds a box inside a container and becomes its fork server: the program that the Docker backend's containers run.

Theory of operation. The container's image is the root that programs see, whole and read-only. With user namespaces the
box is one like any other (`launch.build`), made by the container's unprivileged user. With capabilities the fork server
is the container's own first process, root without a user namespace: the container is its box, and each run gets the
namespaces and the scratch space that it gets elsewhere. That is for kernels such as gVisor's, which know neither bind
mounts nor pivot_root, and whose capabilities are worth nothing outside.
"""

from __future__ import annotations

import _socket
import json
import os
import site
import sys
from typing import Any, Final, NoReturn

from jurist.sandbox._box import child, kernel, launch, root, seccomp

NOT_SHOWN: Final = frozenset(("dev", "jurist", "proc", "sys", "tmp", ".dockerenv"))
"""What a box has of its own, and what the container is told."""
SCRATCH: Final = ("/tmp", "/dev/shm")  # noqa: S108  each run's own
COVERED: Final = ("/dev/mqueue", "/jurist/socket")
"""What runs would share."""


def _toolchains() -> dict[str, list[str]]:
    """Look for toolchains in a process apart: what that imports is in no run's memory."""
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        from jurist.sandbox.languages import LANGUAGES, toolchain  # noqa: PLC0415

        found = {name: list(tools.paths) for name in LANGUAGES if (tools := toolchain(name)) is not None}
        os.write(writing, json.dumps(found).encode())
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as answer:
        said = answer.read()
    os.waitpid(pid, 0)
    return json.loads(said) if said else {}


def _let_find(search: str) -> None:
    """Have programs import what the image's PYTHONPATH names: behind the standard library, before all other modules.

    The launcher has started without, and it is what programs are forked from.
    """
    if search:
        os.environ["PYTHONPATH"] = search
        others = site.getsitepackages()
        first = next((place for place, path in enumerate(sys.path) if path in others), len(sys.path))
        sys.path[first:first] = [os.path.join("/", path) for path in search.split(":") if path]


def _image() -> list[str]:
    return [f"/{name}" for name in os.listdir("/") if name not in NOT_SHOWN]


def _with_capabilities(runner: int) -> child.Box:
    """Make the container the box; needs SYS_ADMIN, SETUID and SETGID."""
    for path in COVERED:
        if os.path.isdir(path):
            root.cover(path)
    kernel.drop_bounding_set()
    kernel.prctl(kernel.PR_SET_NO_NEW_PRIVS, 1)
    return child.Box(runner=runner, has_proc=True, filter=seccomp.instructions(os.uname().machine), scratch=SCRATCH)


def build(configuration: dict[str, Any]) -> tuple[child.Box, dict[str, object]]:
    """Build the box, and tell what the image has.

    Raises:
        OSError: the kernel refused; the message names the call.
    """
    toolchains = _toolchains()
    _let_find(configuration["search"])
    if configuration["capable"]:
        box = _with_capabilities(configuration["runner"])
    else:
        box = launch.build(configuration | {"readable": [*_image(), *configuration["shown"]]})
    return box, {"toolchains": toolchains}


def main() -> NoReturn:
    """Connect to the supervisor at the socket that the command line names, and serve."""
    control = _socket.socket(_socket.AF_UNIX, _socket.SOCK_SEQPACKET)
    control.connect(sys.argv[1])
    launch.begin(control, build)
