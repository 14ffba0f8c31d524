"""How the C library's allocator is told to keep what is freed.

By default glibc gives memory back to the system as soon as a megabyte-sized message is done with, and asks for it again
with the next one; each page is then cleared and faulted in anew. With 16 kB a rollout that was a third of the front's
CPU time.
"""

from __future__ import annotations

import ctypes

__all__ = ["keep_freed_memory"]

# malloc.h, and what is kept: the copies of a few messages of 2 MB. Larger blocks than 32 MB, glibc's own maximum for
# the setting, still go back at once.
M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3
KEPT_BYTES = 64 << 20
MAPPED_BYTES = 32 << 20


def keep_freed_memory() -> None:
    """Have this process keep freed memory for its next message; nothing where the C library is not glibc."""
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(M_TRIM_THRESHOLD, KEPT_BYTES)
        mallopt(M_MMAP_THRESHOLD, MAPPED_BYTES)
