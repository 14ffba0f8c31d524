"""What compilers made, kept by what they made it from: a program is compiled once for all its cases and runs."""

from __future__ import annotations

from collections import OrderedDict
from typing import Final

KEPT_BYTES: Final = 64 << 20
"""Of all artifacts together; a C++ program takes 20 kB, one in Rust or Go 0.5 to 4 MB."""

Key = tuple[str, str]
"""Language and source."""


class CompileCache:
    """Artifacts, the one that was used last is dropped last."""

    def __init__(self) -> None:
        self._kept: OrderedDict[Key, bytes] = OrderedDict()
        self._bytes = 0

    def get(self, key: Key) -> bytes | None:
        """Look an artifact up."""
        artifact = self._kept.get(key)
        if artifact is not None:
            self._kept.move_to_end(key)
        return artifact

    def put(self, key: Key, artifact: bytes) -> None:
        """Keep an artifact, if it is not too large to keep any other."""
        if key in self._kept or len(artifact) > KEPT_BYTES // 2:
            return
        self._kept[key] = artifact
        self._bytes += len(artifact)
        while self._bytes > KEPT_BYTES:
            _, dropped = self._kept.popitem(last=False)
            self._bytes -= len(dropped)
