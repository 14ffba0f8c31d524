"""A transformer that is small enough to be made on the spot, and TRL's GRPO on it, which leaves no files behind."""

from __future__ import annotations

import tempfile
from typing import TYPE_CHECKING, Any

from datasets import Dataset
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast
from trl import GRPOConfig, GRPOTrainer

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tokenizers import Tokenizer

__all__ = ["PAD_AND_EOS", "fast", "model", "trained"]

PAD_AND_EOS = ("<pad>", "<eos>")  # the first two of a vocabulary
CONFIG: Mapping[str, Any] = {
    "logging_steps": 1,
    "save_strategy": "no",
    "report_to": [],
    "use_cpu": True,
    "bf16": False,
    "disable_tqdm": True,
    "seed": 0,
}


def fast(tokenizer: Tokenizer) -> PreTrainedTokenizerFast:
    """Make a tokenizer such as models have."""
    pad, eos = PAD_AND_EOS
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, pad_token=pad, eos_token=eos, padding_side="left")


def model(words: PreTrainedTokenizerFast, *, width: int, layers: int, positions: int) -> LlamaForCausalLM:
    """Make a transformer with random weights; of width 64 and with 3 layers it has some 200,000."""
    config = LlamaConfig(
        vocab_size=len(words),
        hidden_size=width,
        intermediate_size=4 * width,
        num_hidden_layers=layers,
        num_attention_heads=4,
        max_position_embeddings=positions,
        tie_word_embeddings=True,
        pad_token_id=words.pad_token_id,
        eos_token_id=words.eos_token_id,
    )
    return LlamaForCausalLM(config)


def trained(
    policy: LlamaForCausalLM,
    words: PreTrainedTokenizerFast,
    functions: Sequence[Any],
    rows: Sequence[Mapping[str, object]],
    config: Mapping[str, object],
    **others: Any,  # noqa: ANN401  # GRPOTrainer's
) -> GRPOTrainer:
    """Train by GRPO with these reward functions on these rows; `config` are `GRPOConfig`'s fields."""
    with tempfile.TemporaryDirectory() as folder:
        trainer = GRPOTrainer(
            model=policy,
            processing_class=words,
            reward_funcs=list(functions),
            train_dataset=Dataset.from_list([dict(row) for row in rows]),
            args=GRPOConfig(output_dir=folder, **{**CONFIG, **config}),
            **others,
        )
        trainer.train()
    return trainer
