"""A proxy before a real server that fails requests as it is told to."""

from __future__ import annotations

import asyncio
import json
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import aiohttp
from aiohttp import web

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable

__all__ = ["Proxy", "proxied"]


class Proxy:
    """Passes requests on, but for the first ones, which meet `faults`, one each.

    A fault is a status, `(status, headers)`, "hang", "cut", a body in bytes, or a function that changes the answer.
    `changed` is done to every request's body.
    """

    def __init__(self, server: str) -> None:
        self.url = ""
        self.faults: list[Any] = []
        self.changed: Callable[[dict[str, Any]], dict[str, Any]] = dict
        self.seen: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self.left = asyncio.Event()
        self._server = server

    async def answer(self, request: web.Request) -> web.StreamResponse:
        body = json.loads(await request.read() or "{}")
        self.seen.append(body)
        self.headers.append(dict(request.headers))
        fault = self.faults.pop(0) if self.faults else None
        match fault:
            case int():
                return web.json_response({"error": {"message": "told to"}}, status=fault)
            case (status, headers):
                return web.json_response({"error": "told to"}, status=status, headers=headers)
            case "hang":
                return await self._hung()
            case bytes():
                return web.Response(body=fault, content_type="application/json")
            case "cut":
                answer = web.StreamResponse(headers={"Content-Length": "1000"})
                await answer.prepare(request)
                await answer.write(b'{"choices": [{"mess')
                assert request.transport is not None
                request.transport.abort()
                return answer
            case _:
                return await self._passed_on(request, body, fault or dict)

    async def _hung(self) -> web.Response:
        try:
            await asyncio.Event().wait()
        finally:
            self.left.set()
        raise AssertionError

    async def _passed_on(
        self, request: web.Request, body: dict[str, Any], change: Callable[[dict[str, Any]], dict[str, Any]]
    ) -> web.StreamResponse:
        async with (
            aiohttp.ClientSession() as client,
            client.request(request.method, self._server + request.path, json=self.changed(body)) as got,
        ):
            told = await got.json()
            return web.json_response(change(told) if got.ok else told, status=got.status)


@asynccontextmanager
async def proxied(server: str) -> AsyncGenerator[Proxy]:
    """Put a proxy before a server."""
    proxy = Proxy(server)
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", proxy.answer)
    runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    proxy.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield proxy
    finally:
        await runner.cleanup()
