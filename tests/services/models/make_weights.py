"""Makes small models with weights drawn at random, with the shipped judge's tokenizer: `python make_weights.py FOLDER`.

`judge` is a causal model; `reward` rates; `rigid` is a causal model whose chat template knows no system.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import torch
from transformers import AutoTokenizer, LlamaConfig, LlamaForCausalLM, LlamaForSequenceClassification

from jurist.services import models

TURNS = "{% for m in messages %}<|end|>{{ m['role'] }}\n{{ m['content'] | trim }}<|end|>\n{% endfor %}"
ANSWERING = "{% if add_generation_prompt %}<|end|>assistant\n{% endif %}"
NO_SYSTEM = "{% if messages[0]['role'] == 'system' %}{{ raise_exception('System role not supported') }}{% endif %}"


def main(folder: Path) -> None:
    torch.manual_seed(7)
    shape: Any = {
        "vocab_size": 384,
        "hidden_size": 32,
        "intermediate_size": 64,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "max_position_embeddings": 1024,
        "initializer_range": 0.3,  # far from even: a mistake shows
        "bos_token_id": None,
        "eos_token_id": 0,
        "pad_token_id": None,
    }
    tokenizer: Any = AutoTokenizer.from_pretrained(Path(models.__file__).parent / models.TINY_JUDGE)
    made: dict[str, tuple[Any, str]] = {
        "judge": (LlamaForCausalLM(LlamaConfig(**shape)), TURNS + ANSWERING),
        "rigid": (LlamaForCausalLM(LlamaConfig(**shape)), NO_SYSTEM + TURNS + ANSWERING),
        "reward": (LlamaForSequenceClassification(LlamaConfig(**shape | {"num_labels": 1})), TURNS + ANSWERING),
    }
    for name, (model, template) in made.items():
        tokenizer.chat_template = template
        model.save_pretrained(folder / name)
        tokenizer.save_pretrained(folder / name)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
