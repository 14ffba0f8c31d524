"""The root directory that a box sees: an empty tmpfs with a few of the host's directories bound into it, read-only."""

from __future__ import annotations

import contextlib
import errno
import os

from jurist.sandbox._box import kernel, wire

DEVICES = ("null", "zero", "full", "random", "urandom")
LINKS = {
    "dev/fd": "/proc/self/fd",
    "dev/stdin": "/proc/self/fd/0",
    "dev/stdout": "/proc/self/fd/1",
    "dev/stderr": "/proc/self/fd/2",
    # One scratch file system a run: what a program puts in shared memory counts and vanishes with its files.
    "dev/shm": "/tmp",  # noqa: S108  the box's own
}
FILES = {
    "etc/passwd": "root:x:0:0:root:/:/bin/false\nrunner:x:1000:1000:runner:/tmp:/bin/sh\n",
    "etc/group": "root:x:0:\nrunner:x:1000:\n",
    "etc/nsswitch.conf": "passwd: files\ngroup: files\nhosts: files\n",
    "etc/hosts": "127.0.0.1 localhost\n",
}


def _bind(source: str, root: str) -> None:
    """Show one path of the host at the same place; a link stays a link."""
    target = root + source
    if os.path.lexists(target):
        return
    os.makedirs(os.path.dirname(target), exist_ok=True)
    if os.path.islink(source):
        os.symlink(os.readlink(source), target)
        return
    if os.path.isdir(source):
        os.mkdir(target)
    else:
        wire.write_file(target, b"")
    kernel.mount(source, target, "", kernel.MS_BIND | kernel.MS_REC)


def _covers(outer: str, inner: str) -> bool:
    return inner == outer or inner.startswith(outer.rstrip("/") + "/")


def _outermost(paths: list[str]) -> list[str]:
    """Drop what is not there and what another path shows already."""
    chosen: list[str] = []
    for path in sorted(paths, key=len):
        if os.path.lexists(path) and not any(_covers(outer, path) for outer in chosen if not os.path.islink(outer)):
            chosen.append(path)
    return chosen


def build(root: str, readable: list[str]) -> None:
    """Make the root file system at the empty directory `root` and move into it.

    `readable` are the host's paths that the box may read, files or directories; missing ones are passed over.

    Raises:
        FailedCallError: the kernel refused a mount.
    """
    kernel.mount("", "/", "", kernel.MS_REC | kernel.MS_PRIVATE)
    kernel.mount("tmpfs", root, "tmpfs", kernel.MS_NOSUID, "mode=0755,size=1m")
    os.umask(0o022)
    chosen = _outermost(readable)
    for name in ("dev", "etc", "proc", "tmp", ".old"):
        if f"/{name}" not in chosen:
            os.mkdir(f"{root}/{name}")
    for name, target in LINKS.items():
        os.symlink(target, f"{root}/{name}")
    for path in chosen:
        _bind(path, root)
    for name, text in FILES.items():
        if "/etc" not in chosen and not os.path.exists(f"{root}/{name}"):
            wire.write_file(f"{root}/{name}", text.encode())
    for name in DEVICES:
        _bind(f"/dev/{name}", root)
    kernel.pivot_root(root, f"{root}/.old")
    os.chdir("/")
    kernel.mark_mount("/", kernel.MOUNT_ATTR_NOSUID | kernel.MOUNT_ATTR_RDONLY, recursive=False)
    for path in chosen:
        if not os.path.islink(path):
            kernel.mark_mount(path, kernel.MOUNT_ATTR_RDONLY | kernel.MOUNT_ATTR_NOSUID | kernel.MOUNT_ATTR_NODEV)
    # A new /proc may be mounted in a user namespace only where a whole one is in sight: the host's, soon covered. In a
    # container whose engine masks parts of it there is none to bind, and no new one.
    with contextlib.suppress(kernel.FailedCallError):
        kernel.mount("/.old/proc", "/proc", "", kernel.MS_BIND)
    kernel.unmount("/.old")


def cover_proc() -> bool:
    """Put this pid namespace's own /proc over the one in sight; False where the kernel refuses and it is empty now."""
    flags = kernel.MS_NOSUID | kernel.MS_NODEV | kernel.MS_NOEXEC
    try:
        kernel.mount("proc", "/proc", "proc", flags)
    except kernel.FailedCallError:
        kernel.mount("tmpfs", "/proc", "tmpfs", flags | kernel.MS_RDONLY, "size=4k")
        return False
    return True


def cover(path: str) -> None:
    """Put an empty directory over one that runs would share."""
    flags = kernel.MS_RDONLY | kernel.MS_NOSUID | kernel.MS_NODEV | kernel.MS_NOEXEC
    kernel.mount("tmpfs", path, "tmpfs", flags, "size=4k")


def hide_proc() -> None:
    """Cover /proc with an empty directory, which costs a fifth of a new /proc."""
    try:
        kernel.mount("/.old", "/proc", "", kernel.MS_BIND)
    except kernel.FailedCallError:  # the root is not of our making, or the kernel binds nothing
        cover("/proc")


def mount_scratch(place: str, size_bytes: int, files: int) -> None:
    """Mount a run's own empty directory, bounded in bytes and in files."""
    flags = kernel.MS_NOSUID | kernel.MS_NODEV
    try:
        kernel.mount("tmpfs", place, "tmpfs", flags, f"size={size_bytes},nr_inodes={files},mode=1777")
    except kernel.FailedCallError as error:
        if error.errno != errno.EINVAL:
            raise
        # gVisor counts no files; their bytes it does.
        kernel.mount("tmpfs", place, "tmpfs", flags, f"size={size_bytes},mode=1777")


def unmount_scratch(place: str) -> None:
    """Undo `mount_scratch`."""
    kernel.unmount(place)
