"""deploy/kubernetes: startup, shutdown and resources of pods."""

import re
from dataclasses import replace
from pathlib import Path

import pytest

from funasr_fleet.contract.queues import MODEL_LOAD_LIMIT_S
from funasr_fleet.settings import Settings
from funasr_fleet.worker.app import child_process as lifecycle
from funasr_fleet.worker.consumer.parent_context import GRACE_S
from funasr_fleet.worker.process import hardware as machine
from funasr_fleet.worker.process.hardware import choose_devices, plan_slot, usable_cores
from funasr_fleet.worker.process.health import Worker, why_not_ready, why_stuck
from funasr_fleet.worker.process.heartbeat import TimeLimits
from funasr_fleet.worker.process.slot_state import ConsumerState, SlotState
from tests.support.deployments import (
    COMPONENTS,
    OVERLAYS,
    Manifest,
    container_of,
    find,
    pod_of,
    render,
    settings_of,
    volumes_of,
    worker,
)

EVERY = pytest.mark.parametrize("overlay", OVERLAYS)
WITH = pytest.mark.parametrize("components", [(), COMPONENTS], ids=["plain", "all"])
DEFAULTS = Settings(run_dir=Path("nowhere"))

KILLED_AFTER_S = 20
"""Time beyond FLEET_DRAIN_S."""

UNITS = {"": 1, "Mi": 1 << 20, "Gi": 1 << 30}


def size(text: str) -> int:
    """Bytes of a Kubernetes quantity."""
    number, unit = re.fullmatch(r"(\d+)(\D*)", text).groups()  # type: ignore[union-attr]
    return int(number) * UNITS[unit]


def gpus_of(manifests: tuple[Manifest, ...]) -> int:
    return int(container_of(worker(manifests))["resources"]["limits"].get("nvidia.com/gpu", 0))


def slots_of(manifests: tuple[Manifest, ...]) -> int:
    return gpus_of(manifests) or 1


class TestShutdown:
    @EVERY
    @WITH
    def test_a_pod_has_time_to_drain(self, overlay: str, components: tuple[str, ...]) -> None:
        manifests = render(overlay, components)
        drain_s = float(settings_of(manifests, worker(manifests))["FLEET_DRAIN_S"])
        grace_s = pod_of(worker(manifests))["terminationGracePeriodSeconds"]
        assert grace_s == drain_s + KILLED_AFTER_S
        assert grace_s > drain_s + GRACE_S  # by then the worker has exited

    def test_a_spot_pod_drains_before_its_node_is_reclaimed(self) -> None:
        shortest_notice_s = 15  # of a pod, on GKE
        manifests = render("one-gpu", ("spot",))
        variables = settings_of(manifests, worker(manifests))
        assert float(variables["FLEET_DRAIN_S"]) < shortest_notice_s

    @EVERY
    def test_the_signal_reaches_the_worker_immediately(self, overlay: str) -> None:
        deployment = worker(render(overlay, COMPONENTS))
        assert container_of(deployment)["command"] == ["fleet", "worker"]
        assert "lifecycle" not in container_of(deployment)
        assert pod_of(deployment)["shareProcessNamespace"] is True


class TestProbes:
    def test_worker_probes_use_the_port_of_the_worker(self) -> None:
        container = container_of(worker(render("one-gpu")))
        (port,) = container["ports"]
        assert port["containerPort"] == DEFAULTS.metrics_port
        for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
            request = container[probe]["httpGet"]
            assert request["port"] == port["name"]
            assert request["path"] == ("/readyz" if probe == "readinessProbe" else "/healthz")

    def test_exporter_probes_use_the_port_of_the_exporter(self) -> None:
        exporter = container_of(find(render("cpu"), "Deployment", "funasr-fleet-exporter"))
        (port,) = exporter["ports"]
        assert exporter["args"] == ["exporter", "--port", str(port["containerPort"])]
        assert exporter["livenessProbe"]["httpGet"] == {"path": "/healthz", "port": port["name"]}
        assert exporter["readinessProbe"]["httpGet"] == {"path": "/readyz", "port": port["name"]}

    def test_probes_allow_the_whole_model_load_time(self) -> None:
        """The kubelet restarts a pod by /healthz, so this probe must allow the load time."""
        loading = SlotState(slot=0, pid=1, state="loading", loading_since_s=0.0)
        worker_now = Worker(expected=1, states=[loading], consumer=None, progress=[None])
        patience = TimeLimits.of(DEFAULTS)
        assert why_stuck(worker_now, MODEL_LOAD_LIMIT_S, patience) is None
        assert why_stuck(worker_now, MODEL_LOAD_LIMIT_S + 120, patience) is not None
        assert why_not_ready(worker_now) is not None
        spec = worker(render("one-gpu"))["spec"]
        assert spec["progressDeadlineSeconds"] > MODEL_LOAD_LIMIT_S + 120

    def test_a_broker_outage_restarts_no_pod(self) -> None:
        ready = SlotState(slot=0, pid=1, state="ready")
        disconnected = ConsumerState(consuming=False, since_s=0.0, at_s=0.0)
        hours_later = 12 * 3600.0
        for consumer in (disconnected, replace(disconnected, consuming=True, at_s=hours_later)):
            now = Worker(expected=1, states=[ready], consumer=consumer, progress=[None])
            assert why_stuck(now, hours_later, TimeLimits.of(DEFAULTS)) is None


class TestResources:
    @EVERY
    def test_the_cpu_request_equals_the_threads_of_the_children(
        self, overlay: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        manifests = render(overlay)
        resources = container_of(worker(manifests))["resources"]
        cpus = int(resources["requests"]["cpu"])
        assert resources["limits"]["cpu"] == resources["requests"]["cpu"]
        _be_a_pod_on_a_large_node(cpus, tmp_path, monkeypatch)

        own = settings_of(manifests, worker(manifests))
        gpus = [f"GPU-{number}" for number in range(gpus_of(manifests))]
        devices = choose_devices(own["FLEET_DEVICES"], gpus, None, DEFAULTS.on_missing_gpu)
        slots = range(len(devices))
        plans = [plan_slot(slot, devices, usable_cores(), DEFAULTS.torch_threads) for slot in slots]
        assert sum(plan.threads for plan in plans) == cpus
        assert len({plan.threads for plan in plans}) == 1
        assert plans[0].threads >= 2
        assert len(plans) == slots_of(manifests)

    @EVERY
    def test_a_child_is_replaced_before_the_pod_runs_out_of_memory(self, overlay: str) -> None:
        manifests = render(overlay)
        resources = container_of(worker(manifests))["resources"]
        assert resources["limits"]["memory"] == resources["requests"]["memory"]
        own = settings_of(manifests, worker(manifests))
        children = slots_of(manifests) * int(own["FLEET_MAX_RESIDENT_MB"]) << 20
        spare = size(resources["limits"]["memory"]) - children
        assert spare > size(volumes_of(worker(manifests))["run"]["emptyDir"]["sizeLimit"]) + (
            1 << 30
        )

    @EVERY
    def test_files_in_progress_fit_on_the_disk(self, overlay: str) -> None:
        manifests = render(overlay)
        at_once = lifecycle._CONCURRENT_FETCHES * slots_of(manifests)
        room = size(volumes_of(worker(manifests))["tmp"]["emptyDir"]["sizeLimit"])
        assert room > at_once * DEFAULTS.max_bytes

    @EVERY
    def test_the_scaler_has_the_number_of_children_per_pod(self, overlay: str) -> None:
        manifests = render(overlay)
        annotation = worker(manifests)["metadata"]["annotations"]["funasr-fleet/slots"]
        assert int(annotation) == slots_of(manifests)

    def test_gpus_are_requested_only_where_they_are_used(self) -> None:
        for overlay, gpus in (("one-gpu", 1), ("eight-gpu", 8), ("cpu", 0)):
            assert gpus_of(render(overlay)) == gpus
            keys = {one["key"] for one in pod_of(worker(render(overlay)))["tolerations"]}
            assert ("nvidia.com/gpu" in keys) == bool(gpus)

    def test_spot_adds_to_the_tolerations_of_the_overlay(self) -> None:
        plain, spot = (pod_of(worker(render("one-gpu", c))) for c in ((), ("spot",)))
        assert all(one in spot["tolerations"] for one in plain["tolerations"])
        added = {one["key"] for one in spot["tolerations"] if one not in plain["tolerations"]}
        assert added == {"cloud.google.com/gke-spot", "kubernetes.azure.com/scalesetpriority"}
        terms = spot["affinity"]["nodeAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"]
        clouds = [one["matchExpressions"][0]["key"] for one in terms["nodeSelectorTerms"]]
        assert len(clouds) == len(set(clouds)) == 4
        assert added < set(clouds)


def _be_a_pod_on_a_large_node(cpus: int, directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Simulate a node of 96 CPUs with two threads a core; the cgroup quota is the pod's limit."""
    topology = directory / "cpu"
    for cpu in range(96):
        siblings = topology / f"cpu{cpu}/topology/thread_siblings_list"
        siblings.parent.mkdir(parents=True)
        siblings.write_text(f"{cpu % 48},{cpu % 48 + 48}\n")
    (directory / "cpu.max").write_text(f"{cpus * 100_000} 100000\n")
    (directory / "own").write_text("0::/\n")
    monkeypatch.setattr(machine, "_CPU", topology)
    monkeypatch.setattr(machine, "_CGROUP", directory)
    monkeypatch.setattr(machine, "_OWN_CGROUP", directory / "own")
    monkeypatch.setattr(machine, "_affinity", lambda: set(range(96)))
