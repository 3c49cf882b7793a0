"""The documents in S3 have exactly the public fields that are listed here."""

import json
import re
from typing import Any

import pytest
from pydantic import ValidationError

from funasr_fleet.contract.transcript import (
    AudioInfo,
    ErrorReport,
    FailureDetail,
    Transcript,
    utc_now,
)
from tests.support.examples import a_segment, a_transcript, a_word

AUDIO_FIELDS = {
    *("uri", "etag", "duration_ms", "sample_rate", "channels", "channel"),
    *("start_ms", "end_ms"),
}
RECEIPT_FIELDS = {
    *("job", "fingerprint", "model", "model_revision", "funasr", "torch", "device"),
    *("precision", "torch_threads", "options", "attempt", "worker", "slot", "speech_ms"),
    *("stages_ms", "rtfx", "finished_at"),
}


def _json(document: Transcript | ErrorReport) -> dict[str, Any]:
    parsed: dict[str, Any] = json.loads(document.to_json())
    return parsed


def test_a_transcript_has_the_fields_of_the_interface_and_no_others() -> None:
    words = (a_word("three", 620, 900),)
    document = _json(a_transcript(a_segment(610, 5530, "three", words=words)))
    assert set(document) == {"schema", "audio", "language", "text", "segments", "receipt"}
    assert document["schema"] == 1
    assert set(document["audio"]) == AUDIO_FIELDS
    assert set(document["receipt"]) == RECEIPT_FIELDS
    (segment,) = document["segments"]
    assert set(segment) == {"start_ms", "end_ms", "text", "speaker", "confidence", "words"}
    assert segment["words"] == [{"text": "three", "start_ms": 620, "end_ms": 900}]


def test_unknown_values_are_null() -> None:
    (segment,) = _json(a_transcript(a_segment(0, 1, "a")))["segments"]
    assert (segment["speaker"], segment["confidence"], segment["words"]) == (None, None, None)


def test_warnings_are_present_only_when_there_are_some() -> None:
    assert "warnings" not in _json(a_transcript())
    warned = _json(a_transcript(warnings=("speech_without_text",)))
    assert warned["warnings"] == ["speech_without_text"]


def test_lost_audio_is_present_only_when_some_was_lost() -> None:
    intact = AudioInfo(uri="s3://in/a.wav", lost_ms=0, repaired=0, track=0).model_dump()
    assert intact.keys().isdisjoint({"lost_ms", "repaired"})
    assert intact["track"] == 0
    damaged = AudioInfo(uri="s3://in/a.wav", lost_ms=52, repaired=1).model_dump()
    assert (damaged["lost_ms"], damaged["repaired"]) == (52, 1)
    assert "track" not in damaged


def test_documents_of_earlier_releases_have_no_lost_audio() -> None:
    old = a_transcript().to_json()
    assert b"lost_ms" not in old
    assert Transcript.model_validate_json(old).audio.lost_ms is None


def test_a_transcript_is_one_line_of_utf8_that_reads_back_the_same() -> None:
    transcript = a_transcript(a_segment(0, 900, "你好"))
    body = transcript.to_json()
    assert "你好".encode() in body
    assert body.endswith(b"}\n")
    assert Transcript.model_validate_json(body) == transcript


def _report(kind: str = "audio_missing") -> ErrorReport:
    detail = {"kind": kind, "message": "gone", "attempts": 3, "worker": "w", "at": "t"}
    return ErrorReport(
        audio=AudioInfo(uri="s3://in/a.wav"), error=FailureDetail.model_validate(detail)
    )


def test_an_error_report_has_the_fields_of_the_interface_and_no_others() -> None:
    document = _json(_report())
    assert set(document) == {"schema", "audio", "error"}
    assert document["schema"] == 1
    assert set(document["audio"]) == AUDIO_FIELDS
    assert set(document["error"]) == {"kind", "message", "attempts", "worker", "at"}


def test_another_kind_of_error_is_rejected() -> None:
    with pytest.raises(ValidationError):
        _report("bad_luck")


def test_the_time_is_utc_to_the_second() -> None:
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", utc_now())
