"""The options that all judges share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from jurist.verifiers._prompts import Prompt

if TYPE_CHECKING:
    from collections.abc import Mapping

    from jurist.verifiers._judge.rendering import Template

__all__ = ["JudgeOptions"]


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgeOptions:
    """Which model is asked, and how one that writes before it decides is sampled."""

    model: Annotated[str, Field(max_length=256, description="one of the service's models; its default when empty")] = ""
    write_tokens: Annotated[
        int, Field(ge=1, le=65_536, description="tokens that the judge may write, with templates that have it write")
    ] = 2_048
    draws: Annotated[
        int, Field(ge=1, le=64, description="how often it is asked, with templates that have it write")
    ] = 1
    temperature: Annotated[
        float, Field(ge=0.0, le=2.0, description="at which it writes; above 0 where it is asked more than once")
    ] = 0.0

    def __post_init__(self) -> None:
        if self.draws > 1 and not self.temperature:
            raise ValueError("draws: asked more than once at temperature 0, a judge says the same every time")

    def prompt(self, template: Template, values: Mapping[str, str], labels: tuple[str, ...] = ()) -> Prompt:
        """Ask with these values; `labels` replace those of the template."""
        offered = labels or tuple(template.labels)
        messages = template.messages(values)
        if not template.writes:
            return Prompt(messages=messages, labels=offered, template=template.id, model=self.model)
        return Prompt(
            messages=messages,
            labels=offered,
            template=template.id,
            write_tokens=self.write_tokens,
            draws=self.draws,
            temperature=self.temperature,
            schema=template.schema(offered),
            model=self.model,
        )
