"""What is answered where: the one table that the server and its OpenAPI page are made from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from jurist.services.facade import nemo_gym, programs, trainers

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from jurist.services.facade.programs import Asking
    from jurist.services.facade.singles import Settings, Singles

__all__ = ["Route", "routes"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """A POST with a body of one shape. `settings` says whether the query may choose the recipe and so on."""

    path: str
    summary: str
    body: Any
    answer: Any
    respond: Callable[[Any, Settings], Awaitable[Any]]
    settings: bool = True


def routes(singles: Singles, ask: Asking) -> tuple[Route, ...]:
    """List what is answered besides the contract itself."""

    def scored(
        respond: Callable[[Any, Singles, Settings], Awaitable[Any]],
    ) -> Callable[[Any, Settings], Awaitable[Any]]:
        return lambda body, settings: respond(body, singles, settings)

    def ran(respond: Callable[[Any, Asking], Awaitable[Any]]) -> Callable[[Any, Settings], Awaitable[Any]]:
        return lambda body, _: respond(body, ask)

    async def nothing(_: Any, __: Settings) -> dict[str, Any]:  # noqa: ANN401  # any body
        return {}

    async def summed(body: dict[str, Any], _: Settings) -> dict[str, Any]:
        return await nemo_gym.aggregate_metrics(body)

    anything = dict[str, Any]
    return (
        Route(
            path="/get_reward",
            summary="OpenRLHF's remote reward model.",
            body=trainers.GetReward,
            answer=trainers.GetRewardAnswer,
            respond=scored(trainers.get_reward),
        ),
        Route(
            path="/slime",
            summary="slime's remote reward model; the answer is the number.",
            body=trainers.Slime,
            answer=float,
            respond=scored(trainers.slime),
        ),
        Route(
            path="/v1/score/evaluation",
            summary="LLaMA-Factory's reward model API.",
            body=trainers.LlamaFactory,
            answer=trainers.LlamaFactoryAnswer,
            respond=scored(trainers.llama_factory),
        ),
        Route(
            path="/verify",
            summary="NeMo-Gym's resources server: the body comes back with its reward.",
            body=anything,
            answer=anything,
            respond=scored(nemo_gym.verify),
        ),
        Route(
            path="/seed_session",
            summary="NeMo-Gym's: there is no session to keep.",
            body=anything,
            answer=anything,
            respond=nothing,
            settings=False,
        ),
        Route(
            path="/close_session",
            summary="NeMo-Gym's, as above.",
            body=anything,
            answer=anything,
            respond=nothing,
            settings=False,
        ),
        Route(
            path="/aggregate_metrics",
            summary="NeMo-Gym's: sums up answers of /verify.",
            body=anything,
            answer=anything,
            respond=summed,
            settings=False,
        ),
        Route(
            path="/run_code",
            summary="SandboxFusion's: runs one program.",
            body=programs.RunCode,
            answer=programs.RunCodeAnswer,
            respond=ran(programs.run_code),
            settings=False,
        ),
        Route(
            path="/api/v2/execute",
            summary="Piston's: runs one program.",
            body=programs.Execute,
            answer=programs.ExecuteAnswer,
            respond=ran(programs.execute),
            settings=False,
        ),
    )
