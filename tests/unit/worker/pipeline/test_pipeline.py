"""A whole shard: its outputs, their order, and the effect of options."""

from typing import Any

import numpy as np
import pytest

from funasr_fleet.contract.abilities import Abilities
from funasr_fleet.contract.job import Shard
from funasr_fleet.worker.engine.interface import Hints
from funasr_fleet.worker.text.spans import Span
from tests.support.audio import tone
from tests.support.examples import OUTPUT, a_ref, a_shard
from tests.support.fake_pipeline import NOW, THREADS, ScriptedEngine, Workbench


def test_the_transcript_has_texts_and_times(bench: Workbench) -> None:
    bench.run(a_shard(bench.upload("calls/a.wav")))
    document = bench.document("calls/a.wav.json")
    assert document["text"] == "three nine zero"
    assert [(s["start_ms"], s["end_ms"], s["text"]) for s in document["segments"]] == [
        (100, 400, "three nine"),
        (600, 900, "zero"),
    ]
    assert document["language"] == "en"
    assert "warnings" not in document
    assert "left_out" not in document
    assert bench.outcomes == ["ok"]


def test_the_transcript_has_audio_facts_and_a_receipt(bench: Workbench) -> None:
    bench.run(a_shard(bench.upload("a.wav")), attempt=2)
    document = bench.document("a.wav.json")
    audio, receipt = document["audio"], document["receipt"]
    (info,) = bench.store.list("s3://in/")
    assert (audio["uri"], audio["etag"]) == ("s3://in/a.wav", info.etag)
    assert (audio["duration_ms"], audio["sample_rate"], audio["channels"]) == (1000, 16_000, 1)
    assert (audio["start_ms"], audio["end_ms"], audio["channel"]) == (0, 1000, None)
    assert (receipt["job"], receipt["attempt"], receipt["worker"]) == ("night", 2, "fleet@host")
    assert (receipt["model"], receipt["model_revision"]) == ("scripted", "sha256:m")
    assert (receipt["torch_threads"], receipt["speech_ms"]) == (THREADS, 600)
    assert receipt["finished_at"] == NOW
    assert {"fetch", "decode", "vad", "recognise", "punctuate"} <= set(receipt["stages_ms"])


def test_the_json_is_written_last(bench: Workbench) -> None:
    bench.run(a_shard(bench.upload("a.wav"), options={"formats": ["json", "srt", "vtt", "txt"]}))
    assert bench.store.writes[-1] == f"{OUTPUT}a.wav.json"
    assert bench.outputs() == ["a.wav.json", "a.wav.srt", "a.wav.txt", "a.wav.vtt"]


def test_every_file_has_its_outcome_in_order(bench: Workbench) -> None:
    uris = [bench.upload(f"{name}.wav", tone(0.95 + n)) for n, name in enumerate("abc")]
    bench.run(a_shard(*uris))
    assert bench.recorded == [(0, "ok", 950), (1, "ok", 1950), (2, "ok", 2950)]
    assert [event.audio for event in bench.finished] == uris


def test_an_event_has_the_times_of_each_stage(bench: Workbench) -> None:
    bench.run(a_shard(bench.upload("a.wav")))
    (event,) = bench.finished
    assert (event.shard, event.job, event.index) == ("night-000000", "night", 0)
    assert (event.audio_s, event.threads, event.error) == (1.0, THREADS, None)
    assert set(event.stages_s) == {"fetch", "decode", "vad", "recognise", "punctuate", "write"}
    assert event.seconds == pytest.approx(sum(event.stages_s.values()))


def test_a_file_without_speech_is_a_success_with_an_empty_text(bench: Workbench) -> None:
    bench.engine.script = {}
    bench.run(a_shard(bench.upload("a.wav")))
    document = bench.document("a.wav.json")
    assert (document["text"], document["segments"], document["language"]) == ("", [], None)
    assert document["receipt"]["speech_ms"] == 0
    assert "warnings" not in document
    assert bench.recorded == [(0, "empty", 1000)]
    assert bench.finished[0].warnings == ()


def test_speech_without_text_has_a_warning(bench: Workbench) -> None:
    bench.engine.script = {Span(0, 500): "", Span(600, 700): " "}
    bench.run(a_shard(bench.upload("a.wav")))
    document = bench.document("a.wav.json")
    assert (document["text"], document["segments"]) == ("", [])
    assert document["warnings"] == ["speech_without_text"]
    assert document["receipt"]["speech_ms"] == 600
    assert bench.finished[0].warnings == ("speech_without_text",)
    assert bench.outcomes == ["empty"]


def test_times_of_a_range_count_from_the_start_of_the_file(bench: Workbench) -> None:
    ref = a_ref(bench.upload("a.wav", tone(3)), index=0, start_ms=1500, end_ms=2500)
    bench.run(a_shard(ref))
    document = bench.document("a.wav.json")
    assert bench.engine.lengths_ms == [1000]
    assert [s["start_ms"] for s in document["segments"]] == [1600, 2100]
    audio = document["audio"]
    assert (audio["start_ms"], audio["end_ms"], audio["duration_ms"]) == (1500, 2500, 3000)
    assert bench.recorded == [(0, "ok", 1000)]


def test_a_range_beyond_the_end_stops_at_the_end(bench: Workbench) -> None:
    bench.run(a_shard(a_ref(bench.upload("a.wav"), index=0, start_ms=50, end_ms=99_000)))
    assert bench.document("a.wav.json")["audio"]["end_ms"] == 1000
    assert bench.recorded == [(0, "ok", 950)]


def test_words_and_speakers_are_present_when_requested(bench: Workbench) -> None:
    options = {"timestamps": "word", "speakers": True}
    bench.run(a_shard(bench.upload("a.wav"), options=options))
    first, second = bench.document("a.wav.json")["segments"]
    assert [word["text"] for word in first["words"]] == ["three", "nine"]
    assert [word["start_ms"] for word in first["words"]] == [100, 150]
    assert (first["speaker"], second["speaker"]) == ("0", "1")


@pytest.mark.parametrize(("channel", "loudness"), [(0, 0.1), (1, 0.4), (None, 0.25)])
def test_one_channel_or_the_mix_is_recognised(
    bench: Workbench, channel: int | None, loudness: float
) -> None:
    mono = tone(1) / 0.3
    planes = np.concatenate([0.1 * mono, 0.4 * mono]).astype(np.float32)
    bench.run(a_shard(a_ref(bench.upload("a.wav", planes), index=0, channel=channel)))
    assert bench.engine.loudness == [pytest.approx(loudness, abs=0.01)]
    assert bench.document("a.wav.json")["audio"]["channel"] == channel


def test_split_channels_have_a_transcript_each_and_a_merged_one(bench: Workbench) -> None:
    uri = bench.upload("a.wav", tone(1, channels=2))
    bench.run(a_shard(uri, options={"channels": "split", "formats": ["srt"]}))
    assert {"a.wav.ch0.json", "a.wav.ch1.json", "a.wav.ch0.srt"} <= set(bench.outputs())
    assert bench.store.writes[-1] == f"{OUTPUT}a.wav.json"
    assert [bench.document(f"a.wav.ch{n}.json")["audio"]["channel"] for n in (0, 1)] == [0, 1]
    segments = bench.document("a.wav.json")["segments"]
    assert [(s["start_ms"], s["speaker"]) for s in segments] == [
        (100, "ch0"),
        (100, "ch1"),
        (600, "ch0"),
        (600, "ch1"),
    ]
    assert bench.document("a.wav.json")["receipt"]["speech_ms"] == 1200


WHERE = Span(100, 900)


def _shard(uri: str, **options: Any) -> Shard:
    return a_shard(uri).model_copy(
        update={"options": a_shard(uri).options.model_validate({"formats": ["json"], **options})}
    )


def _bench(text: str = "three nine", **engine: Any) -> tuple[Workbench, str]:
    bench = Workbench(engine=ScriptedEngine({WHERE: text}, **engine))
    return bench, bench.upload("a.wav", tone(1))


def test_an_unsupported_option_is_an_error_with_an_alternative() -> None:
    bench, uri = _bench(abilities=Abilities())
    bench.run(_shard(uri, timestamps="word", hotwords=["hush"]))
    assert bench.outcomes == ["failed"]
    error = bench.document("a.wav.error.json")["error"]
    assert error["kind"] == "model_error"
    assert "use segment timestamps" in error["message"]
    assert "does not support hotwords" in error["message"]
    assert "hush" not in error["message"]
    assert bench.store.downloads == []


def test_sentences_are_segments_when_requested() -> None:
    bench, uri = _bench("Three nine. Zero five?")
    bench.run(_shard(uri, segments="sentence"))
    said = bench.document("a.wav.json")
    assert [one["text"] for one in said["segments"]] == ["Three nine.", "Zero five?"]
    assert said["text"] == "Three nine. Zero five?"
    assert [one["words"] for one in said["segments"]] == [None, None]


def test_the_number_of_speakers_reaches_the_engine() -> None:
    bench, uri = _bench()
    bench.run(_shard(uri, speakers=True, speaker_count=2))
    assert bench.engine.speaker_counts == [2]


@pytest.mark.parametrize(
    ("asked", "hints"),
    [
        ({}, Hints()),
        ({"itn": False}, Hints(itn=False)),
        ({"timestamps": "word"}, Hints(word_times=True)),
        ({"segments": "sentence"}, Hints(word_times=True)),
        ({"formats": ["json", "srt"]}, Hints(word_times=True)),
        ({"formats": ["json", "txt", "tsv"]}, Hints()),
        ({"language": "zh", "hotwords": ["hush"]}, Hints(language="zh", hotwords=("hush",))),
    ],
)
def test_options_reach_the_recogniser_as_hints(asked: dict[str, Any], hints: Hints) -> None:
    bench, uri = _bench()
    bench.run(_shard(uri, **asked))
    assert bench.engine.hints == [hints]
    document = bench.document("a.wav.json")
    assert "hush" not in str(document)


@pytest.mark.parametrize(
    ("asked", "languages", "language", "warnings"),
    [
        ("German", ("de", "en"), "de", []),
        ("auto", ("de", "en"), "en", []),
        ("German", None, "en", ["language_ignored"]),
        ("auto", None, "en", []),
    ],
)
def test_the_language_of_a_result_was_heard_or_used(
    asked: str, languages: tuple[str, ...] | None, language: str, warnings: list[str]
) -> None:
    bench, uri = _bench()
    bench.engine.abilities = bench.engine.abilities.model_copy(update={"languages": languages})
    bench.run(_shard(uri, language=asked))
    document = bench.document("a.wav.json")
    assert document["language"] == language
    assert document.get("warnings", []) == warnings


def test_words_are_in_the_json_only_when_requested() -> None:
    for asked, times in (("segment", None), ("word", [100, 150])):
        bench, uri = _bench()
        bench.run(_shard(uri, formats=["json", "ctm"], timestamps=asked))
        (segment,) = bench.document("a.wav.json")["segments"]
        words = segment["words"]
        assert (words and [word["start_ms"] for word in words]) == times
        assert len(bench.store.objects["out"]["prefix/a.wav.ctm"].splitlines()) == 2


def test_a_suspect_text_has_a_warning_in_result_and_event() -> None:
    bench, uri = _bench("thank you for watching " * 12)
    bench.run(_shard(uri))
    assert "repeated_phrase" in bench.document("a.wav.json")["warnings"]
    assert "repeated_phrase" in bench.finished[0].warnings
