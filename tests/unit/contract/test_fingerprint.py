"""The fast, hand-written serialisation gives the fingerprint of plain canonical JSON."""

import hashlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from funasr_fleet.contract.job import AudioRef, Options
from funasr_fleet.contract.layout import fingerprint
from tests.support.examples import a_ref

TIMES = st.none() | st.integers(0, 1 << 60)
OPTIONS = st.builds(
    Options,
    formats=st.lists(st.sampled_from(["json", "txt", "srt", "vtt"])).map(tuple),
    language=st.none() | st.sampled_from(["en", "zh", "yue"]),
    hotwords=st.lists(st.sampled_from(["alpha", "漢字", 'a "b"'])).map(tuple),
    timestamps=st.sampled_from(["segment", "word"]),
    speakers=st.booleans(),
    channels=st.sampled_from(["mix", "split"]),
    itn=st.none() | st.booleans(),
    segments=st.sampled_from(["speech", "sentence"]),
)
LATER = Options.model_fields.keys() - {
    *("formats", "language", "hotwords", "timestamps", "speakers", "channels")
}
"""Included only if not at their default, so results of earlier releases stay up to date."""
REFS = st.builds(
    AudioRef.model_construct,
    audio=st.text(st.characters()).map("s3://in/".__add__),
    start_ms=TIMES,
    end_ms=TIMES,
    channel=TIMES,
)


def _plainly(ref: AudioRef, etag: str, model: str, options: Options) -> str:
    asked = options.model_dump(mode="json")
    for name in LATER:
        if asked[name] == Options.model_fields[name].default:
            del asked[name]
    parts: dict[str, Any] = {
        "audio": ref.audio,
        "etag": etag,
        "stretch": [ref.start_ms, ref.end_ms, ref.channel],
        "model": model,
        "options": asked,
    }
    canonical = json.dumps(parts, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return "sha256:" + hashlib.sha256(canonical.encode()).hexdigest()


@given(REFS, st.text(st.characters()), st.text(), OPTIONS)
def test_a_fingerprint_is_the_hash_of_canonical_json(
    ref: AudioRef, etag: str, model: str, options: Options
) -> None:
    assert fingerprint(ref, etag, model, options) == _plainly(ref, etag, model, options)


def test_results_of_the_first_release_stay_current() -> None:
    """If this fails, all existing results would be transcribed again."""
    ref = AudioRef(audio="s3://in/a.wav")
    known = "sha256:19e42fd9399218568c8d23a004772846d359b20a3baa69c38f6f6c9b5aa7ffc1"
    assert fingerprint(ref, "etag", "model", Options()) == known


BEFORE = fingerprint(a_ref(), '"e"', "sha256:m", Options())


@pytest.mark.parametrize(
    ("ref", "etag", "model", "options"),
    [
        ({"audio": "s3://in/calls/b.wav"}, '"e"', "sha256:m", {}),
        ({}, '"f"', "sha256:m", {}),
        ({}, '"e"', "sha256:n", {}),
        ({"start_ms": 1}, '"e"', "sha256:m", {}),
        ({"end_ms": 1}, '"e"', "sha256:m", {}),
        ({"channel": 0}, '"e"', "sha256:m", {}),
        ({}, '"e"', "sha256:m", {"formats": ["json", "srt"]}),
        ({}, '"e"', "sha256:m", {"language": "zh"}),
        ({}, '"e"', "sha256:m", {"hotwords": ["alpha"]}),
        ({}, '"e"', "sha256:m", {"timestamps": "word"}),
        ({}, '"e"', "sha256:m", {"speakers": True}),
        ({}, '"e"', "sha256:m", {"channels": "split"}),
        ({}, '"e"', "sha256:m", {"audio_track": 0}),
    ],
)
def test_a_fingerprint_changes_with_everything_that_a_result_depends_on(
    ref: dict[str, Any], etag: str, model: str, options: dict[str, Any]
) -> None:
    after = fingerprint(a_ref(**ref), etag, model, Options.model_validate(options))
    assert after != BEFORE


@pytest.mark.parametrize(
    "fields", [{"index": 9}, {"relative": "other"}, {"bytes": 5}, {"etag": '"listed"'}]
)
def test_a_fingerprint_does_not_depend_on_where_and_when_a_file_was_listed(
    fields: dict[str, Any],
) -> None:
    assert fingerprint(a_ref(**fields), '"e"', "sha256:m", Options()) == BEFORE
