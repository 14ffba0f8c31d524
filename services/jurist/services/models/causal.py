"""A causal language model in this process: the probabilities of labels, and written answers.

Label read-out is one forward pass a prompt. What prompts begin with alike is computed once and its cache repeated for
each; the rest is padded on the left to a length of a bucket, so that the next token stands at one place for all.
"""

# What torch and transformers leave without a type is no error of this file.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false

from __future__ import annotations

import copy
import hashlib
from typing import TYPE_CHECKING, Any, NamedTuple, cast

import torch
from transformers import DynamicCache, GenerationConfig, LogitsProcessor, StoppingCriteria
from transformers.cache_utils import DynamicLayer

from jurist.services.models import labels, prefixes
from jurist.verifiers import Cause, NoReply, Reading

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from jurist.services.models.chat import Chat
    from jurist.services.models.labels import Spelling
    from jurist.verifiers import Prompt

__all__ = ["Causal", "StoppedError"]

BUCKET = 16  # lengths are padded to a multiple of it: few shapes, so that a GPU's kernels are chosen once
NEGLIGIBLE = 1e-9  # what a label's first token must exceed for its later ones to be looked at: less is rounded away


class StoppedError(Exception):
    """Raised when nobody waits for the work any more."""


class _Row(NamedTuple):
    """A prompt's place in the batch, and its tokens."""

    place: int
    tokens: list[int]


class _Part(NamedTuple):
    """Rows in one forward pass: what follows the shared beginning, padded, and what of it is real."""

    tokens: torch.Tensor
    mask: torch.Tensor
    positions: torch.Tensor


class Causal:
    """Answers prompts.

    `context_tokens` is the longest prompt with its answer, `batch_tokens` the most in one pass, `name` what readings
    say answered. `stopped` is asked between passes whether anybody still waits. Set `alone` for a model whose answers
    change when prompts are computed together: each then has a pass of its own.
    """

    def __init__(  # noqa: PLR0913  # what a model is made of
        self,
        model: Any,  # noqa: ANN401  # transformers' types know half of what there is
        tokenizer: Any,  # noqa: ANN401
        chat: Chat,
        *,
        name: str,
        context_tokens: int,
        batch_tokens: int,
        stopped: Callable[[], bool],
    ) -> None:
        self._model = model
        self._tokenizer = tokenizer
        self._chat = chat
        self.alone = False
        self._name = name
        self._context_tokens = context_tokens
        self._batch_tokens = batch_tokens
        self._stopped = stopped
        pad = tokenizer.pad_token_id
        self._pad = int(pad if isinstance(pad, int) else 0)  # masked: which one it is does not matter

    def answer(self, prompts: Sequence[Prompt]) -> list[Reading | NoReply]:
        """Answer prompts, in their order; a reply does not depend on which are answered together.

        Raises:
            StoppedError: nobody waits any more.
        """
        replies: dict[int, Reading | NoReply] = {}
        asked: dict[tuple[str, ...], list[_Row]] = {}
        writing: list[_Row] = []
        for place, prompt in enumerate(prompts):
            row = self._row(place, prompt)
            if isinstance(row, NoReply):
                replies[place] = row
            elif prompt.write_tokens:
                writing.append(row)
            else:
                asked.setdefault(prompt.labels, []).append(row)
        for offered, rows in asked.items():
            replies |= self._read(rows, offered)
        replies |= self._write(writing, prompts)
        return [replies[place] for place in range(len(prompts))]

    def _row(self, place: int, prompt: Prompt) -> _Row | NoReply:
        try:
            tokens = self._chat.tokens(prompt.messages)
        except ValueError as error:
            return NoReply(Cause.UNAVAILABLE, f"{self._name}: {error}")
        room = self._context_tokens - max(1, prompt.write_tokens)
        if len(tokens) > room:
            return NoReply(Cause.LIMIT, f"{self._name}: the prompt has {len(tokens)} tokens, {room} fit")
        return _Row(place, tokens)

    # Label read-out

    def _read(self, rows: Sequence[_Row], offered: Sequence[str]) -> dict[int, Reading | NoReply]:
        try:
            spelled = labels.spellings(offered, self._chat.encode)
        except ValueError as error:
            return {row.place: NoReply(Cause.INTERNAL, f"{self._name}: {error}") for row in rows}
        replies: dict[int, Reading | NoReply] = {}
        together = (
            [prefixes.Share((member,), 0) for member in range(len(rows))]
            if self.alone
            else prefixes.plan([row.tokens for row in rows])
        )
        for share in together:
            members = [rows[member] for member in share.members]
            for row, begun in self._share(members, share.tokens, spelled):
                found = labels.shares(len(offered), dict(zip(spelled, begun, strict=True)))
                replies[row.place] = labels.reading(found, sum(found), self._name)
        return replies

    def _share(
        self, rows: Sequence[_Row], common: int, spelled: Sequence[Spelling]
    ) -> Iterator[tuple[_Row, list[float]]]:
        """For each row, give the probability that its answer begins with each spelling."""
        with torch.inference_mode():
            before = self._computed(rows[0].tokens[:common]) if common else None
            longest_first = sorted(rows, key=lambda row: len(row.tokens), reverse=True)  # little padding
            for part in self._parts(longest_first, common):
                cache = _repeated(before, len(part)) if before else DynamicCache(config=self._model.config)
                yield from zip(part, self._begun(part, common, cache, spelled), strict=True)

    def _computed(self, tokens: Sequence[int]) -> DynamicCache:
        """Put a beginning before the model; returns its cache."""
        self._check()
        cache = DynamicCache(config=self._model.config)
        self._model(input_ids=self._tensor([tokens]), cache=cache, use_cache=True, logits_to_keep=1)
        return cache

    def _parts(self, rows: Sequence[_Row], common: int) -> Iterator[Sequence[_Row]]:
        """Part rows, longest first, so that none has more tokens than a pass may."""
        at = 0
        while at < len(rows):
            width = common + _bucket(len(rows[at].tokens) - common)
            fit = 1 if self.alone else max(1, self._batch_tokens // width)
            yield rows[at : at + fit]
            at += fit

    def _begun(
        self, rows: Sequence[_Row], common: int, cache: DynamicCache, spelled: Sequence[Spelling]
    ) -> list[list[float]]:
        self._check()
        part = self._padded([row.tokens[common:] for row in rows], common)
        first = self._next(part, cache, 1)[:, 0]
        # What has been read: after these tokens, this one.
        known: dict[tuple[tuple[int, ...], int], torch.Tensor] = {
            ((), one.tokens[0]): first[:, one.tokens[0]] for one in spelled
        }
        for head in labels.heads(spelled):
            if float(first[:, head[0]].exp().max()) < NEGLIGIBLE:
                continue
            after = self._next(self._following(part, head), cache, len(head))
            cache.crop(-len(head))
            known |= {
                (head[: end + 1], one.tokens[end + 1]): after[:, end, one.tokens[end + 1]]
                for end in range(len(head))
                for one in spelled
                if one.tokens[: end + 1] == head[: end + 1] and len(one.tokens) > end + 1
            }
        begun = torch.stack([_probability(one.tokens, known, first) for one in spelled], dim=1)
        rows_of: list[list[float]] = begun.tolist()
        return rows_of

    def _padded(self, rows: Sequence[Sequence[int]], common: int) -> _Part:
        longest = max(map(len, rows))
        width = longest if self.alone else _bucket(longest)
        real = self._tensor([[0] * (width - len(row)) + [1] * len(row) for row in rows])
        return _Part(
            tokens=self._tensor([[self._pad] * (width - len(row)) + list(row) for row in rows]),
            mask=torch.cat([real.new_ones(len(rows), common), real], dim=1),
            positions=(common + real.cumsum(1) - 1).clamp(min=0),
        )

    def _following(self, part: _Part, head: Sequence[int]) -> _Part:
        """Return the part in which every row goes on with the same tokens."""
        rows = len(part.tokens)
        tokens = self._tensor([list(head)]).expand(rows, -1)
        steps = torch.arange(1, len(head) + 1, device=tokens.device)
        return _Part(tokens, torch.cat([part.mask, torch.ones_like(tokens)], dim=1), part.positions[:, -1:] + steps)

    def _next(self, part: _Part, cache: DynamicCache, keep: int) -> torch.Tensor:
        """Return the logarithms of the next token's probabilities after each of the last `keep` tokens."""
        logits: torch.Tensor = self._model(
            input_ids=part.tokens,
            attention_mask=part.mask,
            position_ids=part.positions,
            cache=cache,
            use_cache=True,
            logits_to_keep=keep,
        ).logits
        return logits.double().log_softmax(-1)

    # Writing

    def _write(self, rows: Sequence[_Row], prompts: Sequence[Prompt]) -> dict[int, Reading | NoReply]:
        """Have the model write; prompts that ask for as much, as warm, are written together."""
        replies: dict[int, Reading | NoReply] = {}
        alike: dict[tuple[int, float], list[_Row]] = {}
        for row in rows:
            prompt = prompts[row.place]
            alike.setdefault((prompt.write_tokens, prompt.temperature), []).append(row)
        for (write_tokens, temperature), written in alike.items():
            draws = [
                (row, _seed(row.tokens, draw) if temperature else 0)
                for row in sorted(written, key=lambda row: len(row.tokens), reverse=True)
                for draw in range(prompts[row.place].draws if temperature else 1)
            ]
            texts: dict[int, list[tuple[str, bool]]] = {}
            for part in self._parts([_Row(at, row.tokens) for at, (row, _) in enumerate(draws)], write_tokens):
                seeds = [draws[row.place][1] for row in part]
                for row, text in zip(part, self._written(part, write_tokens, temperature, seeds), strict=True):
                    texts.setdefault(draws[row.place][0].place, []).append(text)
            for place, said in texts.items():
                often = 1 if temperature else prompts[place].draws  # what is not drawn is the same every time
                replies[place] = Reading(
                    texts=tuple(text for text, _ in said) * often,
                    cut=tuple(cut for _, cut in said) * often,
                    model=self._name,
                )
        return replies

    def _written(
        self, rows: Sequence[_Row], write_tokens: int, temperature: float, seeds: Sequence[int]
    ) -> Iterator[tuple[str, bool]]:
        self._check()
        own = self._model.generation_config
        ends = own.eos_token_id if own.eos_token_id is not None else self._tokenizer.eos_token_id
        part = self._padded([row.tokens for row in rows], 0)
        with torch.inference_mode():
            output: torch.Tensor = self._model.generate(
                input_ids=part.tokens,
                attention_mask=part.mask,
                generation_config=GenerationConfig(
                    max_new_tokens=write_tokens, do_sample=False, eos_token_id=ends, pad_token_id=self._pad
                ),
                logits_processor=[_Drawn(temperature, seeds)] if temperature else [],
                stopping_criteria=[_Unwanted(self._stopped)],
            )
        self._check()
        stops = set(ends if isinstance(ends, list) else [ends])
        for tokens in output[:, part.tokens.shape[1] :].tolist():
            end = next((at for at, token in enumerate(tokens) if token in stops), None)
            text = str(self._tokenizer.decode(tokens[:end], skip_special_tokens=True))
            yield text, end is None

    def _tensor(self, rows: Sequence[Sequence[int]]) -> torch.Tensor:
        return torch.tensor(rows, device=self._model.device)

    def _check(self) -> None:
        if self._stopped():
            raise StoppedError


class _Drawn(LogitsProcessor):
    """Draws tokens at a temperature, each row by a seed of its own: what is drawn does not depend on the batch.

    The largest of the logits plus Gumbel noise is a draw from their distribution.
    """

    def __init__(self, temperature: float, seeds: Sequence[int]) -> None:
        self._temperature = temperature
        self._seeds = seeds
        self._draws: list[torch.Generator] | None = None

    def __call__(self, input_ids: torch.LongTensor, scores: torch.Tensor) -> torch.Tensor:
        """Return the scores with noise."""
        del input_ids
        if self._draws is None:
            self._draws = [torch.Generator(scores.device).manual_seed(seed) for seed in self._seeds]
        noise = torch.stack([torch.empty_like(scores[0]).exponential_(generator=draw) for draw in self._draws]).log()
        return scores / self._temperature - noise


class _Unwanted(StoppingCriteria):
    """Ends writing when nobody waits for it."""

    def __init__(self, stopped: Callable[[], bool]) -> None:
        self._stopped = stopped

    def __call__(self, input_ids: torch.LongTensor, scores: object, **kwargs: object) -> torch.BoolTensor:
        """Return which rows are at their end."""
        del scores, kwargs
        return torch.full((len(input_ids),), self._stopped(), device=input_ids.device)  # type: ignore[return-value]


def _bucket(length: int) -> int:
    return -(-length // BUCKET) * BUCKET


def _repeated(cache: DynamicCache, times: int) -> DynamicCache:
    """Return a copy of a cache for so many rows, in which the common layers' rows are one and the same memory."""
    repeated: Any = copy.deepcopy(cache)
    for layer in repeated.layers:
        if type(layer) is DynamicLayer and layer.keys is not None and layer.values is not None:
            layer.keys = layer.keys.expand(times, -1, -1, -1)  # what is appended to it makes the one copy there is
            layer.values = layer.values.expand(times, -1, -1, -1)
        else:
            layer.batch_repeat_interleave(times)
    return cast("DynamicCache", repeated)


def _probability(
    tokens: tuple[int, ...], known: Mapping[tuple[tuple[int, ...], int], torch.Tensor], first: torch.Tensor
) -> torch.Tensor:
    """Return the probability of tokens one after the other; 0 where the later ones were not worth a look."""
    steps = [known.get((tokens[:end], token)) for end, token in enumerate(tokens)]
    found = [step for step in steps if step is not None]
    if len(found) < len(steps):
        return first.new_zeros(len(first))
    return torch.stack(found).sum(0).exp()


def _seed(tokens: Sequence[int], draw: int) -> int:
    return int.from_bytes(hashlib.sha256(repr((draw, tokens)).encode()).digest()[:8], "big") >> 1
