"""What `fleet status` makes of the counts."""

import json

import pytest

from tests.support.examples import BEGUN, counted, status_of, steady


@pytest.mark.parametrize(("files", "ok", "waiting"), [(5, 2, 3), (5, 5, 0), (0, 1, 0)])
def test_what_has_no_outcome_is_waited_for(files: int, ok: int, waiting: int) -> None:
    assert status_of(counted({"ok": ok}, files=files)).waiting == waiting


def test_nobody_waits_for_files_of_a_cancelled_job() -> None:
    assert status_of(counted({"ok": 1}, files=9, cancelled_at=BEGUN)).waiting == 0


def test_the_json_document_says_all_of_it() -> None:
    counts = counted({"ok": 2}, files=5, audio_ms=7_200_000)
    status = status_of(counts, steady(10, 1, 720_000), gpu_hour_price=2.0)
    document = json.loads(json.dumps(status.to_json()))
    assert (document["job"], document["files"], document["waiting"]) == ("night", 5, 3)
    assert (document["complete"], document["outcomes"]["ok"]) == (False, 2)
    assert (document["ready_messages"], document["unacked_messages"]) == (2, 1)
    assert (document["created_at"], document["closed_at"]) == (BEGUN, None)
    assert (document["state"], document["done"], document["audio_hours"]) == ("running", 2, 2)
    assert document["eta_basis"] == "audio of the last 5 minutes"
    assert document["throughput_now"]["audio_hours_per_hour"] == pytest.approx(12)
    assert (document["cost_so_far"], document["workers"]) == (0, [])
