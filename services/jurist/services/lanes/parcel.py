"""How work travels to a replica and back: bytes that Ray need not look into.

A chunk is a pickled head, then its groups as they came over the wire, one after the other. Ray moves bytes as they
are; anything else it would pickle once more.
"""

from __future__ import annotations

import pickle
import struct
from dataclasses import replace
from itertools import accumulate, pairwise
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from jurist.services.models.counts import Told

if TYPE_CHECKING:
    from collections.abc import Sequence

    from jurist.services.judge import Chunk
    from jurist.verifiers import Reply

__all__ = ["Answered", "chunk_of", "packed", "packed_chunk", "unpacked"]

_SIZE = struct.Struct("!Q")


class Answered(NamedTuple):
    """Replies in the order of their questions, the seconds that all of them took, and what else the replica tells."""

    replies: Sequence[Reply]
    elapsed_s: float
    told: Told = Told()


def packed_chunk(chunk: Chunk) -> bytes:
    """Return a chunk as bytes."""
    sizes = [len(payload) for payload in chunk.payloads]
    head = packed((replace(chunk, payloads=()), sizes))
    return b"".join((_SIZE.pack(len(head)), head, *chunk.payloads))


def chunk_of(data: bytes) -> Chunk:
    """Return the chunk; its payloads are views of `data`."""
    view = memoryview(data)
    (size,) = _SIZE.unpack_from(view)
    start = _SIZE.size + size
    chunk, sizes = cast("tuple[Chunk, list[int]]", unpacked(view[_SIZE.size : start]))
    ends = accumulate(sizes, initial=start)
    return replace(chunk, payloads=tuple(view[begin:end] for begin, end in pairwise(ends)))


def packed(value: object) -> bytes:
    """Return any other value as bytes."""
    return pickle.dumps(value, protocol=5)


def unpacked(data: bytes | memoryview) -> Any:  # noqa: ANN401  # of any type
    """Return the value."""
    return pickle.loads(data)  # noqa: S301  # between our own processes, over Ray's own connections
