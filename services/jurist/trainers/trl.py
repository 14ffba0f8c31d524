"""TRL (1.16; axolotl and unsloth, too): reward functions for GRPOTrainer, RLOOTrainer and their kin.

    GRPOTrainer(reward_funcs=[jurist.trainers.trl.reward], ...)
    trl grpo --reward_funcs jurist.trainers.trl.reward ...
    GRPOTrainer(reward_funcs=components("accuracy", "format", recipe="r1_zero"), ...)

TRL hands over a whole batch at a time, the data set's columns beside it, and, from 1.6 on, leaves out a completion for
which every function says None. So None is the default for a missing reward. Before 1.6 it counts None as 0 (its pull
request 5902): there the default is an error, which ends the training, and "none" is refused. One function's None beside
another's number counts as 0 in every version, so a completion without a reward has no score of any component either.

axolotl (0.21) resolves the path in `trl.reward_funcs`. Its plain trainer is TRL's; that of `use_data_producer` counts
None as 0 where it prefetches, so a missing reward is an error there; that of `context_parallel_size` does so, too, and
awaits nothing: it takes `jurist.trainers.trl.reward_sync`.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from dataclasses import dataclass, field, replace
from functools import lru_cache, partial
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any

from jurist.client import ClientError, InvalidInputError
from jurist.trainers._samples import Sample, sample_of
from jurist.trainers._scoring import Outcome, ascore, component_scores, instead, number_of, reward_of, score
from jurist.trainers._settings import Settings

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence


__all__ = ["components", "reward", "reward_sync", "with_settings"]

LEAVES_OUT = (1, 6)  # the first version of TRL that does
COUNTS_NONE = "axolotl.core.trainers.grpo.async_trainer"  # where a trainer is from that sums by nansum alone
BATCHES = 8  # of which components share one call: those of one step, and of an evaluation that overlaps it


async def reward(
    prompts: Sequence[Any],
    completions: Sequence[Any],
    completion_ids: Sequence[Sequence[int]] | None = None,
    *,
    jurist: Settings | None = None,
    **columns: Any,  # noqa: ANN401  # the data set's, and what TRL adds
) -> list[float | None]:
    """Return a reward a completion; every component is logged beside it as `jurist/NAME`.

    `jurist` are the settings, those of the environment when left out; use `with_settings` to give some.
    """
    settings = _leaving_out(jurist or _of_environment(), columns)
    outcomes = await ascore(settings, _samples(prompts, completions, completion_ids, columns, settings), _step(columns))
    _log(columns, outcomes)
    return [reward_of(settings, outcome) for outcome in outcomes]


reward.__name__ = "jurist"  # what TRL calls its metrics; it pickles by its qualified name


def reward_sync(
    prompts: Sequence[Any],
    completions: Sequence[Any],
    completion_ids: Sequence[Sequence[int]] | None = None,
    **columns: Any,  # noqa: ANN401  # as above
) -> list[float]:
    """Return a reward a completion and wait: for trainers that call, do not await, and count None as 0.

    Raises:
        NoRewardError, ClientError: a completion has no reward.
    """
    settings = Settings().with_environment().for_numbers("a trainer that counts None as 0")
    outcomes = score(settings, _samples(prompts, completions, completion_ids, columns, settings), _step(columns))
    _log(columns, outcomes)
    return [number_of(settings, outcome) for outcome in outcomes]


reward_sync.__name__ = "jurist"  # as above


def with_settings(**settings: object) -> Callable[..., Awaitable[list[float | None]]]:
    """Return `reward` with settings of its own: `with_settings(target="host:50051", recipe="r1_zero")`."""
    return partial(reward, jurist=_current(_of_environment().with_arguments(**settings)))


def components(*names: str, **settings: object) -> list[Component]:
    """Return a reward function for each component of the recipe: TRL weighs and logs them one by one.

    They share one call a batch. Where a completion has no reward, all of them are None; one that takes no part in a
    reward that there is (`from_step`, `on_abstain`) is None alone, which TRL counts as 0.
    """
    chosen = _current(_of_environment().with_arguments(**settings))
    return [Component(name=name, settings=chosen) for name in names]


@dataclass(frozen=True, slots=True, kw_only=True)
class Component:
    """The scores of one component; weights are TRL's own (`reward_weights`)."""

    name: str
    settings: Settings
    __name__: str = field(init=False, default="jurist")

    def __post_init__(self) -> None:
        object.__setattr__(self, "__name__", self.name)

    async def __call__(
        self,
        prompts: Sequence[Any],
        completions: Sequence[Any],
        completion_ids: Sequence[Sequence[int]] | None = None,
        **columns: Any,  # noqa: ANN401  # as above
    ) -> list[float | None]:
        """Return the component's score of each completion."""
        samples = _samples(prompts, completions, completion_ids, columns, self.settings)
        outcomes = await _shared(self.settings, samples, _step(columns))
        settings = _leaving_out(self.settings, columns)
        return [self._score(outcome, settings) for outcome in outcomes]

    def _score(self, outcome: Outcome, settings: Settings) -> float | None:
        scores = component_scores(outcome)
        if scores and self.name not in scores:
            raise ValueError(f"{self.name}: no such component of {settings.recipe}; there are {', '.join(scores)}")
        found = scores.get(self.name)
        rewarded = not isinstance(outcome, ClientError) and outcome.HasField("reward")
        if not rewarded and (found is None or settings.on_error == "none"):
            return instead(settings, outcome)
        return found


_calls: OrderedDict[tuple[object, ...], asyncio.Task[list[Outcome]]] = OrderedDict()


async def _shared(settings: Settings, samples: Sequence[Sample | InvalidInputError], step: int | None) -> list[Outcome]:
    """Score a batch once for all the components that ask for it."""
    key = (id(asyncio.get_running_loop()), settings, step, tuple(map(_told, samples)))
    call = _calls.get(key)
    if call is None:
        call = _calls[key] = asyncio.ensure_future(ascore(settings, samples, step))
        while len(_calls) > BATCHES:
            _calls.popitem(last=False)
    return await asyncio.shield(call)


def _told(sample: Sample | InvalidInputError) -> tuple[str, str]:
    return ("", str(sample)) if isinstance(sample, InvalidInputError) else (sample.completion, repr(sample.task))


@lru_cache(maxsize=1)
def _of_environment() -> Settings:
    return _current(Settings(on_error="none" if _leaves_out() else "raise").with_environment())


def _leaving_out(settings: Settings, columns: Mapping[str, Any]) -> Settings:
    """Return settings for the trainer that calls, which is behind its `log_metric`: an error where it counts None."""
    trainer = getattr(columns.get("log_metric"), "__self__", None)
    counts = any(each.__module__ == COUNTS_NONE for each in type(trainer).__mro__)
    return replace(settings, on_error="raise") if counts and settings.on_error == "none" else settings


def _current(settings: Settings) -> Settings:
    return settings if _leaves_out() else settings.for_numbers("TRL before 1.6")


def _leaves_out() -> bool:
    try:
        return tuple(int(part) for part in version("trl").split(".")[:2]) >= LEAVES_OUT
    except PackageNotFoundError:  # whoever calls then speaks TRL's language, and is not TRL
        return True


def _samples(
    prompts: Sequence[Any],
    completions: Sequence[Any],
    completion_ids: Sequence[Sequence[int]] | None,
    columns: Mapping[str, Any],
    settings: Settings,
) -> list[Sample | InvalidInputError]:
    rows = {name: column for name, column in columns.items() if _is_column(column, len(completions))}
    return [
        sample_of(
            settings,
            completion,
            {name: column[index] for name, column in rows.items()},
            prompts[index],
            tokens=None if completion_ids is None else len(completion_ids[index]),
        )
        for index, completion in enumerate(completions)
    ]


def _is_column(value: object, length: int) -> bool:
    return isinstance(value, list) and len(value) == length  # pyright: ignore[reportUnknownArgumentType]


def _step(columns: Mapping[str, Any]) -> int | None:
    """Return the optimisation step, where TRL tells it."""
    return getattr(columns.get("trainer_state"), "global_step", None)


def _log(columns: Mapping[str, Any], outcomes: Sequence[Outcome]) -> None:
    log_metric = columns.get("log_metric")
    if log_metric is None:
        return
    rows = [component_scores(outcome) for outcome in outcomes]
    for name in dict.fromkeys(name for row in rows for name in row):  # the first may have failed
        scores = [score for score in (row.get(name) for row in rows) if score is not None]
        if scores:
            log_metric(f"jurist/{name}", sum(scores) / len(scores))
    missing = sum(isinstance(outcome, ClientError) or not outcome.HasField("reward") for outcome in outcomes)
    log_metric("jurist/no_reward", missing / max(len(rows), 1))
