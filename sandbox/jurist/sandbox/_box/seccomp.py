"""The seccomp filter: what a program may not ask of the kernel.

A deny list: what a program needs to compute, read and write its own files, fork and use pipes is allowed. Refused are
calls that make namespaces, mounts or kernel objects, that look into other processes, or whose memory no limit counts.

The fork server wears it, so that no run has to have it translated anew, which would cost more than a run's namespaces.
It therefore lets through what the fork server needs to begin a run, `mount` and three namespaces of `clone`: the kernel
itself refuses those, before anything else, to whoever has no privilege over the box, and a run has none.
"""

from __future__ import annotations

import errno
import struct
from typing import cast

# name -> (x86_64, aarch64); None where the architecture has no such call. From asm/unistd.h.
DENIED: dict[str, tuple[int | None, int | None]] = {
    "acct": (163, 89),
    "add_key": (248, 217),
    "adjtimex": (159, 171),
    "bpf": (321, 280),
    "chroot": (161, 51),
    "clock_adjtime": (305, 266),
    "clock_settime": (227, 112),
    "delete_module": (176, 106),
    "fanotify_init": (300, 262),
    "finit_module": (313, 273),
    "fsconfig": (431, 431),
    "fsmount": (432, 432),
    "fsopen": (430, 430),
    "fspick": (433, 433),
    "init_module": (175, 105),
    "io_setup": (206, 0),
    "io_uring_enter": (426, 426),
    "io_uring_register": (427, 427),
    "io_uring_setup": (425, 425),
    "ioperm": (173, None),
    "iopl": (172, None),
    "kcmp": (312, 272),
    "kexec_file_load": (320, 294),
    "kexec_load": (246, 104),
    "keyctl": (250, 219),
    "lookup_dcookie": (212, 18),
    "memfd_create": (319, 279),
    "memfd_secret": (447, 447),
    "modify_ldt": (154, None),
    "mount_setattr": (442, 442),
    "move_mount": (429, 429),
    "name_to_handle_at": (303, 264),
    "open_by_handle_at": (304, 265),
    "open_tree": (428, 428),
    "perf_event_open": (298, 241),
    "personality": (135, 92),
    "pidfd_getfd": (438, 438),
    "pivot_root": (155, 41),
    "process_madvise": (440, 440),
    "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271),
    "ptrace": (101, 117),
    "quotactl": (179, 60),
    "quotactl_fd": (443, 443),
    "reboot": (169, 142),
    "request_key": (249, 218),
    "setdomainname": (171, 162),
    "sethostname": (170, 161),
    "setns": (308, 268),
    "settimeofday": (164, 170),
    "swapoff": (168, 225),
    "swapon": (167, 224),
    "syslog": (103, 116),
    "umount2": (166, 39),
    "unshare": (272, 97),
    "userfaultfd": (323, 282),
    "vhangup": (153, 58),
}
BUILDERS = frozenset(
    ("memfd_create", "mount", "mount_setattr", "pivot_root", "sethostname", "setns", "umount2", "unshare")
)
"""Those of them that building a box takes: what holds a box from outside must let them pass."""
CLONE = (56, 220)
CLONE3 = (435, 435)
SOCKET = (41, 198)
ARCHITECTURES = {"x86_64": (0, 0xC000003E), "aarch64": (1, 0xC00000B7)}
"""Column in the tables above and the AUDIT_ARCH of linux/audit.h."""

NEW_NAMESPACES = 0x7E020000 & ~(0x20000000 | 0x00020000 | 0x08000000)
"""Every CLONE_NEW* bit that clone(2) takes, but those of a run: pid, mount, ipc. None of these gives a privilege."""
AF_UNIX = 1
X32_BIT = 0x40000000
"""Calls of the x32 ABI: the same calls under other numbers, hence refused whole."""

_LOAD, _JUMP_EQUAL, _JUMP_SET, _JUMP_GREATER_EQUAL, _RETURN = 0x20, 0x15, 0x45, 0x35, 0x06
_OFFSET_NUMBER, _OFFSET_ARCHITECTURE, _OFFSET_FIRST_ARGUMENT = 0, 4, 16
_ALLOW, _KILL, _ERROR = 0x7FFF0000, 0x80000000, 0x00050000


def _step(code: int, value: int, then: int = 0, otherwise: int = 0) -> bytes:
    return struct.pack("=HBBI", code, then, otherwise, value)


def _refuse(number: int) -> bytes:
    return _step(_RETURN, _ERROR | number)


def instructions(machine: str) -> bytes:
    """Assemble the filter for an architecture as `platform.machine` names it.

    Raises:
        KeyError: there is no table for that architecture.
    """
    column, audit = ARCHITECTURES[machine]
    denied = [pair[column] for pair in DENIED.values() if pair[column] is not None]
    lines = [
        _step(_LOAD, _OFFSET_ARCHITECTURE),
        _step(_JUMP_EQUAL, audit, 1, 0),
        _step(_RETURN, _KILL),
        _step(_LOAD, _OFFSET_NUMBER),
        _step(_JUMP_GREATER_EQUAL, X32_BIT, 0, 1),
        _refuse(errno.ENOSYS),
        # libc falls back to clone, whose flags can be read here; those of clone3 lie in memory.
        _step(_JUMP_EQUAL, CLONE3[column], 0, 1),
        _refuse(errno.ENOSYS),
        _step(_JUMP_EQUAL, CLONE[column], 0, 4),
        _step(_LOAD, _OFFSET_FIRST_ARGUMENT),
        _step(_JUMP_SET, NEW_NAMESPACES, 0, 1),
        _refuse(errno.EPERM),
        _step(_RETURN, _ALLOW),
        _step(_JUMP_EQUAL, SOCKET[column], 0, 4),
        _step(_LOAD, _OFFSET_FIRST_ARGUMENT),
        _step(_JUMP_EQUAL, AF_UNIX, 0, 1),
        _step(_RETURN, _ALLOW),
        _refuse(errno.EAFNOSUPPORT),
    ]
    # The kernel translates the filter anew for each run: one jump a call, all to the same end.
    for index, number in enumerate(denied):
        lines.append(_step(_JUMP_EQUAL, cast("int", number), len(denied) - index, 0))
    lines += [_step(_RETURN, _ALLOW), _refuse(errno.EPERM)]
    return b"".join(lines)
