"""A model in a process of its own: questions of all requests are gathered into batches, one batch at a time.

A process that dies takes its batch's questions with it (UNAVAILABLE) and is started again with the next one; one that
dies again and again is given rest.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import pickle
import signal
import socket
import sys
from collections import deque
from typing import TYPE_CHECKING, Any

import structlog

from jurist.services.errors import ConfigurationError, StoppingError
from jurist.services.models.circuit import Circuit
from jurist.services.models.link import HEADER, Batch, Done, Forget, Load, Loaded, Refused, framed
from jurist.verifiers import Cause, Dialogue, NoReply, Prompt

if TYPE_CHECKING:
    from collections.abc import Iterable

    from jurist.services.models.counts import ModelMetrics
    from jurist.services.models.settings import Weights
    from jurist.verifiers import Rating, Reading

__all__ = ["ModelProcess"]

LOAD_S = 1800.0  # 100 GB from a slow disk
GATHER_S = 0.002  # what a group asks arrives within it; a pass takes longer
FORGET_S = 30.0  # a pass that nobody waits for ends within it, or the process is replaced
BOOT = (
    "import json, sys; sys.path[:] = json.loads(sys.argv[1]); "
    "from jurist.services.models.serving import main; main(int(sys.argv[2]))"
)

log = structlog.get_logger(__name__)


class _Waiting:
    """A question and the one who waits for its reply."""

    def __init__(self, question: Prompt | Dialogue) -> None:
        self.question = question
        self.reply: asyncio.Future[Reading | Rating | NoReply] = asyncio.get_running_loop().create_future()


class _Process:
    """Our end of a running process."""

    def __init__(
        self, process: asyncio.subprocess.Process, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self.said = ""
        self._process = process
        self._reader = reader
        self._writer = writer
        self._listening = asyncio.ensure_future(self._listen())

    async def _listen(self) -> None:
        """Log what it writes to standard error; that is libraries' business, and often a warning."""
        while self._process.stderr is not None and (line := await self._process.stderr.readline()):
            self.said = line.decode("utf-8", "replace").rstrip()
            log.debug("model process", line=self.said)

    def tell(self, value: object) -> None:
        self._writer.write(framed(value))

    async def told(self) -> Any:  # noqa: ANN401  # any of the link's values
        (size,) = HEADER.unpack(await self._reader.readexactly(HEADER.size))
        return pickle.loads(await self._reader.readexactly(size))  # noqa: S301  # our own process's

    async def end(self) -> int:
        """Kill it; returns its exit status."""
        self._writer.transport.abort()
        if self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                # Not Process.kill: that polls first, and who polls takes the exit status from asyncio's own watcher.
                os.kill(self._process.pid, signal.SIGKILL)
        status = await self._process.wait()
        await self._listening
        return status


class ModelProcess:
    """Weights that a process of ours has loaded."""

    def __init__(self, name: str, settings: Weights, metrics: ModelMetrics) -> None:
        self.identity = ""
        self.settings = settings
        self.answers: type[Prompt | Dialogue] = Prompt if settings.kind == "judge" else Dialogue
        self._name = name
        self._metrics = metrics
        self._circuit = Circuit(failures=1)  # loading costs seconds: not one more time for each question
        self._queue: deque[_Waiting] = deque()
        self._arrived = asyncio.Event()
        self._process: _Process | None = None
        self._serving: asyncio.Task[None] | None = None
        metrics.watch_circuit(name, lambda: self._circuit.state)

    async def start(self) -> None:
        """Load the model, unless that is for later.

        Raises:
            ConfigurationError: it cannot be loaded.
        """
        if not self.settings.lazy:
            try:
                self._process = await self._loaded()
            except _DiedError as error:
                raise ConfigurationError(f"models.{self._name}: {error}") from None
        self._serving = asyncio.ensure_future(self._serve())

    async def stop(self) -> None:
        """Kill the process; what still waits ends with StoppingError."""
        if self._serving is not None:
            self._serving.cancel()
            await asyncio.gather(self._serving, return_exceptions=True)
            self._serving = None
        await self._end()
        _stopped(self._queue)
        self._queue.clear()

    async def answer(self, question: Prompt | Dialogue) -> Reading | Rating | NoReply:
        """Answer a question, together with others that wait."""
        if self._serving is None:
            raise StoppingError("the model is stopping")
        waiting = _Waiting(question)
        self._queue.append(waiting)
        self._arrived.set()
        return await waiting.reply  # cancelled with its caller

    async def _serve(self) -> None:
        while True:
            await self._arrived.wait()
            self._arrived.clear()
            await asyncio.sleep(GATHER_S)
            while batch := self._next():
                try:
                    replies = await self._answered(batch)
                except BaseException:
                    _stopped(batch)
                    raise
                _settle(batch, replies)

    def _next(self) -> list[_Waiting]:
        """Take the questions of the next batch; those that nobody waits for are left out."""
        batch: list[_Waiting] = []
        while self._queue and len(batch) < self.settings.batch:
            waiting = self._queue.popleft()
            if not waiting.reply.done():
                batch.append(waiting)
        return batch

    async def _answered(self, batch: list[_Waiting]) -> list[Reading | Rating | NoReply]:
        """Have the process answer a batch."""
        if self._process is None and not self._circuit.admits():
            return [_lost(self._name, f"is away: {self._circuit.last_failure}")] * len(batch)
        try:
            if self._process is None:
                self._process = await self._loaded()
            self._metrics.model_batch(self._name, len(batch))
            done = await self._done(self._process, batch)
        except _DiedError as error:
            log.warning("model process died", model=self._name, how=str(error))
            self._circuit.failed(str(error))
            await self._end()
            return [_lost(self._name, f"died: {error}")] * len(batch)
        self._circuit.succeeded()
        for traceback in done.faults:
            log.error("model failed", model=self._name, traceback=traceback)
        return list(done.replies) or [_lost(self._name, "was told to forget it")] * len(batch)

    async def _done(self, process: _Process, batch: list[_Waiting]) -> Done:
        """Send a batch and wait for its replies, or until nobody else does."""
        process.tell(Batch([waiting.question for waiting in batch]))
        replying = asyncio.ensure_future(process.told())
        abandoned = asyncio.ensure_future(asyncio.wait([waiting.reply for waiting in batch]))
        try:
            await asyncio.wait([replying, abandoned], return_when=asyncio.FIRST_COMPLETED)
            if not replying.done():
                process.tell(Forget())
                await asyncio.wait([replying], timeout=FORGET_S)
            if not replying.done():
                raise _DiedError(f"it did not leave a batch that nobody waits for within {FORGET_S:g} s")
            done: Done = replying.result()
        except (EOFError, OSError):
            raise _DiedError(await self._autopsy(process)) from None
        finally:
            replying.cancel()
            abandoned.cancel()
        return done

    async def _autopsy(self, process: _Process) -> str:
        status = await process.end()
        return f"exit status {status}" + (f" ({process.said})" if process.said else "")

    async def _loaded(self) -> _Process:
        """Start a process and wait until it has loaded the model.

        Raises:
            _DiedError: it cannot.
        """
        process = await self._spawned()
        try:
            async with asyncio.timeout(LOAD_S):
                process.tell(Load(self._name, self.settings))
                said: Loaded | Refused = await process.told()
        except TimeoutError:
            await process.end()
            raise _DiedError(f"it was not loaded within {LOAD_S:g} s") from None
        except (EOFError, OSError):
            raise _DiedError(await self._autopsy(process)) from None
        except BaseException:
            await process.end()
            raise
        if isinstance(said, Refused):
            await process.end()
            raise _DiedError(said.reason)
        self.identity = said.identity
        log.info("model loaded", model=self._name, identity=said.identity)
        for note in said.notes:
            log.warning("model", model=self._name, note=note)
        return process

    async def _spawned(self) -> _Process:
        ours, theirs = socket.socketpair()
        with theirs:
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-c",
                BOOT,
                json.dumps(sys.path),
                str(theirs.fileno()),
                pass_fds=[theirs.fileno()],
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.DEVNULL,
                stderr=asyncio.subprocess.PIPE,
                env=os.environ | {"OMP_NUM_THREADS": str(self.settings.threads), "TOKENIZERS_PARALLELISM": "false"},
            )
        reader, writer = await asyncio.open_connection(sock=ours)
        return _Process(process, reader, writer)

    async def _end(self) -> None:
        if self._process is not None:
            process, self._process = self._process, None
            await process.end()


class _DiedError(Exception):
    """Raised when a process is gone, or never came to be."""


def _settle(batch: Iterable[_Waiting], replies: Iterable[Reading | Rating | NoReply]) -> None:
    for waiting, reply in zip(batch, replies, strict=True):
        if not waiting.reply.done():  # its caller is gone
            waiting.reply.set_result(reply)


def _stopped(batch: Iterable[_Waiting]) -> None:
    for waiting in batch:
        if not waiting.reply.done():
            waiting.reply.set_exception(StoppingError("the model is stopping"))


def _lost(name: str, how: str) -> NoReply:
    return NoReply(Cause.UNAVAILABLE, f"the model {name} {how}")
