"""What the service counts, for Prometheus."""

from __future__ import annotations

import re
from collections import Counter as Tally
from contextlib import contextmanager
from time import monotonic, perf_counter
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, start_http_server

from jurist.services.models.counts import ModelMetrics

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from jurist.services.models.counts import Happening, Told
    from jurist.services.values import GroupReward, Outcome

__all__ = ["Metrics"]

BATCH_SIZES = (1, 2, 4, 8, 16, 32, 64, 128, 256)
CIRCUIT = ("closed", "trying", "open")
CIRCUIT_S = 30.0  # how long a state that a replica told is taken to last: no circuit rests longer
# A string `canary` in a component's details, in wire form: what became of an answer known to be wrong.
CANARY = re.compile(rb"\n\x06canary\x12.\x1a.(accepted|rejected|unread)", re.DOTALL)
LANE_SECONDS = (0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0)


class Metrics(ModelMetrics):
    """Counters on a registry of their own, so that two engines in one process do not meet."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._requests = Counter(
            "jurist_requests", "Calls answered, by method and gRPC status.", ["method", "code"], registry=self.registry
        )
        self._rollouts = Counter("jurist_rollouts", "Rollouts scored.", registry=self.registry)
        self._masked = Counter("jurist_rollouts_masked", "Rollouts scored without a reward.", registry=self.registry)
        self._verdicts = Counter(
            "jurist_verdicts",
            "Verdicts by verifier; the outcome is `score` or the cause of an abstention.",
            ["verifier", "outcome"],
            registry=self.registry,
        )
        self._canaries = Counter(
            "jurist_judge_canaries",
            "Answers known to be wrong that judges were asked about, once a group; alarm when any is `accepted`.",
            ["verifier", "outcome"],
            registry=self.registry,
        )
        self._lane = Histogram(
            "jurist_lane_seconds",
            "Time of one piece of work in a lane, waiting included.",
            ["lane"],
            buckets=LANE_SECONDS,
            registry=self.registry,
        )
        self._queue_rollouts = Gauge(
            "jurist_queue_rollouts", "Rollouts taken in, not answered.", registry=self.registry
        )
        self._queue_bytes = Gauge("jurist_queue_bytes", "Bytes taken in, not answered.", registry=self.registry)
        self._replaced = Gauge(
            "jurist_workers_replaced",
            "Workers that died, or were killed at work, since the start.",
            registry=self.registry,
        )

        self._models = {
            "answers": Counter(
                "jurist_model_answers",
                "Questions to a language model; the outcome is `answered` or the cause of no reply.",
                ["model", "outcome"],
                registry=self.registry,
            ),
            "recalls": Counter(
                "jurist_model_recalls",
                "Answers looked for in memory; `hit` or `miss`.",
                ["model", "result"],
                registry=self.registry,
            ),
            "requests": Counter(
                "jurist_model_requests",
                "Requests to a model's server, by HTTP status or kind of failure.",
                ["model", "result"],
                registry=self.registry,
            ),
        }
        self._model_batch = Histogram(
            "jurist_model_batch",
            "Questions answered together by a model's process.",
            ["model"],
            buckets=BATCH_SIZES,
            registry=self.registry,
        )
        self._circuit = Gauge(
            "jurist_model_circuit",
            "Whether a model is asked: 0 closed, all go through; 1 trying, one does; 2 open, none does.",
            ["model"],
            registry=self.registry,
        )
        self._circuits: dict[str, _Circuits] = {}
        self._calls = Counter(
            "jurist_lane_calls",
            "Calls to replicas of a lane, by how they ended.",
            ["lane", "ending"],
            registry=self.registry,
        )
        self._replicas = Gauge(
            "jurist_lane_replicas", "Replicas of a lane, running or wanted.", ["lane", "state"], registry=self.registry
        )
        self._scalings = Counter(
            "jurist_lane_scalings",
            "Changes of the wanted number of replicas; why is load, announced, arrival or idle.",
            ["lane", "direction", "why"],
            registry=self.registry,
        )

    def watch_workers(self, replaced: Callable[[], float]) -> None:
        """Read the number of workers that were replaced when asked."""
        self._replaced.set_function(replaced)

    def watch_circuit(self, model: str, state: Callable[[], str]) -> None:
        """Read the state of a model's circuit breaker when asked."""
        self._circuit.labels(model).set_function(lambda: CIRCUIT.index(state()))

    def model(self, happening: Happening, times: int = 1) -> None:
        """Count what happened to a model."""
        series, model, value = happening
        if series == "batch":
            for _ in range(times):
                self._model_batch.labels(model).observe(float(value))
        else:
            self._models[series].labels(model, value).inc(times)

    def told(self, told: Told) -> None:
        """Add what a replica told of its models."""
        for happening, times in told.happened.items():
            self.model(happening, times)
        for model, state in told.circuits.items():
            if model not in self._circuits:
                self._circuits[model] = _Circuits()
                self._circuit.labels(model).set_function(self._circuits[model].worst)
            self._circuits[model].tell(told.replica, CIRCUIT.index(state))

    def request(self, method: str, code: str) -> None:
        """Count a call."""
        self._requests.labels(method, code).inc()

    def queue(self, rollouts: int, size_bytes: int) -> None:
        """Count work that came in, or, negative, that is done."""
        self._queue_rollouts.inc(rollouts)
        self._queue_bytes.inc(size_bytes)

    def group(self, reward: GroupReward) -> None:
        """Count a group's rollouts and verdicts."""
        rows = reward.findings.distinct
        self._rollouts.inc(len(rows))
        self._masked.inc(sum(gained is None for gained in reward.rewards))
        for term, planned in enumerate(reward.group.terms):
            found = [_outcome(outcomes[term]) for outcomes in reward.findings.outcomes]
            for outcome, count in Tally(found[row] for row in rows).items():
                self._verdicts.labels(planned.term.verifier, outcome).inc(count)
            told = (row[term] for row in reward.findings.components)
            canary = next(filter(None, (CANARY.search(one) for one in told if b"canary" in one)), None)
            if canary is not None:
                self._canaries.labels(planned.term.verifier, canary[1].decode()).inc()

    def call(self, lane: str, ending: str) -> None:
        """Count a call to a replica."""
        self._calls.labels(lane, ending).inc()

    def replicas(self, lane: str, running: int, wanted: int) -> None:
        """Note how many replicas a lane has, and is to have."""
        self._replicas.labels(lane, "running").set(running)
        self._replicas.labels(lane, "wanted").set(wanted)

    def scaled(self, lane: str, before: int, wanted: int, why: str) -> None:
        """Count a change of the wanted number of replicas; `why` begins with one word."""
        self._scalings.labels(lane, "up" if wanted > before else "down", why.partition(":")[0]).inc()

    @contextmanager
    def lane(self, name: str) -> Generator[None]:
        """Time a piece of work."""
        start = perf_counter()
        try:
            yield
        finally:
            self._lane.labels(name).observe(perf_counter() - start)

    def serve(self, host: str, port: int) -> tuple[int, Callable[[], None]]:
        """Answer Prometheus on a port; returns the port, which 0 leaves to the system, and what ends it."""
        server, thread = start_http_server(port, host, self.registry)

        def stop() -> None:
            server.shutdown()
            server.server_close()
            thread.join()

        return server.server_port, stop


class _Circuits:
    """One model's circuits in several replicas, as each last told; the one that lets least through stands for all.

    Replicas tell with every answer. What one told long ago holds no more: it is gone, or nobody asks.
    """

    def __init__(self) -> None:
        self._told: dict[str, tuple[int, float]] = {}

    def tell(self, replica: str, state: int) -> None:
        """Note a replica's state."""
        self._told = self._lately() | {replica: (state, monotonic())}

    def worst(self) -> int:
        """Return the highest state of any replica, 0 where none told lately."""
        return max((state for state, _ in self._lately().values()), default=0)

    def _lately(self) -> dict[str, tuple[int, float]]:
        return {replica: told for replica, told in self._told.items() if monotonic() - told[1] < CIRCUIT_S}


def _outcome(outcome: Outcome) -> str:
    return "score" if isinstance(outcome, float) else str(outcome)
