"""How a box speaks with its supervisor: length-prefixed messages over stream sockets, tagged with one byte."""

from __future__ import annotations

import _socket
import json
import marshal
import os
import struct
from typing import Any

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

LENGTH = struct.Struct("!I")
JOB_VERSION = 2
"""Of the marshal format: the newest that every interpreter reads alike."""
JOB_BYTES = 1 << 16
"""Most jobs arrive in one piece of less than this."""
STATUS = struct.Struct("!iq")
"""Wait status and peak resident bytes of that program."""
REPORT = struct.Struct("!iddq")
"""Wait status, CPU seconds, wall seconds, peak resident bytes: a run's end as the fork server saw it."""

RUN = b"R"
KILL = b"K"
VALUE = b"V"
RAISED = b"E"
UNFIT = b"U"
NAMES = b"N"
"""Tags of the answers to a call: a value, an exception, a value that does not travel; and what names stand for."""
ANSWER_BYTES = 4 << 20
"""No answer is longer: what is compared is a value, not a file."""

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


def packed(job: object) -> bytes:
    """Frame a value that JSON can carry."""
    return framed(json.dumps(job).encode())


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


def read_exactly(descriptor: int, count: int) -> bytes:
    """Read so many bytes.

    Raises:
        EOFError: the other side closed before.
    """
    parts = bytearray()
    while len(parts) < count:
        part = os.read(descriptor, min(count - len(parts), 1 << 20))
        if not part:
            raise EOFError
        parts += part
    return bytes(parts)


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


def framed_job(job: dict[str, Any]) -> bytes:
    """Write a run's job, of plain values alone, for a box of whatever interpreter.

    Not JSON: its decoder is Python and would be the costliest part of a short run's start.
    """
    return framed(marshal.dumps(job, JOB_VERSION))


def read_job(descriptor: int) -> dict[str, Any]:
    """Read the job that the supervisor, which is trusted, has framed: no cap."""
    data = os.read(descriptor, JOB_BYTES)
    length = LENGTH.size + int.from_bytes(data[: LENGTH.size], "big")
    while len(data) < length or len(data) < LENGTH.size:
        part = os.read(descriptor, length)
        if not part:
            raise EOFError
        data += part
        length = LENGTH.size + int.from_bytes(data[: LENGTH.size], "big")
    job: dict[str, Any] = marshal.loads(data[LENGTH.size :])  # noqa: S302  from the supervisor
    return job


def read_request(descriptor: int) -> dict[str, Any]:
    """Read one call from the test side or the supervisor, which are trusted: no cap."""
    (length,) = LENGTH.unpack(read_exactly(descriptor, LENGTH.size))
    request: dict[str, Any] = json.loads(read_exactly(descriptor, length))
    return request
