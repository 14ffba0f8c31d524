"""How a box speaks with its supervisor: length-prefixed messages over stream sockets, tagged with one byte."""

from __future__ import annotations

import json
import struct
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import socket

CHANNEL, PEER = 3, 4
"""Descriptors of a run beside its standard streams: the supervisor's, and the test side's or the tested side's."""

READY = b"R"
"""The program was read and compiled; the next instruction is its own."""
NOT_COMPILED = b"C"
"""The program is no program; the rest of the message says why."""
NOT_STARTED = b"X"
"""The box could not be set up: the sandbox's fault; the rest says why."""

ENDED = b"W"
"""The program that the run's first process waited for has ended; a `STATUS` follows."""

LENGTH = struct.Struct("!I")
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


def framed(body: bytes) -> bytes:
    """Put a message's length before it."""
    return LENGTH.pack(len(body)) + body


def packed(job: object) -> bytes:
    """Frame a value that JSON can carry."""
    return framed(json.dumps(job).encode())


def read_exactly(channel: socket.socket, count: int) -> bytes:
    """Read so many bytes.

    Raises:
        EOFError: the other side closed before.
    """
    parts = bytearray()
    while len(parts) < count:
        part = channel.recv(min(count - len(parts), 1 << 20))
        if not part:
            raise EOFError
        parts += part
    return bytes(parts)


def read_frame(channel: socket.socket, most: int) -> bytes:
    """Read one message.

    Raises:
        EOFError: the other side closed before.
        OverflowError: it announced more bytes than that.
    """
    (length,) = LENGTH.unpack(read_exactly(channel, LENGTH.size))
    if length > most:
        message = f"an answer of {length} bytes"
        raise OverflowError(message)
    return read_exactly(channel, length)


def read_job(channel: socket.socket) -> dict[str, Any]:
    """Read one framed job from the supervisor, which is trusted: no cap."""
    (length,) = LENGTH.unpack(read_exactly(channel, LENGTH.size))
    job: dict[str, Any] = json.loads(read_exactly(channel, length))
    return job
