"""What compilers made, kept by what they made it from: a program is compiled once for all its cases and runs."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from jurist.sandbox._values import CaseRun

KEPT_BYTES: Final = 64 << 20
"""Of all artifacts together; a C++ program takes 20 kB, one in Rust or Go 0.5 to 4 MB."""

Key = tuple[str, str, tuple[tuple[str, bytes], ...]]
"""Language, source and further files."""


@dataclass(frozen=True, slots=True)
class Compiled:
    """A program ready to be run, and what the compiler did for it; None where nothing is compiled."""

    artifact: bytes = b""
    run: CaseRun | None = None


class CompileCache:
    """Compiled programs, the one that was used last is dropped last."""

    def __init__(self) -> None:
        self._kept: OrderedDict[Key, Compiled] = OrderedDict()
        self._bytes = 0

    def get(self, key: Key) -> Compiled | None:
        """Look a program up."""
        compiled = self._kept.get(key)
        if compiled is not None:
            self._kept.move_to_end(key)
        return compiled

    def put(self, key: Key, compiled: Compiled) -> None:
        """Keep a program, if it is not too large to keep any other."""
        if key in self._kept or len(compiled.artifact) > KEPT_BYTES // 2:
            return
        self._kept[key] = compiled
        self._bytes += len(compiled.artifact)
        while self._bytes > KEPT_BYTES:
            _, dropped = self._kept.popitem(last=False)
            self._bytes -= len(dropped.artifact)
