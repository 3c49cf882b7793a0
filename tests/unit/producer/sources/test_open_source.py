"""What an argument of `fleet enqueue` means."""

from pathlib import Path

import pytest

from contract.job import AudioRef
from contract.store import MemoryStore
from producer.sources import BadSource, open_source
from producer.sources.folder import LocalFolder
from producer.sources.manifest import JsonlManifest
from producer.sources.s3_prefix import S3Prefix

STORE = MemoryStore("in")


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("s3://in/calls/", S3Prefix),
        ("s3://in/calls/a.wav", S3Prefix),
        ("s3://in/list.jsonl", JsonlManifest),
        ("list.jsonl", JsonlManifest),
    ],
)
def test_an_argument_is_known_by_its_form(text: str, kind: type) -> None:
    assert type(open_source(text, STORE, None)) is kind


def test_a_folder_is_uploaded_to_where_it_is_told(tmp_path: Path) -> None:
    source = open_source(str(tmp_path), STORE, "s3://in/up/")
    assert isinstance(source, LocalFolder)
    assert (source.folder, source.upload) == (tmp_path, "s3://in/up/")


def test_a_folder_without_a_place_to_upload_it_says_what_to_add(tmp_path: Path) -> None:
    with pytest.raises(BadSource, match="--upload s3://bucket/prefix/"):
        open_source(str(tmp_path), STORE, None)


def test_anything_else_says_what_is_accepted() -> None:
    with pytest.raises(BadSource, match=r"nowhere is neither .* nor a \.jsonl manifest, nor"):
        open_source("nowhere", STORE, None)


def test_an_upload_prefix_without_its_slash_is_refused_or_completed(tmp_path: Path) -> None:
    (tmp_path / "a.wav").write_bytes(b"x")
    store = MemoryStore("in")
    try:
        found = list(open_source(str(tmp_path), store, "s3://in/up"))
    except BadSource:
        return
    assert [item.audio for item in found if isinstance(item, AudioRef)] == ["s3://in/up/a.wav"]
