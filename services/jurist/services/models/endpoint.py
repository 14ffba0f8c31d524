"""One HTTP server that answers questions: bounded, patient with one that is busy, quick to leave one that is down.

A request is tried again after a failure to connect, a cut answer, an answer that is no JSON, and the statuses that say
"later" (408, 429, 500, 502, 503, 504), with growing pauses drawn at random, or as long as Retry-After says. How long it
may take in all is the caller's business: who cancels it ends it.
"""

from __future__ import annotations

import asyncio
import email.utils
import json
import random
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TypeVar, cast

import httpx

from jurist.services.models.circuit import Circuit
from jurist.verifiers import Cause, NoReply

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from jurist.services.models.counts import ModelMetrics
    from jurist.services.models.settings import RemoteJudge, RemoteReward

__all__ = ["Endpoint", "RefusedError"]

Answer = TypeVar("Answer")

BUSY = 429
LATER = frozenset({408, 425, BUSY, 500, 502, 503, 504})
FIRST_PAUSE_S = 0.25
LONGEST_PAUSE_S = 20.0
CONNECT_S = 10.0
ANSWER_BYTES = 16 << 20  # 64 texts of 65,536 tokens with their probabilities are less
SAID_CHARACTERS = 300  # of what a server says to a refusal, in the reason

# What servers say of a prompt that is longer than the model takes (vLLM, SGLang, OpenAI, NIM, llama.cpp).
TOO_LONG = ("context length", "context_length", "maximum context", "too long", "longer than the model", "max_model_len")


class RefusedError(Exception):
    """Raised when the server will not answer this request, however often it is asked."""

    def __init__(self, status: int, said: str) -> None:
        super().__init__(f"HTTP {status}: {said}")
        self.status = status
        self.said = said


class _FailedError(Exception):
    """Raised when a try failed and another may not; `kind` is for the metrics, `after_s` what the server asks for."""

    def __init__(self, kind: str, how: str, after_s: float | None = None, *, down: bool = True) -> None:
        super().__init__(how)
        self.kind = kind
        self.after_s = after_s
        self.down = down


class Endpoint:
    """Posts JSON to one server."""

    def __init__(self, name: str, settings: RemoteJudge | RemoteReward, metrics: ModelMetrics) -> None:
        self.name = name
        self._settings = settings
        self._metrics = metrics
        self._circuit = Circuit()
        self._free = asyncio.Semaphore(settings.concurrency)
        self._client: httpx.AsyncClient | None = None
        metrics.watch_circuit(name, lambda: self._circuit.state)

    async def open(self) -> None:
        """Take up connections."""
        key = self._settings.api_key.get_secret_value()
        self._client = httpx.AsyncClient(
            headers={"Authorization": f"Bearer {key}"} if key else {},
            timeout=httpx.Timeout(self._settings.timeout_s, connect=CONNECT_S, pool=None),
            limits=httpx.Limits(
                max_connections=self._settings.concurrency, max_keepalive_connections=self._settings.concurrency
            ),
        )

    async def close(self) -> None:
        """Close every connection; requests under way fail."""
        if self._client is not None:
            await self._client.aclose()
            self._client = None

    async def ask(
        self, method: str, path: str, body: Mapping[str, object] | None, read: Callable[[Any], Answer]
    ) -> Answer | NoReply:
        """Send a request and read its answer; `read` raises ValueError, KeyError or the like for one of another form.

        Raises:
            RefusedError: the server will not answer this request.
        """
        failure: _FailedError | None = None
        for attempt in range(self._settings.attempts):
            if failure is not None:
                pause_s = _pause_s(attempt, failure.after_s)
                if pause_s > self._settings.timeout_s:
                    return self._lost(f"wants to be asked again in {pause_s:g} s: {failure}")
                await asyncio.sleep(pause_s)
            if not self._circuit.admits():
                return self._lost(f"is left alone for a while: {self._circuit.last_failure}")
            try:
                answer = await self._once(method, path, body, read)
            except _FailedError as error:
                failure = error
                self._metrics.model_request(self.name, error.kind)
                if error.down:
                    self._circuit.failed(str(error))
                else:
                    self._circuit.succeeded()
            except RefusedError as error:
                self._metrics.model_request(self.name, str(error.status))
                self._circuit.succeeded()
                raise
            except BaseException:
                self._circuit.given_up()
                raise
            else:
                self._metrics.model_request(self.name, "200")
                self._circuit.succeeded()
                return answer
        return self._lost(f"failed {self._settings.attempts} times, last: {failure}")

    async def _once(
        self, method: str, path: str, body: Mapping[str, object] | None, read: Callable[[Any], Answer]
    ) -> Answer:
        if self._client is None:
            raise _FailedError("closed", "the service is stopping")
        try:
            async with self._free, self._client.stream(method, self._settings.url.rstrip("/") + path, json=body) as got:
                data = bytearray()
                async for part in got.aiter_bytes():
                    data += part
                    if len(data) > ANSWER_BYTES:
                        raise _FailedError("too large", f"its answer is larger than {ANSWER_BYTES} bytes")
        except httpx.TimeoutException as error:
            raise _FailedError("timeout", f"no answer in time ({type(error).__name__})") from None
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise _FailedError("connection", f"{type(error).__name__}: {error}") from None
        if got.status_code in LATER:
            raise _FailedError(
                str(got.status_code),
                f"HTTP {got.status_code}: {_said(data)}",
                _retry_after_s(got.headers.get("retry-after", "")),
                down=got.status_code != BUSY,
            )
        if not got.is_success:
            raise RefusedError(got.status_code, _said(data))
        try:
            return read(json.loads(data))
        except (ValueError, KeyError, IndexError, TypeError, AttributeError, RecursionError, OverflowError) as error:
            raise _FailedError("malformed", f"its answer is of another form: {type(error).__name__}: {error}") from None

    def _lost(self, how: str) -> NoReply:
        return NoReply(Cause.UNAVAILABLE, f"the model {self.name} {how}")

    def refused(self, error: RefusedError) -> NoReply:
        """Return the reply to a question that the server will not answer."""
        if any(sign in error.said.lower() for sign in TOO_LONG):
            return NoReply(Cause.LIMIT, f"the model {self.name} says: {error.said}")
        return self._lost(f"refused: {error}")


def _pause_s(attempt: int, after_s: float | None) -> float:
    if after_s is not None:
        return after_s
    draw: float = random.uniform(0.5, 1.0)  # noqa: S311  # no secret
    return draw * min(LONGEST_PAUSE_S, FIRST_PAUSE_S * 2.0 ** (attempt - 1))


def _retry_after_s(header: str) -> float | None:
    """Read Retry-After: seconds or a date; None where it is neither."""
    try:
        return max(0.0, float(header))
    except ValueError:
        pass
    try:
        return max(0.0, (email.utils.parsedate_to_datetime(header) - datetime.now(UTC)).total_seconds())
    except (ValueError, TypeError):
        return None


def _said(data: bytearray) -> str:
    """Return a server's words of an error."""
    text = data[: 4 * SAID_CHARACTERS].decode("utf-8", "replace")
    try:
        body: Any = json.loads(data)
        error = body.get("error", body)
        text = str(cast("Any", error).get("message", text) if isinstance(error, dict) else error)
    except (ValueError, AttributeError, RecursionError):
        pass
    return " ".join(text.split())[:SAID_CHARACTERS]
