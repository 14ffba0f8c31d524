"""What a command writes to."""

from __future__ import annotations

import os
import secrets
import signal
import stat
import sys
from contextlib import ExitStack, contextmanager, suppress
from io import TextIOWrapper
from typing import IO, TYPE_CHECKING

from jurist.services.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

__all__ = ["written"]

STDOUT = 1


@contextmanager
def written(path: Path | None) -> Generator[IO[str]]:
    """Open what is written to: a file appears whole, or not at all; all else gets line after line.

    Raises:
        ConfigurationError: it cannot be opened.
    """
    with ExitStack() as open_files:
        try:
            there = None if path is None else _status(path)
            if path is None or _is_stdout(there):  # /dev/stdout may be a file that others write to as well
                file: IO[str] = sys.stdout
                if isinstance(file, TextIOWrapper):
                    file.reconfigure(line_buffering=True)
            elif there is None or stat.S_ISREG(there.st_mode):
                file = open_files.enter_context(_whole(path.resolve(), there))
            else:
                file = open_files.enter_context(path.open("w", encoding="utf-8", buffering=1))
        except OSError as error:
            raise ConfigurationError(f"--out {path}: {error.strerror}") from None
        yield file


def _status(path: Path) -> os.stat_result | None:
    try:
        return path.stat()
    except FileNotFoundError:
        return None


def _is_stdout(status: os.stat_result | None) -> bool:
    with suppress(OSError):  # there may be none
        return status is not None and os.path.samestat(status, os.fstat(STDOUT))
    return False


@contextmanager
def _whole(path: Path, there: os.stat_result | None) -> Generator[IO[str]]:
    # Not one of tempfile's: those are for the user alone, whatever the umask says.
    part = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    with part.open("x", encoding="utf-8") as file:
        before = signal.signal(signal.SIGTERM, _end)
        try:
            if there is not None:
                os.fchmod(file.fileno(), stat.S_IMODE(there.st_mode))
            yield file
            file.flush()
            os.fsync(file.fileno())
            part.replace(path)
        except BaseException:
            part.unlink(missing_ok=True)
            raise
        finally:
            signal.signal(signal.SIGTERM, before)


def _end(number: int, _: object) -> None:
    signal.signal(number, signal.SIG_IGN)  # timeout(1) sends a second one after the first
    raise SystemExit(128 + number)
