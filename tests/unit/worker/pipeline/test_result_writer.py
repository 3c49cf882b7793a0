"""What a receipt and an error report contain, and how channels become one transcript."""

import pytest

from funasr_fleet.contract.job import Options
from funasr_fleet.contract.transcript import AudioInfo, Receipt, Segment
from funasr_fleet.storage.base import ObjectInfo
from funasr_fleet.worker.audio.decoding.selection import AudioFacts
from funasr_fleet.worker.error_handling import Skip
from funasr_fleet.worker.pipeline.file_state import ChannelResult, merge_channels
from funasr_fleet.worker.pipeline.result_writer import (
    FileMetrics,
    describe_audio,
    write_error,
    write_receipt,
    write_transcript,
)
from funasr_fleet.worker.pipeline.timers import Stopwatch
from funasr_fleet.worker.text.quality import warnings_of
from funasr_fleet.worker.text.spans import Span
from tests.support.examples import a_receipt, a_ref, a_segment, who
from tests.support.fake_pipeline import IDENTITY

INFO = ObjectInfo(uri="s3://in/a.wav", etag='"now"', size_bytes=9)
AUDIO = AudioFacts(channels=2, source_rate=44_100, duration_ms=2000)


@pytest.mark.parametrize(
    ("start_ms", "end_ms", "whole"),
    [(None, None, (0, 2000)), (500, 1500, (500, 1500)), (500, 9000, (500, 2000))],
)
def test_the_range_of_the_audio_is_resolved(
    start_ms: int | None, end_ms: int | None, whole: tuple[int, int]
) -> None:
    described = describe_audio(a_ref(start_ms=start_ms, end_ms=end_ms), INFO, AUDIO, None)
    assert (described.start_ms, described.end_ms) == whole
    assert (described.duration_ms, described.sample_rate, described.channels) == (2000, 44_100, 2)


def test_the_etag_is_that_of_the_bytes_that_were_read() -> None:
    assert describe_audio(a_ref(etag='"listed"'), INFO, AUDIO, None).etag == '"now"'


def test_unread_audio_is_described_by_its_reference() -> None:
    described = describe_audio(a_ref(etag='"listed"', end_ms=50), None, None, 1)
    assert (described.etag, described.channel, described.end_ms) == ('"listed"', 1, 50)
    assert (described.duration_ms, described.sample_rate, described.channels) == (None, None, None)


def _receipt(audio_s: float = 10.0) -> Receipt:
    metrics = FileMetrics(
        fingerprint="sha256:f",
        options=Options(hotwords=("hush",), language="zh"),
        threads=7,
        stopwatch=Stopwatch(lambda: 0.0, {"fetch": 0.25, "recognise": 1.75}),
        audio_s=audio_s,
        finished_at="then",
    )
    return write_receipt(who(attempt=2), IDENTITY, metrics)


def test_a_receipt_has_worker_model_and_speed() -> None:
    receipt = _receipt()
    assert (receipt.attempt, receipt.worker, receipt.slot) == (2, "fleet@host", 0)
    assert (receipt.model_revision, receipt.device, receipt.torch_threads) == ("sha256:m", "cpu", 7)
    assert {s: ms for s, ms in receipt.stages_ms.items() if ms} == {"fetch": 250, "recognise": 1750}
    assert receipt.rtfx == 5.0


def test_hotwords_stay_out_of_the_receipt() -> None:
    receipt = _receipt()
    assert "hush" not in receipt.model_dump_json()
    assert receipt.options["language"] == "zh"


def test_without_elapsed_time_the_speed_is_zero() -> None:
    metrics = FileMetrics(
        fingerprint="f",
        options=Options(),
        threads=1,
        stopwatch=Stopwatch(lambda: 0.0),
        audio_s=5.0,
        finished_at="then",
    )
    assert metrics.rtfx == 0.0


def _transcript(*segments: Segment, speech_ms: int, language: str | None = None) -> tuple[str, ...]:
    warnings = warnings_of(segments, [Span(0, speech_ms)] if speech_ms else [])
    heard = ChannelResult(channel=None, segments=segments, speech_ms=speech_ms, warnings=warnings)
    written = write_transcript(
        heard, Options(language=language), AudioInfo(uri="s3://in/a"), a_receipt(speech_ms=0)
    )
    assert written.receipt.speech_ms == speech_ms
    assert written.segments == segments
    return (written.text, str(written.language), *written.warnings)


@pytest.mark.parametrize(
    ("texts", "speech_ms", "language", "written"),
    [
        (["three", "nine"], 20, None, ("three nine", "en")),
        (["你好", "世界"], 20, None, ("你好世界", "zh")),
        (["three"], 20, "de", ("three", "de")),
        ([], 0, None, ("", "None")),
        ([], 20, None, ("", "None", "speech_without_text")),
    ],
)
def test_a_transcript_joins_its_segments_and_warns_of_lost_speech(
    texts: list[str], speech_ms: int, language: str | None, written: tuple[str, ...]
) -> None:
    segments = [a_segment(10 * n, 10 * n + 9, text) for n, text in enumerate(texts)]
    assert _transcript(*segments, speech_ms=speech_ms, language=language) == written


def test_an_error_report_has_kind_attempts_and_worker() -> None:
    audio = AudioInfo(uri="s3://in/a.wav")
    report = write_error(Skip("poison", "it killed us"), who(attempt=3), audio, "then")
    error = report.error
    assert (error.kind, error.message, error.attempts) == ("poison", "it killed us", 3)
    assert (error.worker, error.at, report.audio) == ("fleet@host", "then", audio)


def _heard(channel: int, *segments: Segment) -> ChannelResult:
    return ChannelResult(channel=channel, segments=segments, speech_ms=100)


def test_channels_are_merged_by_time_with_the_channel_as_speaker() -> None:
    merged = merge_channels(
        [
            _heard(0, a_segment(0, 5, "a"), a_segment(20, 30, "c")),
            _heard(1, a_segment(10, 15, "b", speaker="7")),
        ]
    )
    said = [(s.text, s.speaker) for s in merged.segments]
    assert said == [("a", "ch0"), ("b", "ch1"), ("c", "ch0")]
    assert (merged.channel, merged.speech_ms) == (None, 200)


def test_a_single_split_channel_is_named_as_speaker() -> None:
    merged = merge_channels([_heard(0, a_segment(0, 5, "a", speaker="7"))])
    assert [(s.text, s.speaker) for s in merged.segments] == [("a", "ch0")]
    assert (merged.channel, merged.speech_ms) == (None, 100)
