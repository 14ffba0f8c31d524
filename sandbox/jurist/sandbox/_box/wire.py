"""How a box speaks with its supervisor: length-prefixed messages over stream sockets, tagged with one byte."""

from __future__ import annotations

import _socket
import marshal
import os
import struct
from typing import Any, NoReturn

from jurist.sandbox import codec

CHANNEL, PEER = 3, 4
"""Descriptors of a run beside its standard streams: the supervisor's, and the test side's or the tested side's."""
OWN = 5
"""The first descriptor that may be the fork server's own: those of a run arrive on the free ones below."""

READY = b"R"
"""The program was read and compiled; the next instruction is its own."""
NOT_COMPILED = b"C"
"""The program is no program; the rest of the message says why."""
NOT_STARTED = b"X"
"""The box could not be set up: the sandbox's fault; the rest says why."""

ENDED = b"W"
"""The program that the run's first process waited for has ended; a `STATUS` follows."""

LACKING = b"L"
"""The box has not what the program's language needs; the rest says what."""

REQUIRED = 2
"""Of a job's "proc": its runtime cannot do without; True is for a program that may look for one."""

LENGTH = struct.Struct("!I")
JOB_VERSION = 2
"""Of the marshal format: the newest that every interpreter reads alike."""
STATUS = struct.Struct("!iq")
"""Wait status and peak resident bytes of that program."""
REPORT = struct.Struct("!iddq")
"""Wait status, CPU seconds, wall seconds, peak resident bytes: a run's end as the fork server saw it."""

RUN = b"R"
KILL = b"K"
SHARE = b"S"
"""What standing test code is told in the place of `RUN`: each side is to see what the other changes."""
VALUE = b"V"
HELD = b"H"
AWAITED = b"A"
RAISED = b"E"
AWAITED_RAISED = b"B"
UNFIT = b"U"
NAMES = b"N"
"""Tags of answers: a call's value, which may be a list that the program still holds, behind its number, or what its
coroutine gave; an exception, or its coroutine's; a value that does not travel; what names stand for."""
REASON_CHARACTERS = 300
ANSWER_BYTES = 16 << 20
"""No answer is longer, as no output is by default: what is compared is a value, not a file."""

CHANGED = "what the tests still hold was changed"
"""Why tests that passed are to be tried again where changes are shared."""
GONE = "gone"
"""The test side's ending when the program's process is no more; why is seen from outside."""

SERVING = b"S"
FAILED = b"E"
"""Tags of the control socket: the supervisor's two words, and the launcher's first."""
PACKET_BYTES = 1 << 16
"""No control message is longer."""
DESCRIPTORS_BYTES = _socket.CMSG_SPACE(8 * 4)
"""Room for more descriptors than any message brings."""


def framed(body: bytes) -> bytes:
    """Put a message's length before it."""
    return LENGTH.pack(len(body)) + body


def verdict(ending: str, reason: str) -> bytes:
    """Write what test code says of a program: the name of an ending, and why in a line."""
    return framed(f"{ending}\n{reason}".encode(errors="replace"))


def conclude(ending: str, reason: str = "") -> NoReturn:
    """Give the verdict of test code and end at once, past every `except` and `finally` of it."""
    os.write(CHANNEL, verdict(ending, reason[:REASON_CHARACTERS]))
    os._exit(0)


def value_of(body: object) -> Any:  # noqa: ANN401
    """Give the value that a description stands for; a program that sends none has a wrong answer."""
    try:
        return codec.decoded(body)
    except codec.UnfitValueError as error:
        conclude("wrong_answer", str(error))


def write_all(descriptor: int, message: bytes) -> None:
    """Write a whole message to a blocking socket.

    Raises:
        OSError: the other side closed before.
    """
    left = memoryview(message)
    while left:
        left = left[os.write(descriptor, left) :]


def write_file(path: str, content: bytes) -> None:
    """Write a file without the layers of an open one, which cost more than the write."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
    write_all(descriptor, content)
    os.close(descriptor)


def rewrite(path: str, text: str) -> None:
    """Write to a file that is there, such as one of the kernel's."""
    descriptor = os.open(path, os.O_WRONLY)
    try:
        os.write(descriptor, text.encode())
    finally:
        os.close(descriptor)


def read_exactly(descriptor: int, count: int) -> bytes:
    """Read so many bytes.

    Raises:
        EOFError: the other side closed before.
    """
    parts = os.read(descriptor, count)
    while len(parts) < count:
        part = os.read(descriptor, count - len(parts))
        if not part:
            raise EOFError
        parts += part
    return parts


def read_frame(descriptor: int, most: int) -> bytes:
    """Read one message.

    Raises:
        EOFError: the other side closed before.
        OverflowError: it announced more bytes than that.
    """
    (length,) = LENGTH.unpack(read_exactly(descriptor, LENGTH.size))
    if length > most:
        message = f"an answer of {length} bytes"
        raise OverflowError(message)
    return read_exactly(descriptor, length)


def received(channel: _socket.socket) -> tuple[bytes, tuple[int, ...]]:
    """Receive one control word and the descriptors that came with it; b"" where the other side has closed.

    They are the lowest free ones. (`socket.recv_fds` does the same, but its modules would be in every run's memory.)
    """
    message, ancillary, _, _ = channel.recvmsg(16, DESCRIPTORS_BYTES)
    data = b"".join(data for _, kind, data in ancillary if kind == _socket.SCM_RIGHTS)
    return message, struct.unpack(f"={len(data) // 4}i", data)


def plain(value: Any) -> bytes:  # noqa: ANN401  any plain value
    """Write what a box is told by those that it trusts, whatever its interpreter: plain values alone.

    Not JSON, whose encoder and decoder would be the costliest part of a short run. What comes back is JSON: nobody
    reads marshal's format from a program.
    """
    return framed(marshal.dumps(value, JOB_VERSION))


def read_plain(descriptor: int) -> Any:  # noqa: ANN401  any plain value
    """Read what the supervisor or test code has written with `plain`: no cap.

    Raises:
        EOFError: the other side closed before.
    """
    (length,) = LENGTH.unpack(read_exactly(descriptor, LENGTH.size))
    return marshal.loads(read_exactly(descriptor, length))  # noqa: S302  from those that a box trusts
