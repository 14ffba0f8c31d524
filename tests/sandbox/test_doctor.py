"""The host's findings name what is missing and how to get it."""

from __future__ import annotations

import pytest

from jurist.sandbox import SandboxUnavailableError, doctor
from jurist.sandbox import _cgroup as cgroup
from jurist.sandbox._doctor import REMEDIES, explained


def test_every_finding_says_what_how_and_whether() -> None:
    findings = doctor()

    assert len({finding.name for finding in findings}) == len(findings) > 5
    assert all(finding.detail and (finding.remedy or finding.present) for finding in findings)


def test_a_missing_control_group_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    def none(name: str, cores: float) -> cgroup.ControlGroup:
        raise SandboxUnavailableError(f"none for {name}, {cores}")

    monkeypatch.setattr(cgroup, "make", none)
    (finding,) = [finding for finding in doctor() if finding.name == "control group"]

    assert not finding.present
    assert "Delegate=yes" in finding.remedy


@pytest.mark.parametrize(("part", "remedy"), REMEDIES)
def test_a_failed_start_comes_with_its_remedy(part: str, remedy: str) -> None:
    assert remedy.split(";", maxsplit=1)[0] in explained(f"[Errno 1] Operation not permitted: '{part}'")


def test_a_failed_start_without_a_word_says_so() -> None:
    assert "without a word" in explained("")
