"""Rewards for the trainers there are: a module each, imported by the trainer itself, and none of them imports one.

Every adapter scores through the same few functions and needs what `pip install jurist` brings, grpcio and protobuf.
Settings are arguments where a trainer passes some, and `JURIST_CLIENT_*` in the environment where it only takes a name
(`Settings`).
"""

from jurist.trainers._settings import Settings

__all__ = ["Settings"]
