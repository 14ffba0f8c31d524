"""A tokenizer of a token a byte, as models have them."""

from __future__ import annotations

from tokenizers import Tokenizer, models, pre_tokenizers
from tokenizers.decoders import ByteLevel
from transformers import PreTrainedTokenizerFast

SPECIAL = ("<pad>", "<eos>")


def tokenizer() -> PreTrainedTokenizerFast:
    """Make it."""
    words = [*SPECIAL, *sorted(pre_tokenizers.ByteLevel.alphabet())]
    made = Tokenizer(models.BPE(vocab={word: index for index, word in enumerate(words)}, merges=[]))
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = ByteLevel()
    pad, eos = SPECIAL
    return PreTrainedTokenizerFast(tokenizer_object=made, pad_token=pad, eos_token=eos, padding_side="left")
