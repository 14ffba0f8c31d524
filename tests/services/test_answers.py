from __future__ import annotations

import asyncio
from contextlib import suppress

from jurist.services.answers import Answers
from jurist.verifiers import Cause, Decision, Equality, NoReply, Question, Reply

QUESTION = Equality(reference="x", answer="y")


class Asked:
    """Answers when told to, and remembers what it was asked."""

    def __init__(self, reply: Reply) -> None:
        self.reply = reply
        self.questions: list[Question] = []
        self.cancelled = 0
        self.free = asyncio.Event()

    async def __call__(self, question: Question) -> Reply:
        self.questions.append(question)
        try:
            await self.free.wait()
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        return self.reply


async def test_equal_questions_in_flight_are_asked_once() -> None:
    asked = Asked(Decision(equal=True, reason=""))
    answers = Answers(asked)
    waiting = [asyncio.create_task(answers.get(QUESTION)) for _ in range(16)]
    await asyncio.sleep(0)
    asked.free.set()

    assert await asyncio.gather(*waiting) == [asked.reply] * 16
    assert len(asked.questions) == 1


async def test_a_reply_is_remembered_a_killing_question_too() -> None:
    for reply in (Decision(equal=False, reason=""), NoReply(Cause.LIMIT, "killed")):
        asked = Asked(reply)
        asked.free.set()
        answers = Answers(asked)

        assert [await answers.get(QUESTION) for _ in range(3)] == [reply] * 3
        assert len(asked.questions) == 1


async def test_what_was_not_there_is_asked_again() -> None:
    asked = Asked(NoReply(Cause.UNAVAILABLE, "down"))
    asked.free.set()
    answers = Answers(asked)
    await answers.get(QUESTION)
    await answers.get(QUESTION)

    assert len(asked.questions) == 2


async def test_work_goes_on_for_the_others_and_stops_with_the_last_one() -> None:
    asked = Asked(Decision(equal=True, reason=""))
    answers = Answers(asked)
    first, second = (asyncio.create_task(answers.get(QUESTION)) for _ in range(2))
    await asyncio.sleep(0.01)
    first.cancel()
    await asyncio.sleep(0.01)
    assert asked.cancelled == 0

    second.cancel()
    for task in (first, second):
        with suppress(asyncio.CancelledError):
            await task
    await asyncio.sleep(0.01)
    assert asked.cancelled == 1


async def test_a_failure_reaches_everyone_and_is_not_remembered() -> None:
    async def fail(_: Question) -> Reply:
        await asyncio.sleep(0)
        raise RuntimeError("down")

    answers = Answers(fail)
    failures = await asyncio.gather(*[answers.get(QUESTION) for _ in range(3)], return_exceptions=True)

    assert [str(failure) for failure in failures] == ["down"] * 3
