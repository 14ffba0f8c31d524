"""What Prometheus and Grafana are told to show is what a server exports."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from prometheus_client import generate_latest

from jurist.services.metrics import Metrics

if TYPE_CHECKING:
    from collections.abc import Iterator

DEPLOY = Path(__file__).parents[2] / "deploy"
DASHBOARD: dict[str, Any] = json.loads((DEPLOY / "grafana" / "dashboards" / "jurist.json").read_text("utf-8"))
ALERTS: dict[str, Any] = yaml.safe_load((DEPLOY / "prometheus" / "alerts.yml").read_text("utf-8"))
SERIES = re.compile(r"\b(jurist_[a-z_]+)(?:\{([^}]*)\})?")
GROUPED = re.compile(r"\b(?:by|on) \(([^)]*)\)")
KINDS = {"counter": ("_total",), "histogram": ("_bucket", "_sum", "_count")}
SUFFIXES = ("_total", "_bucket", "_sum", "_count", "_created")


def expressions() -> Iterator[tuple[str, str]]:
    for panel in DASHBOARD["panels"]:
        for target in panel["targets"]:
            yield f"{panel['title']} {target['refId']}", target["expr"]
    for rule in ALERTS["groups"][0]["rules"]:
        yield rule["alert"], rule["expr"]


def exported() -> dict[str, set[str]]:
    """Every series that a server may export, and its labels."""
    names: dict[str, set[str]] = {}
    collectors: Any = Metrics().registry._collector_to_names  # each is of one metric
    for collector in collectors:
        (described,) = collector.describe()
        labels = {*collector._labelnames}
        for suffix in KINDS.get(described.type, ("",)):
            names[f"{described.name}{suffix}"] = labels | ({"le"} if suffix == "_bucket" else set())
    return names


@pytest.mark.parametrize(("title", "expression"), [pytest.param(*each, id=each[0]) for each in expressions()])
def test_an_expression_names_series_and_labels_that_there_are(title: str, expression: str) -> None:
    series = exported()
    found = SERIES.findall(expression)
    assert found or "up{" in expression, title
    labels: set[str] = set()
    for name, selector in found:
        assert name in series, f"{title}: {name}"
        labels |= series[name]
        assert set(re.findall(r"(\w+)\s*[!=]~?", selector)) <= series[name], f"{title}: {selector}"
    if found:
        grouped = {label.strip() for group in GROUPED.findall(expression) for label in group.split(",")}
        assert grouped <= labels, title


def test_what_every_front_tells_of_all_lanes_is_not_added_up() -> None:
    told = [each for _, each in expressions() if re.search("jurist_lane_(scalings|replicas)", each)]

    assert told
    assert not [each for each in told if each.startswith("sum")]


def test_every_series_of_a_server_is_shown() -> None:
    shown = " ".join(expression for _, expression in expressions())
    base = {re.sub(rf"({'|'.join(SUFFIXES)})$", "", name) for name in exported()}

    assert {name for name in base if name not in shown} == set()


def test_prometheus_reads_the_port_of_whatever_serves() -> None:
    compose = yaml.safe_load((DEPLOY.parent / "docker-compose.yml").read_text("utf-8"))
    prometheus = yaml.safe_load((DEPLOY / "prometheus" / "prometheus.yml").read_text("utf-8"))
    (scraped,) = prometheus["scrape_configs"][0]["dns_sd_configs"]
    port = f"--metrics-port={scraped['port']}"
    serving = {name: each for name, each in compose["services"].items() if port in each.get("command", ())}

    assert serving.keys() == {"front", "laptop"}
    assert scraped["names"] == ["front"]
    assert serving["laptop"]["networks"]["default"]["aliases"] == ["front"]
    assert b"jurist_rollouts_total" in generate_latest(Metrics().registry)
