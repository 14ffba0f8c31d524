"""The supervisor's end of test code: run it once, or keep it standing while the same tests come again.

The completions of a rollout group share their tests. When the same tests come to a slot a second time, their process is
kept: it has compiled the test code and run the prelude, and forks for each program. That saves the namespaces and the
compilation, about a third of a judgement. Other tests, a checker, a cancelled run or a death send it away.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from jurist.sandbox._activity import Stop
from jurist.sandbox._box import wire
from jurist.sandbox._endings import SPOKEN, Said

if TYPE_CHECKING:
    import socket
    from collections.abc import Awaitable, Callable

    from jurist.sandbox._forkserver import ForkServer
    from jurist.sandbox._values import Asserts, Limits

    Begin = Callable[[dict[str, Any], Limits, "socket.socket | None"], Awaitable[None]]


def verdict(message: bytes) -> Said:
    """Read what test code says at its end; one that says nothing known has said nothing."""
    ending, _, reason = message.decode(errors="replace").partition("\n")
    return Said(ending, reason) if ending in SPOKEN else Said()


class Judge:
    """The test code of one slot; one program at a time."""

    def __init__(self, box: ForkServer) -> None:
        self._box = box
        self._latest: tuple[Asserts, Limits] | None = None
        self._stands = False

    async def retire(self) -> None:
        """Send the standing process away, if there is one."""
        if self._stands:
            self._stands = False
            self._box.kill(Stop.CANCELLED)
            await self._box.abandoned()

    async def said(
        self, tests: Asserts, job: dict[str, Any], limits: Limits, peer: socket.socket, begin: Begin
    ) -> Said:
        """Run test code against the program at the other end of `peer`, which is closed here.

        Raises:
            BoxDiedError: the box is gone.
        """
        again, self._latest = self._latest == (tests, limits), (tests, limits)
        if not again:
            await self.retire()
            return await self._once(job, limits, peer, begin)
        if not self._stands:
            await begin(job | {"standing": True}, limits, None)
            self._stands = True
        with peer:
            message = await self._box.asked(peer.fileno(), wire.SHARE if job["shares"] else wire.RUN)
        if message is not None:
            return verdict(message)
        # It was killed, or died: its end says why, and the next program gets a new one.
        self._stands = False
        outcome = await self._box.ended()
        return Said(
            late=outcome.stopped in {Stop.CPU, Stop.WALL},
            fault="cancelled" if outcome.stopped is Stop.CANCELLED else "",
        )

    async def _once(self, job: dict[str, Any], limits: Limits, peer: socket.socket, begin: Begin) -> Said:
        await begin(job | {"standing": False}, limits, peer)
        outcome = await self._box.ended()
        tag, message = outcome.note[:1], outcome.note[1 + wire.LENGTH.size :]
        if outcome.stopped is Stop.CANCELLED or tag != wire.READY:
            return Said(fault=outcome.note[1:].decode(errors="replace") or "cancelled")
        return verdict(message) if message else Said(late=outcome.stopped is not None)
