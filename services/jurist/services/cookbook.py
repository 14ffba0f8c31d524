"""Recipes: YAML files found by scan, and the verifiers that their terms name.

A file `NAME.yaml` holds the recipe NAME. Files in the user's folder come after the ones shipped in `recipes/` and
override them by name. All are checked when the service starts.
"""

from __future__ import annotations

from importlib.resources import files
from typing import TYPE_CHECKING, cast

import yaml

from jurist import verifiers
from jurist.services import options
from jurist.services.errors import BadInputError, ConfigurationError, UnknownNameError
from jurist.services.values import PlannedTerm, Recipe
from jurist.verifiers import UnknownVerifierError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from importlib.resources.abc import Traversable
    from pathlib import Path

    from jurist.services.values import Term
    from jurist.verifiers import GroupVerifier, Verifier

__all__ = ["BoundRecipe", "Cookbook", "bind", "recipe_from"]


class Cookbook:
    """The recipes that a request can name.

    Raises:
        ConfigurationError: a file is no valid recipe; the message names the file and the field.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self._recipes: dict[str, Recipe] = {}
        shipped = files("jurist.services") / "recipes"
        if folder is not None and not folder.is_dir():
            raise ConfigurationError(f"recipes: {folder} is not a folder")
        for source in (shipped, folder):
            found: dict[str, str] = {}
            for file in sorted(source.iterdir(), key=lambda entry: entry.name) if source else ():
                if file.name.endswith((".yaml", ".yml")) and file.is_file():
                    recipe = _read(file)
                    if recipe.name in found:
                        raise ConfigurationError(f"{file}: {found[recipe.name]} is the recipe {recipe.name} already")
                    found[recipe.name] = file.name
                    self._recipes[recipe.name] = recipe

    def names(self) -> list[str]:
        """Name every recipe, sorted."""
        return sorted(self._recipes)

    def __getitem__(self, name: str) -> Recipe:
        try:
            return self._recipes[name]
        except KeyError:
            raise UnknownNameError("name", f"unknown recipe {name!r}; there are: {', '.join(self.names())}") from None


def _read(file: Traversable | Path) -> Recipe:
    name = file.name.rsplit(".", 1)[0]
    try:
        content = yaml.safe_load(file.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{file}: not a YAML file: {error}") from None
    if not isinstance(content, dict):
        raise ConfigurationError(f"{file}: a recipe is a mapping with `terms`")
    content = cast("dict[str, object]", content)
    if content.setdefault("name", name) != name:
        raise ConfigurationError(f"{file}: name: is {content['name']!r}, but the file's name makes it {name!r}")
    try:
        recipe = recipe_from(content)
        bind(recipe)
    except BadInputError as error:
        raise ConfigurationError(f"{file}: {error}") from None
    return recipe


def recipe_from(content: Mapping[str, object]) -> Recipe:
    """Decode a recipe from JSON-like values.

    Raises:
        BadInputError: a field is not what it must be.
    """
    recipe = options.decode(Recipe, content)
    if not recipe.terms:
        raise BadInputError("terms", "a recipe has at least one term")
    labels = [term.label for term in recipe.terms]
    for index, label in enumerate(labels):
        if label in labels[:index]:
            raise BadInputError(f"terms[{index}].name", f"{label!r} stands twice; components need different names")
    return recipe


class BoundRecipe:
    """A recipe and its terms' verifiers."""

    def __init__(self, recipe: Recipe, verifiers_of: Sequence[Verifier | GroupVerifier]) -> None:
        self.recipe = recipe
        self._verifiers = verifiers_of
        self._planned: dict[tuple[bool, ...], tuple[PlannedTerm, ...]] = {}

    def terms(self, policy_step: int | None) -> tuple[PlannedTerm, ...]:
        """Return the terms as they stand at a policy step, the same object every time; None activates all."""
        active = tuple(policy_step is None or policy_step >= term.from_step for term in self.recipe.terms)
        if active not in self._planned:
            self._planned[active] = tuple(
                PlannedTerm(term=term, verifier=verifier, active=on)
                for term, verifier, on in zip(self.recipe.terms, self._verifiers, active, strict=True)
            )
        return self._planned[active]


def bind(recipe: Recipe) -> BoundRecipe:
    """Build each term's verifier with its options.

    Raises:
        UnknownNameError: no such verifier is installed.
        BadInputError: an option is not what it must be.
    """
    bound: list[Verifier | GroupVerifier] = []
    for index, term in enumerate(recipe.terms):
        try:
            bound.append(_verifier(term))
        except BadInputError as error:
            raise error.under(f"terms[{index}]") from None
    return BoundRecipe(recipe, bound)


def _verifier(term: Term) -> Verifier | GroupVerifier:
    try:
        cls = verifiers.load(term.verifier)
    except UnknownVerifierError as error:
        raise UnknownNameError("verifier", str(error)) from None
    try:
        return options.decode(cls, term.options)
    except BadInputError as error:
        raise error.under("options") from None
