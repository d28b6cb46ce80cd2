"""Alerts and dashboards ask for what the code tells, and each alert is known to fire and to be silent."""

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml
from prometheus_client import generate_latest

from console.docs_errors import ROOMS
from plumbing.metrics import REGISTRY, Declared, declared
from tests.unit.house.deployed import (
    DASHBOARDS,
    DEPLOY,
    ROOT,
    RULES,
    Expression,
    alerts,
    expressions,
    grouped_by,
    panels,
    selectors,
)

TARGET_LABELS = {"job", "instance", "stage"}
"""Labels that Prometheus adds to whatever it scrapes; see deploy/prometheus/prometheus.yml."""


def labels_of_samples() -> dict[str, set[str]]:
    """`{name in a query: its labels}` of all that a process of ours tells."""
    found = {sample: {*one.labels, *TARGET_LABELS} for one in declared() for sample in one.samples}
    found |= {name: labels | {"le"} for name, labels in found.items() if name.endswith("_bucket")}
    ours = {sample.name for metric in REGISTRY.collect() for sample in metric.samples}
    return found | {name: set(TARGET_LABELS) for name in ours - set(found)} | {"up": set(TARGET_LABELS)}


def promtool(*arguments: str, given: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    program = shutil.which("promtool")
    assert program is not None, "promtool is missing; `make setup` installs it"
    return subprocess.run([program, *arguments], input=given, capture_output=True, check=False, timeout=60)


@pytest.mark.parametrize("expression", expressions(), ids=lambda one: one.place)
def test_every_metric_and_label_that_is_asked_for_exists(expression: Expression) -> None:
    known = labels_of_samples()
    asked = list(selectors(expression.text))
    assert asked, "asks for nothing of ours"
    for name, labels in asked:
        assert name in known
        assert labels <= known[name]
    for label in grouped_by(expression.text):
        assert any(label in known[name] for name, _ in asked), f"nothing here has the label {label}"


@pytest.mark.parametrize("metric", declared(), ids=lambda one: one.name)
def test_every_metric_that_is_declared_is_set_somewhere(metric: Declared) -> None:
    code = "".join(path.read_text() for room in ROOMS for path in (ROOT / room).rglob("*.py"))
    # To begin a series at zero is not to set it.
    used = re.sub(r"metrics\.preset\(\s*metrics\.\w+", "", code)
    assert re.search(rf"metrics\.{metric.attribute}\b", used)


def test_legends_and_texts_use_labels_that_the_result_has() -> None:
    asked = [(f"{path.stem}: {panel['title']}", one["expr"], one["legendFormat"])
             for path, panel in panels() for one in panel.get("targets", ())]  # fmt: skip
    asked += [(name, rule["expr"], text) for name, rule in alerts().items() for text in rule["annotations"].values()]
    for place, query, text in asked:
        used = set(re.findall(r"\{\{\s*(?:\$labels\.)?([a-z]+)\s*\}\}", text))
        # An aggregated result has the labels it is grouped by, a plain one those of its target too.
        has = grouped_by(query) if re.search(r"\b(sum|max|min|count)\b", query) else TARGET_LABELS
        assert used <= has, place


def test_promtool_takes_the_rules_and_the_configuration() -> None:
    for arguments in (("check", "rules", str(RULES)), ("check", "config", str(RULES.with_name("prometheus.yml")))):
        done = promtool(*arguments)
        assert done.returncode == 0, done.stdout + done.stderr


def test_promtool_takes_our_metrics_as_they_are_served() -> None:
    done = promtool("check", "metrics", given=generate_latest(REGISTRY))
    assert (done.returncode, done.stdout) == (0, b""), done.stdout + done.stderr


@pytest.mark.parametrize("path", sorted((DEPLOY / "prometheus" / "tests").glob("*.yml")), ids=lambda path: path.stem)
def test_alerts_fire_and_are_silent_as_told(path: Path) -> None:
    done = promtool("test", "rules", str(path))
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_alert_is_told_to_fire_once_and_to_be_silent_once() -> None:
    fires: set[str] = set()
    silent: set[str] = set()
    for path in (DEPLOY / "prometheus" / "tests").glob("*.yml"):
        for case in yaml.safe_load(path.read_text())["tests"]:
            for one in case.get("alert_rule_test", ()):
                (fires if one["exp_alerts"] else silent).add(one["alertname"])
            for one in case.get("promql_expr_test", ()):
                for sample in one["exp_samples"]:
                    fires.update(re.findall(r'alertname="(\w+)"', sample["labels"]))
    assert fires == silent == set(alerts())


def test_every_alert_says_what_to_do() -> None:
    page = (ROOT / "docs" / "alerts.md").read_text()
    headings = {line.removeprefix("## ").strip() for line in page.splitlines() if line.startswith("## ")}
    assert headings == set(alerts())
    for name, rule in alerts().items():
        assert rule["annotations"]["runbook"] == f"docs/alerts.md#{name.lower()}"
        assert rule["labels"]["severity"] in {"page", "ticket"}


def test_dashboards_keep_their_address_and_let_the_data_source_be_chosen() -> None:
    boards = [json.loads(path.read_text()) for path in DASHBOARDS]
    assert [board["uid"] for board in boards] == [f"crossfade-{path.stem}" for path in DASHBOARDS]
    for _, panel in panels():
        if panel["type"] != "row":
            assert panel["datasource"]["uid"] == "${datasource}"
            assert len(panel["targets"]) > 0
