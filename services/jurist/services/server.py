"""The gRPC server: RewardService, grpc.health.v1 and reflection on one port."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from time import perf_counter
from typing import TYPE_CHECKING, Any

import grpc
import structlog
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection

from jurist.services import decode, encode, tls
from jurist.services.catalogue import catalogue
from jurist.services.config import MESSAGE_BYTES
from jurist.services.errors import (
    BadInputError,
    ConfigurationError,
    OverloadedError,
    StoppingError,
    UnknownNameError,
    UnreachableError,
    first_of,
)
from jurist.services.stream import Stream
from jurist.v1 import reward_pb2

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from jurist.services.config import Config
    from jurist.services.cookbook import Cookbook
    from jurist.services.engine import Engine
    from jurist.services.facade.server import Facade
    from jurist.services.metrics import Metrics
    from jurist.services.values import GroupReward

__all__ = ["CODES", "RewardService", "Server"]

ASKED_MS = 10_000  # how often a client may ask whether the server lives
ALIVE_MS, ANSWER_MS = 60_000, 20_000  # how often a client that waits is asked
SERVICE = reward_pb2.DESCRIPTOR.services_by_name["RewardService"].full_name
OPTIONS = (
    ("grpc.max_receive_message_length", MESSAGE_BYTES),
    ("grpc.max_send_message_length", MESSAGE_BYTES),
    ("grpc.so_reuseport", 0),  # two servers on one port would share the calls in silence
    ("grpc.http2.min_ping_interval_without_data_ms", ASKED_MS),  # gRPC's own 5 minutes would end clients' calls
    ("grpc.keepalive_time_ms", ALIVE_MS),  # clients that vanished hold no workers
    ("grpc.keepalive_timeout_ms", ANSWER_MS),
    ("grpc.http2.ping_timeout_ms", ANSWER_MS),
)
LAST_WORDS_S = 0.2  # for answers on their way out

# Every error that a caller meets and its status; the first that fits. Whatever is not here is a bug: INTERNAL.
CODES = {
    UnknownNameError: grpc.StatusCode.NOT_FOUND,
    BadInputError: grpc.StatusCode.INVALID_ARGUMENT,
    OverloadedError: grpc.StatusCode.RESOURCE_EXHAUSTED,
    StoppingError: grpc.StatusCode.UNAVAILABLE,
    UnreachableError: grpc.StatusCode.UNAVAILABLE,
}

log = structlog.get_logger(__name__)
Context = grpc.aio.ServicerContext[Any, Any]
Respond = Callable[[Any, Context], Awaitable[Any]]


class RewardService:
    """The RPCs. Messages stay bytes at this border: the decoder says what is wrong with those that do not parse."""

    def __init__(self, engine: Engine, recipes: Cookbook, metrics: Metrics) -> None:
        self._engine = engine
        self._recipes = recipes
        self._decoder = decode.Decoder(recipes)
        self._metrics = metrics
        self._streams: set[Stream] = set()
        self._calls = 0
        self._idle = asyncio.Event()
        self._idle.set()

    def handler(self) -> grpc.GenericRpcHandler:
        """Return the methods as grpc wants them."""
        return grpc.method_handlers_generic_handler(
            SERVICE,
            {
                "ScoreBatch": grpc.unary_unary_rpc_method_handler(self._guard("ScoreBatch", self.score_batch)),
                "ScoreStream": grpc.stream_stream_rpc_method_handler(self._guard("ScoreStream", self.score_stream)),
                "ListVerifiers": grpc.unary_unary_rpc_method_handler(self._guard("ListVerifiers", self.list_verifiers)),
                "Warm": grpc.unary_unary_rpc_method_handler(self._guard("Warm", self.warm)),
            },
        )

    @property
    def idle(self) -> asyncio.Event:
        """Set while no call is being answered."""
        return self._idle

    def drain(self) -> None:
        """Let streams read no more: they would never end by themselves."""
        for stream in self._streams:
            stream.drain()

    async def score_batch(self, data: bytes, context: Context) -> bytes:
        """Answer ScoreBatch."""
        return await self.score(data, context.time_remaining())

    async def score(self, data: bytes, within_s: float | None = None) -> bytes:
        """Score a ScoreBatchRequest; returns a ScoreBatchResponse.

        A judge that has not answered shortly before `within_s` seconds are over costs its own cells their scores alone.

        Raises:
            JuristError: it could not be scored.
        """
        batch = self._decoder.batch(data)
        structlog.contextvars.bind_contextvars(request_id=batch.request_id)
        scores: dict[int, bytes] = {}

        def deliver(index: int, reward: GroupReward) -> None:
            scores[index] = encode.group_scores(reward)

        await self._engine.score(batch, deliver, within_s=within_s)
        return encode.batch_response(batch.request_id, [scores[index] for index in range(len(batch.groups))])

    async def score_stream(self, requests: AsyncIterator[bytes], context: Context) -> None:
        """Answer ScoreStream."""
        stream = Stream(self._engine, self._decoder, context.write)
        self._streams.add(stream)
        try:
            await stream.run(requests)
        finally:
            self._streams.discard(stream)

    async def list_verifiers(self, _: bytes, __: Context) -> bytes:
        """Answer ListVerifiers."""
        return (await asyncio.to_thread(catalogue, self._recipes)).SerializeToString()

    async def warm(self, data: bytes, _: Context) -> bytes:
        """Answer Warm."""
        await self._engine.warm(*decode.announced(data))
        return reward_pb2.WarmResponse().SerializeToString()

    def _guard(self, method: str, respond: Respond) -> Respond:
        """Give every way in which an RPC ends its status, its count and its line in the log."""

        async def answer(request: Any, context: Context) -> Any:  # noqa: ANN401  # bytes or a stream of them
            code, start = grpc.StatusCode.OK, perf_counter()
            self._calls += 1
            self._idle.clear()
            try:
                return await respond(request, context)
            except asyncio.CancelledError:
                left = context.time_remaining()
                passed = left is not None and left <= 0  # pyright: ignore[reportUnnecessaryComparison]  # None without a deadline
                code = grpc.StatusCode.DEADLINE_EXCEEDED if passed else grpc.StatusCode.CANCELLED
                raise
            except Exception as raised:  # what has no status of its own is INTERNAL
                error = first_of(raised)
                code = next((code for kind, code in CODES.items() if isinstance(error, kind)), grpc.StatusCode.INTERNAL)
                if isinstance(error, OverloadedError):
                    context.set_trailing_metadata((("grpc-retry-pushback-ms", f"{error.retry_after_s * 1e3:.0f}"),))
                if code is grpc.StatusCode.INTERNAL:
                    log.exception("call failed", method=method, exc_info=error)
                    await context.abort(code, f"a fault in the service: {type(error).__name__}")
                await context.abort(code, str(error))
            finally:
                self._calls -= 1
                if not self._calls:
                    self._idle.set()
                self._metrics.request(method, code.name)
                log.debug("call", method=method, code=code.name, elapsed_ms=round((perf_counter() - start) * 1e3, 1))

        return answer


class Server:
    """A running service.

    While it stops its health is NOT_SERVING, new calls are refused with UNAVAILABLE, and running ones get `drain_s` to
    end.
    """

    def __init__(self, config: Config, engine: Engine, recipes: Cookbook, metrics: Metrics) -> None:
        self.port = 0
        self.http_port: int | None = None
        self.metrics_port: int | None = None
        self._config = config
        self._engine = engine
        self._recipes = recipes
        self._metrics = metrics
        self._service = RewardService(engine, recipes, metrics)
        self._health = health.aio.HealthServicer()
        self._tls = tls.read(config)
        self._server = grpc.aio.server(options=OPTIONS)
        self._facade: Facade | None = None
        self._stop_metrics: Callable[[], None] | None = None

    async def start(self) -> None:
        """Start the lanes, then listen.

        Raises:
            ConfigurationError: the port is taken, or a lane cannot start.
        """
        self._server.add_generic_rpc_handlers((self._service.handler(),))
        health_pb2_grpc.add_HealthServicer_to_server(self._health, self._server)
        names = (SERVICE, health.SERVICE_NAME, reflection.SERVICE_NAME)
        reflection.enable_server_reflection(names, self._server)
        host = self._config.host
        address = f"{f'[{host}]' if ':' in host else host}:{self._config.port}"
        try:
            if self._tls is None:
                self.port = self._server.add_insecure_port(address)
            else:
                self.port = self._server.add_secure_port(address, self._tls.credentials)
        except RuntimeError as error:
            raise ConfigurationError(f"port: cannot listen on {address}; is another server there?") from error
        await self._engine.start()
        try:
            await self._start_http()
            self._start_metrics()
        except ConfigurationError:
            await self._engine.stop()
            raise
        await self._server.start()
        for name in ("", SERVICE):
            await self._health.set(name, health_pb2.HealthCheckResponse.SERVING)

    async def _start_http(self) -> None:
        config = self._config
        if config.http_port is None:
            return
        from jurist.services.facade.server import Facade, Service  # noqa: PLC0415  # what nobody asks for costs nothing

        if config.http_recipe not in self._recipes.names():
            raise ConfigurationError(f"http_recipe: unknown recipe {config.http_recipe!r}")
        service = Service(self._service.score, self._engine.ask, self._recipes, self._metrics)
        self._facade = Facade(service, config.http_recipe, config.drain_s)
        context = None if self._tls is None else self._tls.context
        try:
            self.http_port = await self._facade.start(config.host, config.http_port, context)
        except OSError as error:
            raise ConfigurationError(f"http_port: cannot listen on {config.http_port}: {error}") from error

    def _start_metrics(self) -> None:
        config = self._config
        if config.metrics_port is None:
            return
        try:
            self.metrics_port, self._stop_metrics = self._metrics.serve(config.host, config.metrics_port)
        except OSError as error:
            raise ConfigurationError(f"metrics_port: cannot listen on {config.metrics_port}: {error}") from error

    async def stop(self) -> None:
        """Drain, then end everything. Calls that outlast `drain_s` end with UNAVAILABLE."""
        await self._health.enter_graceful_shutdown()
        draining = asyncio.ensure_future(self._drain())
        self._service.drain()
        idle = asyncio.ensure_future(self._service.idle.wait())
        await asyncio.wait([draining, idle], return_when=asyncio.FIRST_COMPLETED)
        idle.cancel()
        # What is left watches the health, and would do so until `drain_s` is over.
        await self._server.stop(LAST_WORDS_S)
        await draining
        await self._engine.stop()
        if self._stop_metrics is not None:
            self._stop_metrics()

    async def _drain(self) -> None:
        http = self._facade.stop() if self._facade is not None else asyncio.sleep(0)
        await asyncio.gather(self._server.stop(self._config.drain_s), http)
