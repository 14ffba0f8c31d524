"""Options that one verifier holds for another: checked, hashable, and made into that verifier."""

from __future__ import annotations

import dataclasses
import json
from functools import lru_cache
from typing import TYPE_CHECKING, Any, cast, get_type_hints

from pydantic import TypeAdapter, ValidationError

from jurist.verifiers._registry import UnknownVerifierError, load

if TYPE_CHECKING:
    from jurist.verifiers._values import Verifier

__all__ = ["HeldOptions", "build"]


class HeldOptions(dict[str, object]):
    """Options by name, hashable, since a verifier is. Not to be changed once made."""

    def __hash__(self) -> int:  # type: ignore[override]  # a dict forbids it, for it may change
        return hash(json.dumps(self, sort_keys=True))


@lru_cache(maxsize=256)
def build(name: str, options: HeldOptions) -> Verifier:
    """Make a verifier that judges one completion.

    Raises:
        ValueError: there is none of that name, it judges whole groups, or an option is not what it must be.
    """
    try:
        cls = load(name)
    except UnknownVerifierError as error:
        raise ValueError(str(error)) from None
    if not hasattr(cls, "verdict"):
        raise ValueError(f"{name} judges whole groups, not one completion")
    known = {field.name for field in dataclasses.fields(cast("Any", cls))}
    hints = get_type_hints(cls, include_extras=True)
    values: dict[str, object] = {}
    for option, value in options.items():
        if option not in known:
            raise ValueError(f"{name} has no option {option!r}; it has: {', '.join(sorted(known))}")
        try:
            values[option] = TypeAdapter(hints[option]).validate_json(json.dumps(value), strict=True)
        except ValidationError as error:
            raise ValueError(f"{name}: {option}: {error.errors()[0]['msg']}") from None
    return cast("Verifier", cast("Any", cls)(**values))
