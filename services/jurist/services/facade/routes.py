"""What is answered where, beside the contract itself: the one table that the server and its page are made from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from jurist.services.facade.nemo_gym import aggregate_metrics, session, verify
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
    """A POST: the shapes of its body and its answer, and what makes one of the other.

    `scores` says whether the query may choose the recipe and so on.
    """

    path: str
    body: Any
    answer: Any
    respond: Callable[[Any, Call], Awaitable[Any]]
    summary: str
    scores: bool = True


ROWS: Final = dict[str, Any]  # NeMo-Gym's bodies have the fields of a data set's row
ROUTES: Final = (
    Route("/get_reward", GetReward, GetRewardAnswer, get_reward, "OpenRLHF's remote reward model."),
    Route("/slime", Slime, float, slime, "slime's remote reward model; the answer is the number."),
    Route("/v1/score/evaluation", LlamaFactory, LlamaFactoryAnswer, llama_factory, "LLaMA-Factory's reward model API."),
    Route("/verify", ROWS, ROWS, verify, "NeMo-Gym's resources server: the body comes back with its reward."),
    Route("/seed_session", ROWS, ROWS, session, "NeMo-Gym's: there is no session to keep.", scores=False),
    Route("/close_session", ROWS, ROWS, session, "NeMo-Gym's, as above.", scores=False),
    Route("/aggregate_metrics", ROWS, ROWS, aggregate_metrics, "NeMo-Gym's: sums up answers of /verify.", scores=False),
    Route("/run_code", RunCode, RunCodeAnswer, run_code, "SandboxFusion's: runs one program.", scores=False),
    Route("/api/v2/execute", Execute, ExecuteAnswer, execute, "Piston's: runs one program.", scores=False),
)
