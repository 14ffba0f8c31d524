"""Reads groups from JSONL: a RolloutGroup a line, in the contract's JSON."""

from __future__ import annotations

import gzip
import io
import sys
import zlib
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, NamedTuple

from google.protobuf.json_format import Parse, ParseError

from jurist.services.errors import BadInputError, ConfigurationError
from jurist.v1 import reward_pb2

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Iterator

__all__ = ["Line", "opened", "read"]


class Line(NamedTuple):
    """A line's number, from 1, and its group, or what is wrong with it."""

    number: int
    group: reward_pb2.RolloutGroup | BadInputError


@contextmanager
def opened(name: str) -> Generator[IO[bytes]]:
    """Open a file, unpacked when it ends in .gz; `-` is standard input.

    Raises:
        ConfigurationError: it cannot be read.
    """
    if name == "-":
        yield sys.stdin.buffer
        return
    try:
        file = gzip.open(name, "rb") if name.endswith(".gz") else Path(name).open("rb")  # noqa: SIM115  # closed below
    except OSError as error:
        raise ConfigurationError(f"{name}: {error.strerror}") from None
    with file:
        try:
            yield io.BufferedReader(file) if isinstance(file, gzip.GzipFile) else file
        except (gzip.BadGzipFile, EOFError, zlib.error) as error:
            raise ConfigurationError(f"{name}: not a whole gzip file: {error}") from None


def read(name: str, lines: Iterable[bytes], *, ignore_unknown: bool = False) -> Iterator[Line]:
    """Parse line after line; empty ones are passed over. `name` stands in the errors."""
    seen: dict[str, int] = {}
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        place = f"{name}:{number}"
        try:
            group = Parse(line, reward_pb2.RolloutGroup(), ignore_unknown_fields=ignore_unknown)
        except (ParseError, UnicodeDecodeError, ValueError, RecursionError) as error:
            yield Line(number, BadInputError(place, str(error)))
            continue
        first = seen.setdefault(group.group_id, number)
        if first != number:
            yield Line(number, BadInputError(f"{place}: group_id", f"{group.group_id!r} is line {first}'s already"))
        else:
            yield Line(number, group)
