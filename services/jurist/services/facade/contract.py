"""The contract's JSON: proto3's own mapping, with the proto's field names.

protobuf's `json_format` is Python, field by field, and twelve times as dear as gRPC. Nearly all of a request is its
rollouts, so those go through msgspec and one constructor each; all else, and whatever is unusual about a rollout
(camelCase names, numbers as text), goes through `json_format`, which knows every rule and names the field at fault.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.json_format import ParseDict, ParseError

from jurist.services import json_form
from jurist.v1 import reward_pb2

if TYPE_CHECKING:
    from google.protobuf.message import Message
    from google.protobuf.struct_pb2 import Struct, Value

__all__ = ["plain", "request"]

TEXT_INTEGERS = frozenset({FieldDescriptor.CPPTYPE_INT64, FieldDescriptor.CPPTYPE_UINT64})  # JSON's numbers are doubles


class _Rollout(msgspec.Struct, forbid_unknown_fields=True):
    completion: str = ""
    rollout_id: str = ""
    finish_reason: str = "FINISH_REASON_UNSPECIFIED"
    completion_tokens: int | None = None


class _Group(msgspec.Struct, forbid_unknown_fields=True):
    task: msgspec.Raw
    rollouts: list[_Rollout]
    group_id: str = ""
    recipe: msgspec.Raw = msgspec.Raw(b"null")


class _Request(msgspec.Struct, forbid_unknown_fields=True):
    groups: list[_Group]
    recipe: msgspec.Raw = msgspec.Raw(b"null")
    policy_step: int | None = None
    request_id: str = ""


_REQUEST = msgspec.json.Decoder(_Request)


def request(body: bytes) -> bytes:
    """Turn a ScoreBatchRequest in JSON into its wire form.

    Raises:
        BadInputError: it is not JSON, or not such a message; the field is named.
    """
    try:
        return _fast(_REQUEST.decode(body)).SerializeToString()
    except (msgspec.MsgspecError, ParseError, ValueError, TypeError, OverflowError, RecursionError):
        pass
    return json_form.parse(reward_pb2.ScoreBatchRequest, body).SerializeToString()


def _fast(fields: _Request) -> reward_pb2.ScoreBatchRequest:
    message = reward_pb2.ScoreBatchRequest(policy_step=fields.policy_step, request_id=fields.request_id)
    _parse(fields.recipe, message, "recipe")
    for group in fields.groups:
        added = message.groups.add(group_id=group.group_id)
        _parse(group.task, added, "task")
        _parse(group.recipe, added, "recipe")
        for rollout in group.rollouts:
            added.rollouts.add(
                rollout_id=rollout.rollout_id,
                completion=rollout.completion,
                finish_reason=reward_pb2.FinishReason.Value(rollout.finish_reason),
                completion_tokens=rollout.completion_tokens,
            )
    return message


def _parse(raw: msgspec.Raw, message: Message, field: str) -> None:
    value = msgspec.json.decode(raw)
    if value is not None:
        inner = getattr(message, field)
        inner.SetInParent()
        ParseDict(value, inner)


def plain(message: Message) -> dict[str, object]:
    """Return a message as JSON's values, as `MessageToDict` with the proto's names does, several times faster."""
    return {field.name: _values(field, value) for field, value in message.ListFields()}


def _values(field: FieldDescriptor, value: Any) -> object:  # noqa: ANN401  # a field's value is of any type
    return [_value(field, item) for item in value] if field.is_repeated else _value(field, value)


def _value(field: FieldDescriptor, value: Any) -> object:  # noqa: ANN401  # as above
    if field.message_type is not None:
        return _struct(value) if field.message_type.full_name == "google.protobuf.Struct" else plain(value)
    if field.enum_type is not None:
        known = field.enum_type.values_by_number.get(value)
        return value if known is None else known.name
    return str(value) if field.cpp_type in TEXT_INTEGERS else value


def _struct(struct: Struct) -> dict[str, object]:
    return {name: _json(value) for name, value in struct.fields.items()}


def _json(value: Value) -> object:
    match value.WhichOneof("kind"):
        case "struct_value":
            return _struct(value.struct_value)
        case "list_value":
            return [_json(item) for item in value.list_value.values]
        case "null_value" | None:
            return None
        case kind:
            return getattr(value, kind)
