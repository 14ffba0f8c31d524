"""Whether the answer is a JSON value that a JSON Schema accepts."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, cast

from jsonschema import Draft202012Validator, SchemaError, ValidationError, validators
from pydantic import Field
from referencing import Registry
from referencing.exceptions import Unresolvable

from jurist.verifiers._strict_json import Json, strict_json
from jurist.verifiers._thought import response_of
from jurist.verifiers._threshold import Threshold, filtered
from jurist.verifiers._values import Abstain, Cause, Score

if TYPE_CHECKING:
    from jsonschema.protocols import Validator

    from jurist.verifiers._values import Ask, Reply, Sample, Verdict

__all__ = ["JsonSchema"]

# Validation of some keywords (uniqueItems) takes the square of the value's size.
LONGEST_VALUE = 200_000
# Keywords applied at most, a second of CPU: references can double the work at each of a few steps.
MOST_STEPS = 100_000
# Faults counted at most.
MOST_FAULTS = 20
# Validation follows a value some hundred levels down.
DEEP = 50
# The task's own field that holds the schema.
FIELD = "schema"

Keyword = Callable[..., Iterable[ValidationError] | None]
_extend = cast(  # it has no types
    "Callable[[type[Validator], Mapping[str, Keyword]], Callable[..., Validator]]",
    validators.extend,  # pyright: ignore[reportUnknownMemberType]
)

_FENCED = re.compile(r"```(?:json|JSON)?[ \t]*\r?\n(.*?)```", re.DOTALL)


@dataclass(frozen=True, slots=True, kw_only=True)
class JsonSchema:
    """Scores 1.0 for a value that the schema accepts, 1 / (1 + faults) for another; by default that counts as 0.0.

    The schema is the option, else `extra.schema` of the task; its dialect is told by `$schema`, draft 2020-12 without
    it, and it may refer to itself alone. The value is the last fenced block after the thought, else all of the text
    there; of a text with `<answer>`, what is inside. Details: `faults`, messages with the place of each. Work is
    bounded but for the schema's own patterns: one that takes for ever is left to the worker's limit.
    """

    version: ClassVar[str] = "1"

    schema: Annotated[
        str,
        Field(
            max_length=1_000_000, description="the JSON Schema, as JSON text; from the task's extra.schema when empty"
        ),
    ] = ""
    threshold: Threshold = 1.0

    def verdict(self, sample: Sample, replies: Sequence[Reply] = ()) -> Verdict | Ask:  # noqa: ARG002 - asks nothing
        """Parse the answer and validate it."""
        validator = _validator(self.schema or _text(sample.task.extra.get(FIELD)))
        if isinstance(validator, str):
            return Abstain(Cause.INVALID_REFERENCE, validator)
        answer = response_of(sample.completion)
        text = (_FENCED.findall(answer)[-1:] or [answer])[0].strip() if answer else ""
        if not text:
            return Score(0.0, "no answer", {"faults": ["no answer"]})
        if len(text) > LONGEST_VALUE:
            return Abstain(Cause.LIMIT, f"a value of more than {LONGEST_VALUE} characters")
        try:
            value = strict_json(text)
        except ValueError as error:
            return Score(0.0, f"no JSON: {error}"[:200], {"faults": ["no JSON"]})
        faults = _faults(validator, value)
        if isinstance(faults, Abstain):
            return faults
        reason = faults[0] if faults else "the schema accepts the value"
        return Score(filtered(1.0 / (1 + len(faults)), self.threshold), reason, {"faults": faults})


def _faults(validator: Validator, value: Json) -> list[str] | Abstain:
    """List what the schema finds wrong with the value."""
    _steps_left.set(iter(range(MOST_STEPS)))
    try:
        errors = list(islice(validator.iter_errors(value), MOST_FAULTS))
    except Unresolvable as error:
        return Abstain(Cause.INVALID_REFERENCE, f"the schema refers to what is not in it: {error}")
    except RecursionError:
        if _is_deep(value):
            return ["$: nested too deeply to be validated"]
        return Abstain(Cause.INVALID_REFERENCE, "the schema refers to itself without end")
    except _TooManyStepsError:
        return Abstain(Cause.LIMIT, f"validation takes more than {MOST_STEPS} steps")
    return [f"{error.json_path}: {error.message[:200]}" for error in errors]


def _is_deep(value: Json) -> bool:
    """Whether a value's own depth, and no circle in the schema, is what went too far."""
    level: list[Json] = [value]
    for _ in range(DEEP):
        inner: list[Json] = []
        for item in level:
            if isinstance(item, Mapping):
                inner.extend(item.values())
            elif not isinstance(item, str) and isinstance(item, Sequence):
                inner.extend(item)
        level = inner
    return bool(level)


def _text(schema: object) -> str:
    if isinstance(schema, str):
        return schema
    return json.dumps(schema, default=_plain) if isinstance(schema, Mapping) else ""


def _plain(value: object) -> object:
    if isinstance(value, Mapping):
        return dict(cast("Mapping[str, object]", value))
    message = f"no part of a schema: {value!r}"
    raise TypeError(message)


@lru_cache(maxsize=64)
def _validator(schema: str) -> Validator | str:
    """Compile a schema; or say why it is none."""
    if not schema:
        return "the task has no schema"
    try:
        parsed = strict_json(schema)
        if not isinstance(parsed, dict | bool):
            return "no schema: neither an object nor a boolean"
        known = {} if isinstance(parsed, bool) else parsed
        dialect = validators.validator_for(known, default=Draft202012Validator)
        dialect.check_schema(known)
    except SchemaError as error:
        return f"no schema: {error.message}"[:200]
    except (ValueError, RecursionError, AttributeError, TypeError) as error:
        return f"no schema: {error}"[:200]
    keywords = {name: _counted(keyword) for name, keyword in dialect.VALIDATORS.items()}
    bounded = _extend(dialect, keywords)
    if isinstance(parsed, dict):
        parsed = {name: value for name, value in parsed.items() if name != "$schema"}  # it would bring its own keywords
    nothing: Registry[Any] = Registry()  # so that references are never fetched
    return bounded(parsed, registry=nothing)


class _TooManyStepsError(Exception):
    """The schema makes more of the value than it may."""


_steps_left: ContextVar[Iterator[int]] = ContextVar("steps_left")


def _counted(keyword: Keyword) -> Keyword:
    def counted(*arguments: Any) -> Iterable[ValidationError] | None:  # noqa: ANN401 - whatever the keyword takes
        if next(_steps_left.get(), None) is None:
            raise _TooManyStepsError
        return keyword(*arguments)

    return counted
