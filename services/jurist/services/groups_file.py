"""Reads groups from JSONL: a RolloutGroup a line, in the contract's JSON."""

from __future__ import annotations

import gzip
import io
import os
import stat
import zlib
from typing import TYPE_CHECKING, NamedTuple, cast

from jurist.services import json_form
from jurist.services.errors import BadInputError, ConfigurationError
from jurist.v1 import reward_pb2

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

__all__ = ["GroupsFile", "Line"]

STDIN = 0


class Line(NamedTuple):
    """A line's number, from 1, and its group, or what is wrong with it."""

    number: int
    group: reward_pb2.RolloutGroup | BadInputError


class GroupsFile:
    """The lines of a file, unpacked when it ends in .gz; `-` is standard input.

    `size` is how long it is as it lies there, bytes, None where that is not known; `position` is how far it was read.
    """

    def __init__(self, name: str, *, ignore_unknown: bool = False) -> None:
        """Find a file.

        Raises:
            ConfigurationError: it is not there.
        """
        self.name = name
        self._ignore_unknown = ignore_unknown
        self._where = STDIN if name == "-" else name
        try:
            status = os.stat(self._where)  # noqa: PTH116  # standard input has no path
        except OSError as error:
            raise ConfigurationError(f"{name}: {error.strerror}") from None
        self.size = status.st_size if stat.S_ISREG(status.st_mode) else None
        self.position = 0

    def __iter__(self) -> Iterator[Line]:
        """Open the file and parse line after line; empty ones are passed over.

        Raises:
            ConfigurationError: it cannot be read.
        """
        try:
            # Standard input, too, gets a file of its own: who ends while a thread waits in Python's own, crashes.
            with open(self._where, "rb", buffering=0, closefd=self._where != STDIN) as raw:
                packed = gzip.GzipFile(fileobj=raw) if self.name.endswith(".gz") else raw
                yield from self._parsed(self._followed(raw, io.BufferedReader(cast("io.RawIOBase", packed))))
        except (gzip.BadGzipFile, EOFError, zlib.error) as error:
            raise ConfigurationError(f"{self.name}: not a whole gzip file: {error}") from None
        except OSError as error:
            raise ConfigurationError(f"{self.name}: {error.strerror}") from None

    def _followed(self, raw: io.FileIO, lines: Iterable[bytes]) -> Iterator[bytes]:
        for line in lines:
            if self.size is not None:
                self.position = raw.tell()
            yield line

    def _parsed(self, lines: Iterable[bytes]) -> Iterator[Line]:
        seen: dict[str, int] = {}
        for number, line in enumerate(lines, start=1):
            if not line.strip():
                continue
            place = f"{self.name}:{number}"
            try:
                group = json_form.parse(reward_pb2.RolloutGroup, line, ignore_unknown=self._ignore_unknown)
            except BadInputError as error:
                yield Line(number, BadInputError(f"{place}: {error.field}" if error.field else place, error.message))
                continue
            first = seen.setdefault(group.group_id, number)
            if first != number:
                yield Line(number, BadInputError(f"{place}: group_id", f"{group.group_id!r} is line {first}'s already"))
            else:
                yield Line(number, group)
