"""A chunk, judged in this process: what a worker does, without the worker."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from google.protobuf.json_format import MessageToDict
from hypothesis import given
from hypothesis import strategies as st

from jurist.services.judge import TAIL, Cell, Chunk, Found, Judged, findings_of
from jurist.services.values import Findings, Group, PlannedTerm, Recipe, Term
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


def says(what: Callable[[Sample, Sequence[Reply]], Any], *, active: bool = True) -> PlannedTerm:
    return PlannedTerm(term=Term(verifier="says", weight=0.5), verifier=Says(what), active=active)


def judge(what: Callable[[Sample, Sequence[Reply]], Any], *payloads: bytes, **fields: Any) -> tuple[Judged, Notes]:
    notes = Notes()
    chunk = Chunk(terms=(says(what),), payloads=payloads, **fields)
    return chunk.run(notes, payloads), notes


def known(judged: Judged, before: Findings | None = None) -> Findings:
    """Return what is known of the only group, of two rollouts."""
    (found,) = judged.groups
    terms = (says(lambda *_: None),)
    group = Group(group_id="g", rollout_ids=["0", "1"], recipe=Recipe(), terms=terms, payload=b"")
    return findings_of(found, group, before)


def told(judged: Judged, row: int = 0) -> reward_pb2.Component:
    """Return the component of a row."""
    (component,) = reward_pb2.RolloutScore.FromString(known(judged).components[row][0]).components
    return component


def test_equal_completions_of_a_group_are_judged_once() -> None:
    seen: list[str] = []

    def note(sample: Sample, _: Sequence[Reply]) -> Verdict:
        seen.append(sample.completion)
        return Score(1.0, "fine")

    judged, _ = judge(note, payload("a", "b", "a", "a"))
    findings = known(judged)

    assert seen == ["a", "b"]
    assert findings.distinct == [0, 1, 0, 0]
    assert findings.outcomes == [[1.0], [1.0]]


@given(st.lists(st.text("ab", max_size=2 * TAIL), max_size=8), st.sampled_from(["", "x" * TAIL]))
def test_completions_are_told_apart_wherever_they_differ(starts: list[str], end: str) -> None:
    texts = [start + end for start in starts]
    seen: list[str] = []

    def note(sample: Sample, _: Sequence[Reply]) -> Verdict:
        seen.append(sample.completion)
        return Score(1.0, "fine")

    judged, _ = judge(note, payload(*texts))

    assert seen == list(dict.fromkeys(texts))
    assert [seen[row] for row in known(judged).distinct] == texts


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

    assert known(judged).outcomes == [[1.0], [Cause.INTERNAL]]
    assert told(judged, 0).reason == "fine"
    assert told(judged, 1).reason == "the verifier failed: ZeroDivisionError"
    assert "ZeroDivisionError: oh" in judged.faults[0]


def test_too_much_memory_or_depth_is_a_limit_and_no_fault() -> None:
    def deep(sample: Sample, replies: Sequence[Reply]) -> Verdict:
        return deep(sample, replies)

    def wide(*_: object) -> Verdict:
        raise MemoryError

    for greedy in (deep, wide):
        judged, _ = judge(greedy, payload("a"))
        assert known(judged).outcomes == [[Cause.LIMIT]]
        assert not judged.faults


def test_leaving_and_nonsense_are_the_verifiers_faults() -> None:
    for bad in (lambda *_: sys.exit(0), lambda *_: 0.5, lambda *_: None, lambda *_: Score(2.0, "too good")):
        assert known(judge(bad, payload("a"))[0]).outcomes == [[Cause.INTERNAL]]


def test_a_reason_that_utf8_cannot_carry_is_mended() -> None:
    assert told(judge(lambda *_: Score(0.0, "\ud800!"), payload("a"))[0]).reason == "?!"


def test_a_verdict_becomes_its_terms_component() -> None:
    judged, _ = judge(lambda *_: Score(0.0, "no", {"n": 2, "list": ["a", None]}), payload("a"))
    component = told(judged)

    assert (component.name, component.verifier, component.version) == ("says", "says", "1")
    assert component.HasField("score")
    assert (component.score, component.weight, component.reason) == (0.0, 0.5, "no")
    assert MessageToDict(component.details) == {"n": 2.0, "list": ["a", None]}


def test_details_that_are_no_json_are_a_fault() -> None:
    bad, _ = judge(lambda *_: Score(1.0, "", {"o": object()}), payload("a"))

    assert known(bad).outcomes == [[Cause.INTERNAL]]


def test_a_question_is_asked_and_its_reply_settles_that_cell_alone() -> None:
    def ask(sample: Sample, replies: Sequence[Reply]) -> Any:
        if sample.completion == "plain":
            return Score(0.0, "plain")
        return Score(1.0, f"told {replies[0]}") if replies else Ask((QUESTION,))

    sent = payload("plain", "asks")
    first, _ = judge(ask, sent)
    before = known(first)
    assert before.outcomes == [[0.0], [Ask((QUESTION,))]]

    again, notes = judge(ask, sent, replies={Cell(0, 1, 0): (Decision(equal=True, reason="so"),)})
    after = known(again, before)
    assert after.outcomes == [[0.0], [1.0]]
    assert after.components[0] == before.components[0]
    assert b"told Decision" in after.components[1][0]
    assert Cell(0, 0, 0) not in notes.cells


def test_a_settled_cell_is_not_tried_again_nor_is_a_settled_group() -> None:
    given_up = Abstain(Cause.LIMIT, "given up")
    judged, notes = judge(lambda *_: Score(1.0, ""), payload("a", "b"), settled={Cell(0, 1, 0): given_up})
    whole, _ = judge(lambda *_: Score(1.0, ""), payload("a", "b"), settled={Cell(0, -1, -1): given_up})

    assert known(judged).outcomes == [[1.0], [Cause.LIMIT]]
    assert told(judged, 1).reason == "given up"
    assert Cell(0, 1, 0) not in notes.cells
    assert (known(whole).distinct, known(whole).outcomes) == ([0, 0], [[Cause.LIMIT]])
    assert told(whole).reason == "given up"


def test_what_is_lost_in_a_later_round_is_what_was_still_asked() -> None:
    first, _ = judge(
        lambda sample, _: Score(0.0, "") if sample.completion == "a" else Ask((QUESTION,)), payload("a", "b")
    )
    lost = known(Judged(groups=[Abstain(Cause.LIMIT, "gone")]), known(first))

    assert lost.outcomes == [[0.0], [Cause.LIMIT]]
    assert b"gone" in lost.components[1][0]


def test_a_term_that_is_not_active_abstains() -> None:
    sent = payload("a")
    judged = Chunk(terms=(says(lambda *_: Score(1.0, ""), active=False),), payloads=(sent,)).run(Notes(), [sent])

    assert known(judged).outcomes == [[Cause.NOT_APPLICABLE]]
    assert told(judged).weight == 0.0


def test_a_question_that_cannot_travel_is_its_own_cells_fault() -> None:
    questions: list[Any] = [[], lambda: None]
    for question in questions:

        def ask(sample: Sample, _: Sequence[Reply], question: Any = question) -> Any:
            return Ask((question,)) if sample.completion == "asks" else Score(1.0, "fine")

        judged, _ = judge(ask, payload("plain", "asks"))

        assert known(judged).outcomes == [[1.0], [Cause.INTERNAL]]


@dataclass(frozen=True)
class Compares:
    """A verifier of groups that does what it is told."""

    version: ClassVar[str] = "1"
    what: Callable[[Sequence[Sample], Sequence[Reply]], Any]

    def verdicts(self, samples: Sequence[Sample], replies: Sequence[Reply] = ()) -> Sequence[Verdict] | Ask:
        return self.what(samples, replies)  # type: ignore[no-any-return]  # it may be told to answer nonsense


def compared(what: Callable[[Sequence[Sample], Sequence[Reply]], Any], *completions: str, **fields: Any) -> Any:
    sent = payload(*completions)
    terms = (
        PlannedTerm(term=Term(verifier="says"), verifier=Says(lambda *_: Score(1.0, "")), active=True),
        PlannedTerm(term=Term(verifier="compares"), verifier=Compares(what), active=True),
    )
    notes = Notes()
    judged = Chunk(terms=terms, payloads=(sent,), **fields).run(notes, [sent])
    (found,) = judged.groups
    assert isinstance(found, Found)
    return found, judged.faults, notes


def test_a_verifier_of_groups_sees_the_distinct_completions_together() -> None:
    seen: list[list[str]] = []

    def rank(samples: Sequence[Sample], _: Sequence[Reply]) -> Any:
        seen.append([sample.completion for sample in samples])
        return [Score(place / 2, "") for place in range(len(samples))]

    found, _, notes = compared(rank, "a", "b", "a", "c")

    assert seen == [["a", "b", "c"]]
    assert found.distinct == [0, 1, 0, 2]
    assert [row[1] for row in found.outcomes] == [0.0, 0.5, 1.0]
    assert [row[0] for row in found.outcomes] == [1.0, 1.0, 1.0]
    assert Cell(0, 0, 1) in notes.cells
    assert Cell(0, 1, 1) not in notes.cells


def test_a_verifier_of_groups_asks_once_for_all_and_is_called_again_with_the_replies() -> None:
    def ask(samples: Sequence[Sample], replies: Sequence[Reply]) -> Any:
        return [Score(1.0, f"told {len(replies)}") for _ in samples] if replies else Ask((QUESTION, QUESTION))

    first, _, _ = compared(ask, "a", "b")
    replies = {
        Cell(0, row, 1): (*ask.known, *([Decision(equal=True, reason="")] * len(ask.questions)))
        for row, (_, ask) in enumerate(first.outcomes)
    }
    again, _, _ = compared(ask, "a", "b", replies=replies)

    assert [row[1] for row in first.outcomes] == [Ask((QUESTION, QUESTION)), Ask(())]
    assert [row[1] for row in again.outcomes] == [1.0, 1.0]
    assert [row[0] for row in again.outcomes] == [None, None]


def test_an_error_of_a_verifier_of_groups_is_its_cells_alone() -> None:
    for wrong in (lambda *_: [Score(1.0, "")], lambda *_: 1 / 0, lambda *_: None, lambda *_: [0.5, 0.5]):
        found, faults, _ = compared(wrong, "a", "b")
        assert [row[1] for row in found.outcomes] == [Cause.INTERNAL, Cause.INTERNAL]
        assert [row[0] for row in found.outcomes] == [1.0, 1.0]
        assert faults


def test_a_verifier_of_groups_that_took_its_worker_down_is_not_tried_again() -> None:
    settled = {Cell(0, 0, 1): Abstain(Cause.LIMIT, "given up")}
    found, _, notes = compared(lambda samples, _: [Score(1.0, "")] * len(samples), "a", "b", settled=settled)

    assert [row[1] for row in found.outcomes] == [Cause.LIMIT, Cause.LIMIT]
    assert Cell(0, 0, 1) not in notes.cells
