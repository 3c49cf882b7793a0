"""A prefix in S3: which objects are audio, and how their results are named."""

import pytest

from contract.job import AudioRef
from contract.store import BucketMissing, MemoryStore
from producer.sources.interface import Source, looks_like_audio
from producer.sources.s3_prefix import S3Prefix


def _store(*keys: str) -> MemoryStore:
    store = MemoryStore("in")
    for key in keys:
        store.write(f"s3://in/{key}", b"12345", "")
    return store


def _refs(source: Source) -> list[AudioRef]:
    """The references of a source in which nothing is bad."""
    found = list(source)
    assert all(isinstance(one, AudioRef) for one in found)
    return [one for one in found if isinstance(one, AudioRef)]


@pytest.mark.parametrize(
    ("name", "is_audio"),
    [
        ("a.wav", True),
        ("a.MP3", True),
        ("a.b.flac", True),
        (".opus", True),
        ("a.txt", False),
        ("a.wav.json", False),
        ("a.wav.error.json", False),
        ("wav", False),
        ("a", False),
        ("a.wav/", False),
    ],
)
def test_audio_is_known_by_how_its_name_ends(name: str, is_audio: bool) -> None:
    assert looks_like_audio(name) is is_audio


def test_only_audio_below_the_prefix_is_found_in_order_of_key() -> None:
    store = _store("calls/b.mp3", "calls/x/a.wav", "calls/a.txt", "other/c.wav")
    found = _refs(S3Prefix("s3://in/calls/", store))
    assert [ref.audio for ref in found] == ["s3://in/calls/b.mp3", "s3://in/calls/x/a.wav"]


def test_results_are_named_by_what_follows_the_prefix() -> None:
    (ref,) = _refs(S3Prefix("s3://in/calls/", _store("calls/x/a.wav")))
    assert ref.relative == "x/a.wav"


def test_a_prefix_that_ends_within_a_name_keeps_the_name_whole() -> None:
    found = _refs(S3Prefix("s3://in/calls/2026", _store("calls/2026-01.wav", "calls/2025.wav")))
    assert [ref.relative for ref in found] == ["2026-01.wav"]


def test_a_single_object_is_a_backlog_of_one() -> None:
    (ref,) = _refs(S3Prefix("s3://in/calls/a.wav", _store("calls/a.wav")))
    assert (ref.audio, ref.relative) == ("s3://in/calls/a.wav", "a.wav")


def test_what_was_listed_travels_along() -> None:
    store = _store("a.wav")
    (ref,) = _refs(S3Prefix("s3://in/", store))
    (info,) = store.list("s3://in/")
    assert (ref.etag, ref.size_bytes, ref.index) == (info.etag, 5, None)


@pytest.mark.parametrize("odd", ["calls//a.wav", "calls/../a.wav", "calls/a\\b.wav", "c/\n.wav"])
def test_a_key_that_makes_no_safe_name_does_not_hide_its_neighbours(odd: str) -> None:
    found = list(S3Prefix("s3://in/", _store("a.wav", odd, "z.wav")))
    names = [ref.relative for ref in found if isinstance(ref, AudioRef)]
    assert {"a.wav", "z.wav"} <= set(names)
    assert len(found) == 3  # and it is not passed over in silence


def test_a_missing_bucket_is_said() -> None:
    with pytest.raises(BucketMissing):
        list(S3Prefix("s3://nowhere/", MemoryStore("in")))
