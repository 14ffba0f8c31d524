from __future__ import annotations

import json
import time
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jurist.verifiers import FinishReason, Sample, Score, Task
from jurist.verifiers._tag_scan import TagScan
from jurist.verifiers.format_tags import MOST_PARTIAL, FormatTags


def rows(name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (Path(__file__).parents[1] / "cases" / name).read_text().splitlines()]


CASES = rows("format_tags.jsonl")
OWN = rows("format_tags_own.jsonl")
RIGHT = "<think>Two plus two is four.</think> <answer>4</answer>"
PIECES = ["<think>", "</think>", "<answer>", "</answer>", "x", " ", "\u200b", "<", "think>", "\n"]
texts = st.lists(st.sampled_from(PIECES), max_size=12).map("".join)


def judged(completion: str, verifier: FormatTags | None = None, finish: FinishReason = FinishReason.UNKNOWN) -> Score:
    sample = Sample(task=Task(), completion=completion, finish_reason=finish)
    verdict = (verifier or FormatTags()).verdict(sample)
    assert isinstance(verdict, Score)
    return verdict


@pytest.mark.parametrize("case", CASES, ids=[case["id"] for case in CASES])
def test_a_completion_gets_the_verdict_that_its_case_states(case: dict[str, object]) -> None:
    verdict = judged(str(case["completion"]), FormatTags(prefilled=bool(case["prefilled"])))

    assert verdict.value == float(bool(case["strict"])), case["why"]
    assert {key: case[key] for key in ("reasons", "answer", "think_nonempty", "think_only")} == verdict.details


@pytest.mark.parametrize("case", OWN, ids=[case["id"] for case in OWN])
def test_a_completion_gets_the_verdict_that_its_template_asks_for(case: dict[str, Any]) -> None:
    options: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value for name, value in case["options"].items()
    }
    finish = FinishReason(options.pop("finish", "UNKNOWN"))

    verdict = judged(case["completion"], FormatTags(**options), finish)

    assert {key: case[key] for key in ("reasons", "answer", "think_nonempty", "think_only")} == verdict.details
    assert verdict.value == float(not case["reasons"]), case["why"]


@pytest.mark.parametrize("case", CASES, ids=[case["id"] for case in CASES])
def test_the_first_tag_alone_with_a_tail_is_the_think_only_template(case: dict[str, object]) -> None:
    verifier = FormatTags(tags=("think",), tail=True, prefilled=bool(case["prefilled"]))

    assert judged(str(case["completion"]), verifier).value == float(bool(case["think_only"]))


@given(texts)
def test_right_means_what_a_plain_reading_of_the_rule_says(text: str) -> None:
    once = all(text.count(tag) == 1 for tag in ("<think>", "</think>", "<answer>", "</answer>"))
    right = False
    if once:
        before, _, rest = text.partition("<think>")
        thought, closed, rest = rest.partition("</think>")
        between, opened, rest = rest.partition("<answer>")
        answer, ended, after = rest.partition("</answer>")
        bodies = [body.replace("\u200b", "").strip() for body in (thought, answer)]
        outside = (before + between + after).strip()
        right = all((closed, opened, ended, *bodies)) and not outside

    assert judged(text).value == float(right)


TEMPLATES = [
    FormatTags(),
    FormatTags(prefilled=True),
    FormatTags(partial=True, end_tokens=("x", "<")),
    FormatTags(tags=("think",), tail=True, holds="boxed"),
    FormatTags(tags=("answer", "think"), tail=True, holds="tool_calls"),
]


@given(texts, st.lists(st.integers(0, 60), max_size=8), st.sampled_from(TEMPLATES))
def test_chunks_are_judged_as_the_whole_text(text: str, cuts: list[int], verifier: FormatTags) -> None:
    scan = verifier.scan()
    edges = sorted({0, *(min(cut, len(text)) for cut in cuts), len(text)})
    for start, end in pairwise(edges):
        scan.feed(text[start:end])

    assert verifier.judge(scan.report()) == judged(text, verifier)


@given(texts)
def test_single_characters_are_judged_as_the_whole_text(text: str) -> None:
    scan = FormatTags().scan()
    for char in text:
        scan.feed(char)

    assert FormatTags().judge(scan.report()) == judged(text)


def test_a_streamed_completion_is_known_to_be_wrong_as_soon_as_it_is() -> None:
    scan = FormatTags(prefilled=True).scan()
    seen: list[bool] = []
    for chunk in ("so it ", "is</thi", "nk><th", "ink> 4</think>"):
        scan.feed(chunk)
        seen.append(scan.spoilt)

    assert seen == [False, False, True, True]


@pytest.mark.parametrize(
    ("text", "spoilt"),
    [
        (" \n<thi", False),
        ("Sure! I will think", True),
        ("<thin air", True),
        ("<think> \u200b", False),
        ("<think> \u200b</think>", True),
        ("<think>x</think>\n", False),
        ("<think>x</think> so", True),
        ("<think><answer>x</think>", True),
        ("<think>x</think><answer></ans", False),
        ("<think>x</think><answer></answer>", True),
        (RIGHT + "\n", False),
        (RIGHT + " more", True),
    ],
)
def test_a_text_is_spoilt_where_nothing_can_repair_it(text: str, spoilt: bool) -> None:  # noqa: FBT001 - drawn from the table
    scan = FormatTags().scan()
    for char in text:
        scan.feed(char)

    assert scan.spoilt == spoilt

    whole = FormatTags().scan()
    whole.feed(text)
    assert whole.spoilt == spoilt


@given(texts, st.lists(st.integers(0, 60), max_size=8))
def test_a_text_is_spoilt_or_can_be_brought_to_its_end(text: str, cuts: list[int]) -> None:
    scan = TagScan(("think", "answer"))
    edges = sorted({0, *(min(cut, len(text)) for cut in cuts), len(text)})
    for start, end in pairwise(edges):
        scan.feed(text[start:end])
    ends = [RIGHT[place:] for place in range(len(RIGHT) + 1)]

    assert scan.spoilt == (not any(judged(text + end).value for end in ends))


@given(texts, texts, st.sampled_from(TEMPLATES))
def test_a_spoilt_text_stays_wrong_whatever_follows(text: str, more: str, verifier: FormatTags) -> None:
    scan = verifier.scan()
    scan.feed(text)

    assert not (scan.spoilt and judged(text + more, verifier).value == 1.0)


@given(texts)
def test_partial_credit_is_full_only_where_strict_is(text: str) -> None:
    strict, partial = judged(text).value, judged(text, FormatTags(partial=True)).value

    assert partial == 1.0 if strict else 0.0 <= partial <= MOST_PARTIAL


def test_partial_credit_grows_with_every_tag_in_its_place() -> None:
    steps = ["x", "<think>x", "<think>x</think>", "<think>x</think><answer>4", RIGHT]

    assert [judged(step, FormatTags(partial=True)).value for step in steps] == [0.0, 0.25, 0.5, 0.75, 1.0]


def test_a_completion_cut_at_the_limit_is_said_to_be_truncated() -> None:
    assert judged("<think>x", finish=FinishReason.LENGTH).details["reasons"] == [
        "missing_answer_close",
        "missing_answer_open",
        "missing_think_close",
        "truncated",
    ]
    assert judged(RIGHT, finish=FinishReason.LENGTH).value == 1.0


def test_only_the_named_special_tokens_may_close_the_completion() -> None:
    verifier = FormatTags(end_tokens=("<|im_end|>", "</s>"))

    assert judged(RIGHT + "<|im_end|>\n</s> ", verifier).value == 1.0
    assert judged(RIGHT + "<|endoftext|>", verifier).details["reasons"] == ["text_after"]


def test_any_list_of_tags_makes_a_template() -> None:
    verifier = FormatTags(tags=("plan", "think", "answer"))

    assert judged("<plan>a</plan>\n<think>b</think>\n<answer>c</answer>", verifier).value == 1.0
    assert judged("<think>b</think><plan>a</plan><answer>c</answer>", verifier).details["reasons"] == ["wrong_order"]


def test_a_tag_named_twice_is_refused() -> None:
    with pytest.raises(ValueError, match="named once"):
        FormatTags(tags=("think", "think"))


@pytest.mark.parametrize(
    ("verifier", "tail", "fault"),
    [
        (FormatTags(tags=("think",), tail=True, holds="boxed"), "So \\boxed{\\frac{1}{2}}.", None),
        (FormatTags(tags=("think",), tail=True, holds="boxed"), "So \\boxed{\\frac{1}{2}", "no_boxed"),
        (FormatTags(tags=("think",), tail=True, holds="boxed"), "So \\boxed{ }.", "no_boxed"),
        (FormatTags(tags=("think",), tail=True, holds="json_object"), '{"a": [1, 2]}', None),
        (FormatTags(tags=("think",), tail=True, holds="json_object"), '{"a": 1} done', "no_json_object"),
        (FormatTags(tags=("think",), tail=True, holds="json_object"), "[" * 100_000, "no_json_object"),
        (
            FormatTags(tags=("think",), tail=True, holds="tool_calls"),
            '<tool_call>\n{"name": "add", "arguments": {}}\n</tool_call>\n<tool_call>{"name": "b"}</tool_call>',
            None,
        ),
        (FormatTags(tags=("think",), tail=True, holds="tool_calls"), '<tool_call>{"name": "a"}', "no_tool_call"),
        (FormatTags(tags=("think",), tail=True, holds="tool_calls"), "I call nothing", "no_tool_call"),
        (FormatTags(tags=("think",), tail=True), " \u200b", "empty_tail"),
        (FormatTags(holds="boxed"), "<answer>4</answer>", "no_boxed"),
    ],
)
def test_the_answer_holds_what_the_template_asks_for(verifier: FormatTags, tail: str, fault: str | None) -> None:
    assert judged("<think>x</think>" + tail, verifier).details["reasons"] == ([] if fault is None else [fault])


@pytest.mark.parametrize(
    ("answer", "fault"),
    [
        ("<tool_call>" * 20_000, "no_tool_call"),
        ('<tool_call>{"name": "a"}</tool_call>' * 20_000, None),
        ("<tool_call>" + "[" * 100_000, "no_tool_call"),
        ('<tool_call>{"name": "a", "x": "<tool_call>"}</tool_call>', None),
    ],
)
def test_hostile_tool_calls_are_read_in_a_moment(answer: str, fault: str | None) -> None:
    verifier = FormatTags(tags=("think",), tail=True, holds="tool_calls")

    assert judged("<think>x</think>" + answer, verifier).details["reasons"] == ([] if fault is None else [fault])


@pytest.mark.parametrize("piece", ["<think>", "</answer>", "<", "</thin", " ", "\u200b ", "a<think>b"])
def test_twice_the_text_takes_about_twice_the_time(piece: str) -> None:
    def cost_s(text: str) -> float:
        best = 1.0
        for _ in range(5):
            started = time.process_time()
            judged(text)
            best = min(best, time.process_time() - started)
        return best

    text = piece * (1_000_000 // len(piece))

    assert cost_s(text * 4) < 10 * max(cost_s(text), 0.001)


@pytest.mark.parametrize(
    "text", ["<think>" + "so " * 20_000, " " * 60_000, "<think>" + "\u200b" * 60_000, "<" * 60_000]
)
def test_twice_the_chunks_take_about_twice_the_time(text: str) -> None:
    def cost_s(text: str) -> float:
        best = 1.0
        for _ in range(3):
            scan = FormatTags().scan()
            started = time.process_time()
            for start in range(0, len(text), 4):
                scan.feed(text[start : start + 4])
            best = min(best, time.process_time() - started)
        return best

    assert cost_s(text * 2) < 4 * cost_s(text)
