"""What the sandbox needs of a host, what is there, and how to get what is not."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

from jurist.sandbox import _cgroup, _engine
from jurist.sandbox._box import kernel, seccomp
from jurist.sandbox._values import Finding, SandboxUnavailableError
from jurist.sandbox.languages import LANGUAGES, toolchain

if TYPE_CHECKING:
    from collections.abc import Sequence

OLDEST_KERNEL: Final = (5, 12)
"""mount_setattr; pidfd_open and close_range are older."""

USERS: Final = (
    "allow user namespaces: sysctl -w user.max_user_namespaces=15000; on Debian and Ubuntu also "
    "kernel.unprivileged_userns_clone=1 and kernel.apparmor_restrict_unprivileged_userns=0; in a container start it "
    "with a seccomp profile that permits unshare and mount, or with --privileged"
)
MOUNTS: Final = (
    "in a container, permit mount and pivot_root (seccomp and AppArmor profiles), or start it with --privileged"
)
DISK: Final = "free space in the temporary directory, or name another by TMPDIR"
DESCRIPTORS: Final = "raise the limit on open files: ulimit -n, or LimitNOFILE of the service"
SECCOMP: Final = "use a kernel built with CONFIG_SECCOMP_FILTER"
REMEDIES: Final = (
    ("No space left", DISK),
    ("No usable temporary directory", DISK),
    ("Too many open files", DESCRIPTORS),
    ("unshare", USERS),
    ("uid_map", USERS),
    ("gid_map", USERS),
    ("setgroups", USERS),
    ("mount", MOUNTS),
    ("pivot_root", MOUNTS),
    ("prctl(22)", SECCOMP),
    ("SECCOMP", SECCOMP),
)


def explained(reason: str) -> str:
    """Turn the launcher's last words into what a person can act on."""
    for part, remedy in REMEDIES:
        if part in reason:
            return f"the sandbox cannot start: {reason}; {remedy}"
    return f"the sandbox cannot start: {reason or 'its interpreter ended without a word'}"


def _possible(flags: int) -> bool:
    """Try new namespaces in a process apart: a fork of this one might hold its locks."""
    root = str(Path(__file__).resolve().parents[2])
    code = f"import sys; sys.path.append({root!r}); from jurist.sandbox._box import kernel; kernel.unshare({flags})"
    done = subprocess.run([sys.executable, "-S", "-c", code], check=False, capture_output=True)  # noqa: S603  our own
    return done.returncode == 0


def _kernel() -> Finding:
    release = platform.release()
    numbers = tuple(int(part) for part in release.split("-")[0].split(".")[:2] if part.isdigit())
    return Finding(
        name="Linux 5.12 or later",
        present=platform.system() == "Linux" and numbers >= OLDEST_KERNEL,
        needed=True,
        detail=f"{platform.system()} {release}",
        remedy="upgrade the kernel, or use the Docker backend on another host",
    )


def _namespaces() -> Sequence[Finding]:
    users = _possible(kernel.CLONE_NEWUSER)
    rest = kernel.CLONE_NEWUSER | kernel.CLONE_NEWNS | kernel.CLONE_NEWPID | kernel.CLONE_NEWNET | kernel.CLONE_NEWIPC
    return [
        Finding(name="user namespaces", present=users, needed=True, detail="unshare(CLONE_NEWUSER)", remedy=USERS),
        Finding(
            name="pid, mount, net and ipc namespaces",
            present=users and _possible(rest),
            needed=True,
            detail="unshare of all, in a user namespace",
            remedy=USERS,
        ),
    ]


def _seccomp() -> Finding:
    machine = platform.machine()
    available = Path("/proc/sys/kernel/seccomp/actions_avail").exists()
    return Finding(
        name="seccomp filters",
        present=available and machine in seccomp.ARCHITECTURES,
        needed=True,
        detail=f"{machine}; filters exist for {', '.join(seccomp.ARCHITECTURES)}",
        remedy=SECCOMP,
    )


def _group() -> Finding:
    try:
        group = _cgroup.make("doctor", 1.0)
    except SandboxUnavailableError as error:
        return Finding(name="control group", present=False, needed=True, detail=str(error), remedy=_cgroup.REMEDY)
    group.close()
    group.remove()
    return Finding(
        name="control group", present=True, needed=True, detail=", ".join(group.directories), remedy=_cgroup.REMEDY
    )


def _user() -> Finding:
    root = os.geteuid() == 0
    return Finding(
        name="users of their own for programs",
        present=root,
        needed=False,
        detail="started as root: programs get unused users"
        if root
        else "programs run as this user, without its rights",
        remedy="start the service as root, which gives up its rights inside each box",
    )


def _scratch() -> Finding:
    usage = shutil.disk_usage("/tmp")  # noqa: S108  where a box's root is mounted for a moment
    return Finding(
        name="temporary directory",
        present=usage.free > 0 and os.access("/tmp", os.W_OK),  # noqa: S108  as above
        needed=True,
        detail=f"{usage.free >> 20} MiB free",
        remedy="free space on /tmp: a box needs an empty directory there for a moment",
    )


def _tools(name: str) -> Finding:
    language = LANGUAGES[name]
    return Finding(
        name=f"toolchain for {name}",
        present=toolchain(name) is not None,
        needed=False,
        detail=" and ".join(language.tools),
        remedy=f"install {language.package} where programs in {name} are to be judged",
    )


def _docker() -> Sequence[Finding]:
    """Look at what the Docker backend needs; nothing of it is needed by the embedded one."""

    def finding(name: str, detail: str, remedy: str, *, present: bool) -> Finding:
        return Finding(name=name, present=present, needed=False, detail=detail, remedy=remedy)

    try:
        engine = _engine.Engine.connected()
    except SandboxUnavailableError as error:
        return [finding("Docker engine", "for the Docker backend", str(error), present=False)]
    try:
        engine.image_id(_engine.IMAGE)
    except SandboxUnavailableError as error:
        image = finding(f"image {_engine.IMAGE}", "for the Docker backend", str(error), present=False)
    else:
        image = finding(f"image {_engine.IMAGE}", "for the Docker backend", "", present=True)
    finally:
        engine.close()
    return [
        finding("Docker engine", f"{engine.version}, runtimes {', '.join(engine.runtimes)}", "", present=True),
        finding(
            "Docker limits memory and processes",
            "control groups of containers",
            "give the engine's host the control groups memory and pids",
            present=engine.limits_memory,
        ),
        image,
        finding(
            f"gVisor in Docker (runtime {_engine.GVISOR})",
            "a kernel of its own for each container",
            _engine.NO_RUNTIME,
            present=_engine.GVISOR in engine.runtimes,
        ),
    ]


def findings() -> Sequence[Finding]:
    """Try what the backends need, without starting them; takes some milliseconds."""
    return [
        _kernel(),
        *_namespaces(),
        _seccomp(),
        _group(),
        _user(),
        _scratch(),
        *map(_tools, LANGUAGES),
        *_docker(),
    ]
