"""A reward model in this process: sequence classification with one label, its raw output the rating."""

# What torch and transformers leave without a type is no error of this file.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

from jurist.services.models.causal import StoppedError
from jurist.services.models.labels import DIGITS
from jurist.verifiers import Cause, NoReply, Rating

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from jurist.services.models.chat import Chat
    from jurist.verifiers import Dialogue

__all__ = ["Classifier"]


class Classifier:
    """Rates dialogues, one of a length with the others of that length: without padding no rating depends on another.

    `context_tokens` is the longest dialogue, `batch_tokens` the most in one pass, `name` what ratings say answered.
    `stopped` is asked between passes whether anybody still waits.
    """

    def __init__(  # noqa: PLR0913  # what a model is made of
        self,
        model: Any,  # noqa: ANN401  # as Causal's
        chat: Chat,
        *,
        name: str,
        context_tokens: int,
        batch_tokens: int,
        stopped: Callable[[], bool],
    ) -> None:
        self._model = model
        self._chat = chat
        self._name = name
        self._context_tokens = context_tokens
        self._batch_tokens = batch_tokens
        self._stopped = stopped

    def answer(self, dialogues: Sequence[Dialogue]) -> list[Rating | NoReply]:
        """Rate dialogues, in their order.

        Raises:
            StoppedError: nobody waits any more.
        """
        replies: dict[int, Rating | NoReply] = {}
        lengths: dict[int, list[tuple[int, list[int]]]] = {}
        for place, dialogue in enumerate(dialogues):
            try:
                tokens = self._chat.tokens(dialogue.messages, answering=False)
            except ValueError as error:
                replies[place] = NoReply(Cause.UNAVAILABLE, f"{self._name}: {error}")
                continue
            if 0 < len(tokens) <= self._context_tokens:
                lengths.setdefault(len(tokens), []).append((place, tokens))
            else:
                reason = f"{self._name}: the dialogue has {len(tokens)} tokens, {self._context_tokens} fit"
                replies[place] = NoReply(Cause.LIMIT, reason)
        for length, rows in lengths.items():
            fit = max(1, self._batch_tokens // length)
            for at in range(0, len(rows), fit):
                part = rows[at : at + fit]
                ratings = self._rate([tokens for _, tokens in part])
                replies |= {place: reply for (place, _), reply in zip(part, ratings, strict=True)}
        return [replies[place] for place in range(len(dialogues))]

    def _rate(self, rows: Sequence[Sequence[int]]) -> list[Rating | NoReply]:
        if self._stopped():
            raise StoppedError
        tokens = torch.tensor(rows, device=self._model.device)
        with torch.inference_mode():
            logits: torch.Tensor = self._model(input_ids=tokens, attention_mask=torch.ones_like(tokens)).logits
        finite = logits[:, 0].isfinite().tolist()
        values = logits[:, 0].double().tolist()
        return [
            Rating(value=round(value, DIGITS), model=self._name)
            if good
            else NoReply(Cause.INTERNAL, f"{self._name}: its output is not finite")
            for value, good in zip(values, finite, strict=True)
        ]
