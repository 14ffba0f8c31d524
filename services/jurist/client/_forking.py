"""What a fork needs of gRPC.

A child that uses gRPC hangs if its parent used it, unless GRPC_ENABLE_FORK_SUPPORT was set before grpc was imported:
this module sets it when it comes first. Even then gRPC skips its preparations for a fork when another thread is inside
one of its functions at that moment, and the child hangs; so ours enter gRPC through `GATE`, and forks wait for it.
"""

from __future__ import annotations

import os
import sys
import threading

__all__ = ["GATE", "VARIABLE", "usable"]

VARIABLE = "GRPC_ENABLE_FORK_SUPPORT"

if "grpc" not in sys.modules:  # once imported, it has read the variable
    os.environ.setdefault(VARIABLE, "1")
_SUPPORTED = os.environ.get(VARIABLE, "").lower() in {"1", "true", "yes", "y", "t"}
_first_user = 0  # the process id of the first that used gRPC through this client: this one or a forebear

GATE = threading.Lock()
os.register_at_fork(before=GATE.acquire, after_in_parent=GATE.release, after_in_child=GATE.release)


def usable() -> bool:
    """Begin to use gRPC in this process; returns whether that works, or would hang."""
    global _first_user  # noqa: PLW0603  # a fact of the process
    _first_user = _first_user or os.getpid()
    return _SUPPORTED or _first_user == os.getpid()
