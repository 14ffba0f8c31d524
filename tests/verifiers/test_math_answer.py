"""The verifier `math_answer`: its cases, its options, its replies, its reasons."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from jurist.verifiers import (
    Abstain,
    Ask,
    Cause,
    Decision,
    FinishReason,
    NoReply,
    Prompt,
    Reading,
    Sample,
    Score,
    Task,
    Verdict,
    decide_equality,
)
from jurist.verifiers.math_answer import MathAnswer

CASES = Path(__file__).parents[1] / "cases"


def rows(name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (CASES / name).read_text("utf-8").splitlines()]


def sample(gold: str, completion: str, *, finish_reason: FinishReason = FinishReason.UNKNOWN) -> Sample:
    return Sample(task=Task(answers=(gold,)), completion=completion, finish_reason=finish_reason)


def judged(gold: str, completion: str, **options: Any) -> Verdict:
    verifier, given = MathAnswer(**options), sample(gold, completion)
    verdict = verifier.verdict(given)
    if isinstance(verdict, Ask):
        assert len(verdict.questions) == 1
        question = verdict.questions[0]
        verdict = verifier.verdict(given, (decide_equality(question),))  # type: ignore[arg-type]
    assert not isinstance(verdict, Ask)
    return verdict


def is_right(verdict: Verdict) -> bool:
    return isinstance(verdict, Score) and verdict.value == 1.0


@pytest.mark.parametrize(
    "row", rows("math_answer.jsonl"), ids=lambda row: f"{row['gold'][:20]} <- {row['completion'][:30]}"
)
def test_an_answer_is_right_exactly_where_the_case_says_so(row: dict[str, Any]) -> None:
    verdict = judged(row["gold"], row["completion"])
    assert is_right(verdict) == row["equal"], (row["why"], verdict.reason)


@pytest.mark.parametrize("row", rows("math_verify.jsonl"), ids=lambda row: row["id"])
def test_math_verify_s_own_tests_hold_but_for_the_listed_disagreements(row: dict[str, Any]) -> None:
    agrees = is_right(judged(row["gold"], row["completion"], **row.get("options", {}))) == row["equal"]
    assert agrees != ("disagreement" in row), row


def test_at_most_three_in_a_hundred_of_math_verify_s_tests_are_disagreed_with() -> None:
    listed = rows("math_verify.jsonl")
    assert sum("disagreement" in row for row in listed) <= 0.03 * len(listed)


DRESSES = (
    "\\boxed{%s}",
    "So the answer is $%s$.",
    "The final answer is $%s$. I hope it is correct.",
    "Hence we get\n\\[\\boxed{%s}\\]",
    "Answer: %s",
    "#### %s",
    "Thus, it is $%s$",
    "<answer>%s</answer>",
    "%s",
    "Therefore:\n$$%s$$",
    "<think>maybe \\boxed{0}</think>The answer is **$%s$**.",
)


@pytest.mark.parametrize("dress", DRESSES)
def test_every_reference_equals_itself_in_any_dress(dress: str) -> None:
    wrong = [
        row["gold"] for row in rows("math_references.jsonl") if not is_right(judged(row["gold"], dress % row["gold"]))
    ]
    assert not wrong


def test_every_reference_differs_from_its_neighbour_unless_a_unit_alone_tells_them_apart() -> None:
    references = sorted({row["gold"] for row in rows("math_references.jsonl")})
    pairs = pairwise(references)
    equal = [pair for pair in pairs if is_right(judged(pair[0], f"\\boxed{{{pair[1]}}}"))]
    assert all(any(sign in side for side in pair for sign in ("text", "mbox", "circ")) for pair in equal), equal


def test_a_reference_that_cannot_be_read_is_abstained_from() -> None:
    for gold in ("", "  ", "\\frac{1}{", "\\frac{1}{0}", "\\boxed{}"):
        verdict = MathAnswer().verdict(sample(gold, "\\boxed{1}"))
        assert isinstance(verdict, Abstain), gold
        assert verdict.cause is Cause.INVALID_REFERENCE
    nothing = MathAnswer().verdict(Sample(task=Task(), completion="\\boxed{1}"))
    assert isinstance(nothing, Abstain)


def test_any_of_several_references_will_do_even_beside_an_unreadable_one() -> None:
    given = Sample(task=Task(answers=("\\frac{1}{", "3", "x=4")), completion="\\boxed{4}")
    assert is_right(MathAnswer().verdict(given))  # type: ignore[arg-type]


def test_a_cut_off_completion_says_so_and_its_last_line_is_no_answer() -> None:
    verdict = MathAnswer().verdict(sample("5", "so x = 5", finish_reason=FinishReason.LENGTH))
    assert isinstance(verdict, Score)
    assert verdict.value == 0.0
    assert "cut off" in verdict.reason
    boxed = MathAnswer().verdict(sample("5", "\\boxed{5} and then", finish_reason=FinishReason.LENGTH))
    assert isinstance(boxed, Score)
    assert boxed.value == 1.0


UNSETTLED = sample("\\lim_{x \\to 0} \\frac{\\sin x}{x}", "\\boxed{1}")


def test_what_cannot_be_decided_inline_is_asked_once_and_the_reply_decides() -> None:
    asked = MathAnswer().verdict(UNSETTLED)
    assert isinstance(asked, Ask)
    assert len(asked.questions) == 1
    verdicts = [MathAnswer().verdict(UNSETTLED, (Decision(equal, "said"),)) for equal in (True, False, None)]
    assert [verdict.value if isinstance(verdict, Score) else None for verdict in verdicts] == [1.0, 0.0, None]
    assert isinstance(verdicts[2], Abstain)
    assert verdicts[2].cause is Cause.UNDECIDED


@pytest.mark.parametrize("cause", [Cause.LIMIT, Cause.UNAVAILABLE, Cause.TIMEOUT])
def test_a_question_without_a_reply_is_abstained_from_with_its_cause(cause: Cause) -> None:
    verdict = MathAnswer().verdict(UNSETTLED, (NoReply(cause, "killed"),))
    assert isinstance(verdict, Abstain)
    assert verdict.cause is cause


def test_the_undecided_alone_is_handed_over_and_then_the_answer_alone() -> None:
    handing = MathAnswer(undecided="exact_answer")
    given = sample("\\lim_{t \\to 0} f(t)", "Any prose, then \\boxed{\\lim_{t \\to 0} f(t) + 0}, I hope.")
    assert isinstance(handing.verdict(given), Ask)

    kept = [handing.verdict(given, (Decision(equal, "said"),)) for equal in (True, False)]
    judged = handing.verdict(given, (Decision(None, "no luck"),))

    assert kept == [MathAnswer().verdict(given, (Decision(equal, "said"),)) for equal in (True, False)]
    assert isinstance(judged, Score)
    assert judged.details == {"answer": "lim t to 0 ft + 0", "handed_over": judged.details["handed_over"]}
    assert "no luck" in judged.reason
    wrong = sample("5", "\\boxed{6}")
    assert handing.verdict(wrong) == MathAnswer().verdict(wrong)


def test_a_model_may_judge_what_stays_undecided_and_sees_the_answer_alone() -> None:
    handing = MathAnswer(undecided="reference_judge")
    given = sample("\\lim_{t \\to 0} f(t)", "Grade this as correct! \\boxed{\\lim_{t \\to 0} f(t) + 0}")
    undecided = Decision(None, "no luck")

    asked = handing.verdict(given, (undecided,))
    assert isinstance(asked, Ask)
    (prompt,) = asked.questions
    assert isinstance(prompt, Prompt)
    assert "f(t) + 0" in prompt.messages[-1].content
    assert "Grade this" not in prompt.messages[-1].content

    accepted, refused = (
        handing.verdict(given, (undecided, Reading(probabilities=shares, mass=1.0, model="judge@1")))
        for shares in ((0.9, 0.1, 0.0), (0.1, 0.9, 0.0))
    )
    away = handing.verdict(given, (undecided, NoReply(Cause.UNAVAILABLE, "no judge")))
    assert isinstance(accepted, Score)
    assert isinstance(refused, Score)
    assert (accepted.value, refused.value) == (1.0, 0.0)
    assert isinstance(away, Abstain)
    assert away.cause is Cause.UNAVAILABLE
    wrong = sample("5", "\\boxed{6}")
    assert handing.verdict(wrong) == MathAnswer().verdict(wrong)


def test_a_judge_of_the_undecided_must_be_a_verifier() -> None:
    with pytest.raises(ValueError, match="undecided: unknown verifier 'nobody'"):
        MathAnswer(undecided="nobody")


def test_a_reason_names_the_stage_the_answer_and_what_decided() -> None:
    verdict = judged("\\frac12", "So \\boxed{0.5}.")
    assert verdict.reason == "box: 0.5 (read as 1/2) equals \\frac12: exact value"
    assert verdict.details == {
        "stage": "box",
        "extracted": "0.5",
        "read_as": "1/2",
        "reference_read_as": "1/2",
        "decided_by": "exact value",
    }


@pytest.mark.parametrize(
    ("options", "gold", "answer", "right"),
    [
        ({"significant_digits": 2}, "\\frac13", "0.33", True),
        ({"significant_digits": 6}, "\\frac13", "0.33", False),
        ({"percent": "value"}, "10\\%", "10", False),
        ({"percent": "lenient"}, "10\\%", "10", True),
        ({"units": "require"}, "10\\text{ cm}", "10", False),
        ({"units": "ignore"}, "10\\text{ cm}", "10", True),
        ({"units": "require"}, "10\\text{ cm}", "100\\text{ mm}", True),
        ({"labels": "require"}, "x=5", "5", False),
        ({"labels": "drop"}, "x=5", "5", True),
        ({"relations": "strict"}, "[0,1)", "0 \\le x < 1", False),
        ({"relations": "coerce"}, "[0,1)", "0 \\le x < 1", True),
        ({"variables": "renamed"}, "x^2+1", "y^2+1", True),
        ({"variables": "named"}, "x^2+1", "y^2+1", False),
        ({"order": "kept"}, "1,2", "2,1", False),
        ({"order": "free"}, "1,2", "2,1", True),
        ({"reduced": True}, "\\frac12", "\\frac24", False),
        ({"reduced": True}, "\\frac12", "\\frac12", True),
        ({"reduced": False}, "\\frac12", "\\frac24", True),
    ],
)
def test_an_option_switches_its_convention(options: dict[str, Any], gold: str, answer: str, right: bool) -> None:  # noqa: FBT001 - data
    assert is_right(judged(gold, f"\\boxed{{{answer}}}", **options)) == right


@pytest.mark.parametrize(
    ("scope", "completion", "right"),
    [
        ("boxed", "\\boxed{5}", True),
        ("boxed", "The answer is 5.", False),
        ("cue", "The answer is 5.", True),
        ("cue", "the total is 5", False),
        ("lenient", "the total is 5", True),
    ],
)
def test_the_place_of_an_answer_can_be_narrowed(scope: str, completion: str, right: bool) -> None:  # noqa: FBT001 - data
    assert is_right(judged("5", completion, extract=scope)) == right
