"""A small OpenAI-compatible server of real generation, for the tests: transformers behind aiohttp.

It answers as vLLM does: `/v1/models`, `/v1/chat/completions` with `n`, `logprobs` and `top_logprobs`, and, for a reward
model, `/pooling` and `/classify` with and without activation. It computes one request at a time and shares no code with
what it is there to test. Prints its port.
"""

from __future__ import annotations

import asyncio
import sys
from typing import Any

import torch
from aiohttp import web
from transformers import AutoModelForCausalLM, AutoModelForSequenceClassification, AutoTokenizer


class Served:
    """One model and its tokenizer."""

    def __init__(self, folder: str, *, reward: bool) -> None:
        family: Any = AutoModelForSequenceClassification if reward else AutoModelForCausalLM
        self.folder = folder
        self.tokenizer: Any = AutoTokenizer.from_pretrained(folder)
        self.model: Any = family.from_pretrained(folder, dtype=torch.float32).eval()

    def tokens(self, messages: list[dict[str, str]], *, answering: bool) -> torch.Tensor:
        text = self.tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=answering)
        return torch.tensor([self.tokenizer(text, add_special_tokens=False)["input_ids"]])


def refused(message: str) -> web.Response:
    return web.json_response({"error": {"message": message, "type": "BadRequestError", "code": 400}}, status=400)


class Judge(Served):
    """Writes."""

    async def models(self, _: web.Request) -> web.Response:
        return web.json_response({"object": "list", "data": [{"id": self.folder, "object": "model"}]})

    async def chat(self, request: web.Request) -> web.Response:
        body = await request.json()
        tokens = self.tokens(body["messages"], answering=True)
        room = self.model.config.max_position_embeddings
        if tokens.shape[1] + body["max_tokens"] > room:
            return refused(f"This model's maximum context length is {room} tokens. Your request has {tokens.shape[1]}.")
        torch.manual_seed(body.get("seed", 0))
        with torch.inference_mode():
            choices = [self.choice(index, tokens, body) for index in range(body.get("n", 1))]
        return web.json_response({"object": "chat.completion", "model": self.folder, "choices": choices})

    def choice(self, index: int, tokens: torch.Tensor, body: dict[str, Any]) -> dict[str, Any]:
        start, told = tokens.shape[1], []
        ended = False
        while tokens.shape[1] - start < body["max_tokens"] and not ended:
            logits = self.model(tokens).logits[0, -1]
            logprobs = logits.log_softmax(-1)
            warmth = body.get("temperature", 1.0)
            drawn = torch.multinomial((logits / warmth).softmax(-1), 1) if warmth else logits.argmax()[None]
            told.append(self.told(int(drawn), logprobs, body.get("top_logprobs", 0)))
            ended = int(drawn) == self.tokenizer.eos_token_id
            tokens = torch.cat([tokens, drawn[None]], dim=1)
        written = tokens[0, start:-1] if ended else tokens[0, start:]
        return {
            "index": index,
            "message": {"role": "assistant", "content": self.tokenizer.decode(written)},
            "logprobs": {"content": told} if body.get("logprobs") else None,
            "finish_reason": "stop" if ended else "length",
        }

    def told(self, drawn: int, logprobs: torch.Tensor, top: int) -> dict[str, Any]:
        def one(token: int) -> dict[str, Any]:
            return {"token": self.tokenizer.decode([token]), "logprob": float(logprobs[token])}

        return one(drawn) | {"top_logprobs": [one(token) for token in logprobs.topk(top).indices.tolist()]}


class Reward(Served):
    """Rates."""

    def score(self, tokens: torch.Tensor, body: dict[str, Any]) -> float:
        with torch.inference_mode():
            logit = self.model(tokens).logits[0]
        raw = body.get("activation") is False or body.get("use_activation") is False
        return float(logit[0] if raw else logit.softmax(-1)[0])

    async def pooling(self, request: web.Request) -> web.Response:
        body = await request.json()
        rated = self.score(self.tokens(body["messages"], answering=body["add_generation_prompt"]), body)
        return web.json_response({"object": "list", "data": [{"index": 0, "object": "pooling", "data": [rated]}]})

    async def classify(self, request: web.Request) -> web.Response:
        body = await request.json()
        rated = self.score(torch.tensor([self.tokenizer(body["input"])["input_ids"]]), body)
        row = {"index": 0, "label": "LABEL_0", "probs": [rated], "num_classes": 1}
        return web.json_response({"object": "list", "data": [row]})


async def main(folder: str, kind: str) -> None:
    app = web.Application()
    if kind == "reward":
        reward = Reward(folder, reward=True)
        app.add_routes([web.post("/pooling", reward.pooling), web.post("/classify", reward.classify)])
    else:
        judge = Judge(folder, reward=False)
        app.add_routes([web.get("/v1/models", judge.models), web.post("/v1/chat/completions", judge.chat)])
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    sys.stdout.write(f"{runner.addresses[0][1]}\n")
    sys.stdout.flush()
    await asyncio.to_thread(sys.stdin.read)  # until the test closes it


if __name__ == "__main__":
    torch.set_num_threads(1)
    asyncio.run(main(*sys.argv[1:]))
