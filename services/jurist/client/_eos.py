"""Special tokens that end a turn, as text: trainers that hand over whole token sequences leave them on."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["EOS", "without_eos"]

EOS = (
    "<|im_end|>",
    "<|endoftext|>",
    "</s>",
    "<|eot_id|>",
    "<|end_of_text|>",
    "<\uff5cend\u2581of\u2581sentence\uff5c>",
    "<end_of_turn>",
    "<eos>",
    "<|return|>",
    "<|end|>",
)  # of the tokenizers of Qwen, Llama, DeepSeek, Gemma, gpt-oss, Phi and their kin


def without_eos(text: str, tokens: Sequence[str] = EOS) -> str:
    """Take the tokens off a text's end, each once."""
    for token in tokens:
        text = text.removesuffix(token)
    return text
