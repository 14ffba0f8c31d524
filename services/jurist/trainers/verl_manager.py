"""verl (0.9): a reward manager, which sees the prompt that `compute_score` does not.

    reward.reward_manager.source=importlib
    reward.reward_manager.module.path=pkg://jurist.trainers.verl_manager
    reward.reward_manager.name=JuristRewardManager
    +reward.reward_kwargs.recipe=r1_zero

Settings come from `reward.reward_kwargs`, over `JURIST_CLIENT_*`. verl hands over one sample at a time all the same;
those of one prompt, by verl's `uid`, that come within a moment travel as one group.
"""

# pyright: basic, reportMissingImports=false, reportUntypedBaseClass=false
# The classes below are the trainer's, which is there only where it runs.

from __future__ import annotations

import asyncio
from typing import Any

from verl.experimental.reward_loop.reward_manager.base import (
    RewardManagerBase,
)

from jurist.trainers.verl import score_of

__all__ = ["JuristRewardManager"]


class JuristRewardManager(RewardManagerBase):  # type: ignore[misc]
    """Scores each sample with its prompt, its length in tokens, and whether it was cut."""

    def __init__(self, config: Any, tokenizer: Any, compute_score: Any = None, **_: object) -> None:  # noqa: ANN401
        super().__init__(config, tokenizer, compute_score)
        self._room = max(int(config.data.max_response_length), 1)
        self._special = frozenset(tokenizer.all_special_ids)

    async def run_single(self, data: Any) -> dict[str, Any]:  # noqa: ANN401  # verl's DataProto
        """Score the last sequence of one sample."""
        item = data[-1:][0]
        ids = item.batch["responses"]
        length = int(item.batch["attention_mask"][-ids.shape[-1] :].sum())
        text = await asyncio.to_thread(self.tokenizer.decode, ids[:length], skip_special_tokens=True)
        row = item.non_tensor_batch
        cut = length >= self._room and int(ids[length - 1]) not in self._special  # it fills its room, and has no end
        result = await score_of(
            row["data_source"],
            text,
            row["reward_model"]["ground_truth"],
            {**(row.get("extra_info") or {}), "prompt": row.get("raw_prompt", "")},
            dict(self.config.reward.get("reward_kwargs", {})),
            tokens=length,
            truncated=cut or None,
            together=row.get("uid", ""),
        )
        return {"reward_score": result["score"], "reward_extra_info": result}
