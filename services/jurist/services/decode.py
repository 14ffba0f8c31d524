"""Protobuf to values. Bad input stops here, with the path of the field at fault.

Requests arrive as bytes, not as messages, so that malformed ones get the same clear refusal as wrong ones. Texts stay
in wire form (`Group.payload`) and are decoded by `samples`, where they are judged.
"""

from __future__ import annotations

import math
import uuid
from typing import TYPE_CHECKING, NamedTuple, TypeVar, cast

from google.protobuf.json_format import MessageToDict
from google.protobuf.message import DecodeError, Message

from jurist.services import cookbook, wire
from jurist.services.errors import BadInputError, TooLargeError
from jurist.services.program_tests import program_tests, whole
from jurist.services.values import Advantage, Batch, Group
from jurist.v1 import reward_pb2
from jurist.verifiers import Criterion, FinishReason, Sample, Task
from jurist.verifiers import Message as Turn

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from google.protobuf.descriptor import Descriptor

    from jurist.services.cookbook import BoundRecipe
__all__ = [
    "ADVANTAGES",
    "ROLLOUTS_A_CALL",
    "Announced",
    "Decoder",
    "announced",
    "check_request_id",
    "parse",
    "policy_step",
    "samples",
]

M = TypeVar("M", bound=Message)

# The maxima that reward.proto states.
ID_CHARACTERS = 256
REQUEST_ID_CHARACTERS = 128
ROLLOUTS_A_CALL = 8192
ANNOUNCED_ROLLOUTS = 100_000_000
ANNOUNCED_S = 300.0
LONGEST_ANNOUNCED_S = 86_400
LANES = ("rules", "sandbox", "model")

BOUND_RECIPE_BYTES = 16 << 10  # a recipe larger than this is bound anew each time
BOUND_RECIPES = 256  # inline recipes hardly differ within a run; past this many the table is begun anew

FINISH_REASONS = {
    reward_pb2.FINISH_REASON_UNSPECIFIED: FinishReason.UNKNOWN,
    reward_pb2.FINISH_REASON_STOP: FinishReason.STOP,
    reward_pb2.FINISH_REASON_LENGTH: FinishReason.LENGTH,
}
ADVANTAGES = {
    reward_pb2.ADVANTAGE_UNSPECIFIED: Advantage.NONE,
    reward_pb2.ADVANTAGE_NONE: Advantage.NONE,
    reward_pb2.ADVANTAGE_GRPO: Advantage.GRPO,
    reward_pb2.ADVANTAGE_MEAN_ONLY: Advantage.MEAN_ONLY,
    reward_pb2.ADVANTAGE_LEAVE_ONE_OUT: Advantage.LEAVE_ONE_OUT,
}


class Announced(NamedTuple):
    """What a WarmRequest says: so many rollouts will need these lanes, within `ttl_s` seconds."""

    rollouts: int
    lanes: Sequence[str]
    ttl_s: float


def announced(data: bytes) -> Announced:
    """Decode a WarmRequest.

    Raises:
        BadInputError: a field is not what it must be.
    """
    request = parse(reward_pb2.WarmRequest, data)
    if not 1 <= request.rollouts <= ANNOUNCED_ROLLOUTS:
        raise BadInputError("rollouts", f"{request.rollouts} is not in 1 to {ANNOUNCED_ROLLOUTS}")
    for index, lane in enumerate(request.lanes):
        if lane not in LANES:
            raise BadInputError(f"lanes[{index}]", f"{lane!r} is no lane; there are: {', '.join(LANES)}")
    ttl_s = request.ttl_s if request.HasField("ttl_s") else ANNOUNCED_S
    if not 1.0 <= ttl_s <= LONGEST_ANNOUNCED_S:  # NaN is in no range
        raise BadInputError("ttl_s", f"{ttl_s} is not in 1 to {LONGEST_ANNOUNCED_S}")
    return Announced(request.rollouts, request.lanes or LANES, ttl_s)


def parse(message: type[M], data: bytes) -> M:
    """Parse a message.

    Raises:
        BadInputError: the bytes are no such message; it names the field.
    """
    try:
        return message.FromString(data)
    except DecodeError:
        field, fault = wire.fault(cast("Descriptor", message.DESCRIPTOR), data)
        raise BadInputError(field, fault) from None


class Decoder:
    """Turns requests into batches. Binds each recipe it meets once: a run sends the same few a million times."""

    def __init__(self, recipes: cookbook.Cookbook) -> None:
        self._recipes = recipes
        self._bound: dict[bytes, BoundRecipe] = {}

    def batch(self, data: bytes) -> Batch:
        """Decode a ScoreBatchRequest.

        Raises:
            BadInputError: a field is not what it must be.
        """
        request = parse(reward_pb2.ScoreBatchRequest, data)
        check_request_id(request.request_id)
        if not request.groups:
            raise BadInputError("groups", "at least one group is required")
        if len(request.groups) > ROLLOUTS_A_CALL:  # before anything is done for each
            raise TooLargeError("groups", f"{len(request.groups)} groups in one call; at most {ROLLOUTS_A_CALL}")
        count = 0
        for index, message in enumerate(request.groups):
            _check_count(message, f"groups[{index}].")
            count += len(message.rollouts)
        if count > ROLLOUTS_A_CALL:
            raise TooLargeError("groups", f"{count} rollouts in one call; at most {ROLLOUTS_A_CALL}")
        step = policy_step(request)
        default = self.recipe(request.recipe) if request.HasField("recipe") else None
        groups: list[Group] = []
        seen: dict[str, int] = {}
        payloads: Sequence[bytes | memoryview]
        try:
            payloads = wire.slices(data, reward_pb2.ScoreBatchRequest.GROUPS_FIELD_NUMBER)
        except wire.UnreadableError:
            payloads = [message.SerializeToString() for message in request.groups]
        for index, (message, payload) in enumerate(zip(request.groups, payloads, strict=True)):
            try:
                groups.append(self._group(message, payload, default, step))
            except BadInputError as error:
                raise error.under(f"groups[{index}]") from None
            first = seen.setdefault(message.group_id, index)
            if first != index:
                raise BadInputError(f"groups[{index}].group_id", f"{message.group_id!r} is groups[{first}]'s already")
        return Batch(request_id=request.request_id or uuid.uuid4().hex, groups=groups)

    def group(self, message: reward_pb2.RolloutGroup, default: BoundRecipe | None, step: int | None) -> Group:
        """Decode one group, to be scored by its own recipe or else the call's.

        Raises:
            BadInputError: a field is not what it must be; its path begins at the group.
        """
        return self._group(message, message.SerializeToString(), default, step)

    def _group(
        self,
        message: reward_pb2.RolloutGroup,
        payload: bytes | memoryview,
        default: BoundRecipe | None,
        step: int | None,
    ) -> Group:
        if not message.group_id:
            raise BadInputError("group_id", "is required")
        _check_id("group_id", message.group_id, ID_CHARACTERS)
        if not message.HasField("task"):
            raise BadInputError("task", "is required")
        _check_task(message.task)
        if not message.rollouts:
            raise BadInputError("rollouts", "at least one rollout is required")
        _check_count(message)
        ids = _rollout_ids(message)
        bound = self.recipe(message.recipe) if message.HasField("recipe") else default
        if bound is None:
            raise BadInputError("recipe", "is required where the call has none")
        return Group(
            group_id=message.group_id,
            rollout_ids=ids,
            recipe=bound.recipe,
            terms=bound.terms(step),
            payload=payload,
        )

    def recipe(self, message: reward_pb2.Recipe) -> BoundRecipe:
        """Decode a recipe, or find the one that it names, and build its verifiers.

        Raises:
            BadInputError: a field is not what it must be; its path begins with `recipe`.
        """
        key = message.SerializeToString(deterministic=True)
        if key not in self._bound:
            try:
                bound = self._bind(message)
            except BadInputError as error:
                raise error.under("recipe") from None
            if len(self._bound) >= BOUND_RECIPES:
                self._bound.clear()
            if len(key) > BOUND_RECIPE_BYTES:
                return bound
            self._bound[key] = bound
        return self._bound[key]

    def _bind(self, message: reward_pb2.Recipe) -> BoundRecipe:
        if message.terms:
            recipe = cookbook.recipe_from(_recipe_fields(message))
        elif message.name:
            recipe = self._recipes[message.name]
        else:
            raise BadInputError("name", "a recipe has a name or terms")
        return cookbook.bind(recipe)


def policy_step(request: reward_pb2.ScoreBatchRequest | reward_pb2.ScoreStreamRequest) -> int | None:
    """Return the trainer's step, None when it was not said.

    Raises:
        BadInputError: it is below 0.
    """
    if not request.HasField("policy_step"):
        return None
    if request.policy_step < 0:
        raise BadInputError("policy_step", f"is from 0, not {request.policy_step}")
    return request.policy_step


def check_request_id(request_id: str) -> None:
    """Check a request's id.

    Raises:
        TooLargeError: it is too long.
    """
    _check_id("request_id", request_id, REQUEST_ID_CHARACTERS)


def _check_count(message: reward_pb2.RolloutGroup, path: str = "") -> None:
    if len(message.rollouts) > ROLLOUTS_A_CALL:
        raise TooLargeError(f"{path}rollouts", f"{len(message.rollouts)} rollouts; at most {ROLLOUTS_A_CALL}")


def _check_id(field: str, value: str, maximum: int) -> None:
    if len(value) > maximum:
        raise TooLargeError(field, f"{len(value)} characters; at most {maximum}")


def _check_task(task: reward_pb2.Task) -> None:
    if task.prompt and task.messages:
        raise BadInputError("task.messages", "at most one of prompt and messages may be given")
    if task.HasField("extra"):
        try:
            MessageToDict(task.extra)
        except ValueError as error:  # NaN or infinity, which JSON lacks
            raise BadInputError("task.extra", str(error)) from None
    if task.HasField("tests"):
        try:
            program_tests(task.tests)
        except BadInputError as error:
            raise error.under("task.tests") from None
    for index, criterion in enumerate(task.rubric):
        if not math.isfinite(criterion.weight):
            raise BadInputError(f"task.rubric[{index}].weight", f"must be finite, not {criterion.weight}")


def _rollout_ids(message: reward_pb2.RolloutGroup) -> Sequence[str]:
    ids = [rollout.rollout_id for rollout in message.rollouts]
    if not any(ids):
        return [str(index) for index in range(len(ids))]
    seen: dict[str, int] = {}
    for index, rollout_id in enumerate(ids):
        field = f"rollouts[{index}].rollout_id"
        if not rollout_id:
            raise BadInputError(field, "is empty where others of the group are not")
        _check_id(field, rollout_id, ID_CHARACTERS)
        if seen.setdefault(rollout_id, index) != index:
            raise BadInputError(field, f"{rollout_id!r} is rollouts[{seen[rollout_id]}]'s already")
    return ids


def _recipe_fields(message: reward_pb2.Recipe) -> Mapping[str, object]:
    if message.advantage not in ADVANTAGES:
        raise BadInputError("advantage", f"{message.advantage} is no value of this enum")
    terms: list[dict[str, object]] = []
    for index, term in enumerate(message.terms):
        try:
            options = MessageToDict(term.options)
        except ValueError as error:  # a Struct can hold NaN, which JSON cannot
            raise BadInputError(f"terms[{index}].options", str(error)) from None
        fields: dict[str, object] = {
            "verifier": term.verifier,
            "name": term.name,
            "options": options,
            "gate": term.gate,
            "from_step": term.from_step,
        }
        fields |= {name: getattr(term, name) for name in ("weight", "on_abstain") if term.HasField(name)}
        terms.append(fields)
    return {"name": message.name, "terms": terms, "advantage": ADVANTAGES[message.advantage].value}


def samples(payload: bytes | memoryview) -> list[Sample]:
    """Decode a group's rollouts, each with the task they share."""
    group = reward_pb2.RolloutGroup.FromString(cast("bytes", payload))  # any buffer will do; the stubs know bytes
    wired = group.task
    task = Task(
        prompt=wired.prompt or "\n\n".join(message.content for message in wired.messages),
        messages=tuple(Turn(message.role, message.content) for message in wired.messages),
        answers=tuple(wired.answers),
        choices=tuple(wired.choices),
        rubric=tuple(_criterion(criterion) for criterion in wired.rubric),
        language=wired.language,
        extra=cast("dict[str, object]", whole(MessageToDict(wired.extra))),
        tests=program_tests(wired.tests) if wired.HasField("tests") else None,
    )
    return [
        Sample(
            task=task,
            completion=rollout.completion,
            finish_reason=FINISH_REASONS.get(rollout.finish_reason, FinishReason.UNKNOWN),
            completion_tokens=rollout.completion_tokens if rollout.HasField("completion_tokens") else None,
        )
        for rollout in group.rollouts
    ]


def _criterion(wired: reward_pb2.Criterion) -> Criterion:
    return Criterion(wired.text, wired.weight if wired.HasField("weight") else 1.0)
