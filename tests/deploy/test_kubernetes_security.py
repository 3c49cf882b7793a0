"""deploy/kubernetes: permissions and writable directories of pods."""

import re
from pathlib import Path

import pytest

from tests.support.deployments import (
    COMPONENTS,
    OVERLAYS,
    ROOT,
    Manifest,
    container_of,
    enqueue_job,
    find,
    of_kind,
    pod_of,
    render,
    settings_of,
    volumes_of,
)


def image_environment() -> dict[str, str]:
    """Variables set by the worker's image."""
    text = (ROOT / "deploy/docker/worker.Dockerfile").read_text()
    return dict(re.findall(r"\b([A-Z_]+)=(/[\w/]+)", text))


WORKLOADS = [
    pytest.param(name, id=name) for name in ("funasr-fleet-worker", "funasr-fleet-exporter", "job")
]


@pytest.mark.parametrize("overlay", OVERLAYS)
@pytest.mark.parametrize("components", [(), COMPONENTS], ids=["plain", "all"])
@pytest.mark.parametrize("name", WORKLOADS)
class TestSecurity:
    def workload(self, overlay: str, components: tuple[str, ...], name: str) -> Manifest:
        if name == "job":
            return enqueue_job()
        return find(render(overlay, components), "Deployment", name)

    def test_no_container_is_root_or_can_become_root(
        self, overlay: str, components: tuple[str, ...], name: str
    ) -> None:
        workload = self.workload(overlay, components, name)
        pod, container = pod_of(workload), container_of(workload)
        assert pod["securityContext"]["runAsNonRoot"] is True
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        user = pod["securityContext"]["runAsUser"]
        assert f"USER {user}:{user}" in (ROOT / "deploy/docker/worker.Dockerfile").read_text()
        assert pod["securityContext"]["fsGroup"] == user
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }

    def test_only_users_of_the_api_have_a_token(
        self, overlay: str, components: tuple[str, ...], name: str
    ) -> None:
        asks = name == "funasr-fleet-exporter" and "deletion-cost" in components
        workload = self.workload(overlay, components, name)
        assert pod_of(workload)["automountServiceAccountToken"] is asks

    def test_every_written_directory_has_a_volume(
        self, overlay: str, components: tuple[str, ...], name: str
    ) -> None:
        workload = self.workload(overlay, components, name)
        mounts = {one["mountPath"]: one["name"] for one in container_of(workload)["volumeMounts"]}
        assert set(mounts.values()) == set(volumes_of(workload))
        assert "/tmp" in mounts  # noqa: S108 - a mount of the container
        if name == "funasr-fleet-worker":
            image, own = image_environment(), settings_of(render(overlay, components), workload)
            for directory in (own["FLEET_RUN_DIR"], own["NUMBA_CACHE_DIR"]):
                assert directory not in mounts  # it belongs to root; a worker needs its own
                assert mounts[str(Path(directory).parent)] == "run"
            assert image["HOME"] in mounts
            assert image["NUMBA_CACHE_DIR"].startswith(image["HOME"])

    def test_secrets_come_from_secrets(
        self, overlay: str, components: tuple[str, ...], name: str
    ) -> None:
        container = container_of(self.workload(overlay, components, name))
        (broker,) = [one for one in container["env"] if one["name"] == "FLEET_BROKER_URL"]
        assert broker["valueFrom"]["secretKeyRef"]["key"] == "FLEET_BROKER_URL"
        assert of_kind(render(overlay, components), "Secret") == []
