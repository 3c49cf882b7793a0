"""`fleet status`: its text, its JSON output and its exit codes."""

import io
import json
from dataclasses import replace
from typing import Any

import pytest
from rich.console import Console
from typer.testing import Result

import funasr_fleet
from funasr_fleet.broker.ledger.values import JobCounts, Minute
from funasr_fleet.broker.ledger.worker_seen import WorkerSeen
from funasr_fleet.cli.exits import Exit, exit_for
from funasr_fleet.cli.jobs import status
from funasr_fleet.cli.status_view import line, view
from funasr_fleet.producer.errors import NoSuchJob
from funasr_fleet.producer.jobs.status import JobStatus
from tests.support.examples import BEGUN, counted, invoke, status_of, steady

HOUR_MS = 3_600_000
RUNNING = counted({"ok": 90, "failed": 10}, files=200, audio_ms=100 * HOUR_MS, work_ms=HOUR_MS)
STEADY = steady(10, 10, 10 * HOUR_MS)


def seen(shown: JobStatus, width: int = 120) -> str:
    console = Console(width=width, record=True, highlight=False, file=io.StringIO())
    console.print(view(shown))
    return console.export_text()


def test_the_view_has_progress_eta_and_cost() -> None:
    worker = WorkerSeen(
        worker="fleet@a", slot=1, at=BEGUN + 590, job="night", shard="night-7", files=4
    )
    text = seen(status_of(RUNNING, STEADY, workers=[worker], gpu_hour_price=1.5))
    assert "night  running  s3://out/" in text
    assert "50.0 %  time left: about 10 min, from the audio of the last 5 minutes" in text
    assert {"audio done 100 h", "audio left about 100 h"} <= rows(text)
    assert "recognised" not in text
    assert "600 audio hours per hour, 0.17 files/s" in text
    assert "1.50 so far, about 3.00 in total" in text
    assert "2 messages ready, 1 held by workers" in text
    assert all(part in text for part in ("fleet@a/1", "night-7", "10 s ago"))


def rows(text: str) -> set[str]:
    """The lines of the view, with single spaces."""
    return {" ".join(line.split()) for line in text.splitlines()}


def test_a_long_file_in_progress_is_shown() -> None:
    worker = WorkerSeen(
        worker="a", slot=1, at=BEGUN + 590, job="night", shard="s", in_progress_ms=HOUR_MS // 2
    )
    text = seen(status_of(RUNNING, STEADY, workers=[worker]))
    assert "in progress 30 min of audio recognised, in files that are not finished" in rows(text)
    assert "audio left about 99.5 h" in rows(text)


def test_postponed_shards_are_shown_with_their_reason() -> None:
    shown = replace(
        status_of(RUNNING, STEADY),
        postponed={"disk_full": 10, "storage_unavailable": 2},
        postponed_message="No space left on device",
    )
    phrase = (
        "12 shards are postponed and will be retried (10 disk_full, 2 storage_unavailable): "
        "No space left on device"
    )
    assert phrase in seen(shown, width=200)
    assert phrase in line(shown)
    assert shown.to_json()["postponed"] == {"disk_full": 10, "storage_unavailable": 2}
    assert "postponed" not in seen(status_of(RUNNING, STEADY))


def test_a_queue_without_a_ready_worker_is_shown() -> None:
    shown = replace(status_of(RUNNING, STEADY), unserved_queue="night-queue")
    phrase = "no ready worker serves queue night-queue: start a worker"
    assert phrase in seen(shown)
    assert phrase in line(shown)
    assert shown.to_json()["unserved_queue"] == "night-queue"
    assert "no worker" not in seen(status_of(RUNNING, STEADY))


def test_no_number_is_cut_off_in_a_narrow_terminal() -> None:
    huge = counted({"ok": 4_512_345, "failed": 1_234_567}, files=10_000_000, in_flight=123_456)
    text = seen(status_of(huge, STEADY), width=60)
    for number in ("10,000,000", "4,512,345", "1,234,567", "4,253,088", "123,456"):
        assert number in text


@pytest.mark.parametrize(
    ("counts", "minutes", "after_s", "phrase"),
    [
        (counted(files=9), [], 60, "no file is finished yet"),
        (counted(files=9), [], 7200, "stalled: nothing finished for 2 h"),
        (counted({"ok": 9}), [], 60, "no files are waiting"),
        (counted({"ok": 9}, declared=True), [], 60, "no report is written; if this lasts, run"),
        (
            counted(files=9, cancelled_at=BEGUN, in_flight=2),
            [],
            60,
            "2 files are still in progress",
        ),
        (counted({"ok": 2}, files=9, cancelled_at=BEGUN), [], 60, "cancelled files: 7"),
        (counted(files=9, cancelled_at=BEGUN, whole=False), [], 60, "cancelled files: unknown"),
        (counted({"ok": 1}, files=2, published=False), steady(1, 1, 9), 30, "planned so far"),
    ],
)
def test_the_line_and_the_view_explain_the_end_of_a_job(
    counts: JobCounts, minutes: list[Minute], after_s: float, phrase: str
) -> None:
    shown = status_of(counts, minutes, now=BEGUN + after_s)
    assert phrase in line(shown)
    assert "\n" not in line(shown)
    assert phrase in " ".join(seen(shown, width=200).split())


def test_cancelled_files_do_not_count_as_finished() -> None:
    counts = counted({"ok": 7, "cancelled": 143}, files=150, cancelled_at=BEGUN)
    shown = status_of(counts)
    assert "cancelled: 7 of 150 files (4.7 %)" in line(shown)
    assert shown.to_json()["complete"] is False
    lost = status_of(replace(counts, whole=False))
    assert "cancelled: 7 files finished" in line(lost)
    assert "%" not in line(lost)
    assert "files      ?" in seen(lost)


def _run(*arguments: str) -> Result:
    return invoke(status, *arguments)


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Replaces the producer's `status` and `list_jobs`: the requested job, and their results."""
    heard: dict[str, Any] = {"jobs": [RUNNING], "counts": RUNNING}

    def tell(job: str, _settings: object, gpu_hour_price: float | None) -> JobStatus:
        heard["job"] = job
        return status_of(heard["counts"], STEADY, gpu_hour_price=gpu_hour_price)

    monkeypatch.setattr(funasr_fleet, "status", tell)
    monkeypatch.setattr(funasr_fleet, "list_jobs", lambda _: heard["jobs"])
    return heard


def test_json_output_is_one_document_on_stdout(asked: dict[str, Any]) -> None:
    result = _run("some-job", "--json", "--gpu-hour-price", "2")
    document = json.loads(result.stdout)
    assert result.exit_code == 0
    assert asked["job"] == "some-job"
    assert (document["files"], document["eta_s"], document["cost_so_far"]) == (200, 600, 2)


def test_the_newest_job_is_the_default(asked: dict[str, Any]) -> None:
    assert "night" in _run().stdout
    assert asked["job"] == "night"


def test_without_jobs_the_error_names_the_command_that_makes_one(asked: dict[str, Any]) -> None:
    asked["jobs"] = []
    error = _run().exception
    assert isinstance(error, NoSuchJob)
    assert exit_for(error) is Exit.UNREACHABLE
    assert "fleet enqueue" in str(error)


@pytest.mark.parametrize(
    ("counts", "code"),
    [
        (counted({"ok": 5}), 0),
        (counted({"ok": 5, "failed": 1}), 1),
        (counted({"ok": 5, "failed": 1}, files=9), 0),
        (counted({"failed": 1}, files=9, cancelled_at=BEGUN), 1),
    ],
)
@pytest.mark.parametrize("arguments", [(), ("--json",)])
def test_a_finished_job_with_failures_exits_1(
    asked: dict[str, Any], counts: JobCounts, code: int, arguments: tuple[str, ...]
) -> None:
    asked["counts"] = counts
    assert _run("night", *arguments).exit_code == code


LOST = counted({"ok": 5, "failed": 1}, whole=False)
SENT_BY_HAND = counted({"ok": 5}, whole=False, created_at=0.0, output="")


@pytest.mark.parametrize("counts", [LOST, SENT_BY_HAND, counted(files=9, whole=False)])
@pytest.mark.parametrize("arguments", [(), ("--json",), ("--watch",), ("--watch", "--json")])
def test_a_job_with_an_incomplete_ledger_is_unknown_and_exits_3(
    asked: dict[str, Any], counts: JobCounts, arguments: tuple[str, ...]
) -> None:
    asked["counts"] = counts
    result = _run("night", *arguments)
    assert result.exit_code == 3
    told = " ".join(result.stdout.split())
    assert "unknown" in told
    assert f"fleet reconcile night --output {counts.output or 's3://BUCKET/PREFIX/'}" in told
    assert not any(phrase in told for phrase in ("night complete", "100 %", "no files are waiting"))
    if "--json" in arguments:
        document = json.loads(result.stdout)
        assert (document["state"], document["complete"]) == ("unknown", False)
        assert (document["waiting"], document["fraction"], document["eta_s"]) == (None,) * 3


def test_a_job_of_another_client_is_marked(asked: dict[str, Any]) -> None:
    asked["counts"] = SENT_BY_HAND
    assert "another client" in " ".join(_run("night").stdout.split())
    asked["counts"] = LOST
    assert "another client" not in " ".join(_run("night").stdout.split())
