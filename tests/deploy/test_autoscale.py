"""The simulated Prometheus gives the same answers as promtool."""

import json
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from bench.autoscale.autoscaler import SYNC_S, Autoscaler
from bench.autoscale.days import DAYS, Day
from bench.autoscale.fleet import Fleet
from bench.autoscale.history import Answer
from bench.autoscale.prometheus import Prometheus
from bench.autoscale.promql import query
from bench.autoscale.scaler import RULES, ours
from tests.support.deployments import needs

STEPS = 400
"""Steps of 15 s: 100 minutes, in which a fleet scales up from zero and back to zero."""
SPOT = next(day for day in DAYS if day.kills_per_hour)
SLOW = next(day for day in DAYS if day.rtfx < 100)


@dataclass
class Recording:
    """Scraped series and query answers of each step."""

    pages: list[dict[str, Answer]] = field(default_factory=list)
    answers: list[list[Answer]] = field(default_factory=list)

    def series(self) -> list[dict[str, str]]:
        return [
            {"series": name, "values": " ".join(_written([page[name] for page in self.pages]))}
            for name in self.pages[0]
        ]


def _written(values: list[Answer]) -> list[str]:
    """Values in promtool's notation; a series that ends is marked as stale."""
    before = [None, *values]
    return [
        repr(value) if value is not None else "_" if last is None else "stale"
        for last, value in zip(before, values, strict=False)
    ]


def record(day: Day) -> Recording:
    scaler, fleet, recording = ours(), Fleet(day), Recording()
    prometheus, autoscaler = Prometheus(scaler.rules), Autoscaler(scaler, day.most)
    queries = [query(one.query) for one in scaler.triggers]
    fleet.waiting_s = day.jobs[0][1]
    for step in range(STEPS):
        at_s = step * SYNC_S
        fleet.tick(at_s, SYNC_S)
        recording.pages.append(fleet.page())
        prometheus.scrape(at_s, recording.pages[-1])
        recording.answers.append([prometheus.ask(one, at_s) for one in queries])
        fleet.resize(at_s, autoscaler.decide(at_s, fleet.pods, recording.answers[-1]))
    return recording


@pytest.mark.parametrize("day", [SLOW, SPOT], ids=["slow", "spot"])
def test_the_simulated_prometheus_agrees_with_promtool(day: Day, tmp_path: Path) -> None:
    recording = record(day)
    queries = [one.query for one in ours().triggers]
    expected = [
        {
            "expr": expr,
            "eval_time": f"{int(step * SYNC_S)}s",
            "exp_samples": [] if answer is None else [_sample(expr, answer)],
        }
        for step in range(0, STEPS, 6)
        for expr, answer in zip(queries, recording.answers[step], strict=True)
    ]
    for place, one in enumerate(ours().triggers[:2]):
        found = {answers[place] for answers in recording.answers}
        assert len(found) > 3, f"the answers to {one.query} change"
    test = {
        "interval": "15s",
        "input_series": recording.series(),
        "promql_expr_test": expected,
    }
    rules = [str(RULES / name) for name in ("recording.yaml", "scaling.yaml")]
    document = {"rule_files": rules, "evaluation_interval": "30s", "tests": [test]}
    (tmp_path / "test.json").write_text(json.dumps(document))
    done = subprocess.run(
        [needs("promtool"), "test", "rules", str(tmp_path / "test.json")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, (done.stdout + done.stderr)[:3000]


def _sample(expr: str, answer: float) -> dict[str, object]:
    """An aggregated series has no labels; a series that is queried directly has all of them."""
    return {"labels": expr if expr.startswith("asr_") else "{}", "value": answer}
