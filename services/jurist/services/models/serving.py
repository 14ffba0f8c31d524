"""The process that holds one model: torch is loaded here, never in the service's own.

One thread listens, so that a batch which nobody waits for any more is left; the other computes. It ends with its link.
"""

from __future__ import annotations

import os
import queue
import signal
import socket
import sys
import threading
import traceback
from typing import TYPE_CHECKING, Any

from jurist.services.models.link import Batch, Done, Forget, Load, Loaded, Refused, framed, received
from jurist.verifiers import Cause, NoReply

if TYPE_CHECKING:
    from collections.abc import Sequence

    from jurist.services.models.loading import Model

__all__ = ["main"]


def main(link_file: int) -> None:
    """Load a model and answer until the link closes."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)  # a terminal's Ctrl-C is the server's business
    link = socket.socket(fileno=link_file)
    wanted: Load = received(link)
    forgotten = threading.Event()
    try:
        from jurist.services.models.loading import load  # noqa: PLC0415  # seconds of imports; a failure is told, too

        model = load(wanted.name, wanted.settings, forgotten.is_set)
    except ModuleNotFoundError as error:
        link.sendall(framed(Refused(f"it needs {error.name}: pip install 'jurist[models]'")))
        return
    except Exception as error:  # noqa: BLE001  # told, whatever it is
        traceback.print_exc()
        link.sendall(framed(Refused(f"{type(error).__name__}: {error}")))
        return
    link.sendall(framed(Loaded(model.identity, model.notes)))
    batches: queue.SimpleQueue[Batch] = queue.SimpleQueue()
    threading.Thread(target=_listen, args=(link, batches, forgotten), daemon=True).start()
    while True:
        batch = batches.get()
        link.sendall(framed(_done(model, batch.questions)))


def _listen(link: socket.socket, batches: queue.SimpleQueue[Batch], forgotten: threading.Event) -> None:
    try:
        while True:
            match received(link):
                case Forget():
                    forgotten.set()
                case Batch() as batch:
                    forgotten.clear()
                    batches.put(batch)
                case other:
                    raise TypeError(f"a service sends Batch or Forget, not {other!r}")
    except (EOFError, OSError):
        sys.stderr.flush()
        os._exit(0)  # the service is gone: whatever is computed, nobody wants it


def _done(model: Model, questions: Sequence[Any]) -> Done:
    from jurist.services.models.causal import StoppedError  # noqa: PLC0415  # loaded by now

    try:
        return Done(model.answers.answer(questions))
    except StoppedError:
        return Done(())
    except Exception as error:  # noqa: BLE001  # one question's fault must not be the others'
        if len(questions) == 1:
            return Done([_failed(error)], ["".join(traceback.format_exception(error))])
    parts = [_done(model, [question]) for question in questions]
    if not all(part.replies for part in parts):
        return Done(())
    return Done([part.replies[0] for part in parts], [fault for part in parts for fault in part.faults])


def _failed(error: Exception) -> NoReply:
    import torch  # noqa: PLC0415  # loaded by now

    if isinstance(error, MemoryError | torch.OutOfMemoryError) or "allocate memory" in str(error):
        return NoReply(Cause.LIMIT, "the judge has not the memory for this prompt")
    return NoReply(Cause.INTERNAL, f"the judge failed: {type(error).__name__}")
