"""compose.yaml as docker-compose reads it, with the .env that make_env.sh writes."""

import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support.programs import needs

ROOT = Path(__file__).parents[2]
COMPOSE = ROOT / "deploy/compose"


def make_env(folder: Path) -> Path:
    """Run a copy of make_env.sh; the path of what it wrote."""
    folder.mkdir(exist_ok=True)
    script = shutil.copy(COMPOSE / "make_env.sh", folder)
    subprocess.run(["sh", script], check=True, capture_output=True)
    return folder / ".env"


def read_env(file: Path) -> dict[str, str]:
    """What is set in it."""
    lines = [line for line in file.read_text().splitlines() if line and line[0] != "#"]
    return {name: value for name, _, value in (line.partition("=") for line in lines)}


def config(env: Path) -> "subprocess.CompletedProcess[str]":
    """docker-compose config."""
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
    """A fresh .env."""
    return make_env(tmp_path_factory.mktemp("compose"))


@pytest.fixture(scope="module")
def services(env: Path) -> dict[str, Any]:
    """Every service, with what is inherited and interpolated."""
    done = config(env)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = yaml.safe_load(done.stdout)["services"]
    return found
