"""The Serve application, as it is built; nothing is deployed."""

from __future__ import annotations

import gc
from typing import Any

import pytest

from jurist.services.config import Config
from jurist.services.lanes.fleet import fleet
from jurist.services.lanes.sandbox import LocalSandbox

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


async def test_serve_ends_the_lane_of_a_replica_that_it_takes_away(monkeypatch: pytest.MonkeyPatch) -> None:
    from ray.serve._private.common import DeploymentID  # noqa: PLC0415
    from ray.serve._private.config import DeploymentConfig  # noqa: PLC0415
    from ray.serve._private.replica import UserCallableWrapper  # noqa: PLC0415

    from jurist.services.lanes.deployments import SandboxDeployment  # noqa: PLC0415

    ended: list[LocalSandbox] = []

    async def stop(lane: LocalSandbox) -> None:
        ended.append(lane)

    monkeypatch.setattr(LocalSandbox, "stop", stop)
    replica: Any = UserCallableWrapper(  # what runs a deployment's code in a replica
        SandboxDeployment,
        ({"workers": 1},),
        {},
        deployment_id=DeploymentID("sandbox"),
        run_sync_methods_in_threadpool=False,
        run_user_code_in_separate_thread=False,
        local_testing_mode=True,
        deployment_config=DeploymentConfig(),
        actor_id="",
    )
    await replica.initialize_callable()
    await replica.call_user_health_check()
    assert not ended
    await replica.call_destructor()
    assert len(ended) == 1

    del replica  # Python calls it, too
    gc.collect()
    assert len(ended) == 1
