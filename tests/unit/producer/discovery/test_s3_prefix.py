"""A prefix in S3: which objects are audio, and how their results are named."""

import pytest

from funasr_fleet.contract.audio_suffixes import looks_like_audio
from funasr_fleet.contract.job import AudioRef
from funasr_fleet.producer.discovery.interface import Filters
from funasr_fleet.producer.discovery.s3_prefix import S3Prefix
from funasr_fleet.storage.base import BucketMissing
from tests.support.examples import a_store, items, reason, refs, resumes_after_each_position, whole
from tests.support.memory_store import MemoryStore


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
def test_audio_is_recognised_by_its_suffix(name: str, is_audio: bool) -> None:
    assert looks_like_audio(name) is is_audio


def test_only_audio_below_the_prefix_is_found_in_order_of_key() -> None:
    store = a_store("calls/b.mp3", "calls/x/a.wav", "calls/a.txt", "other/c.wav")
    found = refs(S3Prefix("s3://in/calls/", store))
    assert [ref.audio for ref in found] == ["s3://in/calls/b.mp3", "s3://in/calls/x/a.wav"]
    assert [ref.relative for ref in found] == ["b.mp3", "x/a.wav"]


def test_a_prefix_that_ends_within_a_name_keeps_the_name_whole() -> None:
    found = refs(S3Prefix("s3://in/calls/2026", a_store("calls/2026-01.wav", "calls/2025.wav")))
    assert [ref.relative for ref in found] == ["2026-01.wav"]


def test_a_single_object_is_a_backlog_of_one() -> None:
    (ref,) = refs(S3Prefix("s3://in/calls/a.wav", a_store("calls/a.wav")))
    assert (ref.audio, ref.relative) == ("s3://in/calls/a.wav", "a.wav")


def test_etag_and_size_of_the_listing_are_kept() -> None:
    store = a_store("a.wav")
    (ref,) = refs(S3Prefix("s3://in/", store))
    (info,) = store.list("s3://in/")
    assert (ref.etag, ref.size_bytes, ref.index) == (info.etag, 5, None)


@pytest.mark.parametrize("odd", ["calls//a.wav", "calls/../a.wav", "calls/a\\b.wav", "c/\n.wav"])
def test_an_unsafe_key_does_not_hide_its_neighbours(odd: str) -> None:
    found = items(S3Prefix("s3://in/", a_store("a.wav", odd, "z.wav")))
    names = [ref.relative for ref in found if isinstance(ref, AudioRef)]
    assert {"a.wav", "z.wav"} <= set(names)
    assert len(found) == 3  # the unsafe key is reported


def test_a_missing_bucket_is_an_error() -> None:
    with pytest.raises(BucketMissing):
        items(S3Prefix("s3://nowhere/", MemoryStore("in")))


def test_a_prefix_resumes_after_any_key() -> None:
    keys = ("calls/a.wav", "calls/b/1.wav", "calls/b/2.wav", "calls/b\\.wav", "calls/c.wav")
    assert resumes_after_each_position(S3Prefix("s3://in/calls/", a_store(*keys)))


def test_a_position_is_the_key_of_the_object() -> None:
    (found,) = S3Prefix("s3://in/calls/", a_store("calls/x/a.wav")).after("calls/x/")
    assert found.position == "calls/x/a.wav"


def test_other_suffixes_can_be_requested() -> None:
    store = a_store("a.wav", "b.pcm", "c.PCM", "dpcm")
    found = refs(S3Prefix("s3://in/", store, Filters(suffixes=("pcm",))))
    assert [ref.relative for ref in found] == ["b.pcm", "c.PCM"]


def test_objects_can_be_filtered_by_modification_time() -> None:
    store = a_store("before.wav", "then.wav", "later.wav", "unknown.wav")
    store.modified = {"s3://in/before.wav": 99.9, "s3://in/then.wav": 100, "s3://in/later.wav": 101}
    found = refs(S3Prefix("s3://in/", store, Filters(since=100)))
    assert [ref.relative for ref in found] == ["later.wav", "then.wav", "unknown.wav"]


def test_audio_below_a_folder_of_jobs_is_a_bad_row_that_names_it() -> None:
    store = a_store("_jobs/x.wav", "a.wav", "b/_jobs/x.wav", "c/_jobs2/x.wav")
    first, good, second, other = items(S3Prefix("s3://in/", store))
    assert reason(first).startswith("s3://in/_jobs/x.wav: relative: ")
    assert reason(second).startswith("s3://in/b/_jobs/x.wav: relative: ")
    assert [whole(one).relative for one in (good, other)] == ["a.wav", "c/_jobs2/x.wav"]
    # names are relative to the prefix, so this one is valid
    assert [ref.relative for ref in refs(S3Prefix("s3://in/_jobs/", store))] == ["x.wav"]
