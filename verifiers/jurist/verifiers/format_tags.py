"""Whether the completion keeps to a template of tags, by default DeepSeek-R1's `<think>..</think> <answer>..</answer>`.

Right means: every tag exactly once and in order, nothing but white space outside of them, and something to be seen in
each body. A tag's name is compared to the letter, and a tag that the thought merely mentions counts like any other.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal, cast

from pydantic import Field

from jurist.verifiers._commitment import last_boxes
from jurist.verifiers._strict_json import strict_json, strict_json_at
from jurist.verifiers._tag_scan import TagReport, TagScan, is_blank, trim
from jurist.verifiers._values import FinishReason, Score

if TYPE_CHECKING:
    from collections.abc import Sequence

    from jurist.verifiers._values import Ask, Reply, Sample, Verdict

__all__ = ["FormatTags"]

# Below 1.0 by one tag of R1's four: partial credit must never come near the real thing.
MOST_PARTIAL = 0.75
OUTSIDE_PENALTY = 0.25

_CALL, _CALL_END = re.compile(r"\s*<tool_call>\s*"), re.compile(r"\s*</tool_call>\s*")

TagName = Annotated[str, Field(pattern=r"^[^<>/\s]{1,64}$")]
Holds = Literal["text", "boxed", "json_object", "tool_calls"]


@dataclass(frozen=True, slots=True, kw_only=True)
class FormatTags:
    r"""Scores 1.0 for a completion that keeps to the template, else 0.0 or partial credit.

    Details: `reasons`, the faults as sorted codes (missing_NAME_open, missing_NAME_close, duplicate_NAME_open,
    duplicate_NAME_close, wrong_order, text_before, text_between, text_after, empty_NAME, empty_tail, no_boxed,
    no_json_object, no_tool_call, truncated); `answer`, the last part's text, null unless there is exactly one;
    `think_nonempty`, whether the first tag's body shows anything, null without a body; `think_only`, whether the text
    would do for a template of the first tag alone with the answer after it.

    Raises:
        ValueError: a tag is named twice.
    """

    version: ClassVar[str] = "1"

    tags: Annotated[
        tuple[TagName, ...],
        Field(min_length=1, max_length=16, description="names of the tags, in the order in which they must stand"),
    ] = ("think", "answer")
    tail: Annotated[
        bool,
        Field(
            description="the answer follows the last tag instead of standing in it; with tags = [think], R1's chat form"
        ),
    ] = False
    holds: Annotated[
        Holds,
        Field(
            description="what the answer must hold: any text, a closed \\boxed{}, one JSON object and nothing else, or "
            "one or more <tool_call> blocks with a JSON object in each"
        ),
    ] = "text"
    prefilled: Annotated[bool, Field(description="the prompt ended with the first tag's opening")] = False
    end_tokens: Annotated[
        tuple[str, ...],
        Field(
            max_length=16,
            description="special tokens that may close the completion, such as <|im_end|>; none by default",
        ),
    ] = ()
    partial: Annotated[
        bool,
        Field(
            description="pay a faulty completion 1/n for each of the n markers that stands once and in order, "
            "less 0.25 for text outside, 0.75 at most"
        ),
    ] = False

    def __post_init__(self) -> None:
        if len(set(self.tags)) != len(self.tags):
            message = f"each tag may be named once: {', '.join(self.tags)}"
            raise ValueError(message)

    def scan(self) -> TagScan:
        """Begin to read a streamed completion: `feed` takes chunks, `spoilt` tells when none can make it right.

        It looks at the tags, not at what the answer must hold, and at nothing behind the last one with `end_tokens`.
        """
        scan = TagScan(self.tags, open_ended=self.tail or bool(self.end_tokens))
        if self.prefilled:
            scan.feed(f"<{self.tags[0]}>")
        return scan

    def verdict(self, sample: Sample, replies: Sequence[Reply] = ()) -> Verdict | Ask:  # noqa: ARG002 - asks nothing
        """Find the tags and judge what is in them."""
        text = f"<{self.tags[0]}>{sample.completion}" if self.prefilled else sample.completion
        return self.judge(TagReport.of(text, self.tags), sample.finish_reason)

    def judge(self, report: TagReport, finish_reason: FinishReason = FinishReason.UNKNOWN) -> Score:
        """Judge what a scan of these tags reports, as `verdict` would the whole text."""
        text = _without_end(report.text, self.end_tokens) if self.end_tokens else report.text
        if len(text) < len(report.text):
            report = TagReport.of(text, self.tags)
        last = len(self.tags) - 1
        answer = _tail(report, last) if self.tail else report.sole_body(last)
        faults = report.faults(open_ended=self.tail) or self._answer_faults(answer)
        if not faults:
            led = {"think_nonempty": True, "think_only": self.tail or last > 0}
            return Score(1.0, "keeps to the template", {"reasons": faults, "answer": answer, **led})
        if finish_reason is FinishReason.LENGTH:
            faults = sorted([*faults, "truncated"])
        thought = report.body(0)
        details = {
            "reasons": faults,
            "answer": answer,
            "think_nonempty": None if thought is None else not is_blank(thought),
            "think_only": report.leads(),
        }
        return Score(self._credit(report) if self.partial else 0.0, ", ".join(faults), details)

    def _answer_faults(self, answer: str | None) -> list[str]:
        if not answer:
            return ["empty_tail"]
        if self.holds == "boxed":
            return [] if _has_box(answer) else ["no_boxed"]
        if self.holds == "json_object":
            return [] if _is_json_object(answer) else ["no_json_object"]
        if self.holds == "tool_calls":
            return [] if _are_tool_calls(answer) else ["no_tool_call"]
        return []

    def _credit(self, report: TagReport) -> float:
        credit = report.in_order() / (2 * len(self.tags))
        if report.outside(open_ended=self.tail):
            credit -= OUTSIDE_PENALTY
        return min(max(credit, 0.0), MOST_PARTIAL)


def _without_end(text: str, tokens: tuple[str, ...]) -> str:
    end = len(text.rstrip())
    while token := next((token for token in tokens if token and text.endswith(token, 0, end)), ""):
        end -= len(token)
        while end and text[end - 1].isspace():
            end -= 1
    return text if end == len(text.rstrip()) else text[:end]


def _tail(report: TagReport, last: int) -> str | None:
    tail = report.tail(last)
    return None if tail is None else trim(tail)


def _has_box(text: str) -> bool:
    boxes = last_boxes(text)
    return bool(boxes) and not is_blank(boxes[-1][2] or "")


def _is_json_object(text: str) -> bool:
    try:
        return isinstance(strict_json(text), dict)
    except ValueError:
        return False


def _are_tool_calls(text: str) -> bool:
    """Whether the text is calls and nothing else; a call's JSON may hold the tags as text."""
    at = 0
    while (begin := _CALL.match(text, at)) is not None:
        try:
            call, at = strict_json_at(text, begin.end())
        except ValueError:
            return False
        end = _CALL_END.match(text, at)
        if end is None or not (isinstance(call, dict) and isinstance(cast("dict[str, object]", call).get("name"), str)):
            return False
        at = end.end()
    return 0 < at == len(text)
