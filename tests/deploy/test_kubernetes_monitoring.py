"""deploy/kubernetes: Prometheus targets, and permissions of the exporter."""

from typing import Any

import pytest

from funasr_fleet.exporter.metrics import CATALOGUE as OF_THE_EXPORTER
from funasr_fleet.settings import Settings
from funasr_fleet.worker.telemetry.catalogue import CATALOGUE as OF_A_WORKER
from tests.support.deployments import (
    NAMESPACE,
    ROOT,
    container_of,
    find,
    labels_of,
    of_kind,
    render,
    selects,
    worker,
)

RULES = ROOT / "deploy/monitoring/rules"


def test_the_exporter_has_the_kubernetes_permissions_that_it_needs() -> None:
    manifests = render("one-gpu", ("deletion-cost",))
    (role,), (binding,) = of_kind(manifests, "Role"), of_kind(manifests, "RoleBinding")
    # exporter.deletion_cost lists pods, and patches one
    assert role["rules"] == [
        {"apiGroups": [""], "resources": ["pods"], "verbs": ["get", "list", "patch"]}
    ]
    assert binding["roleRef"]["name"] == role["metadata"]["name"]
    exporter = find(manifests, "Deployment", "funasr-fleet-exporter")
    account = exporter["spec"]["template"]["spec"]["serviceAccountName"]
    assert binding["subjects"] == [
        {"kind": "ServiceAccount", "name": account, "namespace": NAMESPACE}
    ]
    *_, option, selector = container_of(exporter)["args"]
    assert option == "--pod-deletion-cost"
    labels = dict(part.split("=") for part in selector.split(","))
    assert selects({"matchLabels": labels}, labels_of(worker(manifests)))
    assert not selects({"matchLabels": labels}, labels_of(exporter))


@pytest.mark.parametrize("kind", ["PodMonitor", "ServiceMonitor"])
def test_scrape_jobs_have_the_names_used_by_the_rules(kind: str) -> None:
    (monitor,) = of_kind(render("one-gpu", ("monitoring",)), kind)
    spec: dict[str, Any] = monitor["spec"]
    (endpoint,) = spec.get("endpoints") or spec["podMetricsEndpoints"]
    (job,) = [one["replacement"] for one in endpoint["relabelings"] if one["targetLabel"] == "job"]
    assert job == {"PodMonitor": "fleet-worker", "ServiceMonitor": "fleet-exporter"}[kind]
    assert f'job="{job}"' in (RULES / "alerts.yaml").read_text()
    # without honorLabels, Prometheus renames labels of the metric that it also sets
    own = OF_A_WORKER if kind == "PodMonitor" else OF_THE_EXPORTER
    clash = any("job" in metric.labels for metric in own)
    assert endpoint.get("honorLabels", False) is clash


def test_settings_and_prometheus_use_the_same_port() -> None:
    service = find(render("cpu"), "Service", "funasr-fleet-worker")
    assert service["spec"]["clusterIP"] == "None"
    assert service["spec"]["publishNotReadyAddresses"] is True
    assert service["spec"]["ports"][0]["port"] == Settings().metrics_port
