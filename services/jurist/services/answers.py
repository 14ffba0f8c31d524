"""Asks each question once: while it is being answered, and for as long as the answer is remembered.

Answers are functions of their questions, so they may be shared by everybody. Decisions are remembered, questions that
killed their worker, too: 16 equal rollouts cost one kill. What a program did is not: it can be large, and programs that
come twice mostly come together.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from typing import TYPE_CHECKING

from jurist.verifiers import Cause, Decision, NoReply

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from jurist.verifiers import Question, Reply

__all__ = ["Answers"]

REMEMBERED = 10_000  # a question and its reply are some 500 bytes
LASTING = frozenset({Cause.LIMIT, Cause.UNDECIDED})  # causes that asking again would not change


class _Flight:
    """One question on its way, and how many wait for it."""

    def __init__(self, task: asyncio.Task[Reply]) -> None:
        self.task = task
        self.waiters = 0


class Answers:
    """Answers questions by `ask`, each once."""

    def __init__(self, ask: Callable[[Question], Awaitable[Reply]]) -> None:
        self._ask = ask
        self._flights: dict[Question, _Flight] = {}
        self._known: OrderedDict[Question, Reply] = OrderedDict()

    async def get(self, question: Question) -> Reply:
        """Return the reply. Work stops when the last one who waits for it is cancelled."""
        if question in self._known:
            self._known.move_to_end(question)
            return self._known[question]
        flight = self._flights.get(question)
        if flight is None:
            flight = self._flights[question] = _Flight(asyncio.ensure_future(self._fly(question)))
        flight.waiters += 1
        try:
            return await asyncio.shield(flight.task)
        finally:
            flight.waiters -= 1
            if not flight.waiters:
                flight.task.cancel()  # nothing happens when it is done
                if self._flights.get(question) is flight:
                    del self._flights[question]

    async def _fly(self, question: Question) -> Reply:
        reply = await self._ask(question)
        if isinstance(reply, Decision) or (isinstance(reply, NoReply) and reply.cause in LASTING):
            self._known[question] = reply
            if len(self._known) > REMEMBERED:
                self._known.popitem(last=False)
        return reply
