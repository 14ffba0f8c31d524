"""slime: `--custom-rm-path jurist.trainers.slime.reward`, or `...group_reward` with `--group-rm`.

Both see the whole sample, its metadata included; `--rm-type remote_rm --rm-url http://HOST:PORT/slime` sees text alone.
`reward` takes a list, too: slime hands it one where `--custom-generate-function-path` makes several samples of one.
Settings are those of `JURIST_CLIENT_*`. With `--reward-key score` the components come along, as `jurist/NAME`.
"""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from jurist.trainers._samples import sample_of
from jurist.trainers._scoring import Outcome, ascore, ascore_one, component_scores, number_of
from jurist.trainers._settings import Settings

if TYPE_CHECKING:
    from collections.abc import Sequence

    from jurist.client import InvalidInputError
    from jurist.trainers._samples import Sample

__all__ = ["group_reward", "reward"]

Reward = float | dict[str, float]


async def reward(args: Any, sample: Any, **_: object) -> Reward | list[Reward]:  # noqa: ANN401  # slime's own classes
    """Score one sample, or a list of them; single ones that come within a moment travel together.

    Raises:
        NoRewardError, ClientError: one has no reward.
    """
    if isinstance(sample, list):
        return await group_reward(args, sample)  # pyright: ignore[reportUnknownArgumentType]
    settings = _settings()
    return _answer(args, await ascore_one(settings, _sample(sample, settings)), settings)


async def group_reward(args: Any, samples: Sequence[Any], **_: object) -> list[Reward]:  # noqa: ANN401  # as above
    """Score a group.

    Raises:
        NoRewardError, ClientError: a sample has no reward.
    """
    settings = _settings()
    outcomes = await ascore(settings, [_sample(sample, settings) for sample in samples])
    return [_answer(args, outcome, settings) for outcome in outcomes]


def _sample(sample: Any, settings: Settings) -> Sample | InvalidInputError:  # noqa: ANN401  # as above
    row: dict[str, object] = {**(sample.metadata or {}), "label": sample.label}
    if sample.label and not settings.reference:
        settings = replace(settings, reference="label")  # what else the metadata hold may be a worked solution
    status = getattr(sample.status, "value", sample.status)
    return sample_of(
        settings,
        sample.response,
        row,
        sample.prompt,
        tokens=sample.response_length or None,
        truncated=status == "truncated" or None,
    )


def _answer(args: Any, outcome: Outcome, settings: Settings) -> Reward:  # noqa: ANN401
    number = number_of(settings, outcome)
    if not getattr(args, "reward_key", None):
        return number
    scores = component_scores(outcome)
    return {"score": number} | {f"jurist/{name}": value or 0.0 for name, value in scores.items()}


@lru_cache(maxsize=1)
def _settings() -> Settings:
    return Settings().with_environment().for_numbers("slime")
