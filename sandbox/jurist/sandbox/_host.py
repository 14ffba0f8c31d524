"""What the boxes take from their host: paths, users, and the options that all boxes of a backend share."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

FIRST_USER: Final = 0x7000_0000
"""Of the two users that a box takes for itself on a host whose root we are."""
HIGHEST_IN_CONTAINER: Final = 65_532
SYSTEM_PATHS: Final = (
    "/usr",
    "/bin",
    "/sbin",
    "/lib",
    "/lib32",
    "/lib64",
    "/libx32",
    "/etc/alternatives",
    "/etc/ld.so.cache",
    "/etc/ld.so.conf",
    "/etc/ld.so.conf.d",
    "/etc/localtime",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What the boxes of one backend have in common."""

    python: str
    packages: tuple[str, ...]
    readable: tuple[str, ...]
    cores: float
    weaker: bool


def source_root() -> str:
    """Give the directory to import `jurist.sandbox` from."""
    return str(Path(__file__).resolve().parents[2])


def first_user() -> int:
    """Choose two users of the host that nobody is."""
    ranges = [line.split() for line in Path("/proc/self/uid_map").read_text().splitlines()]
    if any(int(first) <= FIRST_USER < int(first) + int(count) - 1 for first, _, count in ranges):
        return FIRST_USER
    return HIGHEST_IN_CONTAINER
