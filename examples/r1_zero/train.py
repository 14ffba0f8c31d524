"""A run that learns: a tiny transformer, from scratch to R1-Zero's reward, with rewards from Jurist over gRPC.

    make learn          # three minutes on a core; writes rewards.png and metrics.json beside this file

A corpus teaches the model to add, a cold start every habit of `problems.py`. Then TRL's GRPOTrainer samples
groups, Jurist scores them (accuracy + format, later + language share), and held-out pass@1 is measured before and after
with the same rewards. `--smoke` is a short form that shows that the reward rises.
"""

from __future__ import annotations

import argparse
import json
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import problems
import tiny
import torch
from problems import Problem
from tokenizers import Tokenizer, decoders, models, pre_tokenizers

from jurist.client import Client, group
from jurist.trainers import trl as jurist

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from transformers import LlamaForCausalLM, PreTrainedTokenizerFast

HERE = Path(__file__).parent
RECIPE = "r1_zero_language"
SAMPLES = 4  # completions of each held-out problem, at temperature 1, as pass@1 is defined
COMPLETION_TOKENS = 32
PROMPT_TOKENS = 6  # a digit, +, a digit, +, a digit, =
BATCH = 64
CORPUS_RATE, COLD_RATE = 3e-3, 1.5e-3  # a gentler cold start does not unteach how to add


def tokenizer() -> PreTrainedTokenizerFast:
    """Make one of a token a word."""
    words = [*tiny.PAD_AND_EOS, *problems.vocabulary()]
    made = Tokenizer(models.WordLevel({word: index for index, word in enumerate(words)}, unk_token="<pad>"))
    made.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    made.decoder = decoders.WordPiece(prefix="")  # joins words by blanks
    return tiny.fast(made)


def learn(
    policy: LlamaForCausalLM, words: PreTrainedTokenizerFast, texts: Iterator[str], steps: int, rate: float
) -> float:
    """Learn texts by heart, a problem and what follows it each; returns the last loss."""
    optimizer = torch.optim.AdamW(policy.parameters(), lr=rate, weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, rate, total_steps=steps)
    loss = torch.zeros(())
    for _ in range(steps):
        batch = words([next(texts) for _ in range(BATCH)], return_tensors="pt", padding=True, padding_side="right")
        labels = batch["input_ids"].masked_fill(batch["attention_mask"] == 0, -100)
        labels[:, :PROMPT_TOKENS] = -100
        loss = policy(input_ids=batch["input_ids"], attention_mask=batch["attention_mask"], labels=labels).loss
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(policy.parameters(), 1.0)
        optimizer.step()
        schedule.step()
    return loss.item()


def texts_of(write: Callable[[Problem, random.Random], str], train: Sequence[Problem]) -> Iterator[str]:
    """Write texts about random problems for ever."""
    dice = random.Random(1)
    while True:
        problem = dice.choice(train)
        yield f"{problem.prompt} {write(problem, dice)} <eos>"


@torch.no_grad()
def held_out(
    policy: LlamaForCausalLM, words: PreTrainedTokenizerFast, held: Sequence[Problem], client: Client
) -> dict[str, float]:
    """Measure the mean of every component over samples of held-out problems; accuracy is pass@1."""
    policy.eval()
    prompts = words([one.prompt for one in held for _ in range(SAMPLES)], return_tensors="pt", padding=True)
    written = policy.generate(
        input_ids=prompts["input_ids"],
        attention_mask=prompts["attention_mask"],
        max_new_tokens=COMPLETION_TOKENS,
        do_sample=True,
        top_k=0,
    )
    texts = words.batch_decode(written[:, prompts["input_ids"].shape[1] :], skip_special_tokens=True)
    groups = [
        group(texts[at : at + SAMPLES], answers=one.answer, language="en", prompt=one.prompt)
        for at, one in zip(range(0, len(texts), SAMPLES), held, strict=True)
    ]
    scores = [rollout for each in client.score(groups) for rollout in each.rollouts]
    names = [component.name for component in scores[0].components]
    policy.train()
    return {
        name: sum(rollout.components[place].score for rollout in scores) / len(scores)
        for place, name in enumerate(names)
    }


def reinforce(
    policy: LlamaForCausalLM, words: PreTrainedTokenizerFast, train: Sequence[Problem], steps: int, target: str
) -> list[dict[str, Any]]:
    """Train by GRPO; returns what each step logged."""
    rows = [{"prompt": one.prompt, "answer": one.answer, "language": "en"} for one in train]
    config = {
        "max_steps": steps,
        "per_device_train_batch_size": 128,
        "num_generations": 8,
        "max_completion_length": COMPLETION_TOKENS,
        "learning_rate": 3e-4,
        "lr_scheduler_type": "constant",
        "beta": 0.0,
        "temperature": 1.0,
    }
    trainer = tiny.trained(policy, words, [jurist.with_settings(target=target, recipe=RECIPE)], rows, config)
    return [row for row in trainer.state.log_history if "reward" in row]


def plot(logged: Sequence[dict[str, Any]], path: Path) -> None:
    """Draw the components over the steps."""
    import matplotlib as mpl  # noqa: PLC0415

    mpl.use("Agg")
    from matplotlib import pyplot as plt  # noqa: PLC0415

    _, axes = plt.subplots(figsize=(8, 4.5), layout="constrained")
    for name in ("accuracy", "format", "language"):
        points = [(row["step"], row[f"jurist/{name}"]) for row in logged if f"jurist/{name}" in row]
        axes.plot(*zip(*points, strict=True), label=name)
    axes.set(xlabel="GRPO step", ylabel="mean score of the batch", ylim=(0, 1.02), title="Reward components")
    axes.legend()
    axes.grid(alpha=0.3)
    plt.savefig(path, dpi=120)


def main() -> int:
    """Run it; returns 0 if it learnt what it should."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--smoke", action="store_true", help="a short form: does the reward rise?")
    parser.add_argument("--jurist", default="jurist", help="the command that starts the server")
    parser.add_argument("--out", type=Path, default=HERE, help="folder for rewards.png and metrics.json")
    options = parser.parse_args()
    corpus_steps, cold_steps, steps = (800, 150, 25) if options.smoke else (1500, 200, 200)
    torch.manual_seed(0)
    # The server has the other core; and threads that wait for each other stall on a busy machine.
    torch.set_num_threads(1)
    words = tokenizer()
    policy = tiny.model(words, width=64, layers=3, positions=64)
    train, held = problems.problems()
    server = subprocess.Popen(
        [options.jurist, "serve", "--port", "0", "--log-format", "json", "--recipes", HERE / "recipes"],
        stderr=subprocess.PIPE,
        text=True,
    )
    assert server.stderr is not None
    target = next(event["target"] for event in map(json.loads, server.stderr) if event["event"] == "serving")
    start = time.perf_counter()
    try:
        with Client(target, recipe=RECIPE) as client:
            loss = learn(policy, words, texts_of(problems.corpus, train), corpus_steps, CORPUS_RATE)
            print(f"corpus: loss {loss:.3f} after {corpus_steps} steps, {seconds_since(start)} s", flush=True)
            loss = learn(policy, words, texts_of(problems.cold_start, train), cold_steps, COLD_RATE)
            print(f"cold start: loss {loss:.3f} after {cold_steps} steps, {seconds_since(start)} s", flush=True)
            before = held_out(policy, words, held, client)
            print(f"before: {shown(before)}", flush=True)
            logged = reinforce(policy, words, train, steps, target)
            after = held_out(policy, words, held, client)
    finally:
        server.send_signal(signal.SIGTERM)
        server.communicate()
    seconds = seconds_since(start)
    print(f"after:  {shown(after)}; {steps} steps, {seconds} s in all", flush=True)
    metrics = {"before": before, "after": after, "steps": steps, "seconds": seconds, "smoke": options.smoke}
    (options.out / "metrics.json").write_text(json.dumps(metrics, indent=2) + "\n", encoding="utf-8")
    plot(logged, options.out / "rewards.png")
    if options.smoke:
        return int(after["accuracy"] <= before["accuracy"] or after["format"] <= before["format"])
    return int(not (before["accuracy"] < 0.2 and after["accuracy"] > 0.7 and after["format"] > 0.95))


def seconds_since(start: float) -> int:
    """Return whole seconds."""
    return round(time.perf_counter() - start)


def shown(means: dict[str, float]) -> str:
    """Write means in a line."""
    return ", ".join(f"{name} {value:.3f}" for name, value in means.items())


if __name__ == "__main__":
    sys.exit(main())
