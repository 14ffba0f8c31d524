"""The Serve application, as it is built; nothing is deployed."""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of Serve's own, when it is imported


def test_a_node_s_environment_changes_nothing_of_a_replica(monkeypatch: pytest.MonkeyPatch) -> None:
    from jurist.services.lanes.deployments import ModelDeployment, RulesDeployment, SandboxDeployment  # noqa: PLC0415

    monkeypatch.setenv("JURIST_PORT", "tcp://10.0.0.1:50051")  # Kubernetes' own, beside a Service of that name
    for deployment in (RulesDeployment, SandboxDeployment, ModelDeployment):
        deployment({"workers": 1})
