"""verl (0.9): functions for `reward.custom_reward_function`.

    reward.custom_reward_function.path=pkg://jurist.trainers.verl
    reward.custom_reward_function.name=compute_score
    +reward.custom_reward_function.reward_kwargs.recipe=r1_zero

verl asks for one sample a call and tells neither prompt nor group, so samples of one reference that come within a
moment travel as one group. Every answer has the same keys, since verl takes the first sample's for all: those of every
recipe that the run may use. `jurist.trainers.verl_manager` is a RewardManager, which sees prompts.
"""

from __future__ import annotations

import asyncio
from functools import lru_cache
from typing import TYPE_CHECKING, Any, cast

from jurist.client import ClientError
from jurist.trainers._samples import sample_of
from jurist.trainers._scoring import Outcome, ascore_one, component_scores, number_of, score, score_one
from jurist.trainers._settings import Settings, client

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from jurist.client import InvalidInputError
    from jurist.trainers._samples import Sample

__all__ = ["compute_score", "compute_score_sync", "compute_scores", "score_of"]

SCORED = "jurist_scored"  # 1.0 for a reward of the service's, 0.0 for `on_error`'s
IGNORED = frozenset({"reward_router_address", "reward_model_tokenizer"})  # verl's own, for models in its own router


async def compute_score(
    data_source: str,
    solution_str: str,
    ground_truth: object,
    extra_info: Mapping[str, Any] | None = None,
    **settings: object,
) -> dict[str, float]:
    """Score one sample: `score`, `jurist/NAME` for every component, and `jurist_scored`.

    `settings` are those of `Settings`, and `recipes`: the recipe of each `data_source` that has one of its own.

    Raises:
        NoRewardError, ClientError: there is no reward, and `on_error` is "raise", as it is by default.
    """
    return await score_of(data_source, solution_str, ground_truth, extra_info, settings)


async def score_of(  # noqa: PLR0913  # what a manager knows of a sample
    data_source: str,
    solution: str,
    ground_truth: object,
    extra_info: Mapping[str, Any] | None,
    given: Mapping[str, object],
    *,
    tokens: int | None = None,
    truncated: bool | None = None,
    together: object = "",
) -> dict[str, float]:
    """Score one sample as `compute_score` does, with what verl tells its managers alone.

    `tokens` is the response's length, `truncated` whether it was cut, `together` verl's `uid`: samples of one prompt.

    Raises:
        NoRewardError, ClientError: there is no reward, and `on_error` is "raise".
    """
    chosen, recipes = _chosen(data_source, given)
    sample = _sample(solution, ground_truth, extra_info, chosen, tokens, truncated, together)
    outcome = await ascore_one(chosen, sample)
    keys = _keys_of_runs.get((chosen, recipes))
    if keys is None:
        keys = await asyncio.to_thread(_keys, chosen, recipes)
    return _answer(chosen, outcome, keys)


def compute_score_sync(
    data_source: str,
    solution_str: str,
    ground_truth: object,
    extra_info: Mapping[str, Any] | None = None,
    **settings: object,
) -> dict[str, float]:
    """Score as `compute_score` does, and wait: for the `remote` reward manager, which takes no other."""
    chosen, recipes = _chosen(data_source, settings)
    outcome = score_one(chosen, _sample(solution_str, ground_truth, extra_info, chosen))
    return _answer(chosen, outcome, _keys(chosen, recipes))


def compute_scores(
    data_sources: Sequence[str],
    solution_strs: Sequence[str],
    ground_truths: Sequence[object],
    extra_infos: Sequence[Mapping[str, Any] | None],
    **settings: object,
) -> list[dict[str, float]]:
    """Score a batch: for the legacy `batch` reward manager."""
    answers: list[dict[str, float]] = [{} for _ in solution_strs]
    for source in dict.fromkeys(data_sources):
        chosen, recipes = _chosen(source, settings)
        indices = [index for index, other in enumerate(data_sources) if other == source]
        samples = [_sample(solution_strs[index], ground_truths[index], extra_infos[index], chosen) for index in indices]
        outcomes = score(chosen, samples)
        keys = _keys(chosen, recipes)
        for index, outcome in zip(indices, outcomes, strict=True):
            answers[index] = _answer(chosen, outcome, keys)
    return answers


def _chosen(data_source: str, given: Mapping[str, object]) -> tuple[Settings, tuple[str, ...]]:
    own = {name: value for name, value in given.items() if name not in IGNORED and name != "recipes"}
    recipes = cast("Mapping[str, str]", given.get("recipes") or {})
    chosen = _of_environment().with_arguments(**own).for_numbers("verl")
    return (
        chosen.with_arguments(recipe=recipes.get(data_source, chosen.recipe)),
        tuple(sorted({chosen.recipe, *recipes.values()})),
    )


def _sample(  # noqa: PLR0913, PLR0917  # as above
    solution: str,
    ground_truth: object,
    extra_info: Mapping[str, Any] | None,
    settings: Settings,
    tokens: int | None = None,
    truncated: bool | None = None,  # noqa: FBT001  # a column's value
    together: object = "",
) -> Sample | InvalidInputError:
    row = {**(extra_info or {}), "ground_truth": ground_truth}
    chosen = settings if settings.reference else settings.with_arguments(reference="ground_truth")
    prompt = row.get("prompt", "")
    return sample_of(chosen, solution, row, prompt, tokens=tokens, truncated=truncated, together=together)


@lru_cache(maxsize=1)
def _of_environment() -> Settings:
    return Settings().with_environment()


_keys_of_runs: dict[tuple[Settings, tuple[str, ...]], tuple[str, ...]] = {}


def _keys(settings: Settings, recipes: tuple[str, ...]) -> tuple[str, ...]:
    """Name every component that some recipe of the run has; the server is asked once.

    Raises:
        ClientError: the server is not there to ask.
        ValueError: it does not know a recipe.
    """
    if (settings, recipes) in _keys_of_runs:
        return _keys_of_runs[settings, recipes]
    known = {info.recipe.name: info.recipe for info in client(settings).list_verifiers().recipes}
    unknown = [name for name in recipes if name not in known]
    if unknown:
        raise ValueError(f"recipe: the server knows no {unknown[0]!r}; there are {', '.join(sorted(known))}")
    keys = tuple(dict.fromkeys(term.name for name in recipes for term in known[name].terms))
    _keys_of_runs[settings, recipes] = keys
    return keys


def _answer(settings: Settings, outcome: Outcome, keys: Sequence[str]) -> dict[str, float]:
    """Return the reward and, under the run's keys, the scores.

    Where a key has no score, `on_error`'s number stands if there is no reward either, since verl's `gdpo` trains on
    the keys; else 0.0.
    """
    reward = number_of(settings, outcome)
    scored = not isinstance(outcome, ClientError) and outcome.HasField("reward")
    scores, missing = component_scores(outcome), 0.0 if scored else reward
    found = {f"jurist/{key}": missing if (score := scores.get(key)) is None else score for key in keys}
    return {"score": reward, SCORED: float(scored)} | found
