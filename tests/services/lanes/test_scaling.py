"""Announcements and decisions, over a key-value store of this process's own in place of the cluster's."""

from __future__ import annotations

import time
from types import SimpleNamespace
from typing import Any

import pytest
from ray.experimental import internal_kv

from jurist.services.lanes.scaling import Announcement, Scaling, announce, decisions


@pytest.fixture(autouse=True)
def _store(monkeypatch: pytest.MonkeyPatch) -> None:
    kept: dict[bytes, bytes] = {}

    def put(key: bytes, value: bytes, *, namespace: bytes) -> None:
        kept[namespace + key] = value

    monkeypatch.setattr(internal_kv, "_internal_kv_put", put)
    monkeypatch.setattr(internal_kv, "_internal_kv_get", lambda key, *, namespace: kept.get(namespace + key))


def context(running: int, target: int, calls: float = 0.0) -> Any:
    """What Serve tells the policy, as far as it looks."""
    return SimpleNamespace(
        current_num_replicas=running,
        target_num_replicas=target,
        total_num_requests=calls,
        last_scale_up_time=time.time(),
        last_scale_down_time=time.time(),
        config=SimpleNamespace(target_ongoing_requests=1.0, upscaling_factor=1.0),
    )


def test_an_application_s_announcements_are_not_another_s() -> None:
    ours, theirs = Scaling("jurist", "rules"), Scaling("other", "rules")
    announce("jurist", "rules", Announcement(3, time.time() + 60))

    assert ours(context(running=0, target=0))[0] == 3
    assert theirs(context(running=0, target=0))[0] == 0


def test_an_application_s_replicas_are_not_another_s() -> None:
    Scaling("jurist", "rules")(context(running=2, target=2))
    Scaling("other", "rules")(context(running=0, target=0))

    assert decisions("jurist", "rules")[:2] == (2, 2)
    assert decisions("other", "rules")[:2] == (0, 0)


def test_replicas_that_are_to_stand_from_the_start_are_wanted_before_any_decision() -> None:
    Scaling("jurist", "sandbox")(context(running=0, target=1))

    assert decisions("jurist", "sandbox") == (0, 1, [])


def test_a_change_of_the_target_is_told_with_its_reason() -> None:
    policy = Scaling("jurist", "rules")
    policy(context(running=1, target=1, calls=4.0))
    policy(context(running=1, target=4, calls=4.0))
    running, wanted, (decision,) = decisions("jurist", "rules")

    assert (running, wanted) == (1, 4)
    assert decision[:3] == (1, 4, "load: 4 calls, 1 a replica")
