r"""Scores rollouts through a Jurist server. Needs grpcio and protobuf, nothing else.

    from jurist.client import Client, group

    client = Client("localhost:50051", recipe="math")
    [scores] = client.score([group(["... \\\boxed{4}", "... \\\boxed{5}"], answers=["4"])])
    [rollout.reward for rollout in scores.rollouts]    # [1.0, 0.0]

A rollout without a reward (`not rollout.HasField("reward")`) must be left out of the update; `rewards` gives None.
"""

from jurist.client import _forking as _forking  # comes before grpc

# isort: split
from jurist.client._client import Client
from jurist.client._errors import (
    ClientError,
    DeadlineError,
    InvalidInputError,
    ServerError,
    UnreachableError,
)
from jurist.client._groups import TaskFields, abstentions, advantages, group, rewards
from jurist.client._labels import task_fields
from jurist.client._tls import Tls

__all__ = [
    "Client",
    "ClientError",
    "DeadlineError",
    "InvalidInputError",
    "ServerError",
    "TaskFields",
    "Tls",
    "UnreachableError",
    "abstentions",
    "advantages",
    "group",
    "rewards",
    "task_fields",
]
