"""A chunk, judged in this process: what a worker does, without the worker."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from jurist.services.judge import Cell, Chunk, findings_of
from jurist.services.values import Findings
from jurist.v1 import reward_pb2
from jurist.verifiers import (
    Abstain,
    Ask,
    Cause,
    Criterion,
    Decision,
    Equality,
    FinishReason,
    Message,
    Sample,
    Score,
    Verdict,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from jurist.services.judge import Judged
    from jurist.verifiers import Reply

QUESTION = Equality(reference="x", answer="y")


@dataclass(frozen=True)
class Says:
    """A verifier that does what it is told, and remembers what it saw."""

    version: ClassVar[str] = "1"
    what: Callable[[Sample, Sequence[Reply]], Any]

    def verdict(self, sample: Sample, replies: Sequence[Reply] = ()) -> Verdict | Ask:
        return self.what(sample, replies)  # type: ignore[no-any-return]  # it may be told to answer nonsense


class Notes:
    """Progress that is written down."""

    def __init__(self) -> None:
        self.cells: list[Cell] = []

    def at(self, cell: Cell, cpu_s: float | None = None) -> None:
        assert cpu_s is None
        self.cells.append(cell)


def payload(*completions: str, **fields: Any) -> bytes:
    group = reward_pb2.RolloutGroup(group_id="g", task=reward_pb2.Task(answers=["42"], language="en"))
    for completion in completions:
        group.rollouts.add(completion=completion, **fields)
    return group.SerializeToString()


def judge(what: Callable[[Sample, Sequence[Reply]], Any], *payloads: bytes, **fields: Any) -> tuple[Judged, Notes]:
    notes = Notes()
    chunk = Chunk(verifiers=(Says(what),), payloads=payloads, **fields)
    return chunk.run(notes, payloads), notes


def only(judged: Judged) -> Verdict | Ask:
    (wired,) = judged.groups
    return findings_of(wired, 1, 1).rows[0][0].outcome


def test_equal_completions_of_a_group_are_judged_once() -> None:
    seen: list[str] = []

    def note(sample: Sample, _: Sequence[Reply]) -> Verdict:
        seen.append(sample.completion)
        return Score(1.0, "fine")

    judged, _ = judge(note, payload("a", "b", "a", "a"))
    distinct, rows = judged.groups[0]  # type: ignore[misc]  # not an abstention

    assert seen == ["a", "b"]
    assert list(distinct) == [0, 1, 0, 0]
    assert len(rows) == 2


def test_what_a_verifier_sees_is_what_was_sent() -> None:
    seen: list[Sample] = []
    sent = payload("a", finish_reason=reward_pb2.FINISH_REASON_LENGTH, completion_tokens=0)

    def note(sample: Sample, _: Sequence[Reply]) -> Verdict:
        seen.append(sample)
        return Score(1.0, "")

    judge(note, sent)

    assert (seen[0].completion, seen[0].task.answers, seen[0].task.language) == ("a", ("42",), "en")
    assert (seen[0].finish_reason, seen[0].completion_tokens) == (FinishReason.LENGTH, 0)


def test_a_chat_and_a_rubric_reach_the_verifier() -> None:
    seen: list[Sample] = []
    group = reward_pb2.RolloutGroup.FromString(payload("a"))
    group.task.messages.add(role="system", content="Be brief.")
    group.task.messages.add(role="user", content="6 * 7?")
    group.task.rubric.add(text="is short")
    group.task.rubric.add(text="is rude", weight=-2.0)

    def note(sample: Sample, _: Sequence[Reply]) -> Verdict:
        seen.append(sample)
        return Score(1.0, "")

    judge(note, group.SerializeToString())

    assert seen[0].task.prompt == "Be brief.\n\n6 * 7?"
    assert seen[0].task.messages == (Message("system", "Be brief."), Message("user", "6 * 7?"))
    assert seen[0].task.rubric == (Criterion("is short", 1.0), Criterion("is rude", -2.0))


def test_each_cell_is_announced_before_it_begins() -> None:
    _, notes = judge(lambda *_: Score(1.0, ""), payload("a", "b"), payload("c"))

    assert notes.cells == [Cell(0, -1, -1), Cell(0, 0, 0), Cell(0, 1, 0), Cell(1, -1, -1), Cell(1, 0, 0)]


def test_an_error_is_that_cells_alone_and_its_traceback_is_kept() -> None:
    def fail(sample: Sample, _: Sequence[Reply]) -> Verdict:
        if sample.completion == "bad":
            raise ZeroDivisionError("oh")
        return Score(1.0, "fine")

    judged, _ = judge(fail, payload("good", "bad"))
    findings = findings_of(judged.groups[0], 2, 1)

    assert findings.rows[0][0].outcome == Score(1.0, "fine")
    assert findings.rows[1][0].outcome == Abstain(Cause.INTERNAL, "the verifier failed: ZeroDivisionError")
    assert "ZeroDivisionError: oh" in judged.faults[0]


def test_too_much_memory_or_depth_is_a_limit_and_no_fault() -> None:
    def deep(sample: Sample, replies: Sequence[Reply]) -> Verdict:
        return deep(sample, replies)

    def wide(*_: object) -> Verdict:
        raise MemoryError

    for greedy in (deep, wide):
        judged, _ = judge(greedy, payload("a"))
        outcome = only(judged)
        assert isinstance(outcome, Abstain)
        assert outcome.cause is Cause.LIMIT
        assert not judged.faults


def test_leaving_and_nonsense_are_the_verifiers_faults() -> None:
    for bad in (lambda *_: sys.exit(0), lambda *_: 0.5, lambda *_: None, lambda *_: Score(2.0, "too good")):
        outcome = only(judge(bad, payload("a"))[0])
        assert isinstance(outcome, Abstain)
        assert outcome.cause is Cause.INTERNAL


def test_a_reason_that_utf8_cannot_carry_is_mended() -> None:
    assert only(judge(lambda *_: Score(0.0, "\ud800!"), payload("a"))[0]) == Score(0.0, "?!")


def test_details_that_are_no_json_are_a_fault_and_others_travel_in_wire_form() -> None:
    judged, _ = judge(lambda *_: Score(1.0, "", {"n": 2, "list": ["a", None]}), payload("a"))
    details = findings_of(judged.groups[0], 1, 1).rows[0][0].details
    bad, _ = judge(lambda *_: Score(1.0, "", {"o": object()}), payload("a"))

    assert b"list" in details
    assert isinstance(only(bad), Abstain)


def test_a_question_is_asked_and_its_reply_settles_that_cell_alone() -> None:
    def ask(sample: Sample, replies: Sequence[Reply]) -> Any:
        if sample.completion == "plain":
            return Score(0.0, "plain")
        return Score(1.0, f"told {replies[0]}") if replies else Ask((QUESTION,))

    sent = payload("plain", "asks")
    first, _ = judge(ask, sent)
    before = findings_of(first.groups[0], 2, 1)
    assert before.rows[1][0].outcome == Ask((QUESTION,))

    again, notes = judge(ask, sent, replies={Cell(0, 1, 0): (Decision(equal=True, reason="so"),)})
    after = findings_of(again.groups[0], 2, 1, before)
    assert after.rows[0][0].outcome == Score(0.0, "plain")
    assert isinstance(after.rows[1][0].outcome, Score)
    assert Cell(0, 0, 0) not in notes.cells


def test_a_settled_cell_is_not_tried_again_nor_is_a_settled_group() -> None:
    given_up = Abstain(Cause.LIMIT, "given up")
    judged, notes = judge(lambda *_: Score(1.0, ""), payload("a", "b"), settled={Cell(0, 1, 0): given_up})
    whole, _ = judge(lambda *_: Score(1.0, ""), payload("a", "b"), settled={Cell(0, -1, -1): given_up})

    assert findings_of(judged.groups[0], 2, 1).rows[1][0].outcome == given_up
    assert Cell(0, 1, 0) not in notes.cells
    assert findings_of(whole.groups[0], 2, 1) == Findings([0, 0], [[findings_of(whole.groups[0], 2, 1).rows[0][0]]])
    assert findings_of(whole.groups[0], 2, 1).rows[0][0].outcome == given_up


def test_a_term_that_is_not_active_abstains() -> None:
    sent = payload("a")
    judged = Chunk(verifiers=(None,), payloads=(sent,)).run(Notes(), [sent])
    outcome = only(judged)

    assert isinstance(outcome, Abstain)
    assert outcome.cause is Cause.NOT_APPLICABLE


def test_a_question_that_cannot_travel_is_its_own_cells_fault() -> None:
    questions: list[Any] = [[], lambda: None]
    for question in questions:

        def ask(sample: Sample, _: Sequence[Reply], question: Any = question) -> Any:
            return Ask((question,)) if sample.completion == "asks" else Score(1.0, "fine")

        judged, _ = judge(ask, payload("plain", "asks"))
        first, second = (row[0].outcome for row in findings_of(judged.groups[0], 2, 1).rows)

        assert first == Score(1.0, "fine")
        assert isinstance(second, Abstain)
        assert second.cause is Cause.INTERNAL
