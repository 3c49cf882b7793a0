"""A damaged file is transcribed, and its documents report the missing audio."""

import pytest

from funasr_fleet.worker.text.spans import Span
from tests.support.bad_audio import damaged, sound_file
from tests.support.examples import a_ref, a_shard
from tests.support.fake_pipeline import Workbench

DAMAGED = damaged(sound_file("adts of 16 kHz"), 600, seed=1, share=0.5)


def test_a_damaged_file_is_a_success_with_a_warning_and_the_length_of_what_is_lost(
    bench: Workbench,
) -> None:
    bench.run(a_shard(bench.upload_bytes("a.aac", DAMAGED), bench.upload("b.wav")))
    document = bench.document("a.aac.json")
    assert document["text"] == "three nine zero"
    assert document["warnings"] == ["audio_damaged"]
    assert 60 <= document["audio"]["lost_ms"] < 500
    assert document["audio"]["repaired"] == 1
    assert document["audio"]["duration_ms"] == pytest.approx(12_000, abs=200)
    assert bench.outcomes == ["ok", "ok"]
    assert sorted(file.warnings for file in bench.finished) == [(), ("audio_damaged",)]
    whole = bench.document("b.wav.json")
    assert "warnings" not in whole
    assert whole["audio"].keys().isdisjoint({"lost_ms", "repaired"})


def test_every_damaged_place_is_counted(bench: Workbench) -> None:
    body = sound_file("m4a")
    for seed, share in enumerate((0.2, 0.5, 0.8)):
        body = damaged(body, 600, seed, share)
    bench.run(a_shard(bench.upload_bytes("a.m4a", body)))
    assert bench.document("a.m4a.json")["audio"]["repaired"] == 3


def test_the_warnings_of_a_result_are_known_when_the_shard_is_delivered_again(
    bench: Workbench,
) -> None:
    """Otherwise they would be missing after a crash between commit and ledger update."""
    for _ in range(2):
        bench.run(a_shard(bench.upload_bytes("a.aac", DAMAGED)))
    _, again = bench.finished
    assert (again.outcome, again.previous_outcome) == ("skipped", "ok")
    assert again.warnings == ("audio_damaged",)


def test_a_damaged_file_without_speech_is_empty_with_the_warning(bench: Workbench) -> None:
    bench.engine.script = {}
    bench.run(a_shard(bench.upload_bytes("a.aac", DAMAGED)))
    assert bench.document("a.aac.json")["warnings"] == ["audio_damaged"]
    assert bench.outcomes == ["empty"]


def test_the_damage_warning_is_added_to_those_of_the_text(bench: Workbench) -> None:
    bench.engine.script = {Span(0, 500): "", Span(600, 700): " "}
    bench.run(a_shard(bench.upload_bytes("a.aac", DAMAGED)))
    assert bench.document("a.aac.json")["warnings"] == ["audio_damaged", "speech_without_text"]


@pytest.mark.parametrize(
    ("start_ms", "end_ms", "is_damaged"),
    [(0, 5000, False), (5000, 7000, True), (7000, None, False), (None, None, True)],
)
def test_only_damage_within_the_requested_range_counts(
    bench: Workbench, start_ms: int | None, end_ms: int | None, is_damaged: bool
) -> None:
    uri = bench.upload_bytes("a.aac", DAMAGED)
    bench.run(a_shard(a_ref(uri, index=0, start_ms=start_ms, end_ms=end_ms)))
    document = bench.document("a.aac.json")
    assert ("audio_damaged" in document.get("warnings", ())) is is_damaged
    assert ("lost_ms" in document["audio"]) is is_damaged


def test_each_channel_of_a_damaged_split_file_has_the_warning(bench: Workbench) -> None:
    body = damaged(sound_file("wav of 24 bits"), 600, seed=1)
    bench.run(a_shard(bench.upload_bytes("a.wav", body), options={"channels": "split"}))
    assert "warnings" not in bench.document("a.wav.ch0.json")  # damaged PCM decodes as noise
    stereo = damaged(sound_file("m4a"), 600, seed=1, share=0.5)
    bench.run(a_shard(bench.upload_bytes("b.m4a", stereo), options={"channels": "split"}))
    for name in ("b.m4a.ch0.json", "b.m4a.ch1.json", "b.m4a.json"):
        assert bench.document(name)["warnings"] == ["audio_damaged"]
        assert bench.document(name)["audio"]["lost_ms"] > 0
