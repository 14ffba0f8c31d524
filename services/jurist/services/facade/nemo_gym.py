"""NeMo-Gym's resources server (nemo_gym/base_resources_server.py): an OpenAI Responses object beside a row's fields.

It is the one caller that has words for "no reward": such a sample is masked, and its failure named as not its own.
"""

from __future__ import annotations

import math
import statistics
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any, cast

import msgspec

from jurist.client import abstentions
from jurist.services.errors import BadInputError
from jurist.services.facade.trainers import Sample, said, scores

if TYPE_CHECKING:
    from jurist.services.facade.singles import Call
    from jurist.v1 import reward_pb2

__all__ = ["AggregateMetrics", "aggregate_metrics", "session", "verify"]

REFERENCES = ("expected_answer", "answer", "ground_truth", "label")  # what its data sets call the reference
TASK = "_ng_task_index"
FAILURE = "_ng_failure_class"
LARGEST = 1e100  # so that sums of squares stay finite
Score = Annotated[float, msgspec.Meta(ge=-LARGEST, le=LARGEST)]


async def verify(body: dict[str, Any], call: Call) -> dict[str, Any]:
    """Score one response, NeMo-Gym's way: the body comes back with `reward` and `reward_components`, which add up.

    A response without a reward is marked as a failure that is not its own, which NeMo-Gym keeps apart and tries again.

    Raises:
        BadInputError: there is no response in it.
    """
    response = _mapping(body.get("response"))
    if not response:
        raise BadInputError("response", "is required")
    if not isinstance(response.get("output"), list):
        raise BadInputError("response.output", "is a list of items")
    completion = _output(response)
    label, field = _reference(body)
    (rollout,) = await scores([Sample(completion, "response", label, field, _question(body))], call)
    if rollout.HasField("reward"):
        return body | {"reward": rollout.reward, "reward_components": shares(rollout)}
    return body | {
        "reward": 0.0,
        "reward_components": {component.name: 0.0 for component in rollout.components},
        "mask_sample": True,
        "failure_reason": abstentions(rollout),
        FAILURE: "judge_failed",
    }


def shares(rollout: reward_pb2.RolloutScore) -> dict[str, float]:
    """Split a reward into what each component brought; the shares add up to it.

    Gates bring nothing of their own but scale the others; where all are gates, the last one brings the whole.
    """
    added = {component.name: component.weight * component.score for component in rollout.components}
    total = sum(added.values())
    if total:
        return {name: share * rollout.reward / total for name, share in added.items()}
    return added | {rollout.components[-1].name: rollout.reward} if rollout.components else added


def _reference(body: Mapping[str, Any]) -> tuple[object, str]:
    """Return what a row has for a reference, and the field that it is in."""
    for row, path in ((body, ""), (_mapping(body.get("verifier_metadata")), "verifier_metadata.")):
        if row.get("unit_tests"):  # its sets of programming problems
            return {"extra": {"tests": row["unit_tests"]}}, f"{path}unit_tests"
        for name in REFERENCES:
            if row.get(name) is not None:
                return row[name], f"{path}{name}"
    return None, REFERENCES[0]


def _output(response: Mapping[str, Any]) -> str:
    """Return what the model wrote; a thought that the server cut out of it is put back."""
    thoughts: list[str] = []
    texts: list[str] = []
    for item in _mappings(response.get("output")):
        if item.get("type") == "reasoning":
            thoughts.append(said(item.get("content"), "\n") or said(item.get("summary"), "\n"))
        elif item.get("type") == "message":
            texts.append(said(item.get("content")))
    thought = "\n".join(thoughts)
    return (f"<think>{thought}</think>\n" if thought else "") + "".join(texts)


def _question(body: Mapping[str, Any]) -> str | Sequence[Mapping[str, str]]:
    """Return what the model was asked: text where that is all there is, else the chat; calls of tools are no turns."""
    parameters = _mapping(body.get("responses_create_params"))
    asked, instructions = parameters.get("input"), said(parameters.get("instructions"))
    if isinstance(asked, str):
        if not instructions:
            return asked
        asked = [{"role": "user", "content": asked}]
    turns = [(turn.get("role"), said(turn.get("content"))) for turn in _mappings(asked)]
    chat = [{"role": role, "content": content} for role, content in turns if isinstance(role, str) and content]
    return [{"role": "system", "content": instructions}, *chat] if instructions else chat


def _mapping(value: object) -> Mapping[str, Any]:
    return cast("Mapping[str, Any]", value) if isinstance(value, Mapping) else {}


def _mappings(value: object) -> list[Mapping[str, Any]]:
    items = cast("Sequence[object]", value) if isinstance(value, Sequence) and not isinstance(value, str) else ()
    return [cast("Mapping[str, Any]", item) for item in items if isinstance(item, Mapping)]


async def session(_: dict[str, Any], __: Call) -> dict[str, Any]:
    """Begin or end a session: there is nothing to keep of one."""
    return {}


class Verified(msgspec.Struct, rename={"task": TASK, "failure": FAILURE}):
    """What is summed up of an answer of `verify`; it has a reward unless it is masked or failed."""

    reward: Score | None = None
    reward_components: dict[str, Score] | None = None
    mask_sample: bool | None = False
    task: int | str | None = 0
    failure: Any = None


class AggregateMetrics(msgspec.Struct):
    """NeMo-Gym's AggregateMetricsRequest."""

    verify_responses: list[Verified]


async def aggregate_metrics(body: AggregateMetrics, _: Call) -> dict[str, Any]:
    """Sum up the answers of many `verify` calls, for each task and over all; masked samples count nowhere.

    Raises:
        BadInputError: an answer has no reward, and none of the marks that would say why.
    """
    tasks: dict[int | str, list[Mapping[str, float]]] = defaultdict(list)
    for index, answer in enumerate(body.verify_responses):
        if answer.mask_sample or answer.failure:
            continue
        if answer.reward is None:
            raise BadInputError(f"verify_responses[{index}].reward", "is required")
        found = {"reward": answer.reward, **(answer.reward_components or {})}
        odd = next((name for name, score in found.items() if not math.isfinite(score)), None)
        if odd is not None:
            raise BadInputError(f"verify_responses[{index}]", f"{odd} is no number")
        tasks[answer.task or 0].append(found)
    overall = _statistics([scores for task in tasks.values() for scores in task])
    return {
        "group_level_metrics": [
            {TASK: task, **_statistics(tasks[task])} for task in sorted(tasks, key=lambda task: (str(type(task)), task))
        ],
        "agent_metrics": overall,
        "key_metrics": {name: value for name, value in overall.items() if name.startswith("mean/")},
    }


def _statistics(rows: Sequence[Mapping[str, float]]) -> dict[str, float]:
    found: dict[str, float] = {}
    for name in dict.fromkeys(name for row in rows for name in row):
        values = [row[name] for row in rows if name in row]
        found |= {
            f"mean/{name}": statistics.fmean(values),
            f"max/{name}": max(values),
            f"min/{name}": min(values),
            f"median/{name}": statistics.median(values),
            f"std/{name}": statistics.stdev(values) if len(values) > 1 else 0.0,
        }
    return found
