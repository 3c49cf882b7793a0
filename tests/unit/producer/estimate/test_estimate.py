"""The estimate for a backlog: files counted, lengths sampled, and its basis stated."""

import json
import random
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from funasr_fleet.broker.ledger.worker_seen import WorkerSeen
from funasr_fleet.producer.discovery.interface import BadRow, BadSource, Found
from funasr_fleet.producer.discovery.s3_prefix import S3Prefix
from funasr_fleet.producer.estimate.cost import DEFAULT_RTFX, DryRun, Span
from funasr_fleet.producer.estimate.estimate import _at_most, dry_run, estimate_sources
from funasr_fleet.producer.planning.estimating import DEFAULT_MS
from funasr_fleet.producer.planning.request import JobRequest
from tests.support.audio import mp3, silent_wav
from tests.support.examples import a_ref, a_store
from tests.support.memory_store import MemoryStore
from tests.support.stores import CountingStore

HOUR_MS = 3_600_000


def listed(store: MemoryStore, files: dict[str, bytes]) -> list[Found]:
    for name, body in files.items():
        store.write(f"s3://in/{name}", body, "audio/any")
    return [Found(i.uri, a_ref(i.uri, bytes=i.size_bytes)) for i in store.list("s3://in/")]


def hours(*lengths_ms: int) -> list[Found]:
    """Files whose length the source provides."""
    return [Found(str(n), a_ref(f"s3://in/{n}.wav"), ms) for n, ms in enumerate(lengths_ms)]


def test_telephony_is_measured_instead_of_guessed() -> None:
    store = CountingStore("in")
    files = {f"{n}.wav": silent_wav(16_000 * n, rate=8_000) for n in range(1, 41)}
    result = dry_run(listed(store, files), store)
    truth_ms = 1000 * sum(range(1, 41))
    assert result.files == result.sampled == result.measured == 40
    assert result.bytes == sum(map(len, files.values()))
    assert result.audio_ms.likely == pytest.approx(truth_ms, rel=1e-3)
    assert result.audio_ms.low == pytest.approx(result.audio_ms.high)
    assert result.bytes_per_second == {"wav": pytest.approx(16_000, rel=0.01)}
    assert result.typical_ms == 0


def test_few_headers_are_read_and_the_interval_holds_the_truth() -> None:
    store, chance = CountingStore("in"), random.Random(5)
    lengths_s = [chance.randint(1, 20) for _ in range(600)]
    rates = [chance.choice([8_000, 16_000]) for _ in lengths_s]
    pairs = enumerate(zip(lengths_s, rates, strict=True))
    files = {f"{n:03}.wav": silent_wav(2 * rate * s, rate=rate) for n, (s, rate) in pairs}
    result = dry_run(listed(store, files), store)
    assert (result.files, result.sampled, result.measured) == (600, 64, 64)
    assert store.requests <= 2 * 64
    truth_ms = 1000 * sum(lengths_s)
    assert result.audio_ms.low < truth_ms < result.audio_ms.high
    assert 0.03 < (result.audio_ms.high - result.audio_ms.low) / truth_ms < 0.4


def test_an_estimate_is_reproducible_from_its_seed() -> None:
    store = MemoryStore("in")
    found = listed(store, {f"{n}.mp3": mp3(n) for n in range(10, 300)})
    first, again, other = (dry_run(found, store, seed=seed) for seed in (1, 1, 2))
    assert first == again
    assert first.audio_ms != other.audio_ms


def test_durations_of_the_sources_need_no_header() -> None:
    store = CountingStore("in")
    stretch = Found("9", a_ref("s3://in/9.wav", start_ms=1_000, end_ms=31_000))
    result = dry_run([*hours(HOUR_MS, HOUR_MS), stretch], store)
    assert result.audio_ms == Span(likely=2 * HOUR_MS + 30_000, low=7_230_000, high=7_230_000)
    assert result.known_ms == 7_230_000
    assert (result.sampled, store.requests) == (0, 0)
    assert result.files_of_unknown_size == 3


def test_a_range_counts_from_its_start() -> None:
    store = MemoryStore("in")
    (whole,) = listed(store, {"a.wav": silent_wav(320_000)})
    rest = a_ref("s3://in/a.wav", bytes=320_044, start_ms=4_000)
    assert dry_run([whole, Found("b", rest)], store).audio_ms.likely == pytest.approx(16_000, 0.01)


def test_unmeasurable_files_are_guessed_and_marked() -> None:
    store = MemoryStore("in")
    found = listed(store, {f"{n}.amr": b"#!AMR\n" + bytes(1_594) for n in range(10)})
    found += [Found("x", a_ref("s3://in/gone.wav"))]
    result = dry_run(found, store)
    assert (result.sampled, result.measured) == (10, 0)
    assert result.typical_ms == result.audio_ms.likely == 10 * 1_000 + DEFAULT_MS
    assert result.bytes_per_second == {}


def test_files_of_unknown_size_are_measured_too() -> None:
    store = MemoryStore("in")
    listed(store, {f"{n}.wav": silent_wav(32_000 * 90) for n in range(6)})
    result = dry_run([Found(str(n), a_ref(f"s3://in/{n}.wav")) for n in range(6)], store)
    assert result.measured == 6
    assert result.audio_ms.likely == pytest.approx(6 * 90_000, rel=1e-3)
    assert result.bytes_per_second == {"wav": 32_000}


def test_bad_rows_are_counted_and_empty_files_have_no_audio() -> None:
    store = MemoryStore("in")
    bad = [Found(str(n), BadRow(f"list, line {n}", "audio: missing")) for n in range(9)]
    result = dry_run([*bad, *listed(store, {"empty.wav": b""})], store)
    assert (result.files, result.bad_rows, len(result.bad_examples)) == (1, 9, 5)
    assert result.empty_files == 1
    assert result.bad_examples[0] == "list, line 0: audio: missing"
    assert result.audio_ms == Span(likely=0, low=0, high=0)


def test_what_is_not_audio_is_counted_by_suffix_and_does_not_use_up_the_limit() -> None:
    store = a_store("a.txt", "b.wav", "c.pdf", "d.txt", "e.wav")
    found = list(S3Prefix("s3://in/", store).after(""))
    result = dry_run(_at_most(1, found), store)
    assert (result.files, result.ignored) == (1, {".txt": 1})
    assert dry_run(found, store).ignored == {".txt": 2, ".pdf": 1}


def ran(audio_ms: int, work_ms: int) -> WorkerSeen:
    return WorkerSeen(worker="fleet@a", slot=0, at=0.0, audio_ms=audio_ms, work_ms=work_ms)


@pytest.mark.parametrize(
    ("rtfx", "workers", "expected"),
    [
        (None, [], (DEFAULT_RTFX, "assumed")),
        (None, [ran(0, 0)], (DEFAULT_RTFX, "assumed")),
        (None, [ran(9_000, 10)], (DEFAULT_RTFX, "assumed")),
        (None, [ran(60_000_000, 60_000), ran(240_000_000, 60_000)], (2_500.0, "measured")),
        (400.0, [ran(60_000_000, 60_000)], (400.0, "given")),
    ],
)
def test_speed_is_given_or_measured_or_assumed(
    rtfx: float | None, workers: Iterable[WorkerSeen], expected: tuple[float, str]
) -> None:
    result = dry_run(hours(HOUR_MS), MemoryStore("in"), rtfx=rtfx, workers=workers)
    assert (result.rtfx, result.rtfx_basis) == expected


def a_thousand_hours(price: float | None = None) -> DryRun:
    found = hours(*[HOUR_MS] * 1000)
    return dry_run(found, MemoryStore("in"), rtfx=100.0, gpus=4, gpu_hour_price=price)


def test_gpus_divide_the_time_but_not_the_cost() -> None:
    result = a_thousand_hours(price=2.5)
    assert result.gpu_ms.likely == pytest.approx(10 * HOUR_MS)
    assert result.time_ms.likely == pytest.approx(2.5 * HOUR_MS)
    assert result.cost
    assert result.cost.likely == pytest.approx(25.0)
    assert a_thousand_hours().cost is None
    assert a_thousand_hours().to_json()["cost"] is None


def test_the_document_has_whole_milliseconds_and_all_inputs() -> None:
    document = json.loads(json.dumps(a_thousand_hours(price=2.5).to_json()))
    assert document["audio_ms"] == dict.fromkeys(("likely", "low", "high"), 1000 * HOUR_MS)
    assert document["time_ms"]["likely"] == 9_000_000
    assert document["cost"]["likely"] == 25.0
    assert (document["files"], document["gpus"], document["rtfx"]) == (1000, 4, 100.0)


def estimated(*sources: str, store: MemoryStore, strict: bool = False, **given: Any) -> DryRun:
    request = JobRequest(sources=sources, output="s3://out/", **given)
    return estimate_sources(request, store, strict=strict)


def test_a_local_folder_is_measured_without_uploading(tmp_path: Path) -> None:
    (tmp_path / "calls").mkdir()
    for n in range(1, 4):
        (tmp_path / f"calls/{n}.wav").write_bytes(silent_wav(32_000 * n))
    (tmp_path / "notes.txt").write_text("no audio")
    store = MemoryStore("in")
    result = estimated(str(tmp_path), store=store, upload="s3://in/calls/")
    assert (result.files, result.measured) == (3, 3)
    assert result.audio_ms.likely == pytest.approx(6_000, rel=1e-2)
    assert store.objects == {"in": {}}


def test_several_sources_are_estimated_as_enqueue_reads_them(tmp_path: Path) -> None:
    store = MemoryStore("in")
    listed(
        store, {"a/1.wav": silent_wav(32_000), "a/2.mp3": mp3(100), "b/3.wav": silent_wav(64_000)}
    )
    rows = [{"audio": "s3://in/a/1.wav", "id": "1.wav"}, {"audio": 7}, {"audio": "s3://in/b/3.wav"}]
    manifest = tmp_path / "list.jsonl"
    manifest.write_text("".join(json.dumps(row) + "\n" for row in rows))
    sources = ["s3://in/a/", str(manifest)]
    everything = estimated(*sources, store=store)
    assert (everything.files, everything.bad_rows) == (3, 1)  # a/1.wav counts once
    assert estimated("s3://in/", suffixes=("wav",), store=store).files == 2
    assert estimated(*sources, limit=1, store=store, strict=True).files == 1
    with pytest.raises(BadSource, match=r"line 2.*; invalid rows are skipped unless strict"):
        estimated(*sources, store=store, strict=True)
