"""Malformed requests: each endpoint's valid body with one thing wrong, and bodies that are nothing at all.

Whoever sent it is told which field is at fault; nothing of it is a fault of the service.
"""

from __future__ import annotations

import asyncio
import base64
import copy
import json
import math
from typing import TYPE_CHECKING, Any, NamedTuple

import aiohttp
import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

AT_ONCE = 16
UNREADABLE = ("nested", "4300 digits")  # what has no path, since the body cannot be read so far
RIGHT = "<think>six times seven</think> <answer>42</answer>"
TEXT = base64.b64encode(b"x").decode()
STDIO = {
    "stdio": {"cases": [{"stdin": "3", "expected_stdout": "6"}]},
    "limits": {"wall_s": 1.0, "memory_bytes": 1 << 28},
}
CHAT = [{"role": "user", "content": "What is 6 times 7?"}]
RESPONSE = {
    "output": [
        {"type": "reasoning", "summary": [{"type": "summary_text", "text": "six times seven"}]},
        {"type": "message", "content": [{"type": "output_text", "text": "42"}]},
    ]
}
VERIFIED = {"_ng_task_index": 0, "reward": 1.0, "reward_components": {"accuracy": 1.0}, "mask_sample": False}
GROUP = {
    "group_id": "g",
    "task": {"answers": ["42"], "messages": CHAT, "tests": STDIO, "extra": {"own": [1]}, "language": "en"},
    "recipe": {"terms": [{"verifier": "math_answer", "weight": 1.0, "options": {"units": "require"}}]},
    "rollouts": [{"completion": RIGHT, "finish_reason": "FINISH_REASON_STOP", "completion_tokens": 3}],
}

VALID: dict[str, dict[str, Any]] = {
    "/v1/score": {"groups": [GROUP], "recipe": {"name": "math"}, "policy_step": 3, "request_id": "r"},
    "/get_reward": {"query": ["6 * 7? 42"], "prompts": ["6 * 7? "], "labels": ["42"]},
    "/get_reward?recipe=r1_zero": {
        "query": [RIGHT],
        "labels": [{"answers": ["42"], "choices": ["1", "2"], "language": "en", "tests": STDIO, "extra": {"own": [1]}}],
    },
    "/slime": {"prompt": CHAT, "response": RIGHT, "label": "42"},
    "/v1/score/evaluation?recipe=format": {"messages": [RIGHT], "model": "model"},
    "/verify": {
        "responses_create_params": {"input": CHAT, "instructions": "Think."},
        "response": RESPONSE,
        "expected_answer": "42",
        "verifier_metadata": {"id": 5},
    },
    "/verify?recipe=code": {
        "response": {"output": [{"type": "message", "content": "```python\nprint(input())\n```"}]},
        "verifier_metadata": {"unit_tests": {"inputs": ["a"], "outputs": ["a"]}},
    },
    "/seed_session": {"any": 1},
    "/close_session": {"any": 1},
    "/aggregate_metrics": {"verify_responses": [VERIFIED, VERIFIED]},
    "/run_code": {
        "code": "print(input())",
        "language": "python",
        "stdin": "a",
        "compile_timeout": 5.0,
        "run_timeout": 5.0,
        "memory_limit_MB": 256,
        "files": {"data/a": TEXT},
        "fetch_files": ["data/a"],
        "args": ["-v"],
    },
    "/api/v2/execute": {
        "language": "python",
        "version": "*",
        "files": [
            {"name": "main.py", "content": "print(input())", "encoding": "utf8"},
            {"name": "a", "content": TEXT, "encoding": "base64"},
        ],
        "stdin": "a",
        "args": ["-v"],
        "compile_timeout": 5000,
        "run_timeout": 5000,
        "compile_cpu_time": 5000,
        "run_cpu_time": 5000,
        "compile_memory_limit": -1,
        "run_memory_limit": -1,
    },
}


class Removed:
    """Stands for a field that is left out."""


class Raw(str):
    """JSON as it is sent, for what Python does not write."""

    __slots__ = ()


def nested(depth: int, kind: str) -> Raw:
    opening, closing = ("[", "]") if kind == "array" else ('{"a":', "}")
    return Raw(opening * depth + "1" + closing * depth)


WRONG: dict[str, object] = {
    "left out": Removed,
    "null": None,
    "a boolean": True,
    "zero": 0,
    "a negative number": -1,
    "beyond int32": 1 << 31,
    "beyond int64": 1 << 63,
    "beyond uint64": 1 << 64,
    "far below int64": -(10**30),
    "beyond doubles": 10**400,
    "too many digits": Raw("9" * 5000),
    "a fraction": 0.5,
    "a large double": 1e300,
    "NaN": math.nan,
    "infinity": math.inf,
    "minus infinity": -math.inf,
    "an infinity by its exponent": Raw("1e999"),
    "no text": "",
    "text": "../x",
    "long text": "x/" * 3000,
    "a lone surrogate": "\ud800",
    "NUL": "\0",
    "an empty array": [],
    "an array of null": [None],
    "an array of an array": [[]],
    "an array of numbers": [42],
    "an array of NaN": [math.nan],
    "an array of surrogates": ["\udfff"],
    "an empty object": {},
    "an object of null": {"a": None},
    "an object of a number": {"a": 5},
    "an object of surrogates": {"\ud800": "\ud800"},
    "an object named by a bad path": {"/a/../b": TEXT},
    "an object of answers that are no texts": {"answers": [42]},
    "an object of tests that are none": {"tests": 5},
    "an object of nested answers": {"answers": {"a": [["x"]]}, "extra": 3, "choices": [1.5], "language": ["en"]},
    "a deep array": nested(90, "array"),
    "a deeper array": nested(900, "array"),
    "a deep object": nested(90, "object"),
    "a deeper object": nested(900, "object"),
}

NO_BODY: dict[str, bytes] = {
    "empty": b"",
    "null": b"null",
    "array": b"[]",
    "number": b"1",
    "text": b'"x"',
    "NaN": b"NaN",
    "cut off": b'{"query": ["x"',
    "not UTF-8": b'{"query": ["\xff"], "code": "\xff"}',
    "two of them": b"{}{}",
    "deep": b'{"label": ' + b"[" * 100_000,
    "deep and closed": b'{"label": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    "an object for its name": b'{{"a": 1}: 2}',
    "gzip that nobody announced": bytes.fromhex("1f8b0800000000000003"),
}


class Malformed(NamedTuple):
    field: str
    what: str
    body: bytes


def places(value: object, at: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, part in inner:
        yield (*at, name)
        yield from places(part, (*at, name))


def changed(body: dict[str, Any], at: tuple[str | int, ...], value: object) -> bytes:
    body = copy.deepcopy(body)
    inner: Any = body
    for name in at[:-1]:
        inner = inner[name]
    if value is Removed:
        del inner[at[-1]]
    else:
        inner[at[-1]] = "@raw@" if isinstance(value, Raw) else value
    written = json.dumps(body)
    return (written.replace('"@raw@"', value) if isinstance(value, Raw) else written).encode()


def malformed(path: str) -> Iterator[Malformed]:
    body = VALID[path]
    for at in places(body):
        for what, value in WRONG.items():
            yield Malformed(".".join(map(str, at)), what, changed(body, at, value))
    for what, raw in NO_BODY.items():
        yield Malformed("", what, raw)


async def post(session: aiohttp.ClientSession, url: str, body: bytes) -> tuple[int, Any]:
    async with session.post(url, data=body) as response:
        assert response.content_type == "application/json"
        return response.status, json.loads(await response.read())


@pytest.mark.parametrize("path", VALID)
async def test_whatever_is_wrong_with_a_body_is_the_callers_fault_and_named(server: Any, path: str) -> None:
    free = asyncio.Semaphore(AT_ONCE)
    wrong: list[str] = []

    async def one(session: aiohttp.ClientSession, case: Malformed) -> None:
        async with free:
            status, answer = await post(session, url, case.body)
        if status >= 500:
            wrong.append(f"{case.field} is {case.what}: {status} {answer['error']['message'][:200]}")
        elif status != 200 and case.field:
            error = answer["error"]
            named = error["field"].startswith(case.field.split(".")[0]) or case.field.split(".")[0] in error["message"]
            if not named and not any(word in error["message"] for word in UNREADABLE):
                wrong.append(f"{case.field} is {case.what}: {status}, not named: {error}")

    url = f"http://127.0.0.1:{server.http_port}{path}"
    valid = json.dumps(VALID[path]).encode()
    async with aiohttp.ClientSession() as session:
        before = await post(session, url, valid)
        await asyncio.gather(*(one(session, case) for case in malformed(path)))
        after = await post(session, url, valid)

    assert (before[0], after[0]) == (200, 200), (before, after)
    assert not wrong, "\n".join(wrong[:20])
