"""The wheel contains one import package, which works with modules of any name next to it.

The dependencies of this environment are used; the wheel alone is installed into a new one.
"""

import signal
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest

from tests.support.fleet_up import clean_environment

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
OLD_NAMES = ("bench", "cli", "contract", "doctor", "exporter", "local", "models", "producer")
HOSTILE = (*OLD_NAMES, "worker", "storage", "broker", "embedded", "tests", "settings")
FOLDERS = {"bench", "training", "tests", "deploy", "docs", "faults"}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir"]
    subprocess.run([*build, str(target), str(ROOT)], check=True)
    (path,) = target.glob("*.whl")
    return path


@pytest.fixture(scope="module")
def python(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment with the wheel, and the dependencies of the test environment."""
    home = tmp_path_factory.mktemp("environment")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(home)], check=True)
    place = home / f"lib/python{sysconfig.get_python_version()}/site-packages"
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(place)
    # behind the wheel, and without the import hook of an editable installation
    (place / "dependencies.pth").write_text(sysconfig.get_path("purelib"))
    (home / "bin/rclone").symlink_to(Path(sysconfig.get_path("scripts"), "rclone"))
    return home / "bin/python"


@pytest.fixture
def hostile(tmp_path: Path) -> Path:
    """A directory whose modules have the names of our folders and exit when imported."""
    for name in HOSTILE:
        (tmp_path / f"{name}.py").write_text(f'raise SystemExit("imported {name}.py")')
    return tmp_path


def test_the_wheel_contains_only_the_product_package(wheel: Path) -> None:
    names = [Path(name).parts for name in zipfile.ZipFile(wheel).namelist()]
    assert {parts[0] for parts in names if not parts[0].endswith(".dist-info")} == {"funasr_fleet"}
    assert not FOLDERS & {part for parts in names for part in parts}
    assert ("funasr_fleet", "demo_model", "demo", "asr", "model.pt") in names


def test_every_package_on_disk_is_in_the_wheel(wheel: Path) -> None:
    packed = {name for name in zipfile.ZipFile(wheel).namelist() if name.endswith(".py")}
    folders = [path.parent for path in ROOT.glob("*/__init__.py")]
    ours = [path for path in folders if path.name not in FOLDERS | {"funasr_fleet"}]
    modules = {
        f"funasr_fleet/{module.relative_to(ROOT)}" for path in ours for module in path.rglob("*.py")
    }
    assert modules <= packed


def test_the_python_api_needs_no_torch(python: Path, hostile: Path) -> None:
    names = "enqueue, status, failures, retry, cancel, reconcile, evaluate"
    code = f"import sys; from funasr_fleet import {names}; print('torch' in sys.modules)"
    done = subprocess.run(
        [python, "-c", code], cwd=hostile, capture_output=True, text=True, check=False
    )
    assert (done.stdout.strip(), done.stderr) == ("False", "")


def test_the_stack_transcribes_in_a_hostile_directory(python: Path, hostile: Path) -> None:
    fleet = [str(python), "-m", "funasr_fleet"]
    log = hostile / "up.stderr"
    with log.open("w") as stderr:
        up = subprocess.Popen(
            [*fleet, "up", "--data", "data"],
            cwd=hostile,
            env=clean_environment(),
            stdout=subprocess.PIPE,
            stderr=stderr,
            text=True,
        )
    try:
        environment = clean_environment(**exports(up, log))
        samples = str(ROOT / "embedded/samples/calls")
        where = ("--upload", "s3://audio/calls/", "--output", "s3://transcripts/calls/")
        command = [*fleet, "enqueue", samples, *where, "--wait"]
        done = subprocess.run(
            command,
            cwd=hostile,
            env=environment,
            capture_output=True,
            text=True,
            timeout=240,
            check=False,
        )
        assert done.returncode == 0, done.stderr
    finally:
        up.send_signal(signal.SIGINT)
        up.wait(60)


def exports(up: "subprocess.Popen[str]", log: Path) -> dict[str, str]:
    """The variables that `fleet up` prints once it is ready."""
    found = {}
    for line in up.stdout or ():
        if line.startswith("export "):
            name, _, value = line.removeprefix("export ").strip().partition("=")
            found[name] = value
        if line.startswith("# try:"):
            return found
    raise AssertionError(f"fleet up ended: {log.read_text()}")
