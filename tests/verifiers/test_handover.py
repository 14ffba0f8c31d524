"""Handing over: the second verifier is asked only what the first cannot settle, in as many rounds as either needs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from jurist.verifiers import Abstain, Ask, Cause, Decision, Equality, Message, NoReply, Prompt, Reading, Score
from jurist.verifiers._handover import handed_over

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from jurist.verifiers import Question, Reply, Verdict

OPEN = Abstain(Cause.UNDECIDED, "no method settles it")
YES = Score(1.0, "the judge says yes", {"label": "yes"})


def asks(*questions: Question) -> Ask:
    return Ask(questions)


def symbolic(text: str) -> Equality:
    return Equality(reference="1", answer=text)


def prompt(text: str) -> Prompt:
    return Prompt(messages=(Message("user", text),), labels=("yes", "no"), template="t1")


def says(verdict: Verdict) -> Callable[[Sequence[Reply]], Verdict | Ask]:
    return lambda _: verdict


def rounds(*asked: Ask, then: Verdict) -> Callable[[Sequence[Reply]], Verdict | Ask]:
    """Asks these in turn, each after the replies to the one before, and carries what it was told along."""

    def turn(replies: Sequence[Reply]) -> Verdict | Ask:
        told = len(replies)
        for ask in asked:
            if told < len(ask.questions):
                return Ask(ask.questions, known=tuple(replies))
            told -= len(ask.questions)
        assert told == 0, "given replies that are not its own"
        return then

    return turn


def driven(first: Callable[..., Verdict | Ask], second: Callable[..., Verdict | Ask]) -> tuple[Verdict, list[Question]]:
    """Answer every question as an engine does; the verdict, and what was asked."""
    replies: tuple[Reply, ...] = ()
    asked: list[Question] = []
    while isinstance(outcome := handed_over(first, second, replies), Ask):
        asked += outcome.questions
        told = [Decision(None, "?") if isinstance(question, Equality) else Reading() for question in outcome.questions]
        replies = (*outcome.known, *told)
    return outcome, asked


@pytest.mark.parametrize(
    "verdict",
    [
        Score(0.0, "different"),
        Score(1.0, "equal"),
        Abstain(Cause.INVALID_REFERENCE, "no reference"),
        Abstain(Cause.UNAVAILABLE, "no lane"),
    ],
)
def test_what_the_first_settles_is_never_handed_over(verdict: Verdict) -> None:
    assert handed_over(says(verdict), rounds(asks(prompt("?")), then=YES), ()) == verdict


@pytest.mark.parametrize("cause", [Cause.UNDECIDED, Cause.LIMIT])
def test_what_the_first_leaves_open_is_the_second_s_to_say_and_the_reason_names_both(cause: Cause) -> None:
    verdict = handed_over(says(Abstain(cause, "too hard")), says(YES), ())

    assert isinstance(verdict, Score)
    assert verdict.value == 1.0
    assert "the judge says yes" in verdict.reason
    assert "too hard" in verdict.reason
    assert verdict.details == {"label": "yes", "handed_over": "too hard"}


def test_where_the_second_abstains_too_its_cause_stands() -> None:
    verdict = handed_over(says(OPEN), says(Abstain(Cause.UNAVAILABLE, "no judge")), ())

    assert isinstance(verdict, Abstain)
    assert verdict.cause is Cause.UNAVAILABLE


def test_each_is_given_its_own_replies_in_one_round() -> None:
    first = rounds(asks(symbolic("a"), symbolic("b")), then=OPEN)
    second = rounds(asks(prompt("p")), then=YES)

    verdict, asked = driven(first, second)

    assert verdict == Score(
        1.0, f"{YES.reason} (asked, since: {OPEN.reason})", {**YES.details, "handed_over": OPEN.reason}
    )
    assert asked == [symbolic("a"), symbolic("b"), prompt("p")]


def test_each_may_ask_in_several_rounds() -> None:
    first = rounds(asks(symbolic("a")), asks(symbolic("b"), symbolic("c")), then=OPEN)
    second = rounds(asks(prompt("p"), prompt("q")), asks(prompt("r")), then=YES)

    verdict, asked = driven(first, second)

    assert isinstance(verdict, Score)
    assert asked == [symbolic("a"), symbolic("b"), symbolic("c"), prompt("p"), prompt("q"), prompt("r")]


def test_a_question_that_got_no_reply_ends_the_first_as_if_it_were_alone() -> None:
    def first(replies: Sequence[Reply]) -> Verdict | Ask:
        if not replies:
            return asks(symbolic("a"))
        (reply,) = replies
        assert isinstance(reply, NoReply)
        return Abstain(reply.cause, reply.reason)

    killed = handed_over(first, says(YES), (NoReply(Cause.LIMIT, "killed"),))
    absent = handed_over(first, says(YES), (NoReply(Cause.UNAVAILABLE, "no worker"),))

    assert isinstance(killed, Score)
    assert absent == Abstain(Cause.UNAVAILABLE, "no worker")
