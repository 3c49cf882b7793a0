"""The Amazon Transcribe format, checked against the examples of its developer guide."""

import json
from typing import Any

import pytest
from hypothesis import given
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]

from funasr_fleet.contract.transcript import Transcript
from funasr_fleet.worker.formats.aws_transcribe import render_aws_transcribe
from tests.support.examples import a_segment, a_transcript, a_word
from tests.support.speech import squeezed, transcripts, unhurried

TIME = {"type": "string", "pattern": r"^\d+\.\d+$"}
TIMES = {"start_time": TIME, "end_time": TIME}


def _closed(required: dict[str, Any], **optional: Any) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": {**required, **optional},
        "required": list(required),
        "additionalProperties": False,
    }


def _all(one: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return {"type": "array", "items": one, **fields}


TEXT, NUMBER = {"type": "string"}, {"type": "integer"}
ALTERNATIVES = _all(_closed({"confidence": TIME, "content": TEXT}), minItems=1, maxItems=1)
ITEM = {
    "oneOf": [
        _closed(
            {"id": NUMBER, "type": {"const": "pronunciation"}, "alternatives": ALTERNATIVES}
            | TIMES,
            speaker_label=TEXT,
        ),
        _closed(
            {"id": NUMBER, "type": {"const": "punctuation"}, "alternatives": ALTERNATIVES},
            speaker_label=TEXT,
        ),
    ]
}
TURN = _closed(
    {**TIMES, "speaker_label": TEXT, "items": _all(_closed({**TIMES, "speaker_label": TEXT}))}
)
STRETCH = _closed(
    {"id": NUMBER, "transcript": TEXT, **TIMES, "items": _all(NUMBER)}, speaker_label=TEXT
)
RESULTS = _closed(
    {
        "transcripts": _all(_closed({"transcript": TEXT}), minItems=1, maxItems=1),
        "items": _all(ITEM),
        "audio_segments": _all(STRETCH),
    },
    language_code=TEXT,
    speaker_labels=_closed({"speakers": NUMBER, "segments": _all(TURN)}),
)
OUTPUT = Draft202012Validator(
    _closed(
        {"jobName": TEXT, "accountId": TEXT, "status": {"const": "COMPLETED"}, "results": RESULTS}
    )
)


def _results(transcript: Transcript) -> Any:
    document = json.loads(render_aws_transcribe(transcript))
    OUTPUT.validate(document)
    return document["results"]


def _content(items: list[dict[str, Any]]) -> list[str]:
    return [item["alternatives"][0]["content"] for item in items]


@given(transcripts(together=True, speakers=True))
@unhurried
def test_items_are_the_text_of_their_segments_within_their_times(transcript: Transcript) -> None:
    results = _results(transcript)
    assert [item["id"] for item in results["items"]] == list(range(len(results["items"])))
    assert squeezed(*_content(results["items"])) == squeezed(*(s.text for s in transcript.segments))
    for stretch, segment in zip(results["audio_segments"], transcript.segments, strict=True):
        own = [results["items"][number] for number in stretch["items"]]
        assert squeezed(*_content(own)) == squeezed(segment.text)
        times = [float(item[at]) for item in own for at in TIMES if at in item]
        assert times == sorted(times)
        assert all(segment.start_ms <= round(1000 * time) <= segment.end_ms for time in times)


def test_words_have_times_and_punctuation_has_none() -> None:
    words = (a_word("hello", 610, 900), a_word("world", 1_000, 2_000))
    segment = a_segment(610, 2_000, "Hello, world!", words=words, confidence=0.9)
    items = _results(a_transcript(segment))["items"]
    assert _content(items) == ["Hello", ",", "world", "!"]
    assert [item.get("start_time") for item in items] == ["0.610", None, "1.000", None]
    assert [item["alternatives"][0]["confidence"] for item in items[:2]] == ["0.900", "0.0"]


def test_space_before_punctuation_is_dropped_and_quotes_stay_with_words() -> None:
    items = _results(a_transcript(a_segment(0, 900, 'Oui ?! He said "go" now। نعم،')))["items"]
    assert _content(items) == ["Oui", "?!", "He", "said", '"go"', "now", "।", "نعم", "،"]


@pytest.mark.timeout(60)  # quadratic work would take hours
def test_long_runs_of_dots_are_rendered_in_linear_time() -> None:
    dots = "." * 1_000_000
    items = _results(a_transcript(a_segment(0, 900, f"a{dots}a")))["items"]
    assert "".join(_content(items)) == f"a{dots}a"


def test_speaker_labels_list_what_each_speaker_pronounced() -> None:
    two = a_transcript(
        a_segment(0, 900, "Yes.", speaker="A"), a_segment(900, 1_900, "Oh no.", speaker="B")
    )
    labels = _results(two)["speaker_labels"]
    assert labels["speakers"] == 2
    turns = [(one["speaker_label"], len(one["items"])) for one in labels["segments"]]
    assert turns == [("spk_0", 1), ("spk_1", 2)]


def test_without_speakers_there_are_no_labels() -> None:
    assert "speaker_labels" not in _results(a_transcript(a_segment(0, 900, "Yes.")))
