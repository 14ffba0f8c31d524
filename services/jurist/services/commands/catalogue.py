"""`jurist verifiers` and `jurist recipes`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer
from google.protobuf.json_format import MessageToDict
from rich.console import Console
from rich.table import Table
from rich.text import Text

from jurist import verifiers as registry
from jurist.services import catalogue, encode, options
from jurist.services.commands.ending import told
from jurist.services.cookbook import Cookbook
from jurist.services.errors import UnknownNameError

RANGES = {
    "minimum": ">= {:.12g}",
    "exclusiveMinimum": "> {:.12g}",
    "maximum": "<= {:.12g}",
    "exclusiveMaximum": "< {:.12g}",
    "minLength": ">= {} characters",
    "maxLength": "<= {} characters",
    "pattern": "matching {}",
    "minItems": ">= {} items",
    "maxItems": "<= {} items",
}
"""How the bounds of a JSON Schema are said."""

JSON = typer.Option("--json", help="Print JSON.")


def verifiers(
    name: Annotated[str | None, typer.Argument(help="Show this one's options.")] = None,
    *,
    as_json: Annotated[bool, JSON] = False,
) -> None:
    """List the verifiers, or one verifier's options with ranges and defaults."""
    with told():
        if name is not None and name not in registry.names():
            raise UnknownNameError("verifier", f"unknown verifier {name!r}; there are: {', '.join(registry.names())}")
        infos = [catalogue.describe(each) for each in ([name] if name else registry.names())]
    if as_json:
        typer.echo(json.dumps([MessageToDict(info, preserving_proto_field_name=True) for info in infos], indent=2))
        return
    console = Console()
    if name is None:
        table = Table("verifier", "version", "what it says", box=None, pad_edge=False)
        for info in infos:
            table.add_row(info.name, info.version, info.description)
        console.print(table)
        return
    console.print(f"[bold]{name}[/bold] (version {infos[0].version}): {infos[0].description}")
    table = Table("option", "type", "default", "meaning", box=None, pad_edge=False)
    for option, schema in options.schema(registry.load(name))["properties"].items():
        cells = (option, _type(schema), json.dumps(schema.get("default")), schema.get("description", ""))
        table.add_row(*map(Text, cells))
    console.print(table)


def _type(schema: dict[str, Any]) -> str:
    """Say a JSON Schema in a few words: its type, its values, its range."""
    if "anyOf" in schema:
        return " or ".join(_type(one) for one in schema["anyOf"])
    if "enum" in schema:
        return " | ".join(map(str, schema["enum"]))
    words = str(schema.get("type", schema.get("const", "any")))
    if isinstance(schema.get("items"), dict):
        items = _type(schema["items"])
        words += f" of ({items})" if " " in items else f" of {items}"
    ranges = [said.format(schema[bound]) for bound, said in RANGES.items() if bound in schema]
    return f"{words} {', '.join(ranges)}".rstrip()


def recipes(
    name: Annotated[str | None, typer.Argument(help="Show this one's terms.")] = None,
    folder: Annotated[Path | None, typer.Option("--recipes", help="Folder of recipes of your own.")] = None,
    *,
    as_json: Annotated[bool, JSON] = False,
) -> None:
    """List the recipes, or one recipe's terms."""
    with told():
        book = Cookbook(folder)
        chosen = {each: book[each] for each in ([name] if name else book.names())}
    if as_json:
        encoded = [MessageToDict(encode.recipe(one), preserving_proto_field_name=True) for one in chosen.values()]
        typer.echo(json.dumps(encoded, indent=2))
        return
    console = Console()
    if name is None:
        table = Table("recipe", "terms", "what it is", box=None, pad_edge=False)
        for each, recipe in chosen.items():
            table.add_row(each, ", ".join(term.label for term in recipe.terms), recipe.description)
        console.print(table)
        return
    recipe = chosen[name]
    console.print(f"[bold]{name}[/bold]: {recipe.description} Advantage: {recipe.advantage}.")
    table = Table("term", "verifier", "weight", "from step", "when it abstains", "options", box=None, pad_edge=False)
    for term in recipe.terms:
        table.add_row(
            term.label,
            term.verifier,
            "gate" if term.gate else f"{term.weight:g}",
            str(term.from_step),
            "mask the rollout" if term.on_abstain is None else f"score {term.on_abstain:g}",
            json.dumps(dict(term.options)),
        )
    console.print(table)
