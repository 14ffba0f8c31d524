"""Remembers what models answered, under a key of everything that the answer follows from.

Only good answers are remembered: a failure is tried again. The memory is a number of answers in this process and,
where a file is given, a SQLite database that outlives it. A database that fails is left out, never in the way.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import sqlite3
from collections import OrderedDict
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, cast

import structlog

from jurist.services.errors import ConfigurationError
from jurist.verifiers import Rating, Reading

if TYPE_CHECKING:
    from pathlib import Path

    from jurist.verifiers import Dialogue, Prompt

__all__ = ["Memory", "key"]

BUSY_S = 5.0  # another service may write to the same file
SCHEMA = (
    "CREATE TABLE IF NOT EXISTS answers (key BLOB PRIMARY KEY, kind TEXT NOT NULL, answer TEXT NOT NULL) WITHOUT ROWID"
)
KINDS: dict[str, type[Reading | Rating]] = {"Reading": Reading, "Rating": Rating}

log = structlog.get_logger(__name__)


def key(identity: str, question: Prompt | Dialogue) -> bytes:
    """Return what a question to a model is remembered under: any field that changes makes it another one."""
    asked = json.dumps([identity, type(question).__name__, asdict(question)], ensure_ascii=True, sort_keys=True)
    return hashlib.sha256(asked.encode()).digest()


class Memory:
    """Remembers up to `size` answers here, and all of them in `file`."""

    def __init__(self, size: int, file: Path | None = None) -> None:
        self._size = size
        self._file = file
        self._known: OrderedDict[bytes, Reading | Rating] = OrderedDict()
        self._database: Any = None  # a sqlite3.Connection while the thread lives
        self._thread: ThreadPoolExecutor | None = None  # the one that owns the database

    async def open(self) -> None:
        """Open the file.

        Raises:
            ConfigurationError: it cannot be written, or is something else.
        """
        if self._file is None:
            return
        self._thread = ThreadPoolExecutor(1, "jurist-memory")
        try:
            await asyncio.get_running_loop().run_in_executor(self._thread, self._connect, self._file)
        except sqlite3.Error as error:
            self._thread.shutdown()
            raise ConfigurationError(f"answers_file: {self._file}: {error}") from error

    async def close(self) -> None:
        """Close the file."""
        if self._thread is not None:
            await asyncio.get_running_loop().run_in_executor(self._thread, self._disconnect)
            self._thread.shutdown()
            self._thread = None

    async def get(self, known_under: bytes) -> Reading | Rating | None:
        """Return the answer, None where there is none."""
        if known_under in self._known:
            self._known.move_to_end(known_under)
            return self._known[known_under]
        if self._thread is None:
            return None
        answer = await asyncio.get_running_loop().run_in_executor(self._thread, self._read, known_under)
        if answer is not None:
            self._keep(known_under, answer)
        return answer

    def put(self, known_under: bytes, answer: Reading | Rating) -> None:
        """Remember an answer."""
        self._keep(known_under, answer)
        if self._thread is not None:
            self._thread.submit(self._write, known_under, answer)

    def _keep(self, known_under: bytes, answer: Reading | Rating) -> None:
        self._known[known_under] = answer
        if len(self._known) > self._size:
            self._known.popitem(last=False)

    # In the database's thread

    def _connect(self, file: Path) -> None:
        database = sqlite3.connect(file, timeout=BUSY_S, isolation_level=None)
        try:
            database.execute("PRAGMA journal_mode=WAL")
            database.execute("PRAGMA synchronous=NORMAL")
            database.execute(SCHEMA)
        except sqlite3.Error:
            database.close()
            raise
        self._database = database

    def _disconnect(self) -> None:
        self._database.close()

    def _read(self, known_under: bytes) -> Reading | Rating | None:
        try:
            row = self._database.execute("SELECT kind, answer FROM answers WHERE key = ?", (known_under,)).fetchone()
            if row is None:
                return None
            fields: dict[str, Any] = json.loads(row[1])
            for name, value in fields.items():
                if isinstance(value, list):
                    fields[name] = tuple(cast("list[object]", value))
            return KINDS[row[0]](**fields)
        except (sqlite3.Error, ValueError, KeyError, TypeError) as error:  # full, locked, or written by another version
            log.warning("an answer was not read", file=str(self._file), error=str(error))
            return None

    def _write(self, known_under: bytes, answer: Reading | Rating) -> None:
        try:
            self._database.execute(
                "INSERT OR REPLACE INTO answers VALUES (?, ?, ?)",
                (known_under, type(answer).__name__, json.dumps(asdict(answer))),
            )
        except (sqlite3.Error, ValueError) as error:
            log.warning("an answer was not written", file=str(self._file), error=str(error))
