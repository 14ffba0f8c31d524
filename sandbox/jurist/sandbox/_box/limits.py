"""Resource limits of a run, the size of its files apart: the harness writes some itself before the program begins."""

from __future__ import annotations

import resource
from typing import Any

FILE_SIZE = "FSIZE"


def bound(job: dict[str, Any]) -> None:
    """Set every limit but that of files, soft and hard."""
    for name, value in job["rlimits"].items():
        if name != FILE_SIZE:
            resource.setrlimit(getattr(resource, f"RLIMIT_{name}"), (value, value))


def bound_files(job: dict[str, Any]) -> None:
    """Bound the size of files from here on, stdout and stderr among them."""
    value = job["rlimits"][FILE_SIZE]
    resource.setrlimit(resource.RLIMIT_FSIZE, (value, value))
