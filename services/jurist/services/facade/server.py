"""The HTTP server, in the event loop of the gRPC one.

aiohttp, since it is made to be started inside another program, and cancels what it was doing for a client that went
away; docs/decisions has the rest.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Callable
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec
import structlog
from aiohttp import web
from aiohttp.http_exceptions import ContentEncodingError
from prometheus_client import generate_latest
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4

from jurist.client import InvalidInputError
from jurist.client._eos import EOS
from jurist.services.catalogue import catalogue
from jurist.services.config import MESSAGE_BYTES
from jurist.services.errors import (
    BadInputError,
    OverloadedError,
    StoppingError,
    TooLargeError,
    UnknownNameError,
    UnreachableError,
    first_of,
)
from jurist.services.facade import contract, openapi
from jurist.services.facade.programs import SandboxAwayError
from jurist.services.facade.reading import read
from jurist.services.facade.routes import ROUTES, Route
from jurist.services.facade.runtimes import Runtimes
from jurist.services.facade.singles import Call, NoRewardError, Settings, Singles
from jurist.v1 import reward_pb2

if TYPE_CHECKING:
    import ssl

    from jurist.services.cookbook import Cookbook
    from jurist.services.facade.programs import Asking
    from jurist.services.metrics import Metrics

__all__ = ["Facade", "Service"]

UI = Path(str(files("swagger_ui"))) / "static"
TIMEOUT_S = 600.0
BODY_S = 300.0  # how long a body may take to come: the largest at 2 Mbit a second
RETRY_AFTER_S = 1
LAST_STEP = (1 << 63) - 1  # int64, as the contract has it
TOLD_CHARACTERS = 40  # of what a caller said that are repeated

# Every error that a caller meets and its status; the first that fits. Whatever is not here is a bug: 500.
STATUSES: dict[type[Exception], int] = {
    UnknownNameError: 404,
    TooLargeError: 413,
    BadInputError: 400,
    InvalidInputError: 400,
    OverloadedError: 429,
    StoppingError: 503,
    UnreachableError: 503,
    NoRewardError: 503,
    SandboxAwayError: 503,
    TimeoutError: 504,
}

log = structlog.get_logger(__name__)
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Service(NamedTuple):
    """What stands behind the port: the one service's call, in wire form, and its lanes."""

    score: Callable[[bytes], Awaitable[bytes]]
    ask: Asking
    recipes: Cookbook
    metrics: Metrics


class Facade:
    """Answers HTTP. `recipe` scores what names none."""

    def __init__(self, service: Service, recipe: str, drain_s: float) -> None:
        self._service = service
        self._recipe = recipe
        self._singles = Singles(service.score)
        self._runtimes = Runtimes(service.ask)
        application = web.Application(client_max_size=MESSAGE_BYTES, middlewares=[self._guard])
        application.add_routes(
            [
                web.post("/v1/score", self._score),
                web.get("/v1/verifiers", self._verifiers),
                *(web.post(route.path, self._handler(route)) for route in ROUTES),
                web.get("/api/v2/runtimes", self._installed),
                web.get("/reverify_mode", _reverify_mode),
                web.get("/healthz", _healthz),
                web.get("/metrics", self._metrics),
                web.get("/openapi.json", self._openapi),
                web.get("/", _page),
                web.static("/ui", UI),
            ]
        )
        self._runner = web.AppRunner(application, access_log=None, handler_cancellation=True, shutdown_timeout=drain_s)

    async def start(self, host: str, port: int, context: ssl.SSLContext | None = None) -> int:
        """Listen, for HTTPS where there is a context; returns the port.

        Raises:
            OSError: it is taken.
        """
        await self._runner.setup()
        site = web.TCPSite(self._runner, host, port, ssl_context=context)
        await site.start()
        return int(self._runner.addresses[0][1])

    async def stop(self) -> None:
        """Take no more, and let what runs end."""
        await self._runner.cleanup()

    async def _score(self, request: web.Request) -> web.Response:
        """Answer the contract itself: ScoreBatch."""
        scored = await self._service.score(contract.request(await _body(request)))
        return _json(contract.plain(reward_pb2.ScoreBatchResponse.FromString(scored)))

    async def _verifiers(self, _: web.Request) -> web.Response:
        return _json(contract.plain(await asyncio.to_thread(catalogue, self._service.recipes)))

    def _handler(self, route: Route) -> Handler:
        async def answer(request: web.Request) -> web.Response:
            call = Call(_settings(request, self._recipe), self._singles, self._service.ask, self._runtimes)
            async with asyncio.timeout(call.settings.timeout_s):
                body = read(await _body(request), route.body, strict=route.strict)
                return _json(await route.respond(body, call))

        return answer

    async def _installed(self, _: web.Request) -> web.Response:
        """Answer Piston's question for what there is to run programs."""
        return _json(await self._runtimes.all())

    async def _metrics(self, _: web.Request) -> web.Response:
        body = generate_latest(self._service.metrics.registry)
        return web.Response(body=body, headers={"Content-Type": CONTENT_TYPE_PLAIN_0_0_4})

    async def _openapi(self, _: web.Request) -> web.Response:
        return _json(openapi.document(ROUTES, version("jurist")))

    @web.middleware
    async def _guard(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Give every way in which a request ends its status and its count."""
        status = 499  # what a client that went away is counted as
        try:
            response = await handler(request)
            status = response.status
        except web.HTTPException as refused:  # aiohttp's own: no such path, body too large
            status = refused.status
            return _failure(status, refused.reason)
        except Exception as raised:  # what has no status of its own is 500
            cause = first_of(raised)
            status = next((code for kind, code in STATUSES.items() if isinstance(cause, kind)), 500)
            if status == 500:  # noqa: PLR2004
                log.exception("request failed", path=request.path, exc_info=cause)
                return _failure(status, f"a fault in the service: {type(cause).__name__}")
            return _failure(status, str(cause) or "not done in time", getattr(cause, "field", ""))
        else:
            return response
        finally:
            known = request.match_info.route.resource
            self._service.metrics.request(known.canonical if known else "unknown path", str(status))


def _settings(request: web.Request, recipe: str) -> Settings:
    query = request.query
    step, timeout_s = query.get("policy_step"), query.get("timeout_s", str(TIMEOUT_S))
    return Settings(
        recipe=query.get("recipe", recipe),
        policy_step=None if step is None else _step(step),
        timeout_s=_timeout_s(timeout_s),
        eos=tuple(query.getall("eos", EOS)),
    )


def _step(told: str) -> int:
    if told.isascii() and told.isdigit() and len(told) <= len(str(LAST_STEP)) and int(told) <= LAST_STEP:
        return int(told)
    raise BadInputError("policy_step", f"is a whole number from 0 to {LAST_STEP}, not {told[:TOLD_CHARACTERS]!r}")


def _timeout_s(told: str) -> float:
    try:
        timeout_s = float(told)
    except ValueError:
        timeout_s = math.nan
    if 0 < timeout_s < math.inf:
        return timeout_s
    raise BadInputError("timeout_s", f"is a number of seconds above 0, not {told[:TOLD_CHARACTERS]!r}")


async def _body(request: web.Request) -> bytes:
    """Read a body, if need be with what `Content-Encoding` says taken off.

    Raises:
        BadInputError: it is not encoded so.
        HTTPRequestTimeout: it does not come.
    """
    try:
        async with asyncio.timeout(BODY_S):
            return await request.read()
    except TimeoutError:
        raise web.HTTPRequestTimeout from None
    except (web.RequestPayloadError, ContentEncodingError) as error:
        raise BadInputError("body", f"cannot be read: {error}") from None


def _json(value: Any) -> web.Response:  # noqa: ANN401  # whatever JSON can hold
    return web.Response(body=msgspec.json.encode(value), content_type="application/json")


def _failure(status: int, message: str, field: str = "") -> web.Response:
    message, field = (text.encode(errors="replace").decode() for text in (message, field))  # they repeat what was sent
    error = {"code": status, "message": message, "field": field}
    response = _json({"error": error, "message": message})  # where Piston's callers look for it
    response.set_status(status)
    if status in {429, 503}:
        response.headers["Retry-After"] = str(RETRY_AFTER_S)
    return response


async def _healthz(_: web.Request) -> web.Response:
    return _json({"status": "serving"})


async def _reverify_mode(_: web.Request) -> web.Response:
    return _json("stateless")  # NeMo-Gym's: the same answer however often it is asked


async def _page(_: web.Request) -> web.Response:
    return web.Response(text=PAGE, content_type="text/html")


PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>Jurist</title>
<link rel="icon" href="/ui/favicon-32x32.png">
<link rel="stylesheet" href="/ui/swagger-ui.css">
</head>
<body>
<div id="page"></div>
<script src="/ui/swagger-ui-bundle.js"></script>
<script>SwaggerUIBundle({url: "/openapi.json", dom_id: "#page"})</script>
</body>
</html>
"""
