"""What a verifier asks of a language model, and what it is told. Frozen values, no I/O.

A judge is asked in one of two ways. `Prompt` puts a chat before it and offers labels: their probabilities are read
from the next token, or, where it may write first, the verifier reads what it wrote. `Dialogue` puts a finished chat
before a reward model, which rates its last turn.
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Dialogue", "Message", "Prompt", "Rating", "Reading"]


@dataclass(frozen=True, slots=True)
class Message:
    """One turn of a chat; `role` is "system", "user", "assistant" or "tool"."""

    role: str
    content: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Prompt:
    """Asks a language model which of `labels` holds.

    Constant text stands first in `messages` and what differs within a group last, so that the beginning that a group
    shares is computed once. With `write_tokens` 0 the labels' probabilities are read where the answer would begin;
    above it the model writes up to so many tokens, `draws` times at `temperature`, and the verifier reads the texts.

    `model` names one of the service's models, its default when empty. `template` is the name and version of the text
    that `messages` were made from; it is part of the question, so a changed template is never answered from memory.
    `schema` is a JSON Schema of what is written, as text, for backends that can hold a model to one; "" for free text.
    """

    messages: tuple[Message, ...]
    labels: tuple[str, ...]
    template: str
    write_tokens: int = 0
    draws: int = 1
    temperature: float = 0.0
    schema: str = ""
    model: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """The reply to a `Prompt`.

    `probabilities` has one for each label, in their order, and sums to 1; it is empty where the model wrote. `mass` in
    [0, 1] is the share of all probability that fell on the labels before they were made to sum to 1: a low one says
    that the model wanted to answer something else. `texts` are what it wrote, one a draw; `cut` says of each whether it
    was ended by `write_tokens`, none where that is not known. `model` is the model that answered, with its revision
    where that is known.
    """

    probabilities: tuple[float, ...] = ()
    mass: float = 1.0
    texts: tuple[str, ...] = ()
    cut: tuple[bool, ...] = ()
    model: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialogue:
    """Asks a reward model (sequence classification, one label) to rate the last turn of `messages`.

    `model` names one of the service's reward models, its default when empty.
    """

    messages: tuple[Message, ...]
    model: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rating:
    """The reply to a `Dialogue`: the model's raw output, finite, on a scale of its own; larger is better."""

    value: float
    model: str = ""
