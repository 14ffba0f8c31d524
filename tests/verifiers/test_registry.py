from __future__ import annotations

import sys
from importlib.metadata import EntryPoint
from types import ModuleType
from typing import TYPE_CHECKING

import pytest

from jurist.verifiers import UnknownVerifierError, _registry, load, names
from jurist.verifiers.format_tags import FormatTags

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(autouse=True)
def forgetful_registry() -> Iterator[None]:
    def forget() -> None:
        for remembered in (_registry._foreign, names, load):
            remembered.cache_clear()

    forget()
    yield
    forget()


def install(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    found = EntryPoint(name=name, value=value, group=_registry.ENTRY_POINT_GROUP)
    monkeypatch.setattr(_registry, "entry_points", lambda group: [found] if group == found.group else [])


def test_every_public_module_of_the_folder_is_a_verifier() -> None:
    assert "format_tags" in names()
    assert not [name for name in names() if name.startswith("_")]
    assert list(names()) == sorted(names())


def test_a_name_loads_the_one_class_of_its_module() -> None:
    assert load("format_tags") is FormatTags


def test_another_packages_verifier_is_found_by_its_entry_point(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "haiku_rules.py").write_text(
        '"""Whether it is a haiku."""\n'
        "class HaikuForm:\n"
        '    version = "3"\n'
        "    def verdict(self, sample, replies=()):\n"
        "        return None\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    install(monkeypatch, "haiku_form", "haiku_rules:HaikuForm")

    assert "haiku_form" in names()
    assert "haiku_rules" not in sys.modules
    assert load("haiku_form").version == "3"


def test_an_unknown_name_is_an_error_that_lists_the_known_ones() -> None:
    with pytest.raises(UnknownVerifierError, match=r"unknown verifier 'no_such_rule'.*format_tags"):
        load("no_such_rule")


@pytest.mark.parametrize("name", ["_values", "os.path", "", "format_tags.FormatTags"])
def test_only_listed_names_are_imported(name: str) -> None:
    with pytest.raises(UnknownVerifierError):
        load(name)


@pytest.mark.parametrize("value", ["json:loads", "jurist.verifiers:Sample", "math:pi"])
def test_an_entry_point_that_is_no_verifier_is_a_type_error(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    install(monkeypatch, "stray_value", value)

    with pytest.raises(TypeError, match="stray_value: a verifier is a class"):
        load("stray_value")


def test_a_module_with_two_classes_is_a_type_error(monkeypatch: pytest.MonkeyPatch) -> None:
    module = ModuleType("jurist.verifiers.two_things")
    module.__dict__["__all__"] = ["One", "Two"]
    monkeypatch.setitem(sys.modules, module.__name__, module)
    monkeypatch.setattr(_registry, "names", lambda: ("two_things",))

    with pytest.raises(TypeError, match="exactly one verifier"):
        load("two_things")
