"""NeMo-Gym's resources server (nemo_gym/base_resources_server.py): an OpenAI Responses object beside a row's fields.

It is the one caller that has words for "no reward": such a sample is masked, and its failure named as not its own.
"""

from __future__ import annotations

import statistics
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, cast

from jurist.client import abstentions
from jurist.services.errors import BadInputError
from jurist.services.facade.trainers import single

if TYPE_CHECKING:
    from jurist.services.facade.singles import Call
    from jurist.v1 import reward_pb2

__all__ = ["aggregate_metrics", "session", "verify"]

REFERENCES = ("expected_answer", "answer", "ground_truth", "label")  # what its data sets call the reference
TASK = "_ng_task_index"
FAILURE = "_ng_failure_class"


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
    rollout = await single(completion, _reference(body), _question(body), call)
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


def _reference(body: Mapping[str, Any]) -> object:
    for row in (body, _mapping(body.get("verifier_metadata"))):
        if row.get("unit_tests"):  # its sets of programming problems
            return {"extra": {"tests": row["unit_tests"]}}
        for name in REFERENCES:
            if row.get(name) is not None:
                return row[name]
    return None


def _output(response: Mapping[str, Any]) -> str:
    """Return what the model wrote; a thought that the server cut out of it is put back."""
    thoughts: list[str] = []
    texts: list[str] = []
    for item in _mappings(response.get("output")):
        if item.get("type") == "reasoning":
            thoughts.append(_text(item.get("content"), "\n") or _text(item.get("summary"), "\n"))
        elif item.get("type") == "message":
            texts.append(_text(item.get("content")))
    thought = "\n".join(thoughts)
    return (f"<think>{thought}</think>\n" if thought else "") + "".join(texts)


def _question(body: Mapping[str, Any]) -> str:
    asked = _mapping(body.get("responses_create_params")).get("input")
    if isinstance(asked, str):
        return asked
    return "\n\n".join(filter(None, (_text(turn.get("content")) for turn in _mappings(asked))))


def _text(content: object, between: str = "") -> str:
    """Read a content: text, or parts of it."""
    return (
        content if isinstance(content, str) else between.join(str(part.get("text", "")) for part in _mappings(content))
    )


def _mapping(value: object) -> Mapping[str, Any]:
    return cast("Mapping[str, Any]", value) if isinstance(value, Mapping) else {}


def _mappings(value: object) -> list[Mapping[str, Any]]:
    items = cast("Sequence[object]", value) if isinstance(value, Sequence) and not isinstance(value, str) else ()
    return [cast("Mapping[str, Any]", item) for item in items if isinstance(item, Mapping)]


async def session(_: dict[str, Any], __: Call) -> dict[str, Any]:
    """Begin or end a session: there is nothing to keep of one."""
    return {}


async def aggregate_metrics(body: dict[str, Any], _: Call) -> dict[str, Any]:
    """Sum up the answers of many `verify` calls, for each task and over all; masked samples count nowhere."""
    tasks: dict[object, list[Mapping[str, float]]] = defaultdict(list)
    for answer in _mappings(body.get("verify_responses")):
        if not answer.get("mask_sample"):
            components = cast("Mapping[str, float]", answer.get("reward_components") or {})
            tasks[answer.get(TASK, 0)].append({"reward": answer["reward"], **components})
    overall = _statistics([scores for task in tasks.values() for scores in task])
    return {
        "group_level_metrics": [{TASK: task, **_statistics(tasks[task])} for task in sorted(tasks, key=str)],
        "agent_metrics": overall,
        "key_metrics": {name: value for name, value in overall.items() if name.startswith("mean/")},
    }


def _statistics(rows: Sequence[Mapping[str, float]]) -> dict[str, float]:
    found: dict[str, float] = {}
    for name in rows[0] if rows else ():
        values = [row[name] for row in rows if name in row]
        found |= {
            f"mean/{name}": statistics.fmean(values),
            f"max/{name}": max(values),
            f"min/{name}": min(values),
            f"median/{name}": statistics.median(values),
            f"std/{name}": statistics.stdev(values) if len(values) > 1 else 0.0,
        }
    return found
