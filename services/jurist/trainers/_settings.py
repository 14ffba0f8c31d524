"""What an adapter must know: where the server is, what to score by, and what to do when there is no reward."""

from __future__ import annotations

import math
import os
from dataclasses import dataclass, fields, replace
from functools import lru_cache
from typing import TYPE_CHECKING, Literal

from jurist.client import Client, Tls

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["OnError", "Settings", "client"]

PREFIX = "JURIST_CLIENT_"
CLIENTS = 16  # a run has one or two; past it the eldest is closed

OnError = Literal["raise", "none"] | float


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How an adapter scores.

    Args:
        target: HOST:PORT of the server.
        recipe: The recipe that scores a sample.
        on_error: What stands in for a missing reward, whether one verifier abstained or the server is away: "raise" an
            error, "none" where the trainer leaves such samples out, or a number, which you then train on.
        timeout_s: How long one batch may take, retries included, seconds.
        patience_s: How long the server may be unreachable before that counts as an error, seconds.
        reference: The column of the data set that holds the reference; when empty, the first there is of `answers`,
            `answer`, `solution`, `ground_truth`, `label`, `target`, `expected_answer`, `reference_answer`.
        extra: Columns, separated by commas, that your own verifiers want to see in `Task.extra`.
        tls_ca: PEM file of the authorities of which one has signed the server's certificate: speak TLS.
        tls_certificate: PEM file of the trainer's own certificate, for servers that ask for one.
        tls_key: PEM file of its private key.
    """

    target: str = "localhost:50051"
    recipe: str = "math"
    on_error: OnError = "raise"
    timeout_s: float = 600.0
    patience_s: float = 60.0
    reference: str = ""
    extra: str = ""
    tls_ca: str = ""
    tls_certificate: str = ""
    tls_key: str = ""

    def __post_init__(self) -> None:
        number = isinstance(self.on_error, int | float) and math.isfinite(self.on_error)
        if not number and self.on_error not in {"raise", "none"}:
            raise ValueError(f"on_error: raise, none or a finite number, not {self.on_error!r}")
        for name in ("timeout_s", "patience_s"):
            value: object = getattr(self, name)
            if not isinstance(value, int | float) or not 0 <= value < math.inf:  # NaN is not
                raise ValueError(f"{name}: must be seconds, a finite number from 0, not {value!r}")

    def with_environment(self, environment: Mapping[str, str] = os.environ) -> Settings:
        """Return these settings with what the environment sets, such as `JURIST_CLIENT_TARGET`.

        Raises:
            ValueError: a value cannot be read, or there is no such setting.
        """
        given = {
            name.removeprefix(PREFIX).lower(): value for name, value in environment.items() if name.startswith(PREFIX)
        }
        return self.with_arguments(**given)

    def with_arguments(self, **given: object) -> Settings:
        """Return these settings with some of them changed, numbers given as text too.

        Raises:
            ValueError: a value cannot be read, or there is no such setting.
        """
        known = {field.name for field in fields(self)}
        unknown = sorted(given.keys() - known)
        if unknown:
            raise ValueError(f"{unknown[0]}: no such setting; there are {', '.join(sorted(known))}")
        read: dict[str, object] = {}
        for name, value in given.items():
            if value is None:
                raise ValueError(f"{name}: None is no value; leave it out")
            number = name.endswith("_s") or (name == "on_error" and str(value) not in {"raise", "none"})
            try:
                read[name] = float(str(value)) if number else str(value)
            except ValueError:
                raise ValueError(f"{name}: {value!r} is no number") from None
        return replace(self, **read)  # type: ignore[arg-type]  # read above

    def for_numbers(self, trainer: str) -> Settings:
        """Return these settings for a trainer that needs a number for every sample.

        Raises:
            ValueError: they say "none".
        """
        if self.on_error == "none":
            raise ValueError(f"on_error: {trainer} has no samples without a reward; raise or a number")
        return self


@lru_cache(maxsize=CLIENTS)
def client(settings: Settings) -> Client:
    """Return the client of these settings; it opens what it needs in each process."""
    ca, certificate, key = settings.tls_ca or None, settings.tls_certificate or None, settings.tls_key or None
    return Client(
        settings.target,
        recipe=settings.recipe,
        timeout_s=settings.timeout_s,
        patience_s=settings.patience_s,
        tls=Tls(ca=ca, certificate=certificate, key=key) if ca or certificate or key else None,
    )
