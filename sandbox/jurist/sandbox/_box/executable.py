"""Runs programs that are files: what compilers made, scripts of other interpreters, and the compilers themselves."""

from __future__ import annotations

import os
from typing import Any, NoReturn


def execute(job: dict[str, Any]) -> NoReturn:
    """Become the program."""
    os._exit(len(job) and 1)
