"""What can be set about one model. Read from the section `models` of the configuration."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr

__all__ = ["ModelSettings", "RemoteJudge", "RemoteReward", "Weights"]


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, protected_namespaces=())

    timeout_s: Annotated[
        float,
        Field(gt=0, le=86_400, description="time for one answer, waiting included, seconds; past it: UNAVAILABLE"),
    ] = 120.0
    revision: Annotated[
        str, Field(description="part of what is remembered answers are kept under; of weights from a hub, what to load")
    ] = ""
    chat_options: Annotated[
        Mapping[str, object], Field(description="arguments of the chat template, such as enable_thinking: false")
    ] = {}


class Weights(_Model):
    """Weights that a process of ours loads with transformers."""

    backend: Literal["transformers"] = "transformers"
    path: Annotated[str, Field(min_length=1, description="folder of the weights, or their name on a hub")]
    kind: Annotated[
        Literal["judge", "reward"], Field(description="judge: a causal language model; reward: one that rates")
    ] = "judge"
    device: Annotated[str, Field(pattern=r"^(auto|cpu|cuda(:\d+)?|mps)$", description="auto takes a GPU if any")] = (
        "auto"
    )
    dtype: Annotated[
        Literal["auto", "float64", "float32", "bfloat16", "float16"],
        Field(description="auto: float32 on a CPU, else the weights' own; float64 makes scores exactly repeatable"),
    ] = "auto"
    threads: Annotated[int, Field(ge=1, le=1024, description="of a model on a CPU")] = 1
    batch: Annotated[int, Field(ge=1, le=4096, description="questions answered together")] = 64
    batch_tokens: Annotated[
        int, Field(ge=256, description="tokens in one forward pass: what bounds the memory beside the weights")
    ] = 32_768
    context_tokens: Annotated[
        int | None, Field(ge=16, description="the longest prompt; the model's own when left out; past it: LIMIT")
    ] = None
    lazy: Annotated[bool, Field(description="load it with the first question instead of with the service")] = False


class _Remote(_Model):
    model: Annotated[str, Field(description="its name there; the first that the server lists when empty")] = ""
    api_key: Annotated[SecretStr, Field(description="sent as a bearer token")] = SecretStr("")
    concurrency: Annotated[int, Field(ge=1, le=4096, description="requests under way at a time")] = 64
    attempts: Annotated[int, Field(ge=1, le=20, description="tries of one request, within its time")] = 4
    extra_body: Annotated[Mapping[str, object], Field(description="fields added to every request")] = {}


class RemoteJudge(_Remote):
    """A causal language model behind an OpenAI-compatible server: vLLM, SGLang, Ray Serve LLM, NIM."""

    backend: Literal["openai"] = "openai"
    url: Annotated[str, Field(pattern=r"^https?://", description="of the API, up to and with /v1")]
    top_logprobs: Annotated[
        int, Field(ge=2, le=1000, description="probabilities asked of the next token; vLLM and OpenAI allow 20")
    ] = 20


class RemoteReward(_Remote):
    """A reward model behind a server."""

    backend: Literal["reward"] = "reward"
    url: Annotated[str, Field(pattern=r"^https?://", description="of the server; the route comes behind it")]
    route: Annotated[
        Literal["pooling", "classify", "embeddings", "get_reward"],
        Field(
            description="pooling, classify: vLLM's; embeddings: SGLang's; get_reward: OpenRLHF's form; "
            "the last three take text, made by chat_template"
        ),
    ] = "pooling"
    chat_template: Annotated[
        Path | None, Field(description="jinja file that makes the text; the turns one a paragraph when left out")
    ] = None


ModelSettings = Annotated[Weights | RemoteJudge | RemoteReward, Field(discriminator="backend")]
