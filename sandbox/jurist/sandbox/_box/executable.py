"""Runs programs that are files: what compilers made, scripts of other interpreters, and the compilers themselves.

The run's first process stays here and waits: as pid 1 of its namespace the program would be deaf to its own abort().
It tells the supervisor how the program ended over the channel, which the program does not have.
"""

from __future__ import annotations

import io
import os
import signal
import stat
from typing import Any, NoReturn

from jurist.sandbox._box import harness, kernel, wire

RESTORED = (signal.SIGPIPE, signal.SIGXFSZ)
"""Ignored by the interpreter, and what is ignored stays so across exec."""


def _spawned(argv: list[str], environment: dict[str, str]) -> tuple[int, int]:
    """Run a command to its end; its wait status and the most memory that it had, bytes."""
    # posix_spawn shares memory until the exec, where a fork would copy the interpreter's page tables.
    pid = os.posix_spawn(argv[0], argv, environment, setsigdef=RESTORED)
    _, status, usage = os.wait4(pid, 0)
    return status, usage.ru_maxrss * 1024


def _packed_directory(directory: str) -> bytes:
    """Pack a directory of class files as a jar."""
    import zipfile  # noqa: PLC0415  what few runs need is not in the memory of all

    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_STORED) as jar:
        for folder, _, names in sorted(os.walk(directory)):
            for path in sorted(f"{folder}/{name}" for name in names):
                if stat.S_ISREG(os.lstat(path).st_mode):
                    jar.write(path, path.removeprefix(f"{directory}/"))
    return packed.getvalue()


def _hand_over(artifact: str, descriptor: int) -> bool:
    """Copy what the compiler made, if it is a file or a directory of its own."""
    try:
        mode = os.lstat(artifact).st_mode
    except OSError:
        return False
    if stat.S_ISDIR(mode):
        wire.write_all(descriptor, _packed_directory(artifact))
    elif stat.S_ISREG(mode):
        made = os.open(artifact, os.O_RDONLY)
        while part := os.read(made, 1 << 20):
            wire.write_all(descriptor, part)
        os.close(made)
    else:
        return False
    return True


def _unpack(descriptor: int, target: str) -> None:
    """Put the compiled program into the scratch space; the descriptor's offset is shared with other runs' copies."""
    size = os.fstat(descriptor).st_size
    out = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o755)
    offset = 0
    while offset < size:
        offset += os.sendfile(out, descriptor, offset, size - offset)
    os.close(out)


def execute(job: dict[str, Any]) -> NoReturn:
    """Run the job's command; compile jobs hand their artifact over, others may begin with one."""
    harness.place(job["files"])
    if job["kind"] == "execute" and job["artifact"]:
        _unpack(wire.PEER, job["artifact"])
    harness.bound(job["limits"])
    for descriptor in (wire.CHANNEL, wire.PEER):
        os.set_inheritable(descriptor, False)  # noqa: FBT003  os's own
    # Where programs have this process's user, its memory, and with it the verdict, would be theirs to write by /proc.
    kernel.prctl(kernel.PR_SET_DUMPABLE, 0)
    os.write(wire.CHANNEL, wire.READY)
    status, resident_bytes = _spawned(job["argv"], job["environment"])
    if job["kind"] == "compile" and status == 0 and not _hand_over(job["artifact"], wire.PEER):
        status = 1 << 8
    if job["kind"] == "execute":
        harness.hand_over(job["fetch"], wire.PEER)
    os.write(wire.CHANNEL, wire.ENDED + wire.STATUS.pack(status, resident_bytes))
    os._exit(0)
