"""Where work runs, by the resource it needs. A lane is the unit of scaling; each has the same interface.

`rules` judges chunks and decides equalities (CPU, processes that can be killed). A lane for untrusted programs and one
for language models answer the questions that verifiers put to them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from jurist.services.judge import Chunk, Judged
    from jurist.services.plan import Packing
    from jurist.verifiers import Question, Reply

__all__ = ["Lane", "RulesLane"]


class Lane(Protocol):
    """Answers questions. Cancelling a call stops the work behind it."""

    async def start(self) -> None:
        """Take up work.

        Raises:
            ConfigurationError: it cannot.
        """
        ...

    async def stop(self) -> None:
        """Give up all work and free every resource."""
        ...

    async def warm(self, rollouts: int, ttl_s: float) -> None:
        """Be ready for so many rollouts, which will come within so many seconds."""
        ...

    async def answer(self, question: Question) -> Reply:
        """Answer one question. Failing to is a reply (`NoReply`), not an exception.

        Raises:
            StoppingError: the lane is stopping.
        """
        ...


class RulesLane(Lane, Protocol):
    """The lane that verifiers themselves run in."""

    @property
    def packing(self) -> Packing:
        """What chunks suit it."""
        ...

    async def judge(self, chunk: Chunk) -> Judged:
        """Judge a chunk. Every cell gets an outcome, whatever befalls the others.

        Raises:
            UnreachableError: the lane is elsewhere, and out of reach.
            StoppingError: the lane is stopping.
        """
        ...
