"""deploy/ as kubectl and docker-compose render it."""

import functools
import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml

PACKAGES = {
    "promtool": "prometheus",
    "prometheus": "prometheus",
    "kubectl": "kubernetes-client",
    "docker-compose": "docker-compose",
    "redis-server": "redis-server",
    "systemd-analyze": "systemd",
}
"""Debian package of each program."""


def needs(program: str) -> str:
    """Path of a program; if it is missing, the test is skipped, or fails on CI."""
    found = shutil.which(program)
    if not found:
        why = f"{program} is not installed: apt-get install {PACKAGES[program]}"
        if os.environ.get("CI"):
            pytest.fail(why)
        pytest.skip(why)
    return found


ROOT = Path(__file__).parents[2]
KUBERNETES = ROOT / "deploy/kubernetes"
OVERLAYS = sorted(path.name for path in (KUBERNETES / "overlays").iterdir())
COMPONENTS = tuple(sorted(path.name for path in (KUBERNETES / "components").iterdir()))

Manifest = dict[str, Any]

NAME, COMPONENT = "app.kubernetes.io/name", "app.kubernetes.io/component"
NAMESPACE = "somewhere"


def build(directory: Path) -> list[Manifest]:
    done = subprocess.run(
        [needs("kubectl"), "kustomize", str(directory)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "Warning" not in done.stderr
    return list(yaml.safe_load_all(done.stdout))


@functools.cache
def render(
    overlay: str, components: tuple[str, ...] = (), patches: tuple[str, ...] = ()
) -> tuple[Manifest, ...]:
    """Render an overlay with components, like a user's kustomization.

    Args:
        overlay: name of its folder.
        components: names of the components' folders.
        patches: YAML of each.
    """
    with tempfile.TemporaryDirectory() as directory:
        here = Path(directory).resolve()
        there = os.path.relpath(KUBERNETES, here)
        kustomization = {
            "namespace": NAMESPACE,
            "resources": [f"{there}/overlays/{overlay}"],
            "components": [f"{there}/components/{name}" for name in components],
            "patches": [{"patch": patch} for patch in patches],
        }
        (here / "kustomization.yaml").write_text(json.dumps(kustomization))
        return tuple(build(here))


@functools.cache
def example() -> tuple[Manifest, ...]:
    return tuple(build(KUBERNETES / "example"))


def enqueue_job() -> Manifest:
    job: Manifest = yaml.safe_load((KUBERNETES / "example/enqueue.yaml").read_text())
    return job


def of_kind(manifests: Iterable[Manifest], *kinds: str) -> list[Manifest]:
    return [one for one in manifests if one["kind"] in kinds]


def find(manifests: Iterable[Manifest], kind: str, name: str) -> Manifest:
    """The manifest of this kind with this name prefix; names of ConfigMaps end with a hash."""
    (found,) = (one for one in of_kind(manifests, kind) if one["metadata"]["name"].startswith(name))
    return found


def worker(manifests: Iterable[Manifest]) -> Manifest:
    return find(manifests, "Deployment", "funasr-fleet-worker")


def pod_of(workload: Manifest) -> Manifest:
    pod: Manifest = workload["spec"]["template"]["spec"]
    return pod


def container_of(workload: Manifest) -> Manifest:
    (container,) = pod_of(workload)["containers"]
    return dict(container)


def volumes_of(workload: Manifest) -> dict[str, Manifest]:
    return {one["name"]: one for one in pod_of(workload)["volumes"]}


def labels_of(workload: Manifest) -> dict[str, str]:
    return dict(workload["spec"]["template"]["metadata"]["labels"])


def settings_of(manifests: Sequence[Manifest], workload: Manifest) -> dict[str, str]:
    """Variables of its container; later sources override earlier ones."""
    found: dict[str, str] = {}
    for source in container_of(workload)["envFrom"]:
        if "configMapRef" in source:
            found |= find(manifests, "ConfigMap", source["configMapRef"]["name"])["data"]
    for variable in container_of(workload)["env"]:
        found[variable["name"]] = variable.get("value", "")
    return found


def selects(selector: Manifest, labels: dict[str, str]) -> bool:
    """Whether a label selector matches these labels."""
    wanted = selector.get("matchLabels", {})
    rules = selector.get("matchExpressions", [])
    assert all(rule["operator"] == "In" for rule in rules)
    return all(labels.get(key) == value for key, value in wanted.items()) and all(
        labels.get(rule["key"]) in rule["values"] for rule in rules
    )


ROOT = Path(__file__).parents[2]
COMPOSE = ROOT / "deploy/compose"


def make_env(folder: Path) -> Path:
    """Run a copy of make_env.sh and return the path of the file written."""
    folder.mkdir(exist_ok=True)
    script = shutil.copy(COMPOSE / "make_env.sh", folder)
    subprocess.run(["sh", script], check=True, capture_output=True)
    return folder / ".env"


def read_env(file: Path) -> dict[str, str]:
    lines = [line for line in file.read_text().splitlines() if line and line[0] != "#"]
    return {name: value for name, _, value in (line.partition("=") for line in lines)}


def config(env: Path) -> "subprocess.CompletedProcess[str]":
    command = [needs("docker-compose"), "-f", str(COMPOSE / "compose.yaml")]
    return subprocess.run(
        [*command, "--env-file", str(env), "config"],
        env={"PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(scope="module")
def env(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_env(tmp_path_factory.mktemp("compose"))


@pytest.fixture(scope="module")
def services(env: Path) -> dict[str, Any]:
    """Every service, with inheritance and interpolation applied."""
    done = config(env)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = yaml.safe_load(done.stdout)["services"]
    return found
