"""Finds verifiers: every public module of this folder, and other people's packages by entry point.

A module holds one verifier, names it alone in `__all__`, and its own name is the verifier's name on the wire. Another
package adds one with an entry point in the group `jurist.verifiers` whose value is `module:Class`.
"""

from __future__ import annotations

import pkgutil
from functools import cache
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from jurist.verifiers._values import GroupVerifier, Verifier

ENTRY_POINT_GROUP = "jurist.verifiers"


class UnknownVerifierError(LookupError):
    """Raised when no verifier of that name is installed."""


@cache
def _foreign() -> dict[str, EntryPoint]:
    return {entry.name: entry for entry in entry_points(group=ENTRY_POINT_GROUP)}


@cache
def names() -> tuple[str, ...]:
    """Name every verifier that can be loaded, sorted; imports none of them."""
    ours = {module.name for module in pkgutil.iter_modules([str(Path(__file__).parent)]) if module.name[0] != "_"}
    return tuple(sorted(ours | _foreign().keys()))


@cache
def load(name: str) -> type[Verifier | GroupVerifier]:
    """Import one verifier's class.

    Raises:
        UnknownVerifierError: no verifier of that name is installed.
        TypeError: its module does not export exactly one class with a method `verdict` or `verdicts`.
    """
    if name not in names():
        message = f"unknown verifier {name!r}; there are: {', '.join(names())}"
        raise UnknownVerifierError(message)
    if name in _foreign():
        found = _foreign()[name].load()
    else:
        module = import_module(f"jurist.verifiers.{name}")
        if len(module.__all__) != 1:
            message = f"{module.__name__}.__all__ must name exactly one verifier, not {module.__all__}"
            raise TypeError(message)
        found = getattr(module, module.__all__[0])
    judges = hasattr(found, "verdict") or hasattr(found, "verdicts")
    if not (isinstance(found, type) and judges and isinstance(getattr(found, "version", None), str)):
        message = (
            f"{name}: a verifier is a class with a method `verdict` or `verdicts` and a text `version`, not {found!r}"
        )
        raise TypeError(message)
    return cast("type[Verifier | GroupVerifier]", found)
