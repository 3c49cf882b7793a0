"""deploy/systemd: the units, read by systemd's own tools, and their start line by a real shell."""

import inspect
import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from funasr_fleet.cli.run import exporter
from funasr_fleet.settings import PREFIX, Settings
from tests.support.deployments import needs

ROOT = Path(__file__).parents[2]
SYSTEMD = ROOT / "deploy/systemd"
WORKER = SYSTEMD / "fleet-worker@.service"
EXPORTER = SYSTEMD / "fleet-exporter.service"
PROGRAM = "/opt/funasr-fleet/bin/fleet"
KILLED_AFTER_S = 20
"""Time beyond FLEET_DRAIN_S that a worker may need to exit."""
NEW_IN_254 = {"RestartSteps", "RestartMaxDelaySec"}
"""Keys that older versions of systemd report as ignored."""


def read(path: Path) -> dict[str, list[str]]:
    """Each key of [Service] with all of its values."""
    found: dict[str, list[str]] = {}
    section = path.read_text().split("[Service]")[1].split("\n[")[0]
    for line in section.splitlines():
        if line and line[0] not in "#;":
            key, _, value = line.partition("=")
            found.setdefault(key, []).append(value)
    return found


def environment(path: Path) -> dict[str, str]:
    """The variables of Environment=."""
    pairs = " ".join(read(path).get("Environment", [])).split()
    return dict(pair.split("=", 1) for pair in pairs)


@pytest.fixture
def installed(tmp_path: Path) -> Path:
    """The units, with the program in a temporary folder."""
    program = tmp_path / "fleet"
    program.write_text('#!/bin/sh\necho "$FLEET_METRICS_PORT $$ $*"\n')
    program.chmod(0o755)
    for path in (WORKER, EXPORTER):
        (tmp_path / path.name).write_text(path.read_text().replace(PROGRAM, str(program)))
    return tmp_path


@pytest.mark.parametrize("name", [WORKER.name, EXPORTER.name])
def test_the_unit_is_valid_for_systemd(installed: Path, name: str) -> None:
    command = [needs("systemd-analyze"), "verify", str(installed / name)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    warnings = [line for line in done.stderr.splitlines() if str(installed) in line]
    unknown = [re.search(r"Unknown key(?: name)? '(\w+)'", line) for line in warnings]
    assert {match[1] if match else "" for match in unknown} <= NEW_IN_254, warnings


@pytest.mark.parametrize(("path", "exposure"), [(WORKER, 3.5), (EXPORTER, 2.0)])
def test_the_unit_has_security_restrictions(path: Path, exposure: float) -> None:
    command = [needs("systemd-analyze"), "security", "--offline=yes", str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    found = re.search(r"exposure level for \S+: (\d+\.\d+)", done.stdout)
    assert found, done.stderr
    assert float(found[1]) <= exposure


def test_the_restrictions_allow_cuda_and_compilers() -> None:
    service = read(WORKER)
    assert service["DeviceAllow"] == ["char-nvidia* rw"]
    assert service["DevicePolicy"] == ["closed"]
    assert not {"PrivateDevices", "MemoryDenyWriteExecute", "SystemCallFilter"} & set(service)


def start_line(unit: Path, instance: str) -> list[str]:
    """ExecStart= as systemd runs it: specifiers expanded, quotes and $$ removed."""
    (value,) = read(unit)["ExecStart"]
    shell, dash_c, script = re.fullmatch(r"(\S+) (\S+) '(.*)'", value).groups()  # type: ignore[union-attr]
    return [shell, dash_c, script.replace("%i", instance).replace("$$", "$")]


def started(installed: Path, instance: str, variables: dict[str, str]) -> tuple[int, bool, str]:
    """The program's port, whether it is the started process, and its arguments."""
    command = start_line(installed / WORKER.name, instance)
    process = subprocess.Popen(command, env=variables, stdout=subprocess.PIPE, text=True)
    warnings, _ = process.communicate()
    port, pid, arguments = warnings.strip().split(" ", 2)
    return int(port), int(pid) == process.pid, arguments


def test_each_instance_has_its_own_port(installed: Path) -> None:
    instances = [*map(str, range(33)), "auto", "cpu"]
    ports = [started(installed, instance, {})[0] for instance in instances]
    assert ports == [*range(9470, 9503), 9470, 9470]
    taken = {Settings.model_fields["metrics_port"].default, *exporter_ports()}
    assert taken.isdisjoint(ports)
    assert started(installed, "12", {"METRICS_PORT_BASE": "9500"})[0] == 9512
    # a value in the shared environment file must not take precedence
    assert started(installed, "12", {"FLEET_METRICS_PORT": "9464"})[0] == 9482


def exporter_ports() -> list[int]:
    return [int(port) for port in re.findall(r"--port (\d+)", EXPORTER.read_text())]


def test_systemd_signals_the_worker_itself(installed: Path) -> None:
    _, is_the_shell, arguments = started(installed, "0", {})
    assert is_the_shell
    assert arguments == "worker"
    assert read(WORKER)["KillMode"] == ["mixed"]


def test_a_worker_has_time_to_drain_and_is_always_restarted() -> None:
    service = read(WORKER)
    drain_s = Settings.model_fields["drain_s"].default
    assert int(service["TimeoutStopSec"][0]) >= drain_s + KILLED_AFTER_S
    assert service["Restart"] == ["always"]
    assert not {"RestartPreventExitStatus", "SuccessExitStatus"} & set(service)
    assert int(service["RestartMaxDelaySec"][0]) > int(service["RestartSec"][0]) > 0
    assert service["OOMPolicy"] == ["continue"]


def test_settings_exist_and_directories_belong_to_the_unit() -> None:
    known = {PREFIX + name.upper() for name in Settings.model_fields}
    for text in (WORKER.read_text(), EXPORTER.read_text(), (SYSTEMD / "README.md").read_text()):
        assert set(re.findall(r"\bFLEET_[A-Z_]+\b", text)) <= known
    service, variables = read(WORKER), environment(WORKER)
    assert variables["FLEET_DEVICES"] == "%i"
    assert variables["FLEET_RUN_DIR"] == f"%t/{service['RuntimeDirectory'][0]}"
    assert "%i" in service["RuntimeDirectory"][0]
    assert service["RuntimeDirectoryMode"] == ["0700"]
    state = f"%S/{service['StateDirectory'][0]}"
    assert variables["HOME"] == state
    assert variables["NUMBA_CACHE_DIR"].startswith(f"{state}/")


def test_all_units_run_as_one_user() -> None:
    """Units with different users would change the owner of StateDirectory at each start."""
    users = {(*read(path)["User"], *read(path)["DynamicUser"]) for path in (WORKER, EXPORTER)}
    assert len(users) == 1


def test_the_exporter_starts_with_valid_options(installed: Path) -> None:
    (line,) = read(installed / EXPORTER.name)["ExecStart"]
    program, *arguments = line.split()
    assert shutil.which(program)
    command, flag, port = arguments
    assert (command, flag) == ("exporter", "--port")
    assert inspect.signature(exporter).parameters["port"].default == int(port)


def test_prometheus_keeps_the_labels_of_the_exporter() -> None:
    """Without honor_labels the label of a transcription job would become `exported_job`."""
    (block,) = re.findall(r"```yaml\n(.*?)```", (SYSTEMD / "README.md").read_text(), re.DOTALL)
    scraped = {one["job_name"]: one for one in yaml.safe_load(block)["scrape_configs"]}
    assert scraped["fleet-exporter"]["honor_labels"] is True
    assert "honor_labels" not in scraped["fleet-worker"]
