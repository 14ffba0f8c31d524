"""What the services' tests share: a stub for the running server, and short ways to say a request."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import grpc
import pytest

from jurist.v1 import reward_pb2_grpc

if TYPE_CHECKING:
    from collections.abc import Iterator

LIMIT = (("grpc.max_send_message_length", 128 << 20), ("grpc.max_receive_message_length", 128 << 20))


class Target(Protocol):
    """What a test needs to know of the server."""

    @property
    def target(self) -> str: ...


@pytest.fixture
def channel(server: Target) -> Iterator[grpc.Channel]:
    """A channel to the shared server, without the client's conveniences."""
    with grpc.insecure_channel(server.target, options=LIMIT) as opened:
        yield opened


@pytest.fixture
def stub(channel: grpc.Channel) -> reward_pb2_grpc.RewardServiceStub:
    """The contract's own stub."""
    return reward_pb2_grpc.RewardServiceStub(channel)
