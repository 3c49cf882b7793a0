"""Recording rules and alerts: read by promtool, tested by promtool, explained in the runbook."""

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from deploy.generating.queries import RULES, alert_queries, recorded, rules
from tests.support.deployments import needs

pytestmark = pytest.mark.slow

MONITORING = RULES.parent
ROOT = MONITORING.parents[1]
TESTS = sorted((MONITORING / "tests").glob("*.yaml"))
ALERTS = [rule for rule in rules() if "alert" in rule]
NAMES = [rule["alert"] for rule in ALERTS]


def name_of(path: Path) -> str:
    return path.stem


def promtool(*arguments: str) -> str:
    done = subprocess.run(
        [needs("promtool"), *arguments], capture_output=True, text=True, check=False, timeout=250
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def cases() -> Iterator[dict[str, Any]]:
    for path in TESTS:
        for group in yaml.safe_load(path.read_text(encoding="utf-8"))["tests"]:
            yield from group.get("alert_rule_test", ())


def test_the_rules_are_valid_for_prometheus() -> None:
    annotations = promtool(
        "check", "rules", "--lint-fatal", *map(str, sorted(RULES.glob("*.yaml")))
    )
    found = sum(int(count) for count in re.findall(r"(\d+) rules found", annotations))
    assert found == len(list(rules()))


@pytest.mark.parametrize("path", TESTS, ids=name_of)
def test_rules_pass_their_promtool_tests(path: Path) -> None:
    promtool("test", "rules", str(path))


def test_each_alert_is_shown_firing_and_silent() -> None:
    firing = {case["alertname"] for case in cases() if case.get("exp_alerts")}
    silent = [case["alertname"] for case in cases() if not case.get("exp_alerts")]
    assert firing == set(NAMES)
    # the fleets of quiet.yaml, running and at zero, and one case of its own
    assert {name for name in silent if silent.count(name) >= 5} == set(NAMES)


def test_each_recorded_series_is_tested() -> None:
    text = "".join(path.read_text(encoding="utf-8") for path in TESTS)
    tested = set(re.findall(r"expr: \"?(?:round\()?(asr:[\w:]+)", text))
    assert tested == set(recorded())


@pytest.mark.parametrize("rule", ALERTS, ids=NAMES)
def test_an_alert_has_a_severity_and_instructions(rule: dict[str, Any]) -> None:
    assert rule["labels"] == {"severity": rule["labels"]["severity"]}
    assert rule["labels"]["severity"] in {"critical", "warning"}
    annotations = rule["annotations"]
    assert set(annotations) == {"summary", "description", "runbook_url"}
    assert annotations["summary"].endswith(".")
    assert re.fullmatch(r"[A-Z].*[^.]\.", annotations["description"])
    assert annotations["description"].count(". ") == 0, "one sentence"


@pytest.mark.parametrize("rule", ALERTS, ids=NAMES)
def test_the_link_of_an_alert_leads_to_its_runbook_entry(rule: dict[str, Any]) -> None:
    page, _, anchor = rule["annotations"]["runbook_url"].partition("#")
    assert anchor == rule["alert"].lower()
    assert rule["alert"] in entries(ROOT / page)


@pytest.mark.parametrize("name", NAMES)
def test_a_runbook_entry_has_meaning_diagnosis_and_action(name: str) -> None:
    entry = entries(MONITORING / "runbook.md")[name]
    severity, *parts = re.split(r"\*\*(Meaning|Diagnosis|Action)\.\*\*", entry)
    assert severity.strip() == next(
        rule["labels"]["severity"] for rule in ALERTS if rule["alert"] == name
    )
    assert parts[::2] == ["Meaning", "Diagnosis", "Action"]
    assert all(len(text.split()) >= 8 for text in parts[1::2])


def test_the_runbook_has_no_other_entries() -> None:
    assert list(entries(MONITORING / "runbook.md")) == [name for name, _ in alert_queries()]


def entries(page: Path) -> dict[str, str]:
    """Text of each entry by its heading, in order."""
    _, *parts = re.split(r"^## (.+)$", page.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return dict(zip(parts[::2], parts[1::2], strict=True))
