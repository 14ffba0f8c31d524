"""What is counted of language models, wherever they run: by a server for its metrics, by a replica to send to them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import Counter
from typing import TYPE_CHECKING, Literal, NamedTuple
from uuid import uuid4

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["Happening", "ModelMetrics", "ModelTally", "Told"]


class Happening(NamedTuple):
    """Something that happened to a model: the series that counts it, and what it is counted under."""

    series: Literal["answers", "recalls", "requests", "batch"]
    model: str
    value: str | int


class Told(NamedTuple):
    """What a replica tells: how often each thing happened since it last told, and each model's circuit now."""

    replica: str = ""
    happened: Mapping[Happening, int] = {}
    circuits: Mapping[str, str] = {}


class ModelMetrics(ABC):
    """Takes note of what happens to models."""

    @abstractmethod
    def watch_circuit(self, model: str, state: Callable[[], str]) -> None:
        """Read the state of a model's circuit breaker when asked."""

    @abstractmethod
    def model(self, happening: Happening, times: int = 1) -> None:
        """Count something."""

    def model_answer(self, model: str, outcome: str) -> None:
        """Count a question's end."""
        self.model(Happening("answers", model, outcome))

    def model_recall(self, model: str, *, hit: bool) -> None:
        """Count a look into memory."""
        self.model(Happening("recalls", model, "hit" if hit else "miss"))

    def model_batch(self, model: str, size: int) -> None:
        """Count a batch."""
        self.model(Happening("batch", model, size))

    def model_request(self, model: str, result: str) -> None:
        """Count a request."""
        self.model(Happening("requests", model, result))


class ModelTally(ModelMetrics):
    """Keeps what happened until it is told."""

    def __init__(self) -> None:
        self._replica = uuid4().hex
        self._happened: Counter[Happening] = Counter()
        self._circuits: dict[str, Callable[[], str]] = {}

    def watch_circuit(self, model: str, state: Callable[[], str]) -> None:
        """Read the state of a model's circuit breaker when it is told."""
        self._circuits[model] = state

    def model(self, happening: Happening, times: int = 1) -> None:
        """Count something."""
        self._happened[happening] += times

    def told(self) -> Told:
        """Return what happened since this was last called, and how the circuits stand."""
        happened, self._happened = self._happened, Counter()
        return Told(self._replica, happened, {model: str(state()) for model, state in self._circuits.items()})
