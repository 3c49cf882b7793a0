"""The task's message: what is accepted, what is rejected, and the wording of the errors."""

import math
from collections.abc import Callable
from typing import Any

import pytest
from pydantic import ValidationError

from funasr_fleet.contract.job import (
    MAX_AUDIO_BYTES,
    MAX_AUDIO_TRACK,
    MAX_CHANNEL,
    MAX_INDEX,
    MAX_TIME_MS,
    MalformedShard,
    Options,
    Shard,
)
from tests.support.examples import INTERFACE_SHARD, a_ref, a_shard

MINIMAL: dict[str, Any] = {
    "schema": 1,
    "shard": "s",
    "output": "s3://out/p/",
    "files": [{"audio": "s3://in/calls/a.mp3"}],
}
NUMBERS = ("start_ms", "end_ms", "bytes", "channel", "index")
Change = Callable[[dict[str, Any]], object]


def test_the_message_of_the_interface_page_is_accepted() -> None:
    shard = Shard.from_message(INTERFACE_SHARD)
    (ref,) = shard.files
    assert (shard.shard, shard.job, shard.output) == (
        "job-20261122-0007",
        "job-20261122",
        "s3://out/prefix/",
    )
    assert (ref.index, ref.audio, ref.relative) == (412, "s3://in/calls/a.mp3", "calls/a.mp3")
    assert (ref.etag, ref.size_bytes, ref.start_ms) == ('"9b2c"', 812345, None)
    assert shard.options.formats == ("json", "srt")


def test_a_file_needs_nothing_but_its_address() -> None:
    shard = Shard.from_message(MINIMAL)
    assert shard.files[0].relative == "calls/a.mp3"
    assert shard.options == Options()
    assert (shard.job, shard.overwrite, shard.files[0].index) == (None, False, None)


def _with_file(**fields: Any) -> Change:
    return lambda message: message["files"][0].update(fields)


def _with(**fields: Any) -> Change:
    return lambda message: message.update(fields)


def _without(name: str) -> Change:
    return lambda message: message.pop(name)


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (_without("schema"), "schema"),
        (_with(schema=2), "schema"),
        (_without("shard"), "shard"),
        (_with(shard=""), "shard"),
        (_with(shard="x" * 201), "shard"),
        (_with(job="x" * 151), "job"),
        (_without("output"), "output"),
        (_with(output="s3://out/p"), "output"),
        (_with(output="folder/secret/"), "output"),
        (_with(output="s3:///p/"), "output"),
        (_with(output="s3://out/vict/_jobs/v1/"), "output"),
        (_with(output="s3://out/_JOBS/"), "output"),
        (_with(output="s3://out/_\uff4aobs/"), "output"),
        (_with(files=[]), "files"),
        (_with(files="secret"), "files"),
        (_with(files=[{}]), "files.0.audio"),
        (_with(surprise="secret"), "surprise"),
        (_with(overwrite=True), "overwrite"),
        (_with(options={"hotwords": [""]}), "options.hotwords.0"),
        (_with(options={"hotwords": ["http://secret"]}), "options.hotwords.0"),
        (_with(options={"hotwords": ["/etc/secret"]}), "options.hotwords.0"),
        (_with(options={"hotwords": ["secret.TXT"]}), "options.hotwords.0"),
        (_with(options={"hotwords": ["secret" * 20]}), "options.hotwords.0"),
        (_with(options={"formats": ["secret"]}), "options.formats.0"),
        (_with(options={"hotwords": "secret"}), "options.hotwords"),
        (_with(options={"timestamps": "secret"}), "options.timestamps"),
        (_with(options={"channels": "secret"}), "options.channels"),
        (_with(options={"speakers": "secret"}), "options.speakers"),
        (_with(options={"audio_track": -1}), "options.audio_track"),
        (_with(options={"audio_track": MAX_AUDIO_TRACK + 1}), "options.audio_track"),
        (_with(options={"audio_track": True}), "options.audio_track"),
        (_with(options={"surprise": "secret"}), "options.surprise"),
        (_with_file(audio="ftp://secret/a.mp3"), "files.0.audio"),
        (_with_file(audio="s3://in/"), "files.0.audio"),
        (_with_file(audio=7), "files.0.audio"),
        (_with_file(audio="https://user:secret@h/a?secret"), "files.0.audio"),
        *((_with_file(**{name: True}), f"files.0.{name}") for name in NUMBERS),
        *((_with_file(**{name: math.nan}), f"files.0.{name}") for name in NUMBERS),
        (_with_file(relative="../secret"), "files.0.relative"),
        (_with_file(relative="vict/_jobs/v1/report"), "files.0.relative"),
        (_with_file(audio="s3://in/_jobs/secret.wav"), "files.0.relative"),
        (_with_file(bytes=10**30), "files.0.bytes"),
        (_with_file(bytes=MAX_AUDIO_BYTES + 1), "files.0.bytes"),
        (_with_file(end_ms=MAX_TIME_MS + 1), "files.0.end_ms"),
        (_with_file(start_ms=MAX_TIME_MS + 1), "files.0.start_ms"),
        (_with_file(end_ms=1e300), "files.0.end_ms"),
        (_with_file(channel=MAX_CHANNEL + 1), "files.0.channel"),
        (_with_file(index=-1), "files.0.index"),
        (_with_file(index=MAX_INDEX + 1), "files.0.index"),
        (_with_file(bytes=-1), "files.0.bytes"),
        (_with_file(channel=-1), "files.0.channel"),
        (_with_file(start_ms="secret"), "files.0.start_ms"),
        (_with_file(start_ms=500, end_ms=500), "files.0"),
        (_with_file(end_ms=0), "files.0"),
        (_with_file(surprise="secret"), "files.0.surprise"),
        (_with_file(options={"hotwords": "secret"}), "hotwords"),
        (_with_file(options={"surprise": "secret"}), "surprise"),
    ],
)
def test_a_malformed_message_names_the_field_and_keeps_its_values(
    change: Change, named: str
) -> None:
    message = {**MINIMAL, "files": [dict(MINIMAL["files"][0])]}
    change(message)
    with pytest.raises(MalformedShard) as caught:
        Shard.from_message(message)
    said = str(caught.value)
    assert said.startswith("malformed shard: ")
    assert named in said
    assert "secret" not in said


@pytest.mark.parametrize("output", ["s3://out/my_jobs/", "s3://out/_jobs2/", "s3://out/jobs/"])
def test_an_output_similar_to_that_of_job_documents_is_accepted(output: str) -> None:
    assert Shard.from_message({**MINIMAL, "output": output}).output == output


@pytest.mark.parametrize("document", [None, 7, "text", [], [1], {}])
def test_a_message_that_is_not_an_object_is_malformed(document: Any) -> None:
    with pytest.raises(MalformedShard):
        Shard.from_message(document)


def test_every_wrong_field_is_named_at_once() -> None:
    with pytest.raises(MalformedShard, match=r"shard: .*; output: "):
        Shard.from_message({**MINIMAL, "shard": "", "output": "x"})


def test_options_of_a_file_override_those_of_the_shard() -> None:
    own = a_ref(options={"language": "zh", "hotwords": ["alpha"]})
    shard = a_shard(own, a_ref(), options={"language": "en", "formats": ["srt"]})
    first, second = (shard.options.overlaid(ref) for ref in shard.files)
    assert (first.language, first.hotwords, first.formats) == ("zh", ("alpha",), ("srt",))
    assert (second.language, second.hotwords, second.formats) == ("en", (), ("srt",))


def test_a_shard_cannot_be_changed_once_it_is_read() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        a_shard().output = "s3://elsewhere/"  # type: ignore[misc]


@pytest.mark.parametrize("name", ["start_ms", "end_ms", "channel", "index", "bytes"])
def test_null_means_the_same_as_missing(name: str) -> None:
    null: dict[str, Any] = {name: None}
    assert a_ref(**null) == a_ref()


@pytest.mark.parametrize(
    "fields",
    [
        {"output": "s3://out/\ud800/"},
        {"shard": "\udfff"},
        {"job": "\ud800"},
        {"options": {"language": "\ud800"}},
        {"options": {"hotwords": ["\ud800"]}},
        {"files": [{"audio": "s3://in/\ud800"}]},
        {"files": [{"audio": "s3://in/a", "etag": "\ud800"}]},
    ],
)
def test_text_that_cannot_be_encoded_as_utf8_is_malformed(fields: dict[str, Any]) -> None:
    Shard.from_message(INTERFACE_SHARD)
    with pytest.raises(MalformedShard):
        Shard.from_message({**INTERFACE_SHARD, **fields})


def test_only_the_first_errors_are_listed_and_long_field_names_are_shortened() -> None:
    files = [{"audio": "s3://in/a", "x" * 5000: 1}] * 300
    with pytest.raises(MalformedShard, match=r"and \d+ more") as caught:
        Shard.from_message({**INTERFACE_SHARD, "files": files})
    assert len(str(caught.value).encode()) < 4000


def test_of_many_invalid_items_only_the_first_is_reported() -> None:
    shard = {**INTERFACE_SHARD, "options": {"hotwords": [7] * 9000, "formats": [7] * 90}}
    with pytest.raises(MalformedShard) as caught:
        Shard.from_message(shard)
    reason = str(caught.value)
    assert "options.hotwords.0: " in reason
    assert "options.formats.0: " in reason
    assert reason.count(";") == 1


def test_a_speaker_count_implies_speakers() -> None:
    assert Options(speaker_count=2).speakers
    assert not Options(speaker_count=2, speakers=False).speakers
    job = Options(speakers=True, speaker_count=2)
    assert not job.overlaid(a_ref(options={"speakers": False})).speakers
    assert Options().overlaid(a_ref(options={"speaker_count": 3})).speakers
    assert job.overlaid(a_ref(options={"speaker_count": 3})).speaker_count == 3


def test_the_hotwords_of_a_shard_are_not_checked_again_for_each_file() -> None:
    words = [f"word {number}" for number in range(10_000)]
    files = [{"audio": f"s3://in/{n}.wav", "options": {"itn": True}} for n in range(20)]
    shard = Shard.from_message({**INTERFACE_SHARD, "files": files, "options": {"hotwords": words}})
    merged = [shard.options.overlaid(ref) for ref in shard.files]
    assert all(one.hotwords is shard.options.hotwords and one.itn for one in merged)
    own = shard.files[0].model_copy(update={"options": {"hotwords": ["mine"]}})
    assert shard.options.overlaid(own).hotwords == ("mine",)
