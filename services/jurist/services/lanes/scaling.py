"""Why a lane has so many replicas: Serve's autoscaling policy for every lane, run by Serve's controller.

The load calls for a replica for each `target_calls` calls, and a trainer that announced a burst for as many as it
asked, until its announcement runs out. Announcements and decisions lie in the cluster's key-value store: any front may
make the ones and read the others, and none has to live on. Several applications may share a cluster.
"""

from __future__ import annotations

import json
import math
import time
from typing import TYPE_CHECKING, NamedTuple, cast

from ray.experimental import internal_kv

if TYPE_CHECKING:
    from ray.serve.config import AutoscalingContext

__all__ = ["Announcement", "Decision", "Scaling", "announce", "decisions", "deployed", "note_deployed"]

SPACE = b"jurist"
READ_EVERY_S = 1.0
REMEMBERED = 32  # decisions of a lane
IDLE = "idle"
ARRIVAL = "arrival: work came while the lane rested"  # Serve answers that before it asks the policy


class Announcement(NamedTuple):
    """So many replicas are wanted until then, seconds since the epoch."""

    replicas: int
    until_s: float


class Decision(NamedTuple):
    """A change of a lane's target, why, and when, seconds since the epoch."""

    before: int
    target: int
    why: str
    at_s: float


def announce(application: str, lane: str, announcement: Announcement) -> None:
    """Leave an announcement for the policy; one that wants more, or lasts longer, is not shortened."""
    last = _announced(application, lane)
    if last.until_s > time.time():
        announcement = Announcement(max(last.replicas, announcement.replicas), max(last.until_s, announcement.until_s))
    _write(f"warm:{application}:{lane}", list(announcement))


def deployed(application: str) -> str:
    """Return the fingerprint of what was deployed under a name, "" when nothing was."""
    return str(_read(f"deployed:{application}") or "")


def note_deployed(application: str, fingerprint: str) -> None:
    """Note what was deployed under a name."""
    _write(f"deployed:{application}", fingerprint)


def decisions(application: str, lane: str) -> tuple[int, int, list[Decision]]:
    """Return how many replicas of a lane run, how many are wanted, and the latest decisions, oldest first."""
    found = _read(f"scaling:{application}:{lane}")
    running, target, log = cast("tuple[int, int, list[list[object]]]", found) if found else (0, 0, [])
    return running, target, [Decision(*cast("tuple[int, int, str, float]", entry)) for entry in log]


def _announced(application: str, lane: str) -> Announcement:
    return Announcement(*cast("tuple[int, float]", _read(f"warm:{application}:{lane}") or (0, 0.0)))


def _read(key: str) -> object:
    value = internal_kv._internal_kv_get(key.encode(), namespace=SPACE)  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]  # Ray offers no other
    return json.loads(value) if value else None


def _write(key: str, value: object) -> None:
    data = json.dumps(value).encode()
    internal_kv._internal_kv_put(key.encode(), data, namespace=SPACE)  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]


class Scaling:
    """The policy. Serve applies delays and bounds to what it says, and multiplies what it adds by `upscaling_factor`.

    That factor is there for a lane at rest, whose first call is answered by that many replicas before a policy is
    asked; here it is taken out again.
    """

    def __init__(self, application: str, lane: str) -> None:
        self._application = application
        self._lane = lane
        self._read_at_s = 0.0
        self._announced = Announcement(0, 0.0)
        self._target: int | None = None
        self._running = -1
        self._log: list[Decision] = []
        self._why = IDLE

    def __call__(self, context: AutoscalingContext) -> tuple[float, dict[str, object]]:
        """Say how many replicas there should be."""
        now = time.time()
        if now - self._read_at_s >= READ_EVERY_S:
            self._read_at_s = now
            self._announced = _announced(self._application, self._lane)
        self._note(context, now)
        config = context.config
        assert config is not None  # noqa: S101  # Serve's own deployments alone have none
        calls = context.total_num_requests
        load = calls / config.target_ongoing_requests
        warm = self._announced.replicas if self._announced.until_s > now else 0
        wanted = max(load, warm)
        if warm >= load and warm:
            self._why = f"announced: {warm} until {self._announced.until_s - now:.0f} s from now"
        elif calls:
            self._why = f"load: {calls:g} calls, {config.target_ongoing_requests:g} a replica"
        else:
            self._why = IDLE
        running = context.current_num_replicas
        if not running:
            return max(context.target_num_replicas if calls else 0, math.ceil(wanted)), {}
        if wanted > running:
            wanted = running + (wanted - running) / config.upscaling_factor
        return wanted, {}

    def _note(self, context: AutoscalingContext, now: float) -> None:
        """Write down a change of the target, for the reason that held when it was decided."""
        running, target = context.current_num_replicas, context.target_num_replicas
        if target == self._target and running == self._running:
            return
        if self._target is not None and target != self._target:
            why = ARRIVAL if self._why == IDLE and target > self._target else self._why
            at_s = context.last_scale_up_time if target > self._target else context.last_scale_down_time
            self._log = [*self._log[1 - REMEMBERED :], Decision(self._target, target, why, at_s or now)]
        self._target, self._running = target, running
        log = [list(decision) for decision in self._log]
        _write(f"scaling:{self._application}:{self._lane}", [running, target, log])
