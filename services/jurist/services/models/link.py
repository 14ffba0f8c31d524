"""What the service and a model's process say to each other: pickled values, each with its length before it.

service -> process   Load first, then Batch after Batch, and Forget when nobody waits for the last one any more
process -> service   Loaded or Refused first, then Done for each Batch
"""

from __future__ import annotations

import pickle
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import socket
    from collections.abc import Sequence

    from jurist.services.models.settings import Weights
    from jurist.verifiers import Dialogue, NoReply, Prompt, Rating, Reading

__all__ = ["HEADER", "Batch", "Done", "Forget", "Load", "Loaded", "Refused", "framed", "received"]

HEADER = struct.Struct("!Q")
RECV_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Load:
    """Load a model, which answers under `name`."""

    name: str
    settings: Weights


@dataclass(frozen=True, slots=True)
class Loaded:
    """It is there: `identity` is the model with its revision, `notes` what its owner should know."""

    identity: str
    notes: Sequence[str]


@dataclass(frozen=True, slots=True)
class Refused:
    """It cannot be loaded."""

    reason: str


@dataclass(frozen=True, slots=True)
class Batch:
    """Questions of one kind, to be answered together."""

    questions: Sequence[Prompt | Dialogue]


@dataclass(frozen=True, slots=True)
class Forget:
    """Nobody waits for the batch under way."""


@dataclass(frozen=True, slots=True)
class Done:
    """The replies to a batch, in its order; none where it was forgotten. `faults` are tracebacks."""

    replies: Sequence[Reading | Rating | NoReply]
    faults: Sequence[str] = ()


def framed(value: object) -> bytes:
    """Return a value as it travels."""
    data = pickle.dumps(value, protocol=5)
    return HEADER.pack(len(data)) + data


def received(link: socket.socket) -> Any:  # noqa: ANN401  # any of the values above
    """Wait for a value.

    Raises:
        EOFError: the other end is closed.
    """
    (size,) = HEADER.unpack(_exactly(link, HEADER.size))
    return pickle.loads(_exactly(link, size))  # noqa: S301  # our own process's


def _exactly(link: socket.socket, size: int) -> bytes:
    data = bytearray()
    while len(data) < size:
        part = link.recv(min(RECV_BYTES, size - len(data)))
        if not part:
            raise EOFError
        data += part
    return bytes(data)
