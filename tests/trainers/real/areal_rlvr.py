"""AReaL's own RLVR workflow, asking in its own processes or our way; the engine takes completions from a list."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

from answering import answer, configure, name_of, outcome_of
from areal.api.cli_args import GenerationHyperparameters
from areal.api.io_struct import ModelResponse
from areal.api.reward_api import AsyncRewardWrapper
from areal.workflow.rlvr import RLVRWorkflow
from byte_words import tokenizer

from jurist.trainers.areal_workflow import JuristRLVRWorkflow

WORDS = tokenizer()
PROMPT = [{"role": "user", "content": "What is 6 times 7?"}]


def ids_of(turns: list[dict[str, str]], words: Any, _: object) -> list[int]:
    """Read a prompt, in place of a chat template."""
    return words(turns[0]["content"])["input_ids"]


async def episode(workflow: RLVRWorkflow, text: str, label: str) -> Any:
    """Run one: the trajectory's reward, or the error that makes AReaL reject it."""

    async def agenerate(request: Any) -> ModelResponse:
        ids = [*WORDS(text)["input_ids"], WORDS.eos_token_id]
        return ModelResponse(
            input_tokens=request.input_ids,
            output_tokens=ids,
            output_logprobs=[0.0] * len(ids),
            output_versions=[0] * len(ids),
        )

    try:
        trajectory = await workflow.arun_episode(
            SimpleNamespace(agenerate=agenerate), {"messages": PROMPT, "answer": label}
        )
    except Exception as error:  # noqa: BLE001  # what AReaL logs is what is looked at
        return name_of(error)
    return outcome_of(trajectory["rewards"])


async def episodes(workflow: RLVRWorkflow, samples: list[tuple[str, str]]) -> list[Any]:
    """Run several side by side, as AReaL does."""
    return await asyncio.gather(*(episode(workflow, text, label) for text, label in samples))


def scored(form: str, settings: dict[str, object], samples: list[tuple[str, str]]) -> dict[str, Any]:
    """Score samples in the form "workflow" or "reward_fn"."""
    configure(settings)
    AsyncRewardWrapper._atexit_shutdown_all()  # its processes have read other settings
    given: dict[str, Any] = {
        "gconfig": GenerationHyperparameters(),
        "tokenizer": WORDS,
        "get_input_ids_fn": ids_of,
    }
    if form == "workflow":
        workflow = JuristRLVRWorkflow(**given, settings=settings)
    else:
        workflow = RLVRWorkflow("jurist.trainers.areal.reward_fn", **given)
    return {"outcomes": asyncio.run(episodes(workflow, samples))}


if __name__ == "__main__":
    answer(scored)
