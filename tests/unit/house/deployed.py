"""What `deploy/` says, as the tests read it: expressions of alerts and panels, and the names in them."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[3]
DEPLOY = ROOT / "deploy"
RULES = DEPLOY / "prometheus" / "rules.yml"
DASHBOARDS = sorted((DEPLOY / "grafana" / "dashboards").glob("*.json"))


@dataclass(frozen=True)
class Expression:
    """A query, and where it stands."""

    place: str
    text: str


def alerts() -> dict[str, dict[str, Any]]:
    """`{name: rule}` of every alert."""
    groups = yaml.safe_load(RULES.read_text())["groups"]
    return {rule["alert"]: rule for group in groups for rule in group["rules"]}


def panels() -> Iterator[tuple[Path, dict[str, Any]]]:
    """Every panel of every dashboard."""
    for path in DASHBOARDS:
        for panel in json.loads(path.read_text())["panels"]:
            yield path, panel


def expressions() -> list[Expression]:
    """All that Prometheus is asked."""
    found = [Expression(name, rule["expr"]) for name, rule in alerts().items()]
    for path, panel in panels():
        found += [Expression(f"{path.stem}: {panel['title']}", one["expr"]) for one in panel.get("targets", ())]
    return found


def selectors(text: str) -> Iterator[tuple[str, set[str]]]:
    """`(metric, labels asked for)` of each metric of ours, of a process, or `up` in a query."""
    for match in re.finditer(r"\b(crossfade_\w+|process_\w+|up)\b(?:\{([^}]*)\})?", text):
        yield match[1], set(re.findall(r"(\w+)\s*(?:=~|!~|!=|=)", match[2] or ""))


def grouped_by(text: str) -> set[str]:
    """Labels that a query groups or joins by."""
    return {
        label.strip()
        for labels in re.findall(r"\b(?:by|on|without|ignoring)\s*\(([^)]*)\)", text)
        for label in labels.split(",")
    }
