"""deploy/kubernetes: manifests render, match their schemas and are consistent."""

import json
import re
from pathlib import Path
from typing import Any

import jsonschema  # type: ignore[import-untyped]
import kubernetes_validate  # type: ignore[import-untyped]
import pytest
import typer.main
import yaml

from funasr_fleet.cli.main import app
from funasr_fleet.settings import PREFIX, Settings
from tests.support.deployments import (
    COMPONENTS,
    KUBERNETES,
    NAMESPACE,
    OVERLAYS,
    Manifest,
    container_of,
    enqueue_job,
    example,
    find,
    labels_of,
    of_kind,
    pod_of,
    render,
    selects,
    settings_of,
    worker,
)

SCHEMAS = {
    schema["properties"]["kind"]["const"]: schema
    for path in (Path(__file__).parent / "schemas").glob("*.json")
    if (schema := json.loads(path.read_text()))
}
VERSIONS = ("1.29", kubernetes_validate.latest_version())
"""Kubernetes versions: the oldest supported, and the newest with a schema here."""

COMBINATIONS: list[tuple[str, ...]] = [(), *((name,) for name in COMPONENTS), COMPONENTS]
EVERY = pytest.mark.parametrize("overlay", OVERLAYS)
PATCHES = re.findall(r"```yaml\n(.*?)```", (KUBERNETES / "README.md").read_text(), re.DOTALL)


def check(manifest: Manifest) -> None:
    """Validate a manifest against the schema of its kind."""
    if schema := SCHEMAS.get(manifest["kind"]):
        jsonschema.Draft202012Validator(schema).validate(manifest)
        return
    for version in VERSIONS:
        kubernetes_validate.validate(manifest, version, strict=True)


def all_manifests() -> list[Manifest]:
    """Every manifest of any overlay, component or example."""
    return [
        *(one for overlay in OVERLAYS for one in render(overlay, COMPONENTS)),
        *example(),
        enqueue_job(),
    ]


@pytest.mark.slow
@EVERY
@pytest.mark.parametrize("components", COMBINATIONS, ids="+".join)
def test_every_overlay_renders_with_every_component(
    overlay: str, components: tuple[str, ...]
) -> None:
    manifests = render(overlay, components)
    for manifest in manifests:
        check(manifest)
    keys = [(one["kind"], one["metadata"]["name"]) for one in manifests]
    assert len(set(keys)) == len(keys)
    of_cluster = {"PriorityClass"}
    assert all(
        one["metadata"].get("namespace") == NAMESPACE
        for one in manifests
        if one["kind"] not in of_cluster
    )


def test_the_example_is_valid_with_every_component() -> None:
    for manifest in (*example(), enqueue_job()):
        check(manifest)
    kinds = {one["kind"] for one in example()}
    assert kinds == {one["kind"] for one in render("one-gpu", COMPONENTS)} | {"Namespace"}
    (binding,) = of_kind(example(), "RoleBinding")
    namespace = find(example(), "Namespace", "")["metadata"]["name"]
    assert [one["namespace"] for one in binding["subjects"]] == [namespace]
    assert not re.search(r"image: \S+:unset", yaml.safe_dump_all(example()))


def test_an_invalid_manifest_is_detected() -> None:
    """The checks can fail: each one detects a mistake."""
    for kind in ("Deployment", "NetworkPolicy", *SCHEMAS):
        wrong = json.loads(json.dumps(of_kind(example(), kind)[0]))
        wrong["spec"]["replica"] = 1
        with pytest.raises((jsonschema.ValidationError, kubernetes_validate.ValidationError)):
            check(wrong)


@pytest.mark.parametrize("patch", PATCHES, ids=range(len(PATCHES)))
def test_the_patches_of_the_readme_apply(patch: str) -> None:
    plain, patched = render("one-gpu"), render("one-gpu", patches=(patch,))
    assert plain != patched
    for manifest in patched:
        check(manifest)
    before, after = pod_of(worker(plain))["volumes"], pod_of(worker(patched))["volumes"]
    assert [one["name"] for one in sorted(after, key=lambda one: str(one["name"]))] == [
        one["name"] for one in sorted(before, key=lambda one: str(one["name"]))
    ]
    assert all(len(one) == 2 for one in after)  # a name and one kind of volume


@EVERY
def test_selectors_match_their_pods(overlay: str) -> None:
    manifests = render(overlay, COMPONENTS)
    pods = {one["metadata"]["name"]: labels_of(one) for one in of_kind(manifests, "Deployment")}
    for one in of_kind(manifests, "Deployment", "PodDisruptionBudget", "PodMonitor", "Service"):
        selector = one["spec"]["selector"]
        selector = {"matchLabels": selector} if one["kind"] == "Service" else selector
        name = one["metadata"]["name"]
        assert {pod for pod, labels in pods.items() if selects(selector, labels)} == {name}
    (monitor,) = of_kind(manifests, "ServiceMonitor")
    services = of_kind(manifests, "Service")
    found = [
        one["metadata"]["name"]
        for one in services
        if selects(monitor["spec"]["selector"], one["metadata"]["labels"])
    ]
    assert found == [monitor["metadata"]["name"]]
    for spread in pod_of(worker(manifests))["topologySpreadConstraints"]:
        assert selects(spread["labelSelector"], pods["funasr-fleet-worker"])


def test_every_variable_is_a_setting() -> None:
    known = {PREFIX + name.upper() for name in Settings.model_fields}
    texts = "".join(path.read_text() for path in KUBERNETES.rglob("*") if path.is_file())
    named = set(re.findall(r"\bFLEET_[A-Z0-9_]+\b", texts))
    assert len(named) > 10
    assert named <= known


@pytest.mark.parametrize("components", COMBINATIONS, ids="+".join)
@EVERY
def test_the_settings_are_valid_together(overlay: str, components: tuple[str, ...]) -> None:
    manifests = render(overlay, components)
    for one in of_kind(manifests, "Deployment"):
        assert _settings(settings_of(manifests, one)).visibility_timeout_s == 120


def _settings(variables: dict[str, str]) -> Settings:
    own: dict[str, Any] = {
        name.removeprefix(PREFIX).lower(): value
        for name, value in variables.items()
        if name.startswith(PREFIX) and name != "FLEET_BROKER_URL"
    }
    return Settings(**own)


def test_all_processes_share_the_common_settings() -> None:
    shared = {"FLEET_KEY_PREFIX", "FLEET_QUEUE", "FLEET_VISIBILITY_TIMEOUT_S"}
    manifests = render("one-gpu")
    assert shared <= set(find(manifests, "ConfigMap", "funasr-fleet-shared")["data"])
    for one in (*of_kind(manifests, "Deployment"), enqueue_job()):
        sources = [name for each in container_of(one)["envFrom"] for name in each.values()]
        # by a name without a hash, which a Job cannot refer to
        assert {"name": "funasr-fleet-shared"} in sources
    data = find(manifests, "ConfigMap", "funasr-fleet-worker")["data"]
    assert not shared & set(data)


def test_kubernetes_adds_no_variable_that_resembles_a_setting() -> None:
    """For a Service `fleet-x` every pod of its namespace would get FLEET_X_SERVICE_HOST."""
    manifests = all_manifests()
    for one in of_kind(manifests, "Service"):
        assert not one["metadata"]["name"].upper().replace("-", "_").startswith(PREFIX)
    for one in of_kind(manifests, "Deployment", "Job"):
        assert pod_of(one)["enableServiceLinks"] is False


def test_pods_run_valid_command_lines() -> None:
    group: Any = typer.main.get_command(app)
    seen = set()
    for one in of_kind(all_manifests(), "Deployment", "Job"):
        container = container_of(one)
        words: list[str] = [*container["command"], *container.get("args", [])]
        program, name, *arguments = words
        assert program == "fleet"
        group.commands[name].make_context(name, arguments)  # raises for an unknown option
        seen.add(name)
    assert seen == {"worker", "exporter", "enqueue"}
