"""The source for each argument of `fleet enqueue`, and rows that name audio on web servers."""

import json
from pathlib import Path

import pytest

from funasr_fleet.contract.job import AudioRef
from funasr_fleet.producer.discovery import BadRow, BadSource, Filters, open_source
from funasr_fleet.producer.discovery.folder import LocalFolder
from funasr_fleet.producer.discovery.manifest import Manifest
from funasr_fleet.producer.discovery.s3_prefix import S3Prefix
from tests.support.examples import items
from tests.support.memory_store import MemoryStore

STORE = MemoryStore("in")


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("s3://in/calls/", S3Prefix),
        ("s3://in/calls/a.wav", S3Prefix),
        ("s3://in/folder.csv/", S3Prefix),
        ("s3://in/" + "long" * 100, S3Prefix),
        ("s3://in/list.jsonl", Manifest),
        ("s3://in/list.jsonl.gz", Manifest),
        ("list.jsonl", Manifest),
        ("LIST.CSV", Manifest),
        ("list.tsv.gz", Manifest),
        ("list.txt", Manifest),
        ("data/wav.scp", Manifest),
        ("nemo/train_manifest.json", Manifest),
        ("-", Manifest),
    ],
)
def test_the_kind_of_source_is_derived_from_the_argument(text: str, kind: type) -> None:
    assert type(open_source(text, STORE, None)) is kind


def test_a_folder_is_uploaded_to_the_given_prefix(tmp_path: Path) -> None:
    source = open_source(str(tmp_path), STORE, "s3://in/up/")
    assert isinstance(source, LocalFolder)
    assert (source.folder, source.upload) == (tmp_path, "s3://in/up/")


def test_a_folder_without_an_upload_prefix_names_the_option(tmp_path: Path) -> None:
    with pytest.raises(BadSource, match="pass an upload prefix such as s3://bucket/prefix/"):
        open_source(str(tmp_path), STORE, None)


@pytest.mark.parametrize("text", ["nowhere", "a.wav", "http://in/list", ""])
def test_any_other_argument_lists_what_is_accepted(text: str) -> None:
    with pytest.raises(BadSource) as caught:
        open_source(text, STORE, None)
    for kind in ("folder", "s3://bucket/prefix/", ".jsonl", ".csv", ".scp", ".gz", "- for"):
        assert kind in str(caught.value)


def test_a_folder_named_like_a_manifest_is_a_folder(tmp_path: Path) -> None:
    folder = tmp_path / "calls.txt"
    folder.mkdir()
    assert isinstance(open_source(str(folder), STORE, "s3://in/up/"), LocalFolder)


@pytest.mark.parametrize("wanted", [Filters(since=5), Filters(suffixes=(".wav",))])
def test_filters_of_listings_are_rejected_for_manifests(wanted: Filters) -> None:
    with pytest.raises(BadSource, match="every row is taken"):
        open_source("list.jsonl", STORE, None, wanted)


def test_an_upload_prefix_without_its_slash_is_rejected_or_completed(tmp_path: Path) -> None:
    (tmp_path / "a.wav").write_bytes(b"x")
    store = MemoryStore("in")
    try:
        found = items(open_source(str(tmp_path), store, "s3://in/up"))
    except BadSource:
        return
    assert [item.audio for item in found if isinstance(item, AudioRef)] == ["s3://in/up/a.wav"]


SIGNED = "https://host.example/calls/a.mp3?X-Amz-Signature=hush"


@pytest.fixture
def manifest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "list.jsonl"
    rows = [
        {"audio": "s3://in/a.wav"},
        {"audio": SIGNED, "start_ms": 5},
        {"audio_filepath": "http://other.example/b.wav", "duration": 2.5},
        {"audio": SIGNED, "id": "mine"},
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def _read(manifest: Path) -> list[AudioRef | BadRow]:
    return items(open_source(str(manifest), MemoryStore(), None))


def test_rows_of_hosts_that_are_not_allowed_are_bad_rows(manifest: Path) -> None:
    first, *bad = _read(manifest)
    assert isinstance(first, AudioRef)
    for number, row in enumerate(bad, 2):
        said = f"line {number}: audio: its host is not in FLEET_ALLOWED_HTTP_HOSTS"
        assert said in str(row)
        assert "hush" not in str(row)


def test_rows_of_allowed_hosts_are_accepted(
    manifest: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FLEET_ALLOWED_HTTP_HOSTS", "host.example, third.example")
    first, second, third, fourth = _read(manifest)
    assert isinstance(first, AudioRef)
    assert isinstance(second, AudioRef)
    assert (second.audio, second.relative) == (SIGNED, "calls/a.mp3@5-")
    assert isinstance(third, BadRow)
    assert isinstance(fourth, AudioRef)
    assert fourth.relative == "mine"
