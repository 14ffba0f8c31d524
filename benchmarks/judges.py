"""Label read-out of a group beside plain scoring and writing: a group's shared prompt is computed once.

A Llama with weights drawn at random (5.7 M parameters, float32, one thread, unless told otherwise) reads a group of 16
prompts of 384 shared tokens and 64 of their own. CPU time by rusage, wall time on a GPU; the best of some runs.

    python benchmarks/judges.py                                   # on a CPU
    python benchmarks/judges.py --shape 1b --device cuda --dtype bfloat16 --groups 8
"""

# What torch and transformers leave without a type is no error of this file.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false

from __future__ import annotations

import argparse
import logging
import os
import random
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

os.environ.setdefault("OMP_NUM_THREADS", "1")  # before torch

import torch
from transformers import AutoTokenizer, LlamaConfig, LlamaForCausalLM

import jurist.services.models
from jurist.services.models.causal import Causal
from jurist.services.models.chat import Chat
from jurist.verifiers import Message, Prompt, Reading

if TYPE_CHECKING:
    from collections.abc import Callable

GROUP, SHARED, OWN, WRITTEN = 16, 384, 64, 64
LABELS = ("Yes", "No")
SHAPES = {
    "tiny": {"hidden_size": 256, "intermediate_size": 704, "num_hidden_layers": 7, "num_attention_heads": 8},
    "1b": {"hidden_size": 2048, "intermediate_size": 8192, "num_hidden_layers": 16, "num_attention_heads": 32},
    "8b": {"hidden_size": 4096, "intermediate_size": 14336, "num_hidden_layers": 32, "num_attention_heads": 32},
}
MOST = 0.25  # of plain scoring's time, on a CPU
APART = 1e-6  # of probabilities, in float32


@dataclass(frozen=True)
class Way:
    """One way to judge: its time and P(Yes) of every prompt, none where it only writes."""

    name: str
    seconds: float
    shares: list[float]


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--shape", choices=SHAPES, default="tiny")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--dtype", default="float32")
    parser.add_argument("--groups", type=int, default=1)
    parser.add_argument("--runs", type=int, default=3)
    given = parser.parse_args()
    logging.getLogger("transformers").setLevel(logging.ERROR)
    torch.set_num_threads(1)
    torch.manual_seed(0)
    model = _model(given.shape, getattr(torch, given.dtype), given.device)
    tokenizer: Any = AutoTokenizer.from_pretrained(
        Path(jurist.services.models.__file__).parent / jurist.services.models.TINY_JUDGE
    )
    judge = Causal(
        model,
        tokenizer,
        Chat(tokenizer, {}),
        name="m",
        context_tokens=8192,
        batch_tokens=1 << 20,
        stopped=lambda: False,
    )
    prompts = [_prompt(group, row) for group in range(given.groups) for row in range(GROUP)]
    tokens = torch.tensor([tokenizer(one.messages[0].content)["input_ids"] for one in prompts], device=model.device)
    assert tokens.shape[1] == SHARED + OWN
    spelled = [[tokenizer.encode(text)[0] for text in (label, f" {label}")] for label in LABELS]

    def plain() -> list[float]:
        with torch.inference_mode():
            logits = model(tokens, logits_to_keep=1, use_cache=False).logits[:, -1].double().softmax(-1)
        yes, no = (logits[:, ids].sum(1) for ids in spelled)
        shares: list[float] = (yes / (yes + no)).tolist()
        return shares

    def read() -> list[float]:
        return [one.probabilities[0] for one in judge.answer(prompts) if isinstance(one, Reading)]

    def write() -> list[float]:
        with torch.inference_mode():
            model.generate(tokens, max_new_tokens=WRITTEN, min_new_tokens=WRITTEN, do_sample=False, pad_token_id=0)
        return []

    ways = [
        _timed("plain scoring, one pass", plain, given.runs, given.device),
        _timed("jurist's read-out", read, given.runs, given.device),
        _timed(f"generate({WRITTEN})", write, 1, given.device),
    ]
    _print(ways, model, len(prompts))
    apart = max(abs(one - other) for one, other in zip(ways[0].shares, ways[1].shares, strict=True))
    print(f"largest difference of P(Yes): {apart:.1e}")
    if given.device == "cpu" and given.dtype == "float32" and given.groups == 1:
        assert ways[1].seconds <= MOST * ways[0].seconds, "the read-out is too slow"
        assert apart <= APART, "the read-out is not what plain scoring gives"


def _model(shape: str, dtype: torch.dtype, device: str) -> Any:  # noqa: ANN401
    config: Any = SHAPES[shape] | {"vocab_size": 384, "max_position_embeddings": 8192, "initializer_range": 0.05}
    with torch.device(device):
        model: Any = LlamaForCausalLM(LlamaConfig(**config, bos_token_id=None, eos_token_id=0))
    return model.to(dtype).eval()


def _prompt(group: int, row: int) -> Prompt:
    """Make a prompt of digits, a token each."""
    shared = random.Random(group).choices("0123456789", k=SHARED)  # noqa: S311  # no secret
    own = random.Random(f"{group} {row}").choices("0123456789", k=OWN)  # noqa: S311
    return Prompt(messages=(Message("user", "".join([*shared, *own])),), labels=LABELS, template="")


def _timed(name: str, work: Callable[[], list[float]], runs: int, device: str) -> Way:
    """Take the best time of some runs: of the CPU's, or, where a GPU works, by the clock."""
    clock = time.process_time if device == "cpu" else time.perf_counter
    best, shares = float("inf"), work()
    for _ in range(runs):
        start = clock()
        shares = work()
        if device != "cpu":
            torch.cuda.synchronize()
        best = min(best, clock() - start)
    return Way(name, best, shares)


def _print(ways: list[Way], model: Any, prompts: int) -> None:  # noqa: ANN401
    print(f"{model.num_parameters() / 1e6:.1f} M parameters, {model.dtype}, {model.device}; {prompts} prompts")
    print(f"{'way':28} {'ms':>9} {'ratio':>7} {'prompts/s':>10}")
    for way in ways:
        ratio = way.seconds / ways[0].seconds
        print(f"{way.name:28} {way.seconds * 1e3:9.0f} {ratio:7.2f} {prompts / way.seconds:10.1f}")


if __name__ == "__main__":
    main()
