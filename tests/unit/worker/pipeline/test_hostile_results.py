"""Documents in the output bucket that are not results."""

import pytest

from funasr_fleet.contract.job import MAX_TIME_MS
from funasr_fleet.producer.jobs.own_result import read_own_result
from funasr_fleet.worker.pipeline.output_store import Outputs
from tests.support.examples import OUTPUT, a_shard
from tests.support.fake_pipeline import Workbench
from tests.support.stores import WatchedStore

RESULT = f"{OUTPUT}a.wav.json"
WRONG_TIMES = ["-5", "1.5", "true", '"7"', "[]", "NaN", "1e400", "1" + 25 * "0", "1" + 400 * "0"]


def _changed(bench: Workbench, name: str, value: str) -> None:
    """Transcribe a.wav, then replace a value of its result."""
    bench.run(a_shard(bench.upload("a.wav")))
    audio = bench.document("a.wav.json")["audio"]
    body = bench.store.read(RESULT).decode()
    old = f'"uri":"{audio[name]}"' if name == "uri" else f'"{name}":{audio[name]}'
    assert body.count(old) == 1
    bench.store.write(RESULT, body.replace(old, f'"{name}":{value}').encode(), "")
    bench.events.clear()


@pytest.mark.parametrize("body", [b"[" * 2_000_000, b"[]", b"7", b'{"receipt": 1, "audio": 2}'])
def test_a_document_that_is_not_a_result_is_replaced(body: bytes) -> None:
    store = WatchedStore("out")
    store.write(f"{OUTPUT}calls/a.wav.json", body, "")
    assert Outputs(store, OUTPUT, "calls/a.wav").existing(None) is None


@pytest.mark.parametrize("name", ["start_ms", "end_ms", "duration_ms"])
@pytest.mark.parametrize("value", WRONG_TIMES)
def test_a_result_with_a_wrong_time_is_replaced(bench: Workbench, name: str, value: str) -> None:
    _changed(bench, name, value)
    assert Outputs(bench.store, OUTPUT, "a.wav").existing("night") is None
    bench.run(a_shard("s3://in/a.wav"))
    assert (bench.outcomes, bench.recorded[1:]) == (["ok"], [(0, "ok", 1000)])


def test_a_result_whose_range_ends_before_it_starts_is_replaced(bench: Workbench) -> None:
    _changed(bench, "start_ms", "1001")
    assert Outputs(bench.store, OUTPUT, "a.wav").existing("night") is None


@pytest.mark.parametrize("value", ['"s3://in/\\ud800"', '"' + 9000 * "x" + '"'])
def test_a_result_with_a_wrong_address_is_replaced(bench: Workbench, value: str) -> None:
    _changed(bench, "uri", value)
    bench.run(a_shard("s3://in/a.wav", options={"formats": ["srt"]}))
    assert bench.outcomes == ["ok"]


@pytest.mark.parametrize("value", WRONG_TIMES)
def test_reconcile_ignores_a_result_with_a_wrong_time(bench: Workbench, value: str) -> None:
    _changed(bench, "end_ms", value)
    assert read_own_result(bench.store, OUTPUT, "night", "a.wav") is None


def test_the_longest_time_is_accepted(bench: Workbench) -> None:
    _changed(bench, "end_ms", str(MAX_TIME_MS))
    assert Outputs(bench.store, OUTPUT, "a.wav").existing("night")
    assert read_own_result(bench.store, OUTPUT, "night", "a.wav")
