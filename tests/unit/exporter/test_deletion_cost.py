"""The annotations by which Kubernetes chooses the worker pods to delete first."""

import json
from collections.abc import Iterator, Mapping
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest

from funasr_fleet.broker.ledger.worker_seen import WorkerSeen
from funasr_fleet.contract.queues import BrokerUnavailable
from funasr_fleet.exporter.deletion_cost import (
    ANNOTATION,
    ClusterPods,
    KubernetesUnavailable,
    changed_costs,
    keep_costs,
)
from tests.support.web import page, serving


def seen(worker: str, slot: int = 0, shard: str | None = "s") -> WorkerSeen:
    return WorkerSeen(worker=worker, slot=slot, at=0.0, shard=shard)


@pytest.mark.parametrize(
    ("pods", "workers", "changes"),
    [
        ({"a": None}, [seen("a")], {"a": "100"}),
        ({"a": "100"}, [seen("a")], {}),
        ({"a": "100"}, [seen("a", shard=None)], {"a": "0"}),
        ({"a": "100"}, [], {"a": "0"}),
        ({"a": None, "b": "0"}, [], {}),
        ({"a": "100"}, [seen("a", 0), seen("a", 1), seen("a", 2, None)], {"a": "200"}),
        ({}, [seen("bare-metal")], {}),
    ],
)
def test_the_deletion_cost_of_a_pod_follows_its_active_shards(
    pods: dict[str, str | None], workers: list[WorkerSeen], changes: dict[str, str]
) -> None:
    assert changed_costs(pods, workers) == changes


class Ended(Exception):
    """Ends the endless loop under test."""


class OnePod:
    """The cost of one pod, in memory."""

    def __init__(self) -> None:
        self.cost: str | None = None

    def costs(self) -> Mapping[str, str | None]:
        return {"pod-1": self.cost}

    def set_cost(self, pod: str, cost: str) -> None:
        self.cost = cost


@pytest.mark.parametrize("error", [BrokerUnavailable("away"), TypeError("of a bug")])
def test_any_error_is_logged_and_retried(
    error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    pod, looks, naps = OnePod(), iter((error, None)), iter((None, Ended()))

    def look() -> list[WorkerSeen]:
        if wrong := next(looks):
            raise wrong
        return [seen("pod-1")]

    def sleep(_: float) -> None:
        if end := next(naps):
            raise end

    with pytest.raises(Ended):
        keep_costs(pod, look, sleep=sleep)
    assert pod.cost == "100"
    assert str(error) in caplog.text


class Api:
    """The part of the Kubernetes API that the exporter uses; rejects other tokens."""

    def __init__(self) -> None:
        self.annotations: dict[str, dict[str, str] | None] = {"pod-1": None, "pod-2": {"x": "y"}}
        self.asked: list[str] = []

    def answer(self, method: str, path: str, body: bytes, kind: str | None) -> tuple[int, Any]:
        self.asked.append(f"{method} {path}")
        if method == "GET":
            items = [
                {"metadata": {"name": name, "annotations": notes} if notes else {"name": name}}
                for name, notes in self.annotations.items()
            ]
            return 200, {"items": items}
        name = path.rpartition("/")[2]
        if name not in self.annotations or kind != "application/merge-patch+json":
            return 404, {}
        notes = json.loads(body)["metadata"]["annotations"]
        self.annotations[name] = {**(self.annotations[name] or {}), **notes}
        return 200, {}


@pytest.fixture
def api() -> Api:
    return Api()


@pytest.fixture
def pods(api: Api, tmp_path: Path) -> Iterator[ClusterPods]:
    (tmp_path / "token").write_text("right\n")

    def answer(request: BaseHTTPRequestHandler) -> None:
        body = request.rfile.read(int(request.headers.get("Content-Length") or 0))
        code: int = 403
        found: Any = {}
        if request.headers["Authorization"] == "Bearer right":
            kind = request.headers.get("Content-Type")
            code, found = api.answer(request.command, request.path, body, kind)
        page(code, json.dumps(found).encode())(request)

    with serving() as host:
        host.otherwise = answer
        url = f"http://127.0.0.1:{host.port}/api/v1/namespaces/asr/pods"
        yield ClusterPods(url, "app.kubernetes.io/component=worker", tmp_path)


def test_pods_are_found_by_their_labels_and_annotated(api: Api, pods: ClusterPods) -> None:
    assert pods.costs() == {"pod-1": None, "pod-2": None}
    assert "labelSelector=app.kubernetes.io%2Fcomponent%3Dworker" in api.asked[0]
    pods.set_cost("pod-2", "100")
    assert api.annotations["pod-2"] == {"x": "y", ANNOTATION: "100"}
    assert pods.costs() == {"pod-1": None, "pod-2": "100"}


def test_a_missing_pod_and_a_missing_role_are_reported(pods: ClusterPods, tmp_path: Path) -> None:
    with pytest.raises(KubernetesUnavailable, match="404"):
        pods.set_cost("pod-3", "100")
    (tmp_path / "token").write_text("expired")
    with pytest.raises(KubernetesUnavailable, match="403"):
        pods.costs()


def test_outside_a_pod_there_is_an_error(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)
    with pytest.raises(KubernetesUnavailable, match="does not run in a pod"):
        ClusterPods.of_this_namespace("x=y", tmp_path)


def test_inside_a_pod_its_own_namespace_is_used(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "fd00::1")
    monkeypatch.setenv("KUBERNETES_SERVICE_PORT", "443")
    (tmp_path / "namespace").write_text("asr\n")
    found = ClusterPods.of_this_namespace("x=y", tmp_path)
    assert found.url == "https://[fd00::1]:443/api/v1/namespaces/asr/pods"
