"""`fleet worker` starts only in directories that no other user can write to."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.support.fleet_up import Up, run_fleet

DEMO = Path(__file__).parents[2] / "demo_model" / "demo"
PLANT = """
import pickle, sys
from pathlib import Path
from numba.core.dispatcher import Dispatcher
from funasr_fleet.worker.engine.fast import decisions, predictor

class Planted:
    def __reduce__(self):
        return Path.touch, (Path(sys.argv[1]),)

found = [one for module in (decisions, predictor) for one in vars(module).values()]
for function in found:
    if isinstance(function, Dispatcher):
        index = Path(function._cache._cache_file._index_path)
        index.parent.mkdir(parents=True, exist_ok=True)
        index.write_bytes(pickle.dumps(Planted()))
        print(index)
"""
"""Writes numba cache entries of the compiled functions: pickles that create a marker file."""


@pytest.fixture
def environment(up: Up, tmp_path: Path) -> dict[str, str]:
    """Environment of a second worker with the running stack; its canary would fail."""
    shutil.copytree(DEMO, tmp_path / "demo")
    (tmp_path / "demo" / "canary.json").write_text('{"text": "something else"}')
    mine = {
        "FLEET_METRICS_PORT": "0",
        "FLEET_DEVICES": "cpu",
        "FLEET_QUEUE": "other",
        "FLEET_MODEL": str(tmp_path / "demo" / "asr"),
        "FLEET_VAD_MODEL": "demo",
        "FLEET_RUN_DIR": str(tmp_path / "run"),
    }
    kept = {name: value for name, value in up.environment.items() if name != "NUMBA_CACHE_DIR"}
    return {**kept, **mine}


def plant(cache: Path, marker: Path, environment: dict[str, str]) -> None:
    """Write cache entries as another user can in a world-writable cache."""
    done = subprocess.run(
        [sys.executable, "-c", PLANT, str(marker)],
        env={**environment, "NUMBA_CACHE_DIR": str(cache)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert len(done.stdout.splitlines()) > 3
    assert all(line.startswith(str(cache)) for line in done.stdout.splitlines())


def last_line(text: str) -> str:
    return text.strip().splitlines()[-1]


def doctor(environment: dict[str, str]) -> tuple[int, dict[str, Any]]:
    done = run_fleet("doctor", "--json", environment=environment)
    return done.returncode, {one["row"]: one for one in json.loads(done.stdout)}


@pytest.mark.slow
@pytest.mark.parametrize("named", [False, True], ids=["in the run directory", "NUMBA_CACHE_DIR"])
def test_cache_entries_of_other_users_are_not_executed(
    environment: dict[str, str], tmp_path: Path, named: bool
) -> None:
    marker = tmp_path / "marker"
    wide = tmp_path / ("compiled" if named else "run")
    cache = wide if named else wide / "numba"
    cache.mkdir(parents=True)
    plant(cache, marker, environment)
    wide.chmod(0o777)
    if named:
        environment["NUMBA_CACHE_DIR"] = str(cache)
    setting = "NUMBA_CACHE_DIR" if named else "FLEET_RUN_DIR"
    refusal = (
        f"{wide} can be written to by other users (mode 0777); remove it, "
        f"or set {setting} to a directory that only this user can write to"
    )

    done = run_fleet("worker", environment=environment)
    assert not marker.exists()
    assert (done.returncode, last_line(done.stderr)) == (2, f"fleet: {refusal}")

    code, rows = doctor(environment)
    assert not marker.exists()
    assert (code, rows["run folder"]["verdict"], rows["run folder"]["told"]) == (
        2,
        "error",
        refusal,
    )
    assert "model" not in rows


@pytest.mark.slow
def test_a_planted_cache_entry_leaves_its_marker_when_executed(tmp_path: Path) -> None:
    """Shows that the test above can fail."""
    marker, cache = tmp_path / "marker", tmp_path / "compiled"
    plant(cache, marker, dict(os.environ))
    call = (
        "import numpy; from funasr_fleet.worker.engine.fast import decisions; "
        "[one(*[numpy.zeros(3)] * one.py_func.__code__.co_argcount)"
        " for one in vars(decisions).values() if hasattr(one, 'py_func')]"
    )
    environment = {**os.environ, "NUMBA_CACHE_DIR": str(cache)}
    subprocess.run([sys.executable, "-c", call], env=environment, capture_output=True, check=False)
    assert marker.exists()


def test_a_symbolic_link_as_run_directory_is_code_2(
    environment: dict[str, str], tmp_path: Path
) -> None:
    (tmp_path / "elsewhere").mkdir(0o700)
    (tmp_path / "run").symlink_to(tmp_path / "elsewhere")
    done = run_fleet("worker", environment=environment)
    assert done.returncode == 2
    assert last_line(done.stderr).startswith(f"fleet: {tmp_path / 'run'} is a symbolic link; ")
    assert list((tmp_path / "elsewhere").iterdir()) == []


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file to another user")
def test_a_run_directory_of_another_user_is_code_2(
    environment: dict[str, str], tmp_path: Path
) -> None:
    (tmp_path / "run").mkdir(0o755)
    os.chown(tmp_path / "run", 12345, -1)
    done = run_fleet("worker", environment=environment)
    assert done.returncode == 2
    assert last_line(done.stderr).startswith(f"fleet: {tmp_path / 'run'} belongs to user 12345, ")


@pytest.mark.slow
def test_a_worker_creates_its_directories_for_its_user_only(
    environment: dict[str, str], tmp_path: Path
) -> None:
    """The mode of an existing directory is corrected before the unknown model is rejected."""
    (tmp_path / "run").mkdir(0o755)
    model = tmp_path / "model"
    model.mkdir()
    (model / "config.yaml").write_text("model: Unknown\n")
    done = run_fleet("worker", environment={**environment, "FLEET_MODEL": str(model)})
    assert (done.returncode, f"the recogniser '{model}' cannot be" in done.stderr) == (3, True)
    made = [tmp_path / "run", *(tmp_path / "run").iterdir()]
    assert tmp_path / "run" / "numba" in made
    assert {path.stat().st_mode & 0o777 for path in made} == {0o700}
