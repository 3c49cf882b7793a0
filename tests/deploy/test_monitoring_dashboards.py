"""Dashboards as Grafana reads them, and the other files that `deploy/generate.py` writes."""

import itertools
import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from deploy import generate
from deploy.generating.queries import RULES, filled_in, panel_queries

MONITORING = RULES.parent
PAGES = sorted((MONITORING / "dashboards").glob("*.json"))
VALUES = {
    "job": "calls",
    "instance": "a:9464",
    "slot": ".*",
    "__rate_interval": "1m",
    "__range": "1h",
}


def name_of(path: Path) -> str:
    return path.stem


def read(path: Path) -> dict[str, Any]:
    page: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return page


def test_generated_files_are_up_to_date() -> None:
    assert generate.stale() == []
    assert generate.main(["--check"]) == 0


def test_a_file_that_was_edited_by_hand_is_detected(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(generate, "HERE", tmp_path / "deploy")
    monkeypatch.setattr(generate, "DASHBOARDS_DIR", tmp_path / "deploy" / "dashboards")
    monkeypatch.setattr(generate, "PROMETHEUS_RULE", tmp_path / "deploy" / "rules.yaml")
    assert generate.main(["--check"]) == 4
    assert generate.main([]) == 0
    assert generate.main(["--check"]) == 0
    (tmp_path / "deploy" / "dashboards" / "fleet.json").write_text("{}")
    (tmp_path / "deploy" / "dashboards" / "stray.json").write_text("{}")
    capsys.readouterr()
    assert generate.main(["--check"]) == 2
    assert "deploy/dashboards/fleet.json is stale" in capsys.readouterr().err


def test_there_are_three_dashboards_with_unique_names() -> None:
    assert [path.stem for path in PAGES] == ["fleet", "job", "worker"]
    assert len({read(path)["uid"] for path in PAGES}) == 3


@pytest.mark.parametrize("path", PAGES, ids=name_of)
def test_panels_have_unique_ids_and_do_not_overlap(path: Path) -> None:
    panels = read(path)["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    taken: set[tuple[int, int]] = set()
    for panel in panels:
        at = panel["gridPos"]
        assert at["x"] + at["w"] <= 24
        columns, lines = range(at["x"], at["x"] + at["w"]), range(at["y"], at["y"] + at["h"])
        cells = set(itertools.product(columns, lines))
        assert not cells & taken, panel["title"]
        taken |= cells


@pytest.mark.parametrize("path", PAGES, ids=name_of)
def test_every_panel_has_queries_a_unit_and_a_description(path: Path) -> None:
    page = read(path)
    panels = [panel for panel in page["panels"] if panel["type"] != "row"]
    titles = [panel["title"] for panel in panels]
    assert len(set(titles)) == len(titles)
    for panel in panels:
        assert panel["description"].endswith("."), panel["title"]
        defaults = panel["fieldConfig"]["defaults"]
        assert defaults["unit"]
        assert defaults["thresholds"]["steps"][0]["value"] is None
        assert panel["targets"]
        assert len({target["refId"] for target in panel["targets"]}) == len(panel["targets"])
        for target in panel["targets"]:
            assert target["expr"]
            assert target["datasource"] == panel["datasource"]
            assert target["datasource"]["uid"] == "${datasource}"
            many = panel["type"] == "timeseries" and len(panel["targets"]) > 1
            assert not many or target["legendFormat"] != "__auto", panel["title"]


@pytest.mark.parametrize("path", PAGES, ids=name_of)
def test_every_variable_in_use_is_declared(path: Path) -> None:
    page = read(path)
    variables = {one["name"]: one for one in page["templating"]["list"]}
    assert variables.pop("datasource")["type"] == "datasource"
    used = set()
    for panel in page["panels"]:
        for target in panel.get("targets", ()):
            used |= set(re.findall(r"\$(\w+)", target["expr"]))
            for name, pattern in re.findall(r'(=~?)"\$(\w+)"', target["expr"]):
                assert variables[pattern]["multi"] == (name == "=~"), target["expr"]
    assert used - {"__rate_interval", "__range"} == set(variables)


@pytest.mark.parametrize("path", PAGES, ids=name_of)
def test_dashboards_are_for_grafana_10_and_link_to_each_other(path: Path) -> None:
    page = read(path)
    assert page["schemaVersion"] == 39
    assert page["tags"] == page["links"][0]["tags"]


def test_exported_queries_contain_no_variables() -> None:
    found = panel_queries(VALUES)
    assert {dashboard for dashboard, _, _ in found} == {"Fleet", "Job", "Worker"}
    assert all("$" not in query for _, _, query in found)
    assert ("Job", "Time remaining", 'max(asr_job_eta_seconds{job="calls"})') in found
    without = panel_queries(VALUES, without=("gpu", "maxmemory"))
    assert {query for _, _, query in found} - {query for _, _, query in without} == {
        'asr_device_temperature_celsius{instance=~"a:9464"}',
        'asr_device_power_watts{instance=~"a:9464"}',
        'asr_device_temperature_celsius{instance="a:9464", slot=~".*"}',
        'asr_device_power_watts{instance="a:9464", slot=~".*"}',
        'max(asr_broker_memory_bytes{kind="limit"})',
    }
    with pytest.raises(KeyError):
        filled_in("up[$unknown]", VALUES)


def test_kubernetes_has_every_rule_group() -> None:
    made = yaml.safe_load(generate.PROMETHEUS_RULE.read_text(encoding="utf-8"))
    assert (made["apiVersion"], made["kind"]) == ("monitoring.coreos.com/v1", "PrometheusRule")
    assert made["metadata"]["labels"]["release"]
    groups: list[Any] = []
    for path in sorted(RULES.glob("*.yaml")):
        groups += yaml.safe_load(path.read_text(encoding="utf-8"))["groups"]
    assert made["spec"]["groups"] == groups
    names = [group["name"] for group in groups]
    assert len(set(names)) == len(names)


def test_grafana_of_compose_finds_dashboards_and_prometheus() -> None:
    compose = yaml.safe_load((MONITORING.parent / "compose" / "compose.yaml").read_text())
    grafana, provisioning = compose["services"]["grafana"], MONITORING / "grafana" / "provisioning"
    mounts = dict(volume.split(":")[:2] for volume in grafana["volumes"])
    assert mounts["../monitoring/grafana/provisioning"] == "/etc/grafana/provisioning"
    pages = yaml.safe_load((provisioning / "dashboards" / "fleet.yaml").read_text())
    assert pages["providers"][0]["options"]["path"] == mounts["../monitoring/dashboards"]
    sources = yaml.safe_load((provisioning / "datasources" / "prometheus.yaml").read_text())
    assert sources["datasources"][0]["url"] == "http://prometheus:9090"
    assert "prometheus" in compose["services"]


def test_prometheus_of_compose_keeps_the_job_labels_of_the_exporter() -> None:
    config = yaml.safe_load((MONITORING / "prometheus" / "compose.yml").read_text())
    scraped = {one["job_name"]: one for one in config["scrape_configs"]}
    assert set(scraped) == {"fleet-worker", "fleet-exporter"}
    assert scraped["fleet-exporter"]["honor_labels"] is True
    assert not scraped["fleet-worker"].get("honor_labels")
