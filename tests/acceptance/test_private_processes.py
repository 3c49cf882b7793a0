"""`fleet up`: what it writes is for its user only, it leaves no core dump, and is not in reach.

The stack is started with the umask 0.
"""

from pathlib import Path

import psutil

from tests.support.fleet_up import Up

OPEN_TO_OTHERS = 0o077
PARTS = ("valkey", "rclone", "exporter", "celery", "telemetry.server")


def processes(up: Up) -> list[psutil.Process]:
    """The processes of the stack and of its guards."""
    return list(psutil.Process(up.process.pid).children(recursive=True))


def command(process: psutil.Process) -> str:
    return " ".join(process.cmdline())


def test_only_the_user_can_read_what_the_stack_writes(up: Up, job: str) -> None:
    paths = [up.data, *up.data.rglob("*")]
    names = {path.name for path in paths}
    assert {"appendonlydir", "worker.log", "exporter.log", "valkey.log", "s3.log"} <= names
    results = up.data / "s3/transcripts/job"
    assert [one for one in paths if one.is_relative_to(results) and one.suffix == ".json"]
    assert not [path for path in paths if path.lstat().st_mode & OPEN_TO_OTHERS]


def test_no_process_of_the_stack_writes_a_core_dump(up: Up) -> None:
    found = {one.pid: command(one) for one in processes(up)}
    assert [part for part in PARTS if not any(part in line for line in found.values())] == []
    guards = {pid for pid, line in found.items() if "embedded.guard" in line}
    celery = [pid for pid, line in found.items() if "celery" in line and pid not in guards]
    assert len(celery) >= 2  # the parent and a child
    for pid, line in found.items():
        limits = Path(f"/proc/{pid}/limits").read_text().splitlines()
        (core,) = (line for line in limits if line.startswith("Max core file size"))
        assert core.split()[4:6] == ["0", "0"], line


def test_the_stack_listens_on_loopback_only(up: Up) -> None:
    listening = {
        one.laddr
        for process in processes(up)
        for one in process.net_connections(kind="inet")
        if one.status == psutil.CONN_LISTEN
    }
    assert len(listening) >= 4  # broker, S3, worker and exporter
    assert {address.ip for address in listening} == {"127.0.0.1"}
