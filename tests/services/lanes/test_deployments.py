"""The Serve application, as it is built; nothing is deployed."""

from __future__ import annotations

import pytest

from jurist.services.config import Config
from jurist.services.lanes.fleet import fleet

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of Serve's own, when it is imported


def test_a_node_s_environment_changes_nothing_of_a_replica(monkeypatch: pytest.MonkeyPatch) -> None:
    from jurist.services.lanes.deployments import ModelDeployment, RulesDeployment, SandboxDeployment  # noqa: PLC0415

    monkeypatch.setenv("JURIST_PORT", "tcp://10.0.0.1:50051")  # Kubernetes' own, beside a Service of that name
    for deployment in (RulesDeployment, SandboxDeployment, ModelDeployment):
        deployment({"workers": 1})


def test_how_often_a_lane_may_fail_to_start_is_left_to_the_cluster() -> None:
    from ray.serve._private.constants import DEFAULT_CONSTRUCTOR_RETRY_COUNT  # noqa: PLC0415

    from jurist.services.lanes.deployments import build  # noqa: PLC0415

    rules = build(Config(), fleet())._bound_deployment

    assert rules._deployment_config.max_constructor_retry_count > 1000 > DEFAULT_CONSTRUCTOR_RETRY_COUNT
