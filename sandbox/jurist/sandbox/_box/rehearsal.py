"""Does in the fork server, some times over, what every run will do.

What the interpreter learns in a run (which method a name means, which instruction may be a faster one) is lost with it,
and each such note copies a page of memory. Runs that find the notes made are a quarter cheaper.
"""

from __future__ import annotations

import _socket
import os
import sys

from jurist.sandbox import codec
from jurist.sandbox._box import harness, link, root, serving, testing, wire

PROGRAM = """
import collections, heapq, math, re, sys
from typing import Dict, List, Optional, Tuple
class Solution:
    def __init__(self):
        self.seen = {}
    def find(self, items: List[int], wanted: int) -> Optional[Tuple[int, int]]:
        for index, item in enumerate(items):
            if wanted - item in self.seen:
                return self.seen[wanted - item], index
            self.seen[item] = index
        return None
def main():
    text = sys.stdin.read().split()
    count = len([int(word) for word in text if word.isdigit()])
    line = f"{count} {sum(range(10)):>5} {math.sqrt(2.0):.3f}"
    print(line, max(1, 2), sorted({3, 1, 2}, key=lambda item: -item), *Solution().find([1, 2, 3], 5))
    assert abs(-1.5) == 1.5 and isinstance(line, str) and line.strip().lower() != "x"
    try:
        input()
    except EOFError:
        pass
if __name__ == "__main__":
    main()
"""
"""A program as programs are."""
TESTS = """
def check(candidate):
    assert other is not None and candidate((1, 2), key=0) == (1, 2)
    assert candidate("a", None) == (1, 2)
    assert abs(candidate(1.5) - 3.0) < 1e-6
    try:
        candidate(-1)
    except ValueError as error:
        assert str(error) == "no"
    else:
        assert False
check(echo)
"""
TIMES = 20
"""More than twice what the interpreter needs to see before it settles."""
SCRATCH = (1 << 20, 64)
"""Bytes and files."""


def _echo(value: object, *_others: object, **_keywords: object) -> object:
    if value == -1:
        message = "no"
        raise ValueError(message)
    return {"a": (1, 2), 1.5: 3.0}.get(value, value) if isinstance(value, str | float) else value


def _program() -> None:
    harness.prepare()
    job: dict[str, object] = {"kind": "script", "source": PROGRAM, "code": b""}
    job |= dict.fromkeys(("files", "fetch", "limits", "arguments", "environment"), ())
    job |= dict.fromkeys(("keeps_code", "piped", "hears_bytes"), False)
    os.write(wire.CHANNEL, wire.plain(job))
    os.lseek(wire.CHANNEL, 0, os.SEEK_SET)
    harness.python(wire.read_plain(wire.CHANNEL))


def _connected() -> _socket.socket:
    """Put one end of a connection where a run has it, and give the other."""
    ours, theirs = _socket.socketpair()
    os.dup2(theirs.fileno(), wire.PEER)
    theirs.close()
    return ours


def _calls() -> bytes:
    """Answer the calls of the tests below; the answers."""
    ours = _connected()
    ours.sendall(wire.plain(("", ["other"], None)))
    for arguments, keywords in (([(1, 2)], {"key": 0}), (["a", None], None), ([1.5], None), ([-1], None)):
        ours.sendall(wire.plain(("echo", codec.encoded(arguments), keywords and codec.encoded(keywords))))
    ours.shutdown(_socket.SHUT_WR)
    serving.serve({"echo": _echo, "other": _echo}, objects=False)
    os.dup2(0, wire.PEER)  # closed, yet taken
    answers = bytearray()
    while part := ours.recv(1 << 16):
        answers += part
    ours.close()
    return bytes(answers)


def _tests(answers: bytes) -> None:
    ours = _connected()
    ours.sendall(answers)
    testing.Tests(TESTS, "", "echo").run(link.Link())
    ours.close()


def rehearse() -> None:
    """Run a program, answer calls and run tests, and leave no trace of it."""
    root.mount_scratch(harness.SCRATCH, *SCRATCH)
    os.chdir(harness.SCRATCH)
    for _ in range(TIMES):
        _program()
        _tests(_calls())
    del sys.modules[serving.SOLUTION]
    os.chdir("/")
    root.unmount_scratch(harness.SCRATCH)
