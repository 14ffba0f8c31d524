"""How the lanes stand on a Ray cluster: what a replica is given, how many there may be, when they come and go.

`fleet.yaml` beside this file holds the values that are shipped; a file of the same form changes some of them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal, cast

import yaml
from pydantic import ConfigDict, Field, TypeAdapter, ValidationError

from jurist.services.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Fleet", "LaneFleet", "LaneName", "fleet"]

LaneName = Literal["rules", "sandbox", "model"]
SHIPPED = Path(__file__).with_name("fleet.yaml")


@dataclass(frozen=True, slots=True, kw_only=True)
class LaneFleet:
    """One lane's replicas."""

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid")

    resources: Annotated[
        dict[str, Annotated[float, Field(ge=0)]],
        Field(description="what Ray sets aside for a replica: CPU, GPU, memory (bytes), or a resource of your own"),
    ]
    workers: Annotated[int, Field(ge=1, le=1024, description="processes, boxes or sequences of one replica")] = 1
    min_replicas: Annotated[int, Field(ge=0, description="replicas that always stand ready")] = 0
    max_replicas: Annotated[int, Field(ge=1, description="replicas at most")] = 8
    first_replicas: Annotated[int, Field(ge=1, description="replicas that the first work after a rest calls up")] = 1
    max_calls: Annotated[int, Field(ge=1, description="calls that one replica takes at a time")] = 2
    target_calls: Annotated[
        float, Field(gt=0, description="calls for each replica, waiting ones too, past which there should be more")
    ] = 1.0
    upscale_delay_s: Annotated[float, Field(ge=0, description="how long it must last before replicas are added")] = 1.0
    downscale_delay_s: Annotated[float, Field(ge=0, description="how long before one is taken away")] = 60.0
    rest_delay_s: Annotated[float, Field(ge=0, description="how long before the last one is taken away")] = 120.0
    look_back_s: Annotated[float, Field(gt=0, description="over what time calls are averaged")] = 2.0
    drain_s: Annotated[
        float,
        Field(ge=0, description="time that calls get when their replica is taken away; without any it goes at once"),
    ] = 300.0
    warm_rollouts: Annotated[int, Field(ge=1, description="announced rollouts for which one replica is called up")] = (
        2048
    )
    environment: Annotated[dict[str, str], Field(description="environment variables of a replica")] = field(
        default_factory=dict[str, str]
    )

    @property
    def slots(self) -> int:
        """How many pieces of work all replicas do at a time."""
        return self.max_replicas * self.workers

    @property
    def calls(self) -> int:
        """How many calls one front makes at a time: as many as all replicas take, and as many again that wait."""
        return 2 * self.max_replicas * self.max_calls


@dataclass(frozen=True, slots=True, kw_only=True)
class Fleet:
    """All lanes."""

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid")

    application: Annotated[str, Field(min_length=1, description="the Serve application's name")] = "jurist"
    lanes: Annotated[dict[LaneName, LaneFleet], Field(description="the lanes that there are; rules must be")]


def fleet(file: Path | None = None) -> Fleet:
    """Read the shipped values, changed by those of a file.

    Raises:
        ConfigurationError: the file cannot be read, or a value is unknown, out of range or of the wrong type.
    """
    values = _read(SHIPPED)
    if file is not None:
        values = _merged(values, _read(file))
    try:
        found = TypeAdapter(Fleet).validate_python(values)
    except ValidationError as error:
        lines = [f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors(include_url=False)]
        raise ConfigurationError("\n".join(f"ray_config: {line}" for line in lines)) from None
    if "rules" not in found.lanes:
        raise ConfigurationError("ray_config: lanes: there is no rules lane")
    return found


def _read(file: Path) -> dict[str, object]:
    try:
        values: object = yaml.safe_load(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise ConfigurationError(f"ray_config: {file}: {error}") from None
    if not isinstance(values, dict):
        raise ConfigurationError(f"ray_config: {file} holds no settings")
    return values  # pyright: ignore[reportUnknownVariableType]  # checked by `Fleet`


def _merged(base: Mapping[str, object], change: Mapping[str, object]) -> dict[str, object]:
    """Return `base` with what `change` says otherwise; a lane that is null is taken out."""
    merged = dict(base)
    for name, value in change.items():
        old = merged.get(name)
        if value is None:
            merged.pop(name, None)
        elif isinstance(value, dict) and isinstance(old, dict) and name != "resources":
            merged[name] = _merged(cast("Mapping[str, object]", old), cast("Mapping[str, object]", value))
        else:
            merged[name] = value
    return merged
