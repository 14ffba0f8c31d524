"""ms-swift (4.6): a plugin.

    swift rlhf --rlhf_type grpo --external_plugins $(python -m jurist.trainers.swift) --reward_funcs jurist

Settings are those of `JURIST_CLIENT_*`; the data set's columns are read as TRL's are. A missing reward is an error and
ends the training: ms-swift counts None as 0 (`nansum` in swift/rl_core/advantage.py), so "none" is refused.
"""

# pyright: basic, reportMissingImports=false, reportUntypedBaseClass=false
# The classes below are the trainer's, which is there only where it runs.

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

from jurist.trainers import trl
from jurist.trainers._settings import Settings

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["Jurist"]


class Jurist:
    """An asynchronous ORM."""

    def __init__(self, *_: object, **__: object) -> None:
        """Take what ms-swift passes to every plugin, and need none of it."""

    async def __call__(
        self,
        completions: Sequence[Any],
        *,
        messages: Sequence[Any] | None = None,
        response_token_ids: Sequence[Sequence[int]] | None = None,
        **columns: Any,  # noqa: ANN401  # the data set's
    ) -> list[float | None]:
        """Return a reward a completion."""
        prompts = [turns[:-1] for turns in messages] if messages else [""] * len(completions)
        return await trl.reward(prompts, completions, response_token_ids, jurist=_settings(), **columns)


@lru_cache(maxsize=1)
def _settings() -> Settings:
    return Settings().with_environment().for_numbers("ms-swift")


def register() -> None:
    """Tell ms-swift of it."""
    try:
        from swift.rewards import AsyncORM, orms  # noqa: PLC0415  # ms-swift's own process
    except ImportError:
        from swift.plugin.orm import AsyncORM, orms  # noqa: PLC0415  # until 4.0

    orms["jurist"] = type("JuristORM", (Jurist, AsyncORM), {})


if __name__ == "__main__":
    print(__file__)  # noqa: T201  # the path is what the flag wants
else:
    register()
