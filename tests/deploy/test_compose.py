"""deploy/compose: the rendered configuration, and the consistency of its services."""

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from funasr_fleet.settings import PREFIX, Settings
from tests.support.deployments import (
    COMPOSE,
    ROOT,
    config,
    env,
    make_env,
    needs,
    read_env,
    services,
)

__all__ = ["env", "services"]

PROMETHEUS = ROOT / "deploy/monitoring/prometheus/compose.yml"
WORKERS = ("worker-cpu", "worker-gpu")
FLEETS = (*WORKERS, "exporter", "fleet", "buckets")
KILLED_AFTER_S = 20
"""Time beyond FLEET_DRAIN_S that a worker may need to exit."""


def settings_of(service: dict[str, Any]) -> Settings:
    """Settings in the environment of a service, validated as the fleet validates them."""
    own = {n: v for n, v in service["environment"].items() if n.startswith(PREFIX)}
    names = {name.removeprefix(PREFIX).lower() for name in own}
    assert names <= set(Settings.model_fields)
    return Settings(**{name.removeprefix(PREFIX).lower(): value for name, value in own.items()})


def mounts(service: dict[str, Any]) -> dict[str, str]:
    """Mount point -> a folder, the name of a volume, or tmpfs."""
    found = [entry.split(":") for entry in service.get("volumes", [])]
    tmpfs = {entry.split(":")[0]: "tmpfs" for entry in service.get("tmpfs", [])}
    return tmpfs | {target: source for source, target, *_ in found}


def test_compose_requires_passwords(tmp_path: Path) -> None:
    empty = tmp_path / "env"
    empty.touch()
    done = config(empty)
    assert done.returncode != 0
    assert "make_env.sh" in done.stderr


def test_passwords_are_generated_once_and_private(tmp_path: Path) -> None:
    one, other = make_env(tmp_path / "one"), make_env(tmp_path / "other")
    before = one.read_text()
    secret = [n for n, v in read_env(one).items() if re.fullmatch(r"[0-9a-f]{32}", v)]
    assert len(secret) == 4
    assert all(read_env(one)[name] != read_env(other)[name] for name in secret)
    assert one.stat().st_mode & 0o777 == 0o600
    assert make_env(tmp_path / "one").read_text() == before
    assert ".env" in (COMPOSE / ".gitignore").read_text().split()


def test_every_container_has_security_restrictions(services: dict[str, Any]) -> None:
    for name, service in services.items():
        assert service["read_only"], name
        assert service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert service["restart"] in ("unless-stopped", "no"), name
        assert not {"privileged", "cap_add", "network_mode", "pid"} & set(service), name
        assert all(port.startswith("127.0.0.1:") for port in service.get("ports", [])), name
        user = service.get("user", "1")
        assert user[0] != "0" or name == "s3", name


def test_images_are_pinned_or_built_once(services: dict[str, Any]) -> None:
    built = [service["image"] for service in services.values() if "build" in service]
    assert len(built) == len(set(built)) == 3
    for service in services.values():
        pinned = re.search(r":v?\d+\.\d+\.\d+$", service["image"])
        assert pinned or service["image"] in built
    for build in (service["build"] for service in services.values() if "build" in service):
        assert Path(build["context"]) == ROOT
        assert (ROOT / build["dockerfile"]).is_file()


def test_all_services_share_their_settings(services: dict[str, Any]) -> None:
    found = [settings_of(services[name]) for name in FLEETS]
    for name in ("broker_url", "key_prefix", "queue", "visibility_timeout_s"):
        assert len({getattr(settings, name) for settings in found}) == 1
        assert PREFIX + name.upper() in services["fleet"]["environment"]
    clouds = [
        {n: v for n, v in services[name]["environment"].items() if n.startswith("AWS_")}
        for name in FLEETS
    ]
    assert all(cloud == clouds[0] for cloud in clouds)


@pytest.mark.parametrize("name", WORKERS)
def test_a_worker_has_time_to_drain(services: dict[str, Any], name: str) -> None:
    grace = re.fullmatch(r"(\d+)s", services[name]["stop_grace_period"])
    assert grace
    assert int(grace[1]) >= settings_of(services[name]).drain_s + KILLED_AFTER_S


def test_each_profile_has_its_devices(services: dict[str, Any]) -> None:
    cpu, gpu = (services[name] for name in WORKERS)
    assert (cpu["profiles"], settings_of(cpu).devices) == (["cpu"], "cpu")
    assert (gpu["profiles"], settings_of(gpu).devices) == (["gpu"], "auto")
    (device,) = gpu["deploy"]["resources"]["reservations"]["devices"]
    assert device["driver"] == "nvidia"
    assert {"gpu", "compute", "utility"} <= set(device["capabilities"])  # utility is NVML
    assert "deploy" not in cpu


def test_every_written_directory_is_mounted(services: dict[str, Any]) -> None:
    text = (ROOT / "deploy/docker/worker.Dockerfile").read_text()
    home, run_dir = (re.search(rf"{n}=(\S+)", text) for n in ("HOME", "FLEET_RUN_DIR"))
    user = re.search(r"USER (\d+)", text)
    assert home
    assert run_dir
    assert user
    for name in WORKERS:
        found = mounts(services[name])
        assert found[home[1]] == "models"
        assert found[run_dir[1]] == "tmpfs"
        assert found["/tmp"] == "scratch"  # noqa: S108 - a disk: it holds the files in progress
        assert f"uid={user[1]}," in services[name]["tmpfs"][0]
        assert ",mode=0700," in services[name]["tmpfs"][0]


def test_every_mounted_file_exists(services: dict[str, Any]) -> None:
    folders = {s for service in services.values() for s in mounts(service).values() if "/" in s}
    assert folders
    assert {folder for folder in folders if not Path(folder).exists()} == set()


def test_prometheus_discovers_every_service(services: dict[str, Any]) -> None:
    command = [needs("promtool"), "check", "config", str(PROMETHEUS)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    (inside,) = (
        target for target, source in mounts(services["prometheus"]).items() if "/" in source
    )
    relative = PROMETHEUS.relative_to(ROOT / "deploy/monitoring")
    assert f"--config.file={inside}/{relative}" in services["prometheus"]["command"]
    worker, exporter = yaml.safe_load(PROMETHEUS.read_text())["scrape_configs"]
    (found,) = worker["dns_sd_configs"]
    for name in WORKERS:
        assert set(found["names"]) <= set(services[name]["networks"]["default"]["aliases"])
        assert found["port"] == settings_of(services[name]).metrics_port
    port = services["exporter"]["command"][-1]
    assert exporter["static_configs"][0]["targets"] == [f"exporter:{port}"]
    assert services["exporter"]["healthcheck"]["test"][-1] == port
    assert (worker["job_name"], exporter["job_name"]) == ("fleet-worker", "fleet-exporter")


def test_every_rule_is_loaded() -> None:
    (pattern,) = yaml.safe_load(PROMETHEUS.read_text())["rule_files"]
    loaded = {path.resolve() for path in PROMETHEUS.parent.glob(pattern)}
    assert loaded == {path.resolve() for path in (ROOT / "deploy/monitoring/rules").iterdir()}


def test_grafana_is_provisioned(services: dict[str, Any]) -> None:
    provisioning = ROOT / "deploy/monitoring/grafana/provisioning"
    documents = [yaml.safe_load(path.read_text()) for path in provisioning.glob("*/*.yaml")]
    sources = [source for found in documents for source in found.get("datasources", [])]
    assert "http://prometheus:9090" in [source["url"] for source in sources]
    paths = [p["options"]["path"] for found in documents for p in found.get("providers", [])]
    assert paths
    assert set(paths) <= set(mounts(services["grafana"]))
