"""deploy/docker: metadata and contents of the images; their commands run."""

import json
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import threading
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path

import pytest
from docker.utils.build import exclude_paths  # type: ignore[import-untyped]
from dockerfile_parse import DockerfileParser

from funasr_fleet.demo_model import DEMO_ASR, DEMO_VAD
from funasr_fleet.http_server import make_server, plain
from funasr_fleet.settings import PREFIX, Settings

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
DOCKER = ROOT / "deploy/docker"
FILES = [DOCKER / "producer.Dockerfile", DOCKER / "worker.Dockerfile"]
IGNORED = [
    line
    for line in (ROOT / ".dockerignore").read_text().splitlines()
    if line and not line.startswith("#")
]


@dataclass(frozen=True)
class Line:
    """One instruction."""

    word: str
    value: str


def stages(dockerfile: Path) -> dict[str, list[Line]]:
    """The instructions of each stage, including those of its base stage."""
    found: dict[str, list[Line]] = {}
    current: list[Line] = []
    for part in DockerfileParser(str(dockerfile)).structure:
        if part["instruction"] == "FROM":
            base, _, name = part["value"].partition(" AS ")
            current = found[name] = list(found.get(base, []))
        if part["instruction"] != "COMMENT":
            current.append(Line(part["instruction"], part["value"]))
    return found


def image(dockerfile: Path) -> dict[str, str]:
    """The last value of each instruction in the last stage."""
    *_, last = stages(dockerfile).values()
    return {line.word: line.value for line in last}


def context(root: Path) -> set[str]:
    """The build context: the files that .dockerignore does not exclude."""
    return {name for name in exclude_paths(str(root), IGNORED) if (root / name).is_file()}


def all_lines(dockerfile: Path) -> Iterator[Line]:
    for lines in stages(dockerfile).values():
        yield from lines


@pytest.mark.parametrize("dockerfile", FILES, ids=lambda file: file.name)
class TestTheImage:
    def test_hadolint_finds_nothing(self, dockerfile: Path) -> None:
        hadolint = Path(sysconfig.get_path("scripts"), "hadolint")
        command = [str(hadolint), "--failure-threshold", "style", str(dockerfile)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr

    def test_runs_fleet_itself_as_a_numbered_user(self, dockerfile: Path) -> None:
        last = image(dockerfile)
        assert re.fullmatch(r"[1-9]\d*:[1-9]\d*", last["USER"])
        assert json.loads(last["ENTRYPOINT"]) == ["fleet"]
        assert json.loads(last["CMD"]) == (
            ["worker"] if "worker" in dockerfile.name else ["--help"]
        )
        assert last["STOPSIGNAL"] == "SIGTERM"

    def test_has_the_standard_labels(self, dockerfile: Path) -> None:
        labels = image(dockerfile)["LABEL"]
        version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
        for name in ("title", "description", "licenses", "version", "revision"):
            assert f"org.opencontainers.image.{name}=" in labels
        assert Line("ARG", f"VERSION={version}") in list(all_lines(dockerfile))

    def test_holds_no_secret_and_only_real_settings(self, dockerfile: Path) -> None:
        words = re.findall(r"\b[A-Z][A-Z0-9_]+\b", dockerfile.read_text())
        known = {PREFIX + name.upper() for name in Settings.model_fields}
        assert {word for word in words if word.startswith(PREFIX)} <= known
        secret = re.compile(r"PASSW|SECRET|TOKEN|_KEY|BROKER_URL|^AWS_")
        assert [word for word in words if secret.search(word)] == []

    def test_copies_only_existing_files(self, dockerfile: Path) -> None:
        files = context(ROOT)
        copies = [line.value.split() for line in all_lines(dockerfile) if line.word == "COPY"]
        sources = {s for copy in copies if not copy[0].startswith("--from") for s in copy[:-1]}
        assert "." in sources
        assert sources - {"."} <= files


def test_the_images_share_user_and_directories() -> None:
    producer, worker = map(image, FILES)
    assert producer["USER"] == worker["USER"]
    assert producer["WORKDIR"] == worker["WORKDIR"]
    for name in ("HOME", "FLEET_RUN_DIR", "PYTHONPATH"):
        value = re.search(rf"\b{name}=\S+", producer["ENV"])
        assert value
        assert value.group() in worker["ENV"]


def test_an_image_can_be_built_from_the_packages_alone(tmp_path: Path) -> None:
    inside = ["cli/main.py", "demo_model/demo/asr/model.pt", "deploy/docker/healthy.py", "LICENSE"]
    outside = [
        *(".env", ".git/config", "deploy/compose/.env", ".venv/bin/python", "fleet.toml"),
        *("tests/unit/test_x.py", "bench/results/x.json", "cli/__pycache__/main.pyc", "id_rsa"),
    ]
    for name in (*inside, *outside):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    assert context(tmp_path) == set(inside)


def test_every_package_is_copied_into_the_image() -> None:
    setuptools = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]
    folders = {*setuptools["package-dir"].values(), "deploy"}
    assert {name.partition("/")[0] for name in context(ROOT) if name.count("/")} == folders


def run(command: list[str], environment: Mapping[str, str], folder: Path) -> str:
    done = subprocess.run(
        command, env=environment, cwd=folder, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, f"{command}: {done.stdout[-2000:]}{done.stderr[-2000:]}"
    return done.stdout


def own_environment() -> dict[str, str]:
    """The pip settings of this machine, without the other variables of the test environment."""
    kept = ("PIP_", "SSL_", "HTTP", "http", "LANG", "HOME")
    found = {name: value for name, value in os.environ.items() if name.startswith(kept)}
    return {**found, "PATH": "/usr/local/bin:/usr/bin:/bin"}


def build(stage: list[Line], home: Path) -> None:
    """Run the instructions of a stage in a folder that replaces /."""
    environment, folder = own_environment(), home
    python = home / "bin/python"
    python.parent.mkdir()
    python.symlink_to(Path(sys.base_prefix, "bin", f"python3.{sys.version_info.minor}"))
    environment["PATH"] = f"{python.parent}:{environment['PATH']}"
    for line in stage:
        match line.word:
            case "ENV":
                pairs = [pair.partition("=") for pair in line.value.split()]
                environment.update({name: value for name, _, value in pairs})
            case "WORKDIR":
                folder = Path(f"{home}{line.value}")
                folder.mkdir()
            case "COPY":
                wanted = line.value.split()[:-1]
                names = context(ROOT) if wanted == ["."] else wanted
                for name in names:
                    (folder / name).parent.mkdir(parents=True, exist_ok=True)
                    shutil.copy2(ROOT / name, folder / name)
            case "RUN":
                run(["sh", "-ec", line.value.replace("/opt/", f"{home}/opt/")], environment, folder)


def test_the_producer_installs_and_runs_without_torch(tmp_path: Path) -> None:
    """Runs the lines of the Dockerfile, which takes a minute."""
    build(stages(FILES[0])["build"], tmp_path)
    opt = tmp_path / "opt"
    environment = {"PATH": f"{opt}/app/bin:{opt}/fleet/bin:/bin", "PYTHONPATH": f"{opt}/app"}
    assert "enqueue" in run(["fleet", "--help"], environment, tmp_path)
    for command in ("enqueue", "exporter", "status", "reconcile", "doctor"):
        assert "--help" in run(["fleet", command, "--help"], environment, tmp_path)
    installed = run([f"{opt}/fleet/bin/pip", "freeze"], environment, tmp_path).splitlines()
    names = {line.partition("==")[0].lower() for line in installed}
    assert {"celery", "boto3", "redis"} <= names
    assert names.isdisjoint({"torch", "funasr", "numpy", "av"})
    # dependencies are in one layer, the product is in another
    assert not [*(opt / "fleet").glob("lib/*/site-packages/funasr_fleet*")]
    constraints = (ROOT / "constraints.txt").read_text().lower().splitlines()
    ours = [line for line in installed if not line.startswith(("pip==", "funasr-fleet"))]
    assert {line.lower() for line in ours} <= set(constraints)


@pytest.mark.parametrize(("status", "code"), [(HTTPStatus.OK, 0), (HTTPStatus(503), 1)])
def test_the_health_check_reports_a_failing_worker(status: HTTPStatus, code: int) -> None:
    server = make_server(lambda path: plain(path, status), "", 0)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    port = str(server.server_address[1])
    script = [sys.executable, str(DOCKER / "healthy.py")]
    try:
        for arguments, variables in (([port], {}), ([], {"FLEET_METRICS_PORT": port})):
            done = subprocess.run([*script, *arguments], env=variables, check=False)
            assert done.returncode == code
    finally:
        server.shutdown()
        server.server_close()
    assert subprocess.run([*script, port], env={}, check=False).returncode == 1
    assert subprocess.run(script, env={"FLEET_METRICS_PORT": "0"}, check=False).returncode == 0


def bake(folder: Path) -> "subprocess.CompletedProcess[str]":
    environment = own_environment() | {"FLEET_MODEL": "asr", "FLEET_VAD_MODEL": "vad"}
    command = [sys.executable, str(DOCKER / "bake.py"), str(folder / "models")]
    return subprocess.run(
        command, env=environment, cwd=folder, capture_output=True, text=True, check=False
    )


def test_models_are_added_to_the_image_only_when_they_work(tmp_path: Path) -> None:
    shutil.copytree(DEMO_ASR, tmp_path / "asr")
    shutil.copytree(DEMO_VAD, tmp_path / "vad")
    done = bake(tmp_path)
    assert done.returncode == 0, done.stderr[-2000:]
    assert "canary transcribed" in done.stderr
    assert (tmp_path / "models/asr/model.pt").read_bytes() == (DEMO_ASR / "model.pt").read_bytes()
    (tmp_path / "vad/model.pt").unlink()
    shutil.rmtree(tmp_path / "models")
    assert bake(tmp_path).returncode != 0
