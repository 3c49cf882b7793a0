"""docs/scaling.md shows what is in bench/results/, and that is what the simulation says today."""

import json
import re
from dataclasses import asdict
from pathlib import Path

from bench.autoscale.comparing import Comparison, run_autoscale
from bench.autoscale.playing import Outcome
from bench.broker import BrokerResult
from funasr_fleet.settings import Settings

ROOT = Path(__file__).parents[4]
RESULTS = ROOT / "bench/results"
PAGE = (ROOT / "docs/scaling.md").read_text()


def latest(name: str) -> dict[str, object]:
    found = sorted(RESULTS.glob(f"{name}-*.json"))[-1]
    document: dict[str, object] = json.loads(found.read_text())
    return document


def test_the_tables_of_the_page_match_the_current_simulation() -> None:
    """After a change of the rules or of the ScaledObject: python -m bench autoscale --json."""
    played = run_autoscale()
    assert latest("autoscale") == json.loads(json.dumps(asdict(played)))
    kept: list[dict[str, object]] = latest("autoscale")["outcomes"]  # type: ignore[assignment]
    assert Comparison([Outcome(**one) for one in kept]).to_text() in PAGE  # type: ignore[arg-type]


def test_the_redis_numbers_of_the_page_match_the_measurement() -> None:
    assert BrokerResult(**latest("broker")).to_text() in PAGE  # type: ignore[arg-type]


def test_every_setting_named_by_the_page_exists() -> None:
    named = set(re.findall(r"FLEET_[A-Z_]+", PAGE))
    assert named
    assert named <= {f"FLEET_{name.upper()}" for name in Settings.model_fields}
