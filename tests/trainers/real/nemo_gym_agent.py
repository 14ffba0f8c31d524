"""NeMo-Gym's own simple agent: a model's response (here from a list) goes to the resources server's `/verify`."""

from __future__ import annotations

import asyncio
import os
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlsplit

os.environ.setdefault("NEMO_GYM_CONFIG_DICT", "{}")  # as a parent process gives it to its servers

from aiohttp import web
from answering import answer, name_of
from nemo_gym.config_types import BaseServerConfig
from nemo_gym.server_utils import ServerClient
from omegaconf import OmegaConf
from responses_api_agents.simple_agent.app import SimpleAgent, SimpleAgentConfig, SimpleAgentRunRequest

AGENT = "jurist_agent"
RESOURCES = "jurist"
WAIT_S = 20.0  # it tries a server that is away for ever
LOOP = asyncio.new_event_loop()  # its sessions belong to one
ASKED = {"input": [{"role": "user", "content": "What is 6 times 7?"}]}


def response(text: str) -> dict[str, Any]:
    """Write what a model server answers."""
    said = {"type": "output_text", "text": text, "annotations": []}
    message = {"type": "message", "id": "m", "role": "assistant", "status": "completed", "content": [said]}
    return {
        "id": "r",
        "object": "response",
        "created_at": 0.0,
        "model": "model",
        "output": [message],
        "parallel_tool_calls": False,
        "tool_choice": "auto",
        "tools": [],
    }


async def ran(agent: SimpleAgent, label: str) -> Any:
    """Have one row rolled out and verified: the reward that NeMo-Gym keeps, None for what it masks."""
    body = SimpleAgentRunRequest.model_validate({"responses_create_params": ASKED, "expected_answer": label})
    try:
        async with asyncio.timeout(WAIT_S):
            verified = await agent.run(SimpleNamespace(cookies={}), body)
    except TimeoutError:
        return "waits"
    except Exception as error:  # noqa: BLE001  # what NeMo-Gym notes as the rollout's failure is what is looked at
        return name_of(error)
    return None if verified.mask_sample else verified.reward


async def every(endpoint: str, samples: list[tuple[str, str]]) -> list[Any]:
    """Roll out samples one after the other, each by a model that says its text."""
    texts = iter([text for text, _ in samples])

    async def model(_: web.Request) -> web.Response:
        return web.json_response(response(next(texts)))

    application = web.Application()
    application.router.add_post("/v1/responses", model)
    runner = web.AppRunner(application)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    resources = urlsplit(endpoint)
    own = {"host": "127.0.0.1", "port": runner.addresses[0][1], "entrypoint": "app.py"}
    theirs = {"host": resources.hostname, "port": resources.port, "entrypoint": "app.py"}
    client = ServerClient(
        head_server_config=BaseServerConfig(host="127.0.0.1", port=1),
        global_config_dict=OmegaConf.create(
            {AGENT: {"responses_api_agents": {"simple": own}}, RESOURCES: {"resources_servers": {"jurist": theirs}}}
        ),
    )
    config = SimpleAgentConfig.model_validate(
        {
            "name": AGENT,
            **own,
            "resources_server": {"type": "resources_servers", "name": RESOURCES},
            "model_server": {"type": "responses_api_models", "name": AGENT},
        }
    )
    agent = SimpleAgent(config=config, server_client=client)
    try:
        outcomes: list[Any] = []
        for _, label in samples:
            outcomes.append("waits" if "waits" in outcomes else await ran(agent, label))
        return outcomes
    finally:
        await runner.cleanup()


def scored(endpoint: str, settings: dict[str, object], samples: list[tuple[str, str]]) -> dict[str, Any]:
    """Verify samples."""
    return {"outcomes": LOOP.run_until_complete(every(endpoint, samples))}


if __name__ == "__main__":
    answer(scored)
