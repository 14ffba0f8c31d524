from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from jurist.services.errors import ConfigurationError
from jurist.services.lanes.fleet import fleet

if TYPE_CHECKING:
    from pathlib import Path


def test_a_file_changes_what_it_names_and_leaves_the_rest(tmp_path: Path) -> None:
    file = tmp_path / "lanes.yaml"
    file.write_text("lanes: {rules: {max_replicas: 64, resources: {CPU: 8}, workers: 8}, sandbox: null}")
    shipped, changed = fleet(), fleet(file)

    assert changed.lanes["rules"].slots == 512
    assert changed.lanes["rules"].resources == {"CPU": 8}
    assert changed.lanes["rules"].rest_delay_s == shipped.lanes["rules"].rest_delay_s
    assert set(changed.lanes) == {"rules", "model"}


def test_no_two_shipped_lanes_count_the_same_resource() -> None:
    counted = [name for lane in fleet().lanes.values() for name in lane.resources]

    assert len(counted) == len(set(counted))


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("lanes: {rules: {replicas: 3}}", "lanes.rules.replicas"),
        ("lanes: {rules: {max_replicas: 0}}", "lanes.rules.max_replicas"),
        ("lanes: {judges: {resources: {CPU: 1}}}", "lanes.judges"),
        ("lanes: {rules: null}", "no rules lane"),
        ("[", "lanes.yaml"),
        ("3", "holds no settings"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, text: str, named: str) -> None:
    file = tmp_path / "lanes.yaml"
    file.write_text(text)
    with pytest.raises(ConfigurationError, match=named):
        fleet(file)
