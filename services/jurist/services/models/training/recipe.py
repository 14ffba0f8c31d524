"""Trains the small judge: does a candidate give the reference number?

A Llama-shaped model of 150,000 parameters with a tokenizer of its own, trained from nothing by one thread in some
minutes. The loss is the cross entropy at the verdict plus 0.3 of the language model's over the prompt: without the
latter, which must stay to the end, the heads that compare digit with digit are never found. When they are found the
loss falls within a few hundred steps from 0.56 to below 0.1; some seeds never get there, so the result is examined.
"""

# What torch and transformers leave without a type is no error of this file.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false

from __future__ import annotations

import math
import random
from collections import Counter
from dataclasses import dataclass
from itertools import islice
from time import process_time
from typing import TYPE_CHECKING, Any

import tokenizers
import torch
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from jurist.services.models.training.pairs import DIGITS, Kind, Pair, pairs
from jurist.verifiers._judge.rendering import template

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

__all__ = ["LABELS", "PASS", "Examination", "prompt", "train"]

LABELS = ("Yes", "No")
# Steps, and the share of the learning rates at their peak; a round is begun only where the one before fails the
# examination. The first finds the comparison, the middle ones its exceptions; the last, slower, the lone digit.
ROUNDS = ((1200, 1.0), (800, 0.7), (800, 0.7), (800, 0.7), (1600, 0.35), (1600, 0.35))
SEEDS = 100_000  # of pairs, for a round
TOLD = 50  # steps between two lines of progress
PASS = 0.985  # of fresh pairs judged right
EXAMINED = 4000

VOCABULARY = 384  # 256 bytes, and 127 pieces of the prompt and of common dresses
END = "<|end|>"
CONTEXT_TOKENS = 512
BATCH = 128
POOLED = 8  # batches drawn together and cut by length, so that little is padded
LEARNING_RATE = 3e-3
MATRIX_LEARNING_RATE = 2e-2
WARM_UP = 50
LANGUAGE_LOSS = 0.3
CURRICULUM = 0.35  # of the steps, over which the references grow to their full length and candidates get all dresses
PLAIN = 0.9  # of the candidates at first

# Messages follow each other as they are: the model knows one prompt, which ends where the verdict begins.
CHAT_TEMPLATE = "{% for message in messages %}{{ message['content'] }}{% endfor %}"


@dataclass(frozen=True, slots=True)
class Examination:
    """The shares of fresh pairs that were judged right: of all, and of each kind."""

    right: float
    by_kind: Mapping[Kind, float]

    def __str__(self) -> str:
        """Say it in a line."""
        kinds = ", ".join(f"{kind} {share:.2%}" for kind, share in self.by_kind.items())
        return f"{self.right:.2%} of {EXAMINED} fresh pairs ({kinds})"


CARD = """# A small judge of numbers

Says whether a candidate gives the reference number, and nothing else: a model for demonstrations, for tests, and a
pattern for training a real one. Its prompt is the template `same_number`; it answers Yes or No.

Made by `jurist train-judge --seed {seed}` in {rounds} rounds: a Llama-shaped model of 147,904 parameters with a
tokenizer of bytes of its own, trained from nothing on made-up pairs (no data of others) by one thread in some minutes.
Right in {examination}.
The references of those pairs were never seen in training. It knows integers and decimals of up to four digits.

Apache-2.0, as the rest of Jurist.
"""


def prompt(pair: Pair) -> str:
    """Return the text that the judge is asked, as the verifiers write it."""
    (message,) = template("same_number").messages({"reference": pair.reference, "candidate": pair.candidate})
    return message.content


def train(folder: Path, seed: int, report: Callable[[str], None]) -> Examination:
    """Train a judge into a folder, in rounds, until it passes its examination; a line now and then goes to `report`."""
    torch.manual_seed(seed)
    torch.set_num_threads(1)
    tokenizer = _tokenizer(seed)
    yes, no = (_only(tokenizer.encode(label)) for label in LABELS)
    model: Any = LlamaForCausalLM(
        LlamaConfig(
            vocab_size=VOCABULARY,
            hidden_size=64,
            intermediate_size=128,
            num_hidden_layers=3,
            num_attention_heads=4,
            num_key_value_heads=4,
            max_position_embeddings=CONTEXT_TOKENS,
            tie_word_embeddings=True,
            initializer_range=0.05,
            bos_token_id=None,
            eos_token_id=tokenizer.eos_token_id,
            pad_token_id=tokenizer.pad_token_id,
        )
    )
    began = process_time()
    examination = Examination(0.0, {})
    for number, (steps, peak) in enumerate(ROUNDS, start=1):
        batches = islice(_batches(seed, number, steps, tokenizer, (yes, no)), steps)
        for step, losses in _round(model, batches, steps, peak):
            spent_s = process_time() - began
            report(f"seed {seed} round {number} step {step}: {losses}, {spent_s:.0f} s of CPU time")
        examination = _examine(model, tokenizer, seed, (yes, no))
        report(f"seed {seed} round {number}: {examination}")
        _save(folder, model, tokenizer, CARD.format(seed=seed, rounds=number, examination=examination))
        if examination.right >= PASS:
            break
    return examination


def _save(folder: Path, model: Any, tokenizer: Any, card: str) -> None:  # noqa: ANN401
    folder.mkdir(parents=True, exist_ok=True)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    (folder / "README.md").write_text(card, encoding="utf-8")


def _round(model: Any, batches: Iterator[_Batch], steps: int, peak: float) -> Iterator[tuple[int, str]]:  # noqa: ANN401
    """Take so many steps, with a learning rate that rises to its peak and falls; tells of the losses now and then."""
    optimisers = _optimisers(model)
    schedules = [torch.optim.lr_scheduler.LambdaLR(one, lambda step: peak * _rate(step, steps)) for one in optimisers]
    verdicts = languages = 0.0
    model.train()
    for step, batch in enumerate(batches, start=1):
        verdict, language = _losses(model, batch)
        model.zero_grad()
        (verdict + LANGUAGE_LOSS * language).backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        for optimiser in optimisers:
            optimiser.step()
        for schedule in schedules:
            schedule.step()
        verdicts += float(verdict.detach())
        languages += float(language.detach())
        if not step % TOLD:
            yield step, f"loss {verdicts / TOLD:.3f} at the verdict, {languages / TOLD:.3f} before it"
            verdicts = languages = 0.0
    model.eval()


def _optimisers(model: Any) -> list[torch.optim.Optimizer]:  # noqa: ANN401
    """Muon for the matrices between the layers, which finds the heads that copy in a third of AdamW's steps."""
    matrices = [weight for name, weight in model.named_parameters() if weight.ndim > 1 and "embed" not in name]
    others = [weight for name, weight in model.named_parameters() if weight.ndim == 1 or "embed" in name]
    return [
        torch.optim.Muon(matrices, lr=MATRIX_LEARNING_RATE, weight_decay=0.01),
        torch.optim.AdamW(others, lr=LEARNING_RATE, betas=(0.9, 0.95), weight_decay=0.01),
    ]


def _rate(step: int, steps: int) -> float:
    return min(1.0, (step + 1) / WARM_UP) * (0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * step / steps)))


def _tokenizer(seed: int) -> Any:  # noqa: ANN401  # transformers types know half of what there is
    """Learn pieces of bytes from prompts, every digit a piece of its own."""
    bare = tokenizers.Tokenizer(tokenizers.models.BPE())
    bare.pre_tokenizer = tokenizers.pre_tokenizers.Sequence(
        [
            tokenizers.pre_tokenizers.Digits(individual_digits=True),
            tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=False),
        ]
    )
    bare.decoder = tokenizers.decoders.ByteLevel()
    trainer = tokenizers.trainers.BpeTrainer(
        vocab_size=VOCABULARY,
        special_tokens=[END],
        initial_alphabet=tokenizers.pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    texts = (f"{prompt(pair)}{label}" for pair, label in zip(islice(pairs(seed), 20_000), LABELS * 10_000, strict=True))
    bare.train_from_iterator(texts, trainer)
    tokenizer: Any = PreTrainedTokenizerFast(
        tokenizer_object=bare, eos_token=END, pad_token=END, model_max_length=CONTEXT_TOKENS
    )
    tokenizer.chat_template = CHAT_TEMPLATE
    return tokenizer


def _only(tokens: Sequence[int]) -> int:
    (token,) = tokens
    return token


@dataclass(frozen=True, slots=True)
class _Batch:
    """Prompts with their verdicts behind them, padded; `ends` are the places of the verdicts."""

    tokens: torch.Tensor
    ends: torch.Tensor


def _batches(
    seed: int,
    number: int,
    steps: int,
    tokenizer: Any,  # noqa: ANN401
    labels: tuple[int, int],
) -> Iterator[_Batch]:
    """Make a round's batches; the first round's are easy at first."""
    first = (10 * seed + number - 1) * SEEDS
    draw = random.Random(first)  # noqa: S311  # no secret
    step = 0
    while True:
        grown = step / steps / CURRICULUM if number == 1 else 1.0
        digits = min(DIGITS, 1 + int(DIGITS * grown))
        plain = PLAIN * max(0.0, 1 - grown)
        drawn = list(islice(pairs(first + step, digits, plain), BATCH * POOLED))
        step += POOLED
        yes, no = labels
        rows = [
            [*tokens, yes if pair.kind is Kind.RIGHT else no]
            for pair, tokens in zip(drawn, tokenizer([prompt(pair) for pair in drawn])["input_ids"], strict=True)
        ]
        rows.sort(key=len)
        cut = [rows[at : at + BATCH] for at in range(0, len(rows), BATCH)]
        draw.shuffle(cut)
        yield from (_padded(part, int(tokenizer.pad_token_id)) for part in cut)


def _padded(rows: list[list[int]], pad: int) -> _Batch:
    width = max(map(len, rows))
    tokens = torch.tensor([row + [pad] * (width - len(row)) for row in rows])
    return _Batch(tokens, torch.tensor([len(row) - 1 for row in rows]))


def _losses(model: Any, batch: _Batch) -> tuple[torch.Tensor, torch.Tensor]:  # noqa: ANN401
    """Return the loss at the verdicts, and over the prompts before them."""
    logits: torch.Tensor = model(input_ids=batch.tokens[:, :-1], use_cache=False).logits
    losses = torch.nn.functional.cross_entropy(logits.transpose(1, 2), batch.tokens[:, 1:], reduction="none")
    places = torch.arange(losses.shape[1])
    at = batch.ends[:, None] - 1
    return losses.gather(1, at).mean(), losses[places < at].mean()


def _examine(model: Any, tokenizer: Any, seed: int, labels: tuple[int, int]) -> Examination:  # noqa: ANN401
    """Judge pairs whose references the model has never seen."""
    yes, no = labels
    total: Counter[Kind] = Counter()
    right: Counter[Kind] = Counter()
    with torch.inference_mode():
        fresh = pairs(seed, held_out=True)
        for _ in range(0, EXAMINED, BATCH * 2):
            part = list(islice(fresh, BATCH * 2))
            batch = _padded(tokenizer([prompt(pair) for pair in part])["input_ids"], int(tokenizer.pad_token_id))
            logits: Any = model(input_ids=batch.tokens).logits
            last = logits[torch.arange(len(part)), batch.ends]
            said = (last[:, yes] > last[:, no]).tolist()
            for pair, same in zip(part, said, strict=True):
                total[pair.kind] += 1
                right[pair.kind] += same == (pair.kind is Kind.RIGHT)
    return Examination(right.total() / total.total(), {kind: right[kind] / total[kind] for kind in Kind})
