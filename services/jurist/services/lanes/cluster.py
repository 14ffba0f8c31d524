"""The front's end of a Ray cluster: connects, deploys the lanes, carries calls to their replicas.

Ray is imported when it is first needed: `pip install 'jurist[server]'` works without it.
"""

# pyright: reportUnknownMemberType=false
# Ray's types are partial.

from __future__ import annotations

import asyncio
import contextlib
import importlib.util
import logging
import os
import secrets
import signal
import threading
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import structlog

from jurist.services.errors import ConfigurationError, UnreachableError
from jurist.services.lanes.calls import Calls, RefusedError, ReplicaDiedError
from jurist.services.lanes.head import Head
from jurist.services.lanes.remote import RemoteLane, RemoteRules

if TYPE_CHECKING:
    from ray.serve.handle import DeploymentHandle
    from ray.serve.schema import ApplicationStatusOverview

    from jurist.services.config import Config
    from jurist.services.lanes.fleet import Fleet, LaneName
    from jurist.services.metrics import Metrics

__all__ = ["Cluster", "given_up"]

WATCH_S = 1.0  # how often it asks what became of the replicas
REVIVAL_S = 15.0  # how often it asks whether Serve has given a lane up
GIVEN_UP = "REPLICA_STARTUP_FAILED"  # a replica that died later makes its lane UNHEALTHY, too, and Serve replaces it
NAMESPACE = "jurist"
GPU_FILES = tuple(Path("/dev").glob("nvidia[0-9]*"))

log = structlog.get_logger(__name__)


class Cluster:
    """A Ray cluster, joined with the first lane's start and left with the last one's end.

    `address` is Ray's own ("auto": the node that this process runs on); None starts a Ray on this machine.
    """

    def __init__(self, config: Config, fleet: Fleet, metrics: Metrics) -> None:
        self._config = config
        self._fleet = fleet if config.ray_address else _alone(fleet)
        self._metrics = metrics
        self._joining = asyncio.Lock()
        self._users = 0
        self._handles: dict[str, DeploymentHandle[Any]] = {}
        self._watching: asyncio.Task[None] | None = None
        self._head: Head | None = None

    def rules(self) -> RemoteRules:
        """Return the rules lane."""
        lane = self._fleet.lanes["rules"]
        return RemoteRules(self._calls("rules"), lane.calls, lane.slots)

    def lane(self, name: LaneName) -> RemoteLane | None:
        """Return another lane, None where the cluster has none of that name."""
        if name not in self._fleet.lanes:
            return None
        return RemoteLane(self._calls(name), self._fleet.lanes[name].calls, self._metrics.told)

    def _calls(self, name: LaneName) -> Calls:
        carrier = _Carrier(self, name)
        return Calls(carrier, self._fleet.lanes[name].calls, lambda ending: self._metrics.call(name, ending))

    async def join(self) -> None:
        """Connect and deploy, unless that was done.

        Raises:
            ConfigurationError: it cannot.
        """
        async with self._joining:
            if not self._users:
                self._prepare()
                await asyncio.to_thread(self._join)
                _restore_signals()
                self._watching = asyncio.ensure_future(self._watch())
            self._users += 1

    async def leave(self) -> None:
        """Disconnect when nobody else uses the cluster any more. The application stays: other fronts may use it."""
        async with self._joining:
            self._users -= 1
            if self._users:
                return
            if self._watching is not None:
                self._watching.cancel()
                await asyncio.gather(self._watching, return_exceptions=True)
            await asyncio.to_thread(self._leave)

    def _prepare(self) -> None:
        """Set what Ray reads when it is first imported, and start a Ray of our own where none is named."""
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
        own = self._config.ray_address is None
        if own and "RAY_AUTH_MODE" not in os.environ:
            # Unset, Ray would write a token to the home directory, and later clusters would take it up by accident.
            os.environ |= {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": secrets.token_hex(32)}
        if importlib.util.find_spec("ray") is None:
            raise ConfigurationError("lanes: ray is not installed; pip install 'jurist[ray]'")
        if own:
            self._head = Head(self._own_resources())  # by this thread, which lives as long as the process

    def _join(self) -> None:
        import ray  # noqa: PLC0415

        try:
            address = self._config.ray_address if self._head is None else self._head.address()
            ray.init(address, namespace=NAMESPACE, log_to_driver=False, logging_level=logging.WARNING)
            self._serve()
        except ConfigurationError:
            self._leave()
            raise
        except Exception as error:  # of a dozen kinds, and none is for the caller to tell apart
            self._leave()
            raise ConfigurationError(f"ray_address: no use of Ray can be made: {error}") from error
        log.info("joined ray", address=self._config.ray_address or "here", lanes=list(self._fleet.lanes))

    def _serve(self) -> None:
        """Start Serve, where it does not run, deploy the application, and take up its lanes' handles."""
        from ray import serve  # noqa: PLC0415

        serve.start(http_options={"location": "NoServer"})
        self._deploy()
        names = self._fleet.lanes
        self._handles = {name: serve.get_deployment_handle(name, self._fleet.application) for name in names}

    def _own_resources(self) -> dict[str, float]:
        """Return the resources of our own for a Ray that is started here: each is there as often as CPUs."""
        lanes = self._fleet.lanes.values()
        own = {name for lane in lanes for name in lane.resources} - {"CPU", "GPU", "memory"}
        return dict.fromkeys(own, float(os.cpu_count() or 1))

    def _deploy(self) -> None:
        """Deploy the application, unless just that one is there: a new one would replace every replica."""
        from ray import serve  # noqa: PLC0415

        from jurist.services.lanes import scaling  # noqa: PLC0415
        from jurist.services.lanes.deployments import build, fingerprint  # noqa: PLC0415

        name = self._fleet.application
        wanted = fingerprint(self._config, self._fleet)
        status = serve.status().applications.get(name)
        if status is None or given_up(status) or scaling.deployed(name) != wanted:
            target = serve.RunTarget(build(self._config, self._fleet), name=name, route_prefix=None)
            serve.run_many([target], wait_for_applications_running=False)  # a lane at rest runs nowhere
            scaling.note_deployed(name, wanted)

    def _leave(self) -> None:
        import ray  # noqa: PLC0415

        self._handles.clear()
        ray.shutdown()
        if self._head is not None:
            self._head.stop()
            self._head = None

    async def call(self, lane: LaneName, method: str, request: bytes) -> bytes:
        """Have one of a lane's replicas do a piece of work.

        Raises:
            ReplicaDiedError: the replica died.
            RefusedError: too much waits already.
            UnreachableError: there is no such lane now, or no cluster.
        """
        from ray import exceptions  # noqa: PLC0415
        from ray.serve.exceptions import BackPressureError, RayServeException  # noqa: PLC0415

        if lane not in self._handles:
            raise UnreachableError(f"the {lane} lane is not connected")
        response = getattr(self._handles[lane], method).remote(request)
        try:
            answer: bytes = await response
        except BackPressureError as error:
            raise RefusedError from error
        except (
            exceptions.RayActorError,
            exceptions.WorkerCrashedError,
            exceptions.NodeDiedError,
            exceptions.OutOfMemoryError,  # Ray's monitor chose it: the node's memory ran out
            exceptions.ObjectLostError,
            exceptions.TaskCancelledError,  # not by us: it was told to end while it worked
        ) as error:
            raise ReplicaDiedError(type(error).__name__) from error
        except (RayServeException, exceptions.RaySystemError) as error:
            raise UnreachableError(f"the {lane} lane cannot be reached: {error}") from error
        except BaseException:
            response.cancel()
            raise
        return answer

    async def warm(self, lane: LaneName, rollouts: int, ttl_s: float) -> None:
        """Ask for as many of a lane's replicas as so many rollouts need, for so long, seconds."""
        from jurist.services.lanes import scaling  # noqa: PLC0415

        fleet = self._fleet.lanes[lane]
        replicas = min(fleet.max_replicas, -(-rollouts // fleet.warm_rollouts))
        announcement = scaling.Announcement(replicas, time.time() + ttl_s)
        await asyncio.to_thread(scaling.announce, self._fleet.application, lane, announcement)

    async def _watch(self) -> None:
        """Tell the metrics how many replicas there are, and why."""
        from jurist.services.lanes import scaling  # noqa: PLC0415

        seen: dict[LaneName, float] = dict.fromkeys(self._fleet.lanes, time.time())
        looked_s = time.monotonic()
        while True:
            if time.monotonic() - looked_s > REVIVAL_S:
                looked_s = time.monotonic()
                with contextlib.suppress(Exception):  # as below
                    await asyncio.to_thread(self._revive)
            for lane in self._fleet.lanes:
                with contextlib.suppress(Exception):  # the cluster is away; calls say so
                    of = self._fleet.application, lane
                    running, wanted, decisions = await asyncio.to_thread(scaling.decisions, *of)
                    self._metrics.replicas(lane, running, wanted)
                    for decision in decisions:
                        if decision.at_s > seen[lane]:
                            seen[lane] = decision.at_s
                            self._metrics.scaled(lane, decision.before, decision.target, decision.why)
                            log.info("scaled", lane=lane, **decision._asdict())
            await asyncio.sleep(WATCH_S)

    def _revive(self) -> None:
        """Deploy anew what Serve has given up, or lost.

        After a few replicas that died as they started it tries no more; whoever shuts it down takes all lanes along.
        """
        from ray import exceptions, serve  # noqa: PLC0415

        try:
            status = serve.status().applications.get(self._fleet.application)
        except exceptions.ActorDiedError:  # Serve's controller, for good
            status = None
        if status is None:
            log.warning("no lanes are deployed any more")
            self._serve()
        elif lanes := given_up(status):
            log.warning("lanes were given up", lanes=lanes, message=status.message)
            self._deploy()


def given_up(application: ApplicationStatusOverview) -> list[str]:
    """Return the lanes that Serve starts no replicas for any more.

    A lane that lost a replica is not one: to deploy it anew would take down every other lane's replicas, too.
    """
    return [name for name, lane in application.deployments.items() if lane.status_trigger == GIVEN_UP]


def _alone(fleet: Fleet) -> Fleet:
    """Fit lanes to a Ray of this machine alone: no more replicas than cores, no GPU where there is none."""
    cores = os.cpu_count() or 1
    lanes = {
        name: replace(
            lane,
            resources={name: count for name, count in lane.resources.items() if name != "GPU" or GPU_FILES},
            max_replicas=max(1, min(lane.max_replicas, cores // lane.workers)),
        )
        for name, lane in fleet.lanes.items()
    }
    return replace(fleet, lanes=lanes)


def _restore_signals() -> None:
    """Give the signals that end a server back to it: Ray's core has put handlers in place that end the process."""
    if threading.current_thread() is not threading.main_thread():
        return  # this process's signals are not ours
    for number in (signal.SIGTERM, signal.SIGINT):
        handler = signal.getsignal(number)
        if handler is not None:
            signal.signal(number, handler)
            signal.siginterrupt(number, False)  # noqa: FBT003  # as asyncio has it


class _Carrier:
    """Carries one lane's calls."""

    def __init__(self, cluster: Cluster, lane: LaneName) -> None:
        self._cluster = cluster
        self._lane: LaneName = lane

    async def start(self) -> None:
        await self._cluster.join()

    async def stop(self) -> None:
        await self._cluster.leave()

    async def call(self, method: str, request: bytes) -> bytes:
        return await self._cluster.call(self._lane, method, request)

    async def warm(self, rollouts: int, ttl_s: float) -> None:
        await self._cluster.warm(self._lane, rollouts, ttl_s)
