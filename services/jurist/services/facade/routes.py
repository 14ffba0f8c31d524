"""What is answered where, beside the contract itself: the one table that the server and its page are made from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from jurist.services.facade.nemo_gym import AggregateMetrics, aggregate_metrics, session, verify
from jurist.services.facade.piston import Execute, ExecuteAnswer, execute
from jurist.services.facade.sandbox_fusion import RunCode, RunCodeAnswer, run_code
from jurist.services.facade.trainers import (
    GetReward,
    GetRewardAnswer,
    LlamaFactory,
    LlamaFactoryAnswer,
    Slime,
    get_reward,
    llama_factory,
    slime,
)

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from jurist.services.facade.singles import Call

__all__ = ["ROUTES", "Route"]


class Route(NamedTuple):
    """A POST: whose request it is, the shapes of its body and its answer, and what makes one of the other.

    `scores` says whether the query may choose the recipe and so on, `strict` whether numbers may not be given as text.
    """

    path: str
    caller: str
    body: Any
    answer: Any
    respond: Callable[[Any, Call], Awaitable[Any]]
    summary: str
    scores: bool = True
    strict: bool = True


ROW: Final = dict[str, Any]  # NeMo-Gym's bodies have the fields of a data set's row
ROUTES: Final = (
    Route("/get_reward", "OpenRLHF", GetReward, GetRewardAnswer, get_reward, "A remote reward model."),
    Route("/slime", "slime", Slime, float, slime, "A remote reward model; the answer is the number."),
    Route("/v1/score/evaluation", "LLaMA-Factory", LlamaFactory, LlamaFactoryAnswer, llama_factory, "A reward model."),
    Route("/verify", "NeMo-Gym", ROW, ROW, verify, "A resources server: the body comes back with its reward."),
    Route("/seed_session", "NeMo-Gym", ROW, ROW, session, "There is no session to keep.", scores=False),
    Route("/close_session", "NeMo-Gym", ROW, ROW, session, "As above.", scores=False),
    Route(
        "/aggregate_metrics",
        "NeMo-Gym",
        AggregateMetrics,
        ROW,
        aggregate_metrics,
        "Sums up answers of /verify.",
        scores=False,
    ),
    Route(
        "/run_code",
        "SandboxFusion",
        RunCode,
        RunCodeAnswer,
        run_code,
        "Runs one program.",
        scores=False,
        strict=False,  # as pydantic reads it
    ),
    Route("/api/v2/execute", "Piston", Execute, ExecuteAnswer, execute, "Runs one program.", scores=False),
)
