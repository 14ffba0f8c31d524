"""A trainer as a filter: a line of JSON says what to score, a line of JSON back what the trainer made of it.

A sample's outcome is the number that the trainer holds for it, None where it holds none, or the name of the error that
reached it.
"""

from __future__ import annotations

import json
import os
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["MARK", "answer", "configure", "name_of", "outcome_of"]

MARK = "scored "  # before an answer: trainers print, too
PREFIX = "JURIST_CLIENT_"


def answer(scored: Callable[..., Any]) -> None:
    """Answer every line with what `scored` makes of its fields."""
    print(f"{MARK}null", flush=True)  # all is imported: from here on time is the trainer's
    for line in sys.stdin:
        print(MARK + json.dumps(scored(**json.loads(line))), flush=True)


def configure(settings: Mapping[str, object]) -> None:
    """Give adapters settings by the environment, as if the process had begun with them."""
    for name in [name for name in os.environ if name.startswith(PREFIX)]:
        del os.environ[name]
    os.environ.update({f"{PREFIX}{name.upper()}": str(value) for name, value in settings.items()})
    for module in list(sys.modules.values()):
        if "jurist/trainers/" in (getattr(module, "__file__", None) or ""):  # by whatever name a trainer has loaded it
            for function in vars(module).values():
                getattr(function, "cache_clear", int)()


def outcome_of(reward: Any) -> Any:
    """Take a number out of the tensor or the list of one that a trainer holds it in."""
    plain = reward.tolist() if hasattr(reward, "tolist") else reward
    return plain[0] if isinstance(plain, list) else plain


def name_of(error: BaseException) -> str:
    """Name what was raised first, behind what others wrapped around it."""
    cause = getattr(error, "cause", None) or error.__cause__
    if not isinstance(cause, BaseException) or type(cause).__name__ == "_RemoteTraceback":  # a text alone
        return type(error).__name__
    return name_of(cause)
