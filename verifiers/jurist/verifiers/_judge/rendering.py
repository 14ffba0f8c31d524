"""Renders the prompts of judges: templates are files beside this one, named and versioned.

A file `templates/NAME.jinja` begins with a comment that holds TOML: `version`; `labels`, each with what it means; for a
judge that writes before it decides `writes = true`, and `fields`, the keys of the JSON object that it is to write, the
verdict last; for one that knows numbers alone `numbers_only = true`, for one that takes one reference at a time
`one_reference = true`. Its blocks, named after roles, become the messages; without blocks it is one of the user's.

Whatever comes from a rollout or a task is a value: it is put in once and never read as a template, its special tokens
are made plain text, and the candidate stands between lines with a code that it cannot know.
"""

from __future__ import annotations

import hashlib
import json
import re
import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

import jinja2
from jinja2.sandbox import ImmutableSandboxedEnvironment

from jurist.verifiers._prompts import Message

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Template", "first_turn", "inert", "template", "template_names"]

NONCE_CHARACTERS = 12
"""Of hexadecimal code, 48 bits: an answer would have to hold a hash of itself to forge it."""

# Tokens that steer chat models, as they are written: those of ChatML, Llama, Mistral, Gemma, DeepSeek, T5 and their
# kin. A backend that reads them in plain text would let a candidate end its turn and begin the judge's own.
_SPECIAL = re.compile(
    "<(?=[|\uff5c][^<>\n]{0,80}[|\uff5c]>)"
    r"|<(?=/?(?:s|bos|eos|pad|unk|mask|cls|sep|think|thinking|tool_call|tool_response|start_of_turn|end_of_turn"
    r"|start_of_image|extra_id_\d+|unused\d+|reserved_\d+|begin_of_text|end_of_text|im_start|im_end)>)"
    r"|<(?=</?SYS>>)"
    r"|\[(?=/?(?:INST|SYSTEM_PROMPT|AVAILABLE_TOOLS|TOOL_CALLS|TOOL_RESULTS|TOOL_CONTENT|IMG|THINK|CLS|SEP|MASK|PAD"
    r"|UNK|gMASK|sop)\])"
    "|\u25c1(?=/?think\u25b7)",
    re.IGNORECASE,
)


def inert(text: str) -> str:
    r"""Make special tokens plain text: `<|im_end|>` becomes `<\|im_end|>`. What UTF-8 cannot carry becomes "?"."""
    return _SPECIAL.sub(r"\g<0>\\", text.encode("utf-8", "replace").decode("utf-8"))


def first_turn(text: str) -> str:
    """Take what stands before the first special token: what comes after one is a turn that the writer made up."""
    return _SPECIAL.split(text, maxsplit=1)[0]


@dataclass(frozen=True, slots=True)
class Template:
    """A prompt of a judge.

    `labels` maps what the judge may answer to what that means. `writes` says that it writes first; `fields` are then
    the keys of the JSON object that it writes, the last of them the verdict's, and none where it writes free text.
    `numbers_only` says that it cannot judge but numbers, `one_reference` that it compares with a single one.
    """

    name: str
    version: str
    labels: Mapping[str, str]
    writes: bool
    fields: tuple[str, ...]
    numbers_only: bool
    one_reference: bool
    _text: jinja2.Template

    @property
    def id(self) -> str:
        """Its name and version."""
        return f"{self.name}@{self.version}"

    @property
    def key(self) -> str:
        """The JSON key of the verdict, "" for none."""
        return self.fields[-1] if self.fields else ""

    def messages(self, values: Mapping[str, str]) -> tuple[Message, ...]:
        """Render the chat; `nonce`, made from all values, is at the template's disposal."""
        kept = {name: inert(value) for name, value in values.items()}
        content = json.dumps([self.name, kept], sort_keys=True).encode()
        kept["nonce"] = hashlib.sha256(content).hexdigest()[:NONCE_CHARACTERS]
        if not self._text.blocks:
            return (Message("user", self._text.render(kept)),)
        context = self._text.new_context(kept)
        return tuple(Message(role, "".join(block(context)).strip()) for role, block in self._text.blocks.items())

    def schema(self, labels: tuple[str, ...]) -> str:
        """Describe the object that the judge writes as JSON Schema: texts, and at last a label; "" where it is free."""
        if not self.fields:
            return ""
        properties: dict[str, object] = {field: {"type": "string"} for field in self.fields[:-1]}
        properties[self.key] = {"enum": [int(label) if label.isdecimal() else label for label in labels]}
        return json.dumps(
            {"type": "object", "properties": properties, "required": self.fields, "additionalProperties": False}
        )


_ENVIRONMENT = ImmutableSandboxedEnvironment(
    autoescape=False,  # a language model reads it, no browser
    undefined=jinja2.StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_FOLDER = files("jurist.verifiers") / "_judge" / "templates"
_SUFFIX = ".jinja"


@cache
def template_names() -> tuple[str, ...]:
    """Name every template, sorted."""
    return tuple(sorted(file.name.removesuffix(_SUFFIX) for file in _FOLDER.iterdir() if file.name.endswith(_SUFFIX)))


@cache
def template(name: str) -> Template:
    """Load a template.

    Raises:
        ValueError: there is none of that name.
    """
    if name not in template_names():
        message = f"unknown template {name!r}; there are: {', '.join(template_names())}"
        raise ValueError(message)
    source = (_FOLDER / f"{name}{_SUFFIX}").read_text(encoding="utf-8")
    header = tomllib.loads(source.removeprefix("{#").partition("#}")[0].rstrip().removesuffix("-"))
    return Template(
        name=name,
        version=header["version"],
        labels=header.get("labels", {}),
        writes=header.get("writes", False),
        fields=tuple(header.get("fields", ())),
        numbers_only=header.get("numbers_only", False),
        one_reference=header.get("one_reference", False),
        _text=_ENVIRONMENT.from_string(source),
    )
