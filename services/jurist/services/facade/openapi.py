"""What the HTTP port answers, as an OpenAPI document."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    from collections.abc import Sequence

    from jurist.services.facade.routes import Route

__all__ = ["SETTINGS", "document"]

SETTINGS: Sequence[tuple[str, str, str]] = (
    ("recipe", "string", "The recipe to score by; the server's `http_recipe` when left out."),
    ("policy_step", "integer", "The trainer's optimisation step, from 0."),
    ("timeout_s", "number", "How long the answer may take, seconds."),
    ("eos", "array", "A special token to take off the completion's end; may be repeated. Common ones when left out."),
)
TEXTS = {"type": "array", "items": {"type": "string"}}
CONTRACT = "protos/jurist/v1/reward.proto in JSON: proto3's mapping with the proto's field names."
FAILURES = {
    "400": "A field is not what it must be; the message names it.",
    "404": "No recipe or verifier has that name.",
    "408": "The body did not come.",
    "413": "The body is too large.",
    "429": "Too much work waits; try again after `Retry-After` seconds.",
    "500": "A fault in the service.",
    "503": "No reward, through no fault of the completion, or the server is stopping. Try again.",
    "504": "The answer was not there in `timeout_s`.",
}


def document(routes: Sequence[Route], version: str) -> dict[str, Any]:
    """Build the document."""
    (*shapes,), components = msgspec.json.schema_components(
        [shape for route in routes for shape in (route.body, route.answer)],
        ref_template="#/components/schemas/{name}",
    )
    paths: dict[str, Any] = {
        "/v1/score": {"post": _operation("Jurist", "ScoreBatch.", {"type": "object", "description": CONTRACT}, None)},
        "/v1/verifiers": {"get": _look("ListVerifiers.", CONTRACT)},
    }
    for index, route in enumerate(routes):
        shapes_here = shapes[2 * index : 2 * index + 2]
        paths[route.path] = {"post": _operation(route.caller, route.summary, *shapes_here)}
        if route.scores:
            paths[route.path]["post"]["parameters"] = [
                {
                    "name": name,
                    "in": "query",
                    "description": about,
                    "schema": TEXTS if kind == "array" else {"type": kind},
                }
                for name, kind, about in SETTINGS
            ]
    paths["/api/v2/runtimes"] = {"get": _look("Which languages there are.", "Their names and versions.", "Piston")}
    paths["/reverify_mode"] = {"get": _look("Whether the same is answered however often.", '"stateless"', "NeMo-Gym")}
    paths["/healthz"] = {"get": _look("Whether calls are taken.", "They are.")}
    paths["/metrics"] = {"get": _look("Counters.", "For Prometheus.")}
    return {
        "openapi": "3.1.0",
        "info": {"title": "Jurist", "version": version, "description": "Rewards for rollouts of language models."},
        "paths": paths,
        "components": {"schemas": components},
    }


def _look(summary: str, answer: str, caller: str = "Jurist") -> dict[str, Any]:
    return {"tags": [caller], "summary": summary, "responses": {"200": {"description": answer}}}


def _operation(caller: str, summary: str, body: dict[str, Any], answer: dict[str, Any] | None) -> dict[str, Any]:
    good: dict[str, Any] = {"description": "Done."}
    good["content"] = {"application/json": {"schema": answer or {"type": "object", "description": CONTRACT}}}
    return {
        "tags": [caller],
        "summary": summary,
        "requestBody": {"required": True, "content": {"application/json": {"schema": body}}},
        "responses": {"200": good} | {code: {"description": about} for code, about in FAILURES.items()},
    }
