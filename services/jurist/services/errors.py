"""Every error that Jurist raises on purpose.

    JuristError
      BadInputError        the caller's fault, with the field at fault    INVALID_ARGUMENT
        UnknownNameError   no recipe or verifier of that name             NOT_FOUND
        TooLargeError      more than a stated maximum                     INVALID_ARGUMENT
      OverloadedError      more work waits than may; try again later      RESOURCE_EXHAUSTED
      StoppingError        the service is shutting down; try another      UNAVAILABLE
      UnreachableError     a lane of the cluster is out of reach          UNAVAILABLE
      ConfigurationError   the service cannot start as it is configured   (exit status 2)

Whatever else escapes is a bug: INTERNAL.
"""

from __future__ import annotations

from typing import cast

__all__ = [
    "BadInputError",
    "ConfigurationError",
    "JuristError",
    "OverloadedError",
    "StoppingError",
    "TooLargeError",
    "UnknownNameError",
    "UnreachableError",
    "first_of",
]


class JuristError(Exception):
    """Raised for every failure that has a name; catches them all."""


class BadInputError(JuristError):
    """Raised when a field of the input is not what it must be.

    `field` is its path from the message or file that was read, such as `groups[3].rollouts[0].rollout_id`.
    """

    def __init__(self, field: str, message: str) -> None:
        super().__init__(f"{field}: {message}" if field else message)
        self.field = field
        self.message = message

    def under(self, path: str) -> BadInputError:
        """Tell the same of a field that lies inside `path`."""
        inner = self.field if self.field.startswith("[") else f".{self.field}" if self.field else ""
        return type(self)(f"{path}{inner}", self.message)


class UnknownNameError(BadInputError):
    """Raised when no recipe or verifier has the name that was given."""


class TooLargeError(BadInputError):
    """Raised when the input holds more than a stated maximum."""


class OverloadedError(JuristError):
    """Raised when more work waits than may. `retry_after_s` is when trying again makes sense, in seconds."""

    def __init__(self, message: str, retry_after_s: float) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class StoppingError(JuristError):
    """Raised when work arrives, or is still running, while the service shuts down."""


class UnreachableError(JuristError):
    """Raised when a lane's replicas, or the whole cluster, are out of reach; trying again later makes sense."""


def first_of(error: Exception) -> Exception:
    """Return what went wrong first inside a task group."""
    while isinstance(error, ExceptionGroup):
        error = cast("ExceptionGroup[Exception]", error).exceptions[0]
    return error


class ConfigurationError(JuristError):
    """Raised when the service cannot start as it is configured."""
