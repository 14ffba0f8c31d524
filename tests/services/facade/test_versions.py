"""Selectors of versions, as node-semver reads them."""

from __future__ import annotations

import pytest

from jurist.services.facade.versions import number, satisfies


@pytest.mark.parametrize(
    ("selector", "chosen"),
    [
        ("*", True),
        ("", True),
        ("x", True),
        ("3", True),
        ("3.x", True),
        ("3.11.x", True),
        ("3.11.2", True),
        ("=3.11.2", True),
        ("v3.11.2", True),
        ("3.11.2-beta+5", True),
        ("3.10", False),
        ("3.11.1", False),
        ("^3.10.9", True),
        ("^3.12", False),
        ("^2", False),
        ("~3.11", True),
        ("~3", True),
        ("~>3.11.0", True),
        ("~3.10", False),
        (">3.11", False),
        (">3.10", True),
        (">= 3.11.2", True),
        ("<3.11.2", False),
        ("<=3.11", True),
        ("<=3.11.1", False),
        (">=3.8 <4", True),
        (">=3.8 <3.11", False),
        ("2.x || ^3.0.0", True),
        ("3.0 - 3.11", True),
        ("1 - 2", False),
        ("three", False),
        ("3.11.2.1", False),
        ("9" * 5000, False),
        ("latest", False),
    ],
)
def test_a_selector_names_what_node_semver_says(selector: str, chosen: bool) -> None:  # noqa: FBT001  # a case's value
    assert satisfies("3.11.2", selector) is chosen


@pytest.mark.parametrize(
    ("selector", "version", "chosen"),
    [("^0.2.3", "0.2.9", True), ("^0.2.3", "0.3.0", False), ("^0.0.3", "0.0.4", False)],
)
def test_a_caret_keeps_the_first_number_that_is_not_0(selector: str, version: str, chosen: bool) -> None:  # noqa: FBT001  # as above
    assert satisfies(version, selector) is chosen


@pytest.mark.parametrize(
    ("told", "version"),
    [
        ("go1.21.3", "1.21.3"),
        ("21", "21.0.0"),
        ("5.2.15(1)-release", "5.2.15"),
        ("12.2.0 20220819", "12.2.0"),
        ("", ""),
    ],
)
def test_a_version_is_found_in_what_a_tool_says(told: str, version: str) -> None:
    assert number(told) == version
