"""Scores as a table for a person."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.table import Table
from rich.text import Text

from jurist.v1 import reward_pb2

if TYPE_CHECKING:
    from jurist.services.scoring import Summary

__all__ = ["add_group", "group_table", "summary_lines"]


def group_table() -> Table:
    """Return an empty table with the columns that `add_group` fills."""
    return Table("group", "rollout", "reward", "advantage", "component", "score", "reason", box=None, pad_edge=False)


def add_group(table: Table, scores: reward_pb2.GroupScores) -> None:
    """Add a line for each component of each rollout."""
    for place, rollout in enumerate(scores.rollouts):
        for first, component in enumerate(rollout.components):
            table.add_row(
                Text(scores.group_id if place == first == 0 else ""),
                Text(rollout.rollout_id if first == 0 else ""),
                _number(rollout, "reward") if first == 0 else "",
                _number(rollout, "advantage", signed=True) if first == 0 else "",
                Text(component.name),
                _outcome(component),
                Text(component.reason, overflow="ellipsis", no_wrap=True),
            )
    table.add_section()


def _number(rollout: reward_pb2.RolloutScore, name: str, *, signed: bool = False) -> str:
    if not rollout.HasField(name):  # type: ignore[arg-type]  # one of two names, both fields
        return "-"
    return f"{getattr(rollout, name):{'+' if signed else ''}.3f}"


def _outcome(component: reward_pb2.Component) -> str:
    if component.HasField("score"):
        return f"{component.score:.3f}"
    return reward_pb2.Cause.Name(component.abstention.cause).removeprefix("CAUSE_")


def summary_lines(summary: Summary, seconds: float) -> list[str]:
    """Say what a file came to, a line for each thing."""
    mean = f"{summary.reward_sum / summary.rewarded:.4f}" if summary.rewarded else "none"
    pace = f"{summary.groups / seconds:.0f} groups/s, {summary.rollouts / seconds:.0f} rollouts/s"
    masked = summary.rollouts - summary.rewarded
    lines = [
        f"{summary.groups} groups, {summary.rollouts} rollouts in {seconds:.2f} s ({pace})",
        f"mean reward {mean}, {masked} without a reward, {summary.zero_variance} groups without variance",
    ]
    total = sum(summary.outcomes.values())
    if total:
        shares = ", ".join(f"{outcome} {count / total:.1%}" for outcome, count in summary.outcomes.most_common())
        lines.append(f"verdicts: {shares}")
        lines.append(f"slowest: {summary.slowest_ms:.1f} ms, {summary.slowest}")
    if summary.refused:
        lines.append(f"{summary.refused} lines refused")
    return lines
