"""The system calls that Python has no name for, each raising `OSError` with the call's own name.

Numbers and flags are from linux/{sched,mount,prctl,capability}.h; the syscall numbers used here are the same on every
64-bit architecture (asm-generic) but for those in `NUMBERS`.
"""

from __future__ import annotations

import ctypes
import os
import platform
import signal
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

_LIBC = ctypes.CDLL(None, use_errno=True)
# Keeps the interpreter's lock during a call: after a fork nobody would be there to give it back.
_LIBC_HELD = ctypes.PyDLL(None, use_errno=True)

CLONE_NEWNS = 0x00020000
CLONE_NEWCGROUP = 0x02000000
CLONE_NEWUTS = 0x04000000
CLONE_NEWIPC = 0x08000000
CLONE_NEWUSER = 0x10000000
CLONE_NEWPID = 0x20000000
CLONE_NEWNET = 0x40000000

MS_RDONLY = 1
MS_NOSUID = 2
MS_NODEV = 4
MS_NOEXEC = 8
MS_BIND = 4096
MS_REC = 16384
MS_PRIVATE = 1 << 18
MNT_DETACH = 2

MOUNT_ATTR_RDONLY = 1
MOUNT_ATTR_NOSUID = 2
MOUNT_ATTR_NODEV = 4
AT_RECURSIVE = 0x8000
AT_FDCWD = -100

PR_SET_PDEATHSIG = 1
PR_SET_DUMPABLE = 4
PR_SET_SECCOMP = 22
PR_CAPBSET_DROP = 24
PR_SET_SECUREBITS = 28
PR_SET_NO_NEW_PRIVS = 38
PR_CAP_AMBIENT = 47
PR_CAP_AMBIENT_CLEAR_ALL = 4
SECCOMP_MODE_FILTER = 2
SECUREBITS_LOCKED = 0x2F
"""NOROOT, NO_SETUID_FIXUP off, KEEP_CAPS off and locked: becoming another user drops every capability."""

LAST_CAPABILITY = 63
"""More than any kernel has; dropping an unknown one answers EINVAL and ends the loop."""
_CAPABILITY_VERSION_3 = 0x20080522

NUMBERS = {
    "x86_64": {"pivot_root": 155, "capset": 126, "clone": 56},
    "aarch64": {"pivot_root": 41, "capset": 91, "clone": 220},
}
_MOUNT_SETATTR = 442
_CLOSE_RANGE = 436


class FailedCallError(OSError):
    """Raised when the kernel refuses a call; `call` says which, in words."""

    def __init__(self, number: int, call: str) -> None:
        super().__init__(number, os.strerror(number), call)
        self.call = call


def _checked(result: int, call: str) -> int:
    if result < 0:
        raise FailedCallError(ctypes.get_errno(), call)
    return result


def _number(name: str) -> int:
    try:
        return NUMBERS[platform.machine()][name]
    except KeyError:
        message = f"the sandbox knows no system call numbers for {platform.machine()}"
        raise NotImplementedError(message) from None


def unshare(flags: int) -> None:
    """Move the caller (its children, for a pid namespace) into new namespaces."""
    _checked(_LIBC.unshare(flags), f"unshare({flags:#x})")


def forker(namespaces: int) -> Callable[[], int]:
    """Give a function that forks the caller into new namespaces, if any, and answers as `os.fork` does.

    For processes of a single thread: it passes by what `os.fork` does for the others, for locks and for random numbers,
    which costs a third of a short run.
    """
    if not namespaces:
        fork = _LIBC_HELD.fork
        return lambda: _checked(fork(), "fork")
    clone, number = _LIBC_HELD.syscall, _number("clone")
    arguments = (ctypes.c_long(number), ctypes.c_ulong(namespaces | signal.SIGCHLD), *[ctypes.c_ulong(0)] * 4)
    return lambda: _checked(clone(*arguments), "clone")


def mount(source: str, target: str, kind: str, flags: int, data: str = "") -> None:
    """Attach a file system; flags and data are as in its manual page, section 2."""
    done = _LIBC.mount(source.encode(), target.encode(), kind.encode(), ctypes.c_ulong(flags), data.encode() or None)
    _checked(done, f"mount {kind or source} on {target}")


def unmount(target: str) -> None:
    """Detach a mount, whatever still uses it."""
    _checked(_LIBC.umount2(target.encode(), MNT_DETACH), f"umount {target}")


def mark_mount(target: str, attributes: int, *, recursive: bool = True) -> None:
    """Add attributes (read-only, nosuid, ..) to a mount and, if asked, to all below it; Linux 5.12 or later."""

    class MountAttributes(ctypes.Structure):
        _fields_ = (
            ("attr_set", ctypes.c_uint64),
            ("attr_clr", ctypes.c_uint64),
            ("propagation", ctypes.c_uint64),
            ("userns_fd", ctypes.c_uint64),
        )

    wanted = MountAttributes(attributes, 0, 0, 0)
    flags = AT_RECURSIVE if recursive else 0
    done = _LIBC.syscall(
        _MOUNT_SETATTR, AT_FDCWD, target.encode(), flags, ctypes.byref(wanted), ctypes.c_size_t(ctypes.sizeof(wanted))
    )
    _checked(done, f"mount_setattr {target}")


def pivot_root(new: str, old: str) -> None:
    """Make `new` the root and move the present one to `old`."""
    _checked(_LIBC.syscall(_number("pivot_root"), new.encode(), old.encode()), "pivot_root")


def prctl(option: int, value: int = 0) -> None:
    """Set an attribute of the calling process."""
    zero = ctypes.c_ulong(0)
    _checked(_LIBC.prctl(option, ctypes.c_ulong(value), zero, zero, zero), f"prctl({option})")


def drop_bounding_set() -> None:
    """Take from this process and its children every capability that an exec could give."""
    for capability in range(LAST_CAPABILITY + 1):
        try:
            prctl(PR_CAPBSET_DROP, capability)
        except FailedCallError:
            return


def drop_capabilities() -> None:
    """Empty the permitted, effective, inheritable and ambient sets."""
    header = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION_3, 0)
    data = (ctypes.c_uint32 * 6)()
    _checked(_LIBC.syscall(_number("capset"), header, data), "capset")


def close_descriptors(first: int) -> None:
    """Close every descriptor from `first` on."""
    _checked(_LIBC.syscall(_CLOSE_RANGE, ctypes.c_uint(first), ctypes.c_uint(0xFFFFFFFF), 0), "close_range")


class _FilterProgram(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("instructions", ctypes.c_char_p))


def set_filter(instructions: bytes) -> None:
    """Install a seccomp filter: BPF instructions of 8 bytes each. It needs no_new_privs."""
    program = _FilterProgram(len(instructions) // 8, instructions)
    zero = ctypes.c_ulong(0)
    done = _LIBC.prctl(
        PR_SET_SECCOMP,
        ctypes.c_ulong(SECCOMP_MODE_FILTER),
        ctypes.cast(ctypes.byref(program), ctypes.c_void_p),
        zero,
        zero,
    )
    _checked(done, "prctl(PR_SET_SECCOMP)")
