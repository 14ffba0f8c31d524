"""What Ray and Serve say of a lane, and what the front makes of it. Their own values, and no cluster."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from ray import exceptions as typed

from jurist.services import assembly
from jurist.services.config import Config
from jurist.services.errors import ConfigurationError, UnreachableError
from jurist.services.lanes.calls import ReplicaDiedError
from jurist.services.lanes.cluster import Cluster, given_up
from jurist.services.lanes.fleet import fleet
from jurist.services.metrics import Metrics

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

exceptions: Any = typed  # Ray's types are partial
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of Serve's own, when it is imported


def application(**happened: list[str]) -> Any:
    """An application and what happened to each of its lanes since it was deployed, by Serve's own rules."""
    from ray.serve._private import common  # noqa: PLC0415  # seconds
    from ray.serve.schema import ApplicationStatusOverview, DeploymentStatusOverview  # noqa: PLC0415

    lanes: dict[str, Any] = {}
    for name, events in happened.items():
        updating, begun = common.DeploymentStatus.UPDATING, common.DeploymentStatusTrigger.CONFIG_UPDATE_STARTED
        info = common.DeploymentStatusInfo(name=name, status=updating, status_trigger=begun)
        for event in events:
            info = info.handle_transition(trigger=common.DeploymentStatusInternalTrigger[event], message="")
        lanes[name] = DeploymentStatusOverview(info.status, info.status_trigger, replica_states={}, message="")
    status: Any = "UNHEALTHY"
    return ApplicationStatusOverview(status, message="", last_deployed_time_s=0.0, deployments=lanes)


@pytest.mark.parametrize("events", [["HEALTHY", "HEALTH_CHECK_FAILED"], ["HEALTH_CHECK_FAILED"]])
def test_a_lane_that_lost_a_replica_is_left_to_serve(events: list[str]) -> None:
    assert given_up(application(rules=["HEALTHY"], sandbox=events)) == []


@pytest.mark.parametrize("events", [[], ["HEALTHY", "HEALTH_CHECK_FAILED"], ["HEALTH_CHECK_FAILED"]])
def test_a_lane_whose_replicas_do_not_start_is_given_up(events: list[str]) -> None:
    failed = [*events, "REPLICA_STARTUP_FAILED"]

    assert given_up(application(rules=["HEALTHY"], sandbox=failed)) == ["sandbox"]


class Response:
    """Serve's answer to a call: an exception."""

    def __init__(self, error: Exception) -> None:
        self._error = error

    def __await__(self) -> Generator[Any, None, bytes]:
        raise self._error
        yield

    def cancel(self) -> None: ...


class Handle:
    """Serve's handle of a lane whose calls all fail."""

    def __init__(self, error: Exception) -> None:
        self._error = error
        self.judge = self

    def remote(self, _: bytes) -> Response:
        return Response(self._error)


@pytest.mark.parametrize(
    ("raised", "told"),
    [
        (exceptions.ActorDiedError(), ReplicaDiedError),
        (exceptions.OutOfMemoryError("the node's memory ran out, and Ray chose this replica"), ReplicaDiedError),
        (exceptions.TaskCancelledError(), ReplicaDiedError),
        (exceptions.RaySystemError(OSError()), UnreachableError),
    ],
    ids=lambda value: value.__name__ if isinstance(value, type) else type(value).__name__,
)
async def test_what_ended_a_call_is_told_by_its_kind(raised: Exception, told: type[Exception]) -> None:
    cluster = Cluster(Config(ray_address="auto"), fleet(), Metrics())
    handles: dict[str, Any] = {"rules": Handle(raised)}
    cluster._handles = handles

    with pytest.raises(told):
        await cluster.call("rules", "judge", b"")


def test_a_file_of_answers_is_refused_where_nobody_would_write_it(tmp_path: Path) -> None:
    front_asks = tmp_path / "lanes.yaml"
    front_asks.write_text("lanes: {model: null}")
    config = Config(lanes="ray", judge="tiny_judge", answers_file=tmp_path / "answers.db")

    with pytest.raises(ConfigurationError, match="answers_file"):
        assembly.engine(config, Metrics())
    assembly.engine(config.model_copy(update={"ray_config": front_asks}), Metrics())
