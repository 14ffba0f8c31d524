"""Every error that the client raises.

ClientError            has `code`, the gRPC status, or None when nothing was sent
  InvalidInputError    what was sent cannot be scored; the message names the field      INVALID_ARGUMENT, NOT_FOUND, and
                                                                     RESOURCE_EXHAUSTED for a message over gRPC's limit
  UnreachableError     no server took it within the client's patience                   UNAVAILABLE, RESOURCE_EXHAUSTED
  DeadlineError        the scores were not there in time                                DEADLINE_EXCEEDED
  ServerError          the server failed                                                all else
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, cast

import grpc

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = [
    "ClientError",
    "DeadlineError",
    "InvalidInputError",
    "ServerError",
    "UnreachableError",
    "error_of",
    "is_too_large",
    "pushback",
    "within_group",
    "within_list",
]

PUSHBACK = "grpc-retry-pushback-ms"
TOO_LARGE = "message larger than max"  # src/core/ext/filters/message_size


class ClientError(Exception):
    """Raised when groups could not be scored. None of them has a score then; there are no made-up zeros."""

    def __init__(self, message: str, code: grpc.StatusCode | None = None) -> None:
        super().__init__(message)
        self.code = code

    def __reduce__(self) -> tuple[type[ClientError], tuple[str, grpc.StatusCode | None]]:
        return type(self), (str(self), self.code)


class InvalidInputError(ClientError):
    """Raised when a field is not what it must be; the message begins with its path."""


class UnreachableError(ClientError):
    """Raised when no server took the work for as long as the client was told to try."""


class DeadlineError(ClientError):
    """Raised when the scores were not there before the timeout."""


class ServerError(ClientError):
    """Raised when the server failed."""


_BY_CODE: Mapping[grpc.StatusCode, type[ClientError]] = {
    grpc.StatusCode.INVALID_ARGUMENT: InvalidInputError,
    grpc.StatusCode.NOT_FOUND: InvalidInputError,
    grpc.StatusCode.UNAVAILABLE: UnreachableError,
    grpc.StatusCode.RESOURCE_EXHAUSTED: UnreachableError,
    grpc.StatusCode.DEADLINE_EXCEEDED: DeadlineError,
}


def error_of(error: grpc.RpcError) -> ClientError:
    """Turn gRPC's error into ours."""
    code = error.code()
    kind = _BY_CODE.get(code, ServerError)
    if is_too_large(error):
        kind = InvalidInputError
    return kind(error.details() or code.name, code)


def is_too_large(error: grpc.RpcError) -> bool:
    """Whether a message is over gRPC's own limit, and would be the next time; gRPC tells that in words alone."""
    return error.code() is grpc.StatusCode.RESOURCE_EXHAUSTED and TOO_LARGE in (error.details() or "")


def pushback(error: grpc.RpcError) -> float | None:
    """Return how long the server asks to wait before another try, seconds; None when it does not say.

    What is negative or no number asks for none (gRPC's proposal A6); then it is below 0.
    """
    metadata = cast("Iterable[tuple[str, str]]", error.trailing_metadata() or ())
    asked = dict(metadata).get(PUSHBACK)
    if asked is None:
        return None
    return int(asked) / 1e3 if asked.isdecimal() else -1.0


def within_list(error: InvalidInputError, start: int) -> InvalidInputError:
    """Count the group that a message's error names from the caller's first, `start` groups before the message's."""
    text = re.sub(r"^groups\[(\d+)\]", lambda found: f"groups[{int(found[1]) + start}]", str(error))
    return InvalidInputError(text, error.code)


def within_group(error: ClientError) -> ClientError:
    """Tell the error of a group that travelled alone by a path that begins at the group."""
    if not isinstance(error, InvalidInputError):
        return error
    return InvalidInputError(re.sub(r"^groups\[0\]\.", "", str(error)), error.code)
