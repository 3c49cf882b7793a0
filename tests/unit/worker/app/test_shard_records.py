"""Records of a shard: its files in flight during the work, then a row per file."""

import pytest

from funasr_fleet.contract.layout import failed_record_uri, shard_record_uri
from funasr_fleet.contract.shard_record import FileRecord, decode
from funasr_fleet.storage.base import StoreUnavailable
from funasr_fleet.worker.error_handling import MAX_RETRIES
from funasr_fleet.worker.text.spans import Span
from tests.support.audio import tone
from tests.support.bad_audio import damaged, sound_file
from tests.support.examples import OUTPUT, a_shard
from tests.support.fake_child import FakeChild, FakeTask
from tests.support.fake_pipeline import Workbench

RECORD = shard_record_uri(OUTPUT, "night", "night-000000")
FAILED = failed_record_uri(OUTPUT, "night", "night-000000")
DAMAGED = damaged(sound_file("adts of 16 kHz"), 600, seed=1, share=0.5)


def rows(child: FakeChild, uri: str = RECORD) -> list[FileRecord]:
    return list(decode(child.bench.store.read(uri)))


def test_a_record_has_etag_and_fingerprint_of_the_result() -> None:
    child = FakeChild()
    child.run(a_shard(child.bench.upload("a.wav"), "s3://in/gone.wav").to_message())
    good, gone = sorted(rows(child), key=lambda row: row.relative)
    listed = {info.uri: info.etag for info in child.bench.store.list(OUTPUT)}
    assert good.etag == listed[f"{OUTPUT}a.wav.json"]
    assert good.fingerprint == child.bench.document("a.wav.json")["receipt"]["fingerprint"]
    assert (good.outcome, good.audio_ms, good.error) == ("ok", 1000, None)
    assert gone.error
    assert (gone.outcome, gone.error.kind) == ("failed", "audio_missing")
    assert rows(child, FAILED) == [gone]
    assert (child.closed, child.in_flight) == (["night"], {})


def test_a_record_has_the_warnings_of_the_result() -> None:
    child = FakeChild()
    damaged_file = child.bench.upload_bytes("a.aac", DAMAGED)
    child.run(a_shard(damaged_file, child.bench.upload("b.wav"), "s3://in/gone.wav").to_message())
    found = {row.relative: row.warnings for row in rows(child)}
    assert found == {"a.aac": ("audio_damaged",), "b.wav": (), "gone.wav": ()}


def test_a_redelivered_shard_keeps_its_record() -> None:
    child = FakeChild()
    message = a_shard(child.bench.upload("a.wav")).to_message()
    child.run(message)
    before = rows(child)
    child.run(message)
    assert child.bench.outcomes == ["ok", "skipped"]
    assert rows(child) == before


def test_no_file_of_a_cancelled_job_is_started() -> None:
    child = FakeChild(cancelled_jobs={"night"})
    child.run(a_shard(child.bench.upload("a.wav"), child.bench.upload("b.wav")).to_message())
    assert (child.bench.outcomes, child.cancelled) == ([], [0, 1])
    assert child.bench.outputs() == []
    assert (child.closed, len(child.ended)) == (["night"], 1)


@pytest.mark.parametrize("ahead", [False, True])
def test_a_job_cancelled_midway_ends_with_the_group_in_progress(ahead: bool) -> None:
    child = FakeChild(bench=Workbench(ahead=ahead))
    child.bench.speed.add(speech_s=1.0, work_s=20.0)  # slow: each file is a group
    uris = [child.bench.upload(f"{name}.wav") for name in "abcdefgh"]
    child.bench.engine.on_recognise = lambda: child.cancelled_jobs.add("night")
    child.run(a_shard(*uris).to_message())
    assert child.bench.engine.groups == [2]
    assert child.bench.outcomes == ["ok"]
    assert child.cancelled == list(range(1, 8))
    assert len(rows(child)) == 1


def test_a_long_file_of_a_cancelled_job_is_not_recognised_to_its_end() -> None:
    bench = Workbench(ahead=True)
    bench.engine.script = {Span(1000, 2000): "three", Span(6000, 7000): "nine"}
    bench.speed.add(speech_s=1.0, work_s=40.0)  # slow: each clip is a group
    child = FakeChild(bench=bench)
    bench.engine.on_recognise = lambda: child.cancelled_jobs.add("night")
    child.run(a_shard(bench.upload("a.wav", tone(10))).to_message())
    assert bench.engine.groups == [1]
    assert (bench.outcomes, bench.outputs(), child.cancelled) == ([], [], [0])
    assert (child.closed, len(child.ended)) == (["night"], 1)


def test_a_shard_without_a_job_writes_only_results() -> None:
    child = FakeChild()
    child.run(a_shard(child.bench.upload("a.wav"), job=None).to_message())
    assert child.bench.outputs() == ["a.wav.json"]
    assert (child.ledger, child.closed, child.in_flight) == ([], [], {})


def test_a_child_reports_its_shard_and_its_totals() -> None:
    child = FakeChild()
    child.run(a_shard(child.bench.upload("a.wav"), child.bench.upload("b.wav")).to_message())
    begun, ended = child.seen
    assert (begun.shard, begun.files) == ("night-000000", 0)
    assert (ended.shard, ended.files, ended.audio_ms) == (None, 2, 2000)
    assert ended.work_ms > 0


def test_a_shard_is_delayed_while_another_process_finalizes_its_job() -> None:
    """The other process may crash before it has finalized the job."""
    child, task = FakeChild(closing="held"), FakeTask()
    child.run(a_shard(child.bench.upload("a.wav")).to_message(), task)
    assert len(task.sent_again) == 1
    assert child.bench.outcomes == ["ok"]
    assert [one[1] for one in child.postponed] == ["job_locked"]


def test_a_dead_letter_is_delayed_while_another_process_finalizes_its_job() -> None:
    child, task = FakeChild(closing="held"), FakeTask(retries=MAX_RETRIES)
    child.bench.store.failing_reads["s3://in/a.wav"] = StoreUnavailable("away")
    child.run(a_shard("s3://in/a.wav").to_message(), task)
    assert [one[1] for one in child.postponed] == ["job_locked"]
    assert (len(task.sent_again), len(child.dead_letters), child.rejected) == (1, 1, "")
