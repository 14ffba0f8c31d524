"""What there is: every verifier with its options, every recipe with its terms."""

from __future__ import annotations

import inspect
import sys
from typing import TYPE_CHECKING

from jurist import verifiers
from jurist.services import encode, options
from jurist.v1 import reward_pb2

if TYPE_CHECKING:
    from jurist.services.cookbook import Cookbook

__all__ = ["catalogue", "describe"]


def describe(name: str) -> reward_pb2.VerifierInfo:
    """Describe one verifier.

    Raises:
        UnknownVerifierError: there is none of that name.
    """
    cls = verifiers.load(name)
    lines = (inspect.getdoc(sys.modules[cls.__module__]) or "").splitlines()
    info = reward_pb2.VerifierInfo(name=name, description=lines[0] if lines else "", version=cls.version)
    info.options_schema.update(options.schema(cls))
    return info


def catalogue(recipes: Cookbook) -> reward_pb2.ListVerifiersResponse:
    """Describe everything that a request can name."""
    return reward_pb2.ListVerifiersResponse(
        verifiers=[describe(name) for name in verifiers.names()],
        recipes=[
            reward_pb2.RecipeInfo(recipe=encode.recipe(recipes[name]), description=recipes[name].description)
            for name in recipes.names()
        ],
    )
