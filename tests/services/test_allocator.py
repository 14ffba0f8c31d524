from __future__ import annotations

import platform
import subprocess
import sys

import pytest

ROUNDS = 20
MESSAGES = """
import resource, sys
from jurist.services.allocator import keep_freed_memory
if sys.argv[1] == "keep":
    keep_freed_memory()
for _ in range(int(sys.argv[2])):
    messages = [b"x" * (2 << 20) for _ in range(5)]
    del messages
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt)
"""


def page_faults(how: str, rounds: int) -> int:
    """Return the page faults of a fresh process that makes and frees 10 MB so often."""
    command = [sys.executable, "-c", MESSAGES, how, str(rounds)]
    return int(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="other C libraries have no such setting")
def test_memory_that_is_kept_is_not_faulted_in_again() -> None:
    freed = page_faults("free", ROUNDS) - page_faults("free", 1)
    kept = page_faults("keep", ROUNDS) - page_faults("keep", 1)

    assert kept < freed / 10
