"""Rules, alerts, panels and the runbook name only existing metrics, labels and panels."""

import re
from collections.abc import Iterator

import pytest

from deploy.generating.dashboards import DASHBOARDS
from deploy.generating.declaring import Panel
from deploy.generating.queries import RULES, rules
from funasr_fleet.cli.main import app
from funasr_fleet.exporter.metrics import CATALOGUE as OF_THE_EXPORTER
from funasr_fleet.settings import PREFIX, Settings
from funasr_fleet.worker.telemetry.catalogue import CATALOGUE as OF_A_WORKER
from tests.support.promql import groupings, known, labels_of_result, mentions

RUNBOOK = RULES.parent / "runbook.md"
_SAMPLE_SUFFIXES = ("_bucket", "_sum", "_count")


def panels() -> Iterator[tuple[str, Panel]]:
    for dashboard in DASHBOARDS:
        for row in dashboard.rows:
            for panel in row.panels:
                yield f"{dashboard.title}/{panel.title}", panel


def expressions() -> Iterator[tuple[str, str]]:
    for rule in rules():
        yield rule.get("alert") or rule["record"], rule["expr"]
    for name, panel in panels():
        for query in panel.queries:
            yield name, query.expr
    for dashboard in DASHBOARDS:
        for variable in dashboard.variables:
            yield f"{dashboard.title}/${variable.name}", variable.metric


@pytest.mark.parametrize(("where", "expr"), list(expressions()))
def test_every_series_and_every_label_is_declared(where: str, expr: str) -> None:
    series = known()
    found = mentions(expr)
    assert found or "vector" in expr, "an expression without a series"
    for one in found:
        assert one.name in series, f"{where}: {one.name} is not declared"
        assert one.labels <= series[one.name], f"{where}: {one.name} has no such label"
    for labels, inner in groupings(expr):
        for one in mentions(inner):
            assert labels <= series[one.name], (
                f"{where}: {one.name} does not have the labels {labels}"
            )


@pytest.mark.parametrize(("where", "panel"), list(panels()), ids=[name for name, _ in panels()])
def test_a_legend_uses_only_labels_of_the_result(where: str, panel: Panel) -> None:
    for query in panel.queries:
        wanted = set(re.findall(r"\{\{(\w+)\}\}", query.legend))
        assert wanted <= labels_of_result(query.expr), f"{where}: {query.legend}"


def test_every_metric_is_shown_somewhere() -> None:
    shown = {one.name for _, panel in panels() for q in panel.queries for one in mentions(q.expr)}
    shown |= {one.name for rule in rules() for one in mentions(rule["expr"])}
    missing = [
        metric.name
        for metric in (*OF_A_WORKER, *OF_THE_EXPORTER)
        if not shown & {metric.name, *(metric.name + end for end in _SAMPLE_SUFFIXES)}
    ]
    assert missing == []


def test_the_runbook_names_only_existing_things() -> None:
    text = RUNBOOK.read_text(encoding="utf-8")
    metrics = {metric.name for metric in (*OF_A_WORKER, *OF_THE_EXPORTER)} | set(known())
    assert set(re.findall(r"asr[_:][\w:]*\w", text)) <= metrics
    settings = {PREFIX + name.upper() for name in Settings.model_fields}
    assert set(re.findall(r"FLEET_[A-Z_]+", text)) <= settings
    commands = {command.name for command in app.registered_commands}
    commands |= {group.name for group in app.registered_groups}
    assert set(re.findall(r"`fleet\s(\w+)", text)) <= commands
    panels_and_pages = {panel.title for _, panel in panels()} | {one.title for one in DASHBOARDS}
    spoken_of = re.findall(r"\*([\w ]+)\* on the dashboard", text)
    spoken_of += re.findall(r"on the dashboard\s+\*(\w+)\*", text)
    assert set(spoken_of) <= panels_and_pages | {"recognise"}
