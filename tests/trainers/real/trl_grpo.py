"""A few steps of TRL's own GRPOTrainer on a tiny model that is made on the spot; prints what it logged, as JSON.

Run with the trainer's interpreter: `trl_grpo.py FORM STEPS`, FORM one of reward, components, partial, async_grpo.
"""

from __future__ import annotations

import json
import os
import pickle
import sys
import tempfile

import torch
from datasets import Dataset
from tokenizers import Tokenizer, models, pre_tokenizers, trainers
from tokenizers.decoders import ByteLevel
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast, TrainerCallback
from trl import GRPOConfig, GRPOTrainer

from jurist.trainers import trl as adapter


def tokenizer() -> PreTrainedTokenizerFast:
    """Make one of a token a byte."""
    made = Tokenizer(models.BPE())
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(vocab_size=260, initial_alphabet=alphabet, special_tokens=["<pad>", "<eos>"])
    made.train_from_iterator(["7"], trainer)
    return PreTrainedTokenizerFast(tokenizer_object=made, pad_token="<pad>", eos_token="<eos>")


class Steps(TrainerCallback):
    """Says when a step is done, so that a test can do something to the server then."""

    def on_step_end(self, args: object, state: object, control: object, **_: object) -> None:
        """Say it."""
        print(f"step {state.global_step}", flush=True)


def main() -> None:
    """Train and print."""
    form, steps = sys.argv[1], int(sys.argv[2])
    torch.manual_seed(0)
    words = tokenizer()
    config = LlamaConfig(
        vocab_size=len(words),
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=4,
        max_position_embeddings=128,
        pad_token_id=words.pad_token_id,
        eos_token_id=words.eos_token_id,
    )
    functions = {
        "reward": [adapter.reward],
        "partial": [adapter.with_settings(recipe=os.environ["JURIST_CLIENT_RECIPE"])],
        "components": adapter.components("repetition", "short"),
    }[form]
    functions = pickle.loads(pickle.dumps(functions))
    with tempfile.TemporaryDirectory() as folder:
        trainer = GRPOTrainer(
            model=LlamaForCausalLM(config),
            processing_class=words,
            reward_funcs=functions,
            train_dataset=Dataset.from_list([{"prompt": f"{n} + 1 = ", "answer": str(n + 1)} for n in range(16)]),
            args=GRPOConfig(
                output_dir=folder,
                max_steps=steps,
                per_device_train_batch_size=8,
                num_generations=4,
                max_completion_length=24,
                logging_steps=1,
                save_strategy="no",
                report_to=[],
                use_cpu=True,
                disable_tqdm=True,
                seed=0,
            ),
            callbacks=[Steps()],
        )
        trainer.train()
    print("logged " + json.dumps([row for row in trainer.state.log_history if "reward" in row]), flush=True)


if __name__ == "__main__":
    main()
