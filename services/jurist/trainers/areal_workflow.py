"""AReaL (1.0): its RLVR workflow with rewards that never become 0 for want of time.

    workflow="jurist.trainers.areal_workflow.JuristRLVRWorkflow"
    workflow_kwargs={"gconfig": ..., "tokenizer": ..., "settings": {"recipe": "r1_zero"}}

AReaL's own calls a reward function in a few processes, and trains on 0 where that takes 15 s four times. This one asks
from AReaL's event loop, so samples that come within a moment travel together, for as long as `timeout_s` allows. A
missing reward is an error: AReaL logs it, rejects the trajectory and generates another. `settings` are those of
`Settings`, over `JURIST_CLIENT_*`.
"""

# pyright: basic, reportMissingImports=false, reportUntypedBaseClass=false
# The classes below are the trainer's, which is there only where it runs.

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from areal.workflow.rlvr import RLVRWorkflow

from jurist.trainers._scoring import ascore_one, number_of
from jurist.trainers._settings import Settings
from jurist.trainers.areal import sample_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["JuristRLVRWorkflow"]


class JuristRLVRWorkflow(RLVRWorkflow):  # type: ignore[misc]
    """One turn, one reward."""

    def __init__(
        self,
        gconfig: Any,  # noqa: ANN401  # AReaL's
        tokenizer: Any,  # noqa: ANN401  # AReaL's
        settings: Mapping[str, object] | None = None,
        **others: Any,  # noqa: ANN401  # AReaL's
    ) -> None:
        chosen = Settings().with_environment().with_arguments(**dict(settings or {})).for_numbers("AReaL")
        super().__init__(f"{__name__}.reward", gconfig, tokenizer, **others)  # by name it makes no processes
        self.reward_fn = self.async_reward_fn = partial(reward, chosen)


async def reward(
    settings: Settings,
    prompt: str,
    completions: str,
    _: Sequence[int],
    completion_ids: Sequence[int],
    **columns: object,
) -> float:
    """Score one completion.

    Raises:
        NoRewardError, ClientError: it has no reward.
    """
    sample = sample_of(settings, prompt, completions, completion_ids, columns)
    return number_of(settings, await ascore_one(settings, sample))
