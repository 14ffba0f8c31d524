"""What a fork needs of gRPC.

A child that uses gRPC hangs if its parent used it, unless GRPC_ENABLE_FORK_SUPPORT was set before grpc was imported:
this module sets it when it comes first. Even then gRPC skips its preparations for a fork when another thread is inside
one of its functions at that moment, and the child hangs; so ours enter gRPC through `GATE`, and forks wait for it.
"""

from __future__ import annotations

import os
import sys
import threading

__all__ = ["GATE", "STREAMS", "obstacle"]

VARIABLE = "GRPC_ENABLE_FORK_SUPPORT"

if "grpc" not in sys.modules:  # once imported, it has read the variable
    os.environ.setdefault(VARIABLE, "1")
_SUPPORTED = os.environ.get(VARIABLE, "").lower() in {"1", "true", "yes", "y", "t"}
STREAMS: set[object] = set()  # those open: gRPC's own threads enter it for them, past the gate
_forked_in_stream = False
_first_user = 0  # the process id of the first that used gRPC through this client: this one or a forebear

GATE = threading.Lock()
os.register_at_fork(before=GATE.acquire, after_in_parent=GATE.release, after_in_child=GATE.release)


def obstacle() -> str:
    """Begin to use gRPC in this process; returns why that would hang, or nothing."""
    global _first_user  # noqa: PLW0603  # a fact of the process
    _first_user = _first_user or os.getpid()
    if _first_user != os.getpid() and not _SUPPORTED:
        return (
            f"this process was forked from one that had used gRPC without {VARIABLE}=1: set it, import jurist.client "
            "before grpc, or start processes by spawn"
        )
    if _forked_in_stream:
        return "this process was forked while another thread used `stream`: end it before, or start processes by spawn"
    return ""


def _after_fork() -> None:
    global _forked_in_stream  # noqa: PLW0603  # a fact of the process
    _forked_in_stream = _forked_in_stream or bool(STREAMS)


os.register_at_fork(after_in_child=_after_fork)
