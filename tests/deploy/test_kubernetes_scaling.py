"""deploy/kubernetes/components/keda: queries of KEDA, and the resulting number of pods."""

import json
import math
import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from funasr_fleet.contract.queues import BrokerUnavailable
from funasr_fleet.exporter.metrics import CATALOGUE as OF_THE_EXPORTER
from funasr_fleet.exporter.metrics import QueueReading, Snapshot
from funasr_fleet.exporter.serving import Pages
from funasr_fleet.metric import Metric
from funasr_fleet.worker.telemetry.catalogue import CATALOGUE as OF_A_WORKER
from tests.support.deployments import (
    COMPONENTS,
    OVERLAYS,
    ROOT,
    Manifest,
    example,
    find,
    needs,
    of_kind,
    render,
    settings_of,
    worker,
)

RULES = ROOT / "deploy/monitoring/rules"
EVERY = pytest.mark.parametrize("overlay", OVERLAYS)


def scaled_object(overlay: str = "one-gpu") -> Manifest:
    (found,) = of_kind(render(overlay, ("keda",)), "ScaledObject")
    return found


def triggers(overlay: str = "one-gpu") -> dict[str, Manifest]:
    return {one["name"]: one for one in scaled_object(overlay)["spec"]["triggers"]}


def records() -> set[str]:
    groups = [
        g for path in RULES.glob("*.yaml") for g in yaml.safe_load(path.read_text())["groups"]
    ]
    return {rule["record"] for group in groups for rule in group["rules"] if "record" in rule}


def metrics() -> dict[str, Metric]:
    return {metric.name: metric for metric in (*OF_THE_EXPORTER, *OF_A_WORKER)}


class TestQueries:
    def test_every_series_in_a_query_is_exported(self) -> None:
        known = records() | set(metrics())
        for trigger in triggers().values():
            text = json.dumps(trigger["metadata"])
            names = set(re.findall(r"\basr[_:][a-z_:]*[a-z]", text))
            assert names
            assert names <= known

    @EVERY
    def test_slots_are_divided_by_the_slots_per_pod(self, overlay: str) -> None:
        annotation = worker(render(overlay))["metadata"]["annotations"]["funasr-fleet/slots"]
        queries = [one for one in triggers(overlay).values() if one["type"] == "prometheus"]
        assert [one["metadata"]["threshold"] for one in queries] == [annotation, annotation]
        wanted = {"one-gpu": 17, "cpu": 17, "eight-gpu": 3}[overlay]
        assert pods(overlay, wanted=17, held=8) == wanted

    def test_a_missing_answer_does_not_count_as_zero(self) -> None:
        assert "fallback" not in scaled_object()["spec"]
        for trigger in triggers().values():
            if trigger["type"] == "prometheus":
                assert trigger["metadata"]["ignoreNullValues"] == "false"

    def test_only_waiting_messages_decide_between_zero_and_one(self) -> None:
        assert scaled_object()["spec"]["minReplicaCount"] == 0
        for name in ("wanted", "held"):
            assert int(triggers()[name]["metadata"]["activationThreshold"]) > 100_000
        for name in ("ready", "unacked"):
            assert "activationTargetValue" not in triggers()[name]["metadata"]  # more than 0
            assert pods("one-gpu", **{name: 1}) == pods("one-gpu", **{name: 10_000_000}) == 1

    def test_the_fleet_grows_fast_and_shrinks_slowly(self) -> None:
        spec = scaled_object()["spec"]
        behavior = spec["advanced"]["horizontalPodAutoscalerConfig"]["behavior"]
        up, down = behavior["scaleUp"], behavior["scaleDown"]
        assert up["stabilizationWindowSeconds"] == 0
        assert max(one["periodSeconds"] for one in up["policies"]) <= 15
        assert down["stabilizationWindowSeconds"] >= 300
        assert [(one["type"], one["value"]) for one in down["policies"]] == [("Percent", 50)]
        assert spec["cooldownPeriod"] >= 300
        assert spec["pollingInterval"] <= 30

    @EVERY
    def test_only_the_scaler_sets_the_number_of_workers(self, overlay: str) -> None:
        assert "replicas" not in worker(render(overlay, COMPONENTS))["spec"]
        assert scaled_object(overlay)["spec"]["scaleTargetRef"] == {"name": "funasr-fleet-worker"}


def pods(overlay: str, **answers: float) -> int:
    """The number of pods of the autoscaler: the maximum over triggers of value per target."""
    targets = {
        name: float(one["metadata"].get("threshold") or one["metadata"]["targetValue"])
        for name, one in triggers(overlay).items()
    }
    return max(math.ceil(value / targets[name]) for name, value in answers.items())


class TestExporterTrigger:
    def ask(self, name: str, look: Callable[[], Snapshot]) -> float | None:
        """The first series with these labels, as in KEDA's getValueFromPrometheusResponse."""
        body = Pages(look).page("/metrics")[2].decode()
        metric, selector = triggers()[name]["metadata"]["valueLocation"].rstrip("}").split("{")
        labels = dict(re.findall(r'(\w+)="([^"]*)"', selector))
        for family in text_string_to_metric_families(body):
            for sample in family.samples:
                if sample.name == metric and labels.items() <= sample.labels.items():
                    return float(sample.value)
        return None

    def test_it_returns_waiting_and_held_messages(self) -> None:
        queue = settings_of(render("cpu"), worker(render("cpu")))["FLEET_QUEUE"]
        reading = QueueReading(queue=queue, ready=5, unacked=3, oldest_s=1.0)
        other = QueueReading(queue="a", ready=70, unacked=80, oldest_s=1.0)

        def look() -> Snapshot:
            return Snapshot(queues=(other, reading), jobs=(), dead_letters=0, broker=None)

        assert self.ask("ready", look) == 5
        assert self.ask("unacked", look) == 3

    def test_it_returns_nothing_while_redis_is_unavailable(self) -> None:
        def look() -> Snapshot:
            raise BrokerUnavailable

        assert self.ask("ready", look) is None

    def test_the_trigger_uses_the_address_of_its_service(self) -> None:
        service = find(example(), "Service", "funasr-fleet-exporter")
        (port,) = service["spec"]["ports"]
        host = f"{service['metadata']['name']}.{service['metadata']['namespace']}.svc"
        (scaled,) = of_kind(example(), "ScaledObject")
        queries = [one for one in scaled["spec"]["triggers"] if one["type"] == "metrics-api"]
        assert {one["metadata"]["url"] for one in queries} == {
            f"http://{host}:{port['port']}/metrics"
        }
        assert {one["metadata"]["format"] for one in queries} == {"prometheus"}


PROMETHEUS_CASES = {
    "no job is open": ({"asr_broker_up": "1x20"}, 0, None),
    "a job waits": (
        {
            "asr_broker_up": "1x20",
            'asr_backlog_audio_seconds{job="calls"}': "10800000x20",
            'asr_backlog_messages{queue="fleet",state="ready"}': "1500x20",
            'asr_backlog_messages{queue="fleet",state="unacked"}': "0x20",
        },
        12,
        0,
    ),
    "Redis is unavailable": (
        {"asr_broker_up": "0x20", 'asr_slots{instance="a"}': "8x20"},
        None,
        None,
    ),
    "the exporter is unavailable": ({'asr_slots{instance="a"}': "8x20"}, None, None),
    "all slots are busy and messages are delayed": (
        {
            "asr_broker_up": "1x20",
            'asr_backlog_audio_seconds{job="calls"}': "1x20",
            'asr_backlog_messages{queue="fleet",state="unacked"}': "90x20",
            'asr_slots{instance="a"}': "8x20",
            'asr_slots{instance="b"}': "8x20",
        },
        1,
        16,
    ),
    "three of sixteen slots are busy": (
        {
            "asr_broker_up": "1x20",
            'asr_backlog_audio_seconds{job="calls"}': "1x20",
            'asr_backlog_messages{queue="fleet",state="unacked"}': "3x20",
            'asr_slots{instance="a"}': "8x20",
            'asr_slots{instance="b"}': "8x20",
        },
        1,
        3,
    ),
}
"""Scraped series give these values of `wanted` and `held`; None for no answer."""


@pytest.mark.parametrize("case", PROMETHEUS_CASES)
def test_prometheus_answers_with_one_number_or_none(case: str, tmp_path: Path) -> None:
    series, *answers = PROMETHEUS_CASES[case]
    expected = [
        {
            "expr": triggers()[name]["metadata"]["query"],
            "eval_time": "10m",
            "exp_samples": [] if value is None else [{"labels": "{}", "value": value}],
        }
        for name, value in zip(("wanted", "held"), answers, strict=True)
    ]
    test = {
        "interval": "1m",
        "input_series": [{"series": name, "values": text} for name, text in series.items()],
        "promql_expr_test": expected,
    }
    files = [str(RULES / "scaling.yaml"), str(RULES / "recording.yaml")]
    (tmp_path / "test.json").write_text(json.dumps({"rule_files": files, "tests": [test]}))
    done = subprocess.run(
        [needs("promtool"), "test", "rules", str(tmp_path / "test.json")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
