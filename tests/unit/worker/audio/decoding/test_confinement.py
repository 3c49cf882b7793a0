"""What a decoder process cannot do, seen from inside and outside."""

import os
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from bench.faults.killing import decoders_of
from funasr_fleet.doctor.worker import check_confinement
from funasr_fleet.worker.audio.decoder_pool import DecoderPool
from funasr_fleet.worker.events import ignore

CONFINED = """
import os, signal, socket, sys
from funasr_fleet.worker.audio.decoding.confinement import confine
secret, victim = sys.argv[1], int(sys.argv[2])
open_file = open(secret, "r+")
confine()
held = os.dup(0)  # as the file that is being decoded
def attempt(act):
    try:
        act()
    except OSError as error:
        return type(error).__name__
    return "allowed"
def connect():
    with socket.socket() as one:
        one.connect(("127.0.0.1", 9))
print(attempt(lambda: open(secret)), attempt(lambda: open(secret + ".new", "w")),
      attempt(socket.socket), attempt(os.pipe), attempt(lambda: os.listdir("/")),
      attempt(lambda: os.write(open_file.fileno(), b"x")))
os.close(held)
print(attempt(lambda: open(secret)), attempt(lambda: os.unlink(secret)),
      attempt(lambda: os.execv("/bin/true", ["true"])), attempt(connect),
      attempt(lambda: os.kill(victim, signal.SIGTERM)))
"""


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    path = tmp_path / "secret"
    path.write_text("secret")
    return path


def test_no_file_socket_or_program_can_be_opened(secret: Path) -> None:
    with subprocess.Popen(["sleep", "600"]) as victim:
        run = [sys.executable, "-c", CONFINED, str(secret), str(victim.pid)]
        done = subprocess.run(run, capture_output=True, text=True, check=False)
        still_runs = victim.poll() is None
        victim.kill()
    assert done.returncode == 0, done.stderr
    decoding, with_a_free_descriptor = done.stdout.splitlines()
    assert "allowed" not in decoding.split()
    assert secret.read_text() == "secret"
    landlockpy = pytest.importorskip("landlockpy")
    if landlockpy.abi_version() >= 6:
        assert with_a_free_descriptor.split() == ["PermissionError"] * 5
        assert still_runs


def test_a_decoder_inherits_no_secrets_and_no_descriptors(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "hunter2")
    monkeypatch.setenv("FLEET_BROKER_URL", "redis://:hunter2@broker/0")
    before = set(decoders_of(os.getpid()))
    pool = DecoderPool(1, ignore)
    try:
        pool.wait_until_ready()
        (pid,) = set(decoders_of(os.getpid())) - before
        process = psutil.Process(pid)
        assert "hunter2" not in str(process.environ())
        assert process.environ()["OMP_NUM_THREADS"] == "1"
        assert process.open_files() == []
        assert process.net_connections() == []
        assert process.cwd() == "/"
        assert os.getsid(pid) == pid
    finally:
        pool.close()


def test_a_decoder_imports_nothing_of_the_worker_that_it_does_not_need() -> None:
    code = "import sys, funasr_fleet.worker.audio.decoding.process; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = {name.partition(".")[0] for name in done.stdout.split()}
    assert {"av", "numpy"} <= loaded
    assert loaded.isdisjoint({"torch", "funasr", "pydantic", "boto3", "celery", "redis", "urllib3"})


def test_doctor_warns_where_landlock_is_not_available() -> None:
    assert check_confinement(7).verdict == "ok"
    found = check_confinement(0)
    assert (found.verdict, found.row) == ("warning", "decoders")
    assert "Linux 5.13" in found.advice
