"""The one place of configuration: flags over environment (`JURIST_*`) over a file over these defaults."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import Field, ValidationError
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    YamlConfigSettingsSource,
)

from jurist.sandbox.docker import IMAGE
from jurist.services.errors import ConfigurationError
from jurist.services.models.settings import ModelSettings

__all__ = ["MESSAGE_BYTES", "Config", "HandedOver", "configure"]

MESSAGE_BYTES = 64 << 20  # the largest message, either way; gRPC's own 4 MiB refuses 256 rollouts of 40 kB


class Config(BaseSettings):
    """What can be set."""

    model_config = SettingsConfigDict(env_prefix="JURIST_", extra="forbid", frozen=True)

    host: Annotated[str, Field(description="address to listen on")] = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65535, description="gRPC port; 0 takes a free one")] = 50051
    http_port: Annotated[
        int | None,
        Field(ge=0, le=65535, description="port of the HTTP facade; none when left out, 0 takes a free one"),
    ] = None
    http_recipe: Annotated[
        str, Field(min_length=1, description="recipe of HTTP requests that are some trainer's own and name none")
    ] = "math"
    tls_certificate: Annotated[
        Path | None,
        Field(
            description="PEM file of the server's certificate and those that lead to an authority: gRPC and HTTP use it"
        ),
    ] = None
    tls_key: Annotated[Path | None, Field(description="PEM file of its private key")] = None
    tls_client_ca: Annotated[
        Path | None,
        Field(description="PEM file of authorities: clients must show a certificate that one of them has signed"),
    ] = None
    metrics_port: Annotated[
        int | None, Field(ge=0, le=65535, description="Prometheus port; none when left out, 0 takes a free one")
    ] = None
    lanes: Annotated[
        Literal["local", "ray"], Field(description="where work runs: on this machine, or on a Ray cluster")
    ] = "local"
    ray_address: Annotated[
        str | None,
        Field(description="the Ray cluster; auto is the one of this node, left out starts a Ray on this machine"),
    ] = None
    ray_config: Annotated[
        Path | None, Field(description="YAML file that changes what each lane has on the cluster")
    ] = None
    workers: Annotated[int, Field(ge=1, le=1024, description="processes that judge")] = os.cpu_count() or 1
    recipes: Annotated[
        Path | None, Field(description="folder of recipes that add to and override the shipped ones")
    ] = None
    cell_cpu_s: Annotated[
        float, Field(gt=0, description="CPU time of one verifier on one completion, seconds; past it: LIMIT")
    ] = 2.0
    equality_cpu_s: Annotated[float, Field(gt=0, description="CPU time of one symbolic equality, seconds")] = 1.0
    stall_s: Annotated[
        float, Field(gt=0, description="time by the clock after which a step that uses no CPU is given up, seconds")
    ] = 30.0
    worker_memory_bytes: Annotated[
        int, Field(ge=512 << 20, description="address space of one worker, bytes; past it: LIMIT")
    ] = 4 << 30
    worker_recycle_bytes: Annotated[
        int, Field(ge=128 << 20, description="resident size past which an idle worker is replaced, bytes")
    ] = 768 << 20
    queue_rollouts: Annotated[
        int, Field(ge=1, description="work taken in at a time, rollouts; past it: RESOURCE_EXHAUSTED")
    ] = 1 << 18
    queue_bytes: Annotated[int, Field(ge=1 << 20, description="the same in bytes")] = 512 << 20
    drain_s: Annotated[float, Field(ge=0, description="time that running calls get at shutdown, seconds")] = 30.0
    sandbox: Annotated[
        Literal["auto", "required", "off"],
        Field(description="where programs run: auto starts boxes with the first one, required with the service"),
    ] = "auto"
    sandbox_backend: Annotated[
        Literal["embedded", "docker"],
        Field(description="what runs programs: boxes of this process's own, or containers"),
    ] = "embedded"
    sandbox_weaker: Annotated[
        bool,
        Field(
            description="run programs where no control group can be written (embedded) or containers may make no user "
            "namespaces (docker), too; verdicts say so"
        ),
    ] = False
    sandbox_packages: Annotated[
        tuple[str, ...],
        Field(
            description="embedded: directories of modules (numpy, pytest) that Python programs and tests may import "
            "beside the standard library; they can read all that is there"
        ),
    ] = ()
    sandbox_image: Annotated[str, Field(min_length=1, description="docker: the image for tasks that name none")] = IMAGE
    sandbox_images: Annotated[
        tuple[str, ...],
        Field(
            description="docker: patterns (registry.example/repos/*) of the images that tasks may name; none by default"
        ),
    ] = ()
    sandbox_runtime: Annotated[
        str, Field(description="docker: the engine's runtime, such as runsc for gVisor; its default when left out")
    ] = ""
    sandbox_engine: Annotated[
        str, Field(description="docker: the engine's socket, unix:///..; DOCKER_HOST or the usual one when left out")
    ] = ""
    models: Annotated[
        Mapping[str, ModelSettings], Field(description="language models that judge, by the names that they go by")
    ] = {}
    judge: Annotated[
        str,
        Field(description="model for prompts that name none: one of models, an OpenAI-compatible URL, or a folder"),
    ] = ""
    reward_model: Annotated[
        str, Field(description="model for dialogues that name none: one of models, or a folder")
    ] = ""
    answers_kept: Annotated[int, Field(ge=0, description="models' answers remembered in memory")] = 20_000
    answers_file: Annotated[
        Path | None,
        Field(
            description="SQLite file that remembers them, too; none by default, and none for models on a Ray cluster"
        ),
    ] = None
    log_format: Annotated[str, Field(pattern="^(text|json)$", description="text or json")] = "text"

    @classmethod
    def settings_customise_sources(  # noqa: D102  # pydantic-settings' own hook
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return init_settings, env_settings, YamlConfigSettingsSource(settings_cls)


class HandedOver(Config):
    """Settings that another process gathered; this one's environment changes nothing of them.

    It may hold what is not meant for a server at all: Kubernetes sets JURIST_PORT beside a Service of that name.
    """

    @classmethod
    def settings_customise_sources(  # noqa: D102  # as above
        cls,
        settings_cls: type[BaseSettings],  # noqa: ARG003
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return (init_settings,)


def configure(file: Path | None = None, **flags: Any) -> Config:  # noqa: ANN401  # each setting has its own type
    """Gather the configuration; flags that are None were not given.

    Raises:
        ConfigurationError: a setting is unknown, out of range or of the wrong type.
    """
    if file is not None and not file.is_file():
        raise ConfigurationError(f"config: {file} is not a file")

    class FromFile(Config):
        model_config = SettingsConfigDict(yaml_file=file)

    given = {name: value for name, value in flags.items() if value is not None}
    unknown = [
        name
        for name in os.environ
        if name.startswith("JURIST_")
        and not name.startswith("JURIST_CLIENT_")  # a trainer's, which may run beside
        and name[7:].lower() not in Config.model_fields
    ]
    if unknown:
        raise ConfigurationError(f"{unknown[0]}: no such setting; there are: {', '.join(Config.model_fields)}")
    try:
        return FromFile(**given)
    except (yaml.YAMLError, TypeError, ValueError) as error:
        if not isinstance(error, ValidationError):
            raise ConfigurationError(f"config: {file} is not a YAML file of settings: {error}") from None
        lines = [f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors(include_url=False)]
        message = "\n".join(lines)
        raise ConfigurationError(message) from None
