"""The gRPC server: RewardService, grpc.health.v1 and reflection on one port."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, cast

import grpc
import structlog
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection

from jurist.services import codec
from jurist.services.catalogue import catalogue
from jurist.services.config import MESSAGE_BYTES
from jurist.services.errors import BadInputError, ConfigurationError, OverloadedError, StoppingError, UnknownNameError
from jurist.services.stream import Stream
from jurist.v1 import reward_pb2

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from jurist.services.config import Config
    from jurist.services.cookbook import Cookbook
    from jurist.services.engine import Engine
    from jurist.services.metrics import Metrics
    from jurist.services.values import GroupReward

__all__ = ["CODES", "RewardService", "Server"]

SERVICE = reward_pb2.DESCRIPTOR.services_by_name["RewardService"].full_name
OPTIONS = (
    ("grpc.max_receive_message_length", MESSAGE_BYTES),
    ("grpc.max_send_message_length", MESSAGE_BYTES),
    ("grpc.so_reuseport", 0),  # two servers on one port would share the calls in silence
)

# Every error that a caller meets and its status; the first that fits. Whatever is not here is a bug: INTERNAL.
CODES = {
    UnknownNameError: grpc.StatusCode.NOT_FOUND,
    BadInputError: grpc.StatusCode.INVALID_ARGUMENT,
    OverloadedError: grpc.StatusCode.RESOURCE_EXHAUSTED,
    StoppingError: grpc.StatusCode.UNAVAILABLE,
}

log = structlog.get_logger(__name__)
Context = grpc.aio.ServicerContext[Any, Any]
Respond = Callable[[Any, Context], Awaitable[Any]]


class RewardService:
    """The RPCs. Messages stay bytes at this border: the decoder says what is wrong with those that do not parse."""

    def __init__(self, engine: Engine, recipes: Cookbook, metrics: Metrics) -> None:
        self._engine = engine
        self._recipes = recipes
        self._decoder = codec.Decoder(recipes)
        self._metrics = metrics

    def handler(self) -> grpc.GenericRpcHandler:
        """Return the methods as grpc wants them."""
        return grpc.method_handlers_generic_handler(
            SERVICE,
            {
                "ScoreBatch": grpc.unary_unary_rpc_method_handler(self._guard("ScoreBatch", self.score_batch)),
                "ScoreStream": grpc.stream_stream_rpc_method_handler(self._guard("ScoreStream", self.score_stream)),
                "ListVerifiers": grpc.unary_unary_rpc_method_handler(self._guard("ListVerifiers", self.list_verifiers)),
            },
        )

    async def score_batch(self, data: bytes, _: Context) -> bytes:
        """Answer ScoreBatch."""
        batch = self._decoder.batch(data)
        scores: dict[int, reward_pb2.GroupScores] = {}

        def deliver(index: int, reward: GroupReward) -> None:
            scores[index] = codec.encode_group(reward)

        await self._engine.score(batch, deliver)
        return reward_pb2.ScoreBatchResponse(
            groups=[scores[index] for index in range(len(batch.groups))], request_id=batch.request_id
        ).SerializeToString()

    async def score_stream(self, requests: AsyncIterator[bytes], context: Context) -> None:
        """Answer ScoreStream."""
        await Stream(self._engine, self._decoder, context.write).run(requests)

    async def list_verifiers(self, _: bytes, __: Context) -> bytes:
        """Answer ListVerifiers."""
        return (await asyncio.to_thread(catalogue, self._recipes)).SerializeToString()

    def _guard(self, method: str, respond: Respond) -> Respond:
        """Give every way in which an RPC ends its status, its count and its line in the log."""

        async def answer(request: Any, context: Context) -> Any:  # noqa: ANN401  # bytes or a stream of them
            code = grpc.StatusCode.OK
            try:
                return await respond(request, context)
            except asyncio.CancelledError:  # the client went away, or its deadline passed
                code = grpc.StatusCode.CANCELLED
                raise
            except Exception as raised:  # what has no status of its own is INTERNAL
                error = _root(raised)
                code = next((code for kind, code in CODES.items() if isinstance(error, kind)), grpc.StatusCode.INTERNAL)
                if isinstance(error, OverloadedError):
                    context.set_trailing_metadata((("grpc-retry-pushback-ms", f"{error.retry_after_s * 1e3:.0f}"),))
                if code is grpc.StatusCode.INTERNAL:
                    log.exception("call failed", method=method, exc_info=error)
                    await context.abort(code, f"a fault in the service: {type(error).__name__}")
                await context.abort(code, str(error))
            finally:
                self._metrics.request(method, code.name)

        return answer


def _root(error: Exception) -> Exception:
    """Return what went wrong first inside a task group."""
    if isinstance(error, ExceptionGroup):
        return _root(cast("ExceptionGroup[Exception]", error).exceptions[0])
    return error


class Server:
    """A running service.

    While it stops its health is NOT_SERVING, new calls are refused with UNAVAILABLE, and running ones get `drain_s` to
    end.
    """

    def __init__(self, config: Config, engine: Engine, recipes: Cookbook, metrics: Metrics) -> None:
        self.port = 0
        self.metrics_port: int | None = None
        self._config = config
        self._engine = engine
        self._metrics = metrics
        self._service = RewardService(engine, recipes, metrics)
        self._health = health.aio.HealthServicer()
        self._server = grpc.aio.server(options=OPTIONS)
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
            self.port = self._server.add_insecure_port(address)
        except RuntimeError as error:
            raise ConfigurationError(f"port: cannot listen on {address}; is another server there?") from error
        await self._engine.start()
        if self._config.metrics_port is not None:
            try:
                self.metrics_port, self._stop_metrics = self._metrics.serve(
                    self._config.host, self._config.metrics_port
                )
            except OSError as error:
                await self._engine.stop()
                raise ConfigurationError(
                    f"metrics_port: cannot listen on {self._config.metrics_port}: {error}"
                ) from error
        await self._server.start()
        for name in ("", SERVICE):
            await self._health.set(name, health_pb2.HealthCheckResponse.SERVING)

    async def stop(self) -> None:
        """Drain, then end everything. Calls that outlast `drain_s` end with UNAVAILABLE."""
        await self._health.enter_graceful_shutdown()
        await self._server.stop(self._config.drain_s)
        await self._engine.stop()
        if self._stop_metrics is not None:
            self._stop_metrics()
