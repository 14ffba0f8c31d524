"""Verifiers that misbehave on completions that say "poison" and score 1.0 on all others."""

from __future__ import annotations

import os
import signal
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from jurist.verifiers import Ask, Equality, Reply, Sample, Score, Verdict

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True, slots=True, kw_only=True)
class _Hostile:
    version: ClassVar[str] = "1"

    def verdict(self, sample: Sample, replies: Sequence[Reply] = ()) -> Verdict | Ask:
        if "poison" in sample.completion:
            return self.poisoned(replies)  # type: ignore[no-any-return]  # it may be nonsense
        return Score(1.0, "harmless")

    def poisoned(self, replies: Sequence[Reply]) -> Any:
        raise NotImplementedError


class Spin(_Hostile):
    """Uses CPU time for ever, with every signal that Python can catch caught."""

    def poisoned(self, _: Sequence[Reply]) -> Any:
        while True:
            pass


class Sleep(_Hostile):
    """Waits for ever without using CPU time."""

    def poisoned(self, _: Sequence[Reply]) -> Any:
        time.sleep(1e6)


class Greedy(_Hostile):
    """Wants more memory than there is."""

    def poisoned(self, _: Sequence[Reply]) -> Any:
        return Score(float(len(b"x" * (1 << 40)) > 0), "got it")


class Broken(_Hostile):
    """Raises."""

    def poisoned(self, _: Sequence[Reply]) -> Any:
        raise RuntimeError("broken on purpose")


class Leave(_Hostile):
    """Ends the process, past every handler."""

    def poisoned(self, _: Sequence[Reply]) -> Any:
        if sys.stdout is not None:
            os._exit(7)


class Nonsense(_Hostile):
    """Answers with what is no verdict."""

    def poisoned(self, _: Sequence[Reply]) -> Any:
        return 0.5


class Curious(_Hostile):
    """Asks again and again."""

    def poisoned(self, replies: Sequence[Reply]) -> Any:
        return Ask((Equality(reference="1", answer=f"{len(replies)}"),))


@dataclass(frozen=True, slots=True, kw_only=True)
class Slow(_Hostile):
    """Sleeps for a while before it answers."""

    seconds: float = 0.1

    def poisoned(self, _: Sequence[Reply]) -> Any:
        time.sleep(self.seconds)
        return Score(1.0, "slow")


class Topple(_Hostile):
    """Kills the replica that it is judged in, and not its worker alone."""

    def poisoned(self, _: Sequence[Reply]) -> Any:
        pid = os.getpid()
        while pid > 1:
            about = Path(f"/proc/{pid}")
            if b"ray::ServeReplica" in (about / "cmdline").read_bytes():
                os.kill(pid, signal.SIGKILL)
            pid = int((about / "stat").read_text().rpartition(")")[2].split()[1])
        time.sleep(60)  # the worker dies with its replica
