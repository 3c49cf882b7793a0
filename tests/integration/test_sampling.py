"""Durations from headers, read by range from a real S3, match the decoder."""

import uuid
from collections.abc import Iterator
from pathlib import Path

import av
import pytest

from funasr_fleet.contract.audio_suffixes import looks_like_audio
from funasr_fleet.embedded.samples import SAMPLES
from funasr_fleet.producer.api import estimate
from funasr_fleet.producer.discovery.interface import Found
from funasr_fleet.producer.estimate.durations import measure
from funasr_fleet.producer.estimate.estimate import dry_run
from funasr_fleet.storage.base import ObjectInfo
from funasr_fleet.storage.s3 import S3Store
from tests.support.audio import mp3, silent_wav
from tests.support.examples import a_ref

NO_READER = {".webm"}
"""Formats that tinytag does not know."""


def decoded_ms(path: Path) -> int | None:
    """The duration of a file decoded by FFmpeg; None if it is not audio."""
    try:
        with av.open(str(path)) as container:
            return (container.duration or 0) // 1000
    except av.FFmpegError:
        return None


@pytest.fixture(scope="module")
def prefix() -> str:
    return f"s3://audio/sampling-{uuid.uuid4()}/"


@pytest.fixture
def listed(store: S3Store, prefix: str) -> list[ObjectInfo]:
    for path in sorted(SAMPLES.rglob("*")):
        if path.is_file() and looks_like_audio(path.name):
            store.upload(prefix + path.relative_to(SAMPLES).as_posix(), path.open("rb"))
    return list(store.list(prefix))


def test_header_durations_match_the_decoded_durations(
    store: S3Store, prefix: str, listed: list[ObjectInfo]
) -> None:
    refs = [a_ref(info.uri, bytes=info.size_bytes) for info in listed]
    for one in measure(refs, store):
        path = SAMPLES / one.ref.audio.removeprefix(prefix)
        expected_ms = None if path.suffix in NO_READER else decoded_ms(path)
        assert one.duration_ms == (expected_ms and pytest.approx(expected_ms, abs=120)), path


class CountingStore(S3Store):
    """Counts the bytes that are fetched."""

    fetched_bytes = 0

    def open_range(self, uri: str, start: int, length: int) -> bytes:
        """See ObjectStore."""
        body = super().open_range(uri, start, length)
        self.fetched_bytes += len(body)
        return body


@pytest.mark.parametrize(
    ("name", "body", "duration_ms"),
    [("a.wav", silent_wav(100_000_000), 3_125_000), ("a.mp3", mp3(240_000), 6_269_388)],
)
def test_probing_a_hundred_megabytes_reads_less_than_one(
    stack: object, prefix: str, name: str, body: bytes, duration_ms: int
) -> None:
    store = CountingStore()
    uri = f"{prefix}large/{name}"
    store.write(uri, body, "audio/any")
    (found,) = measure([a_ref(uri)], store)
    assert found.size_bytes == len(body)
    assert found.duration_ms == pytest.approx(duration_ms, rel=1e-3)
    assert 0 < store.fetched_bytes < 1_000_000
    store.delete(uri)


def test_a_dry_run_estimate_is_close_to_the_actual_duration(
    store: S3Store, prefix: str, listed: list[ObjectInfo]
) -> None:
    def walk() -> Iterator[Found]:
        for info in listed:
            yield Found(info.uri, a_ref(info.uri, bytes=info.size_bytes))

    result = dry_run(walk(), store, rtfx=100.0)
    truth_ms = sum(decoded_ms(SAMPLES / info.uri.removeprefix(prefix)) or 0 for info in listed)
    assert result.files == len(listed)
    # all but the browser recording and the file that is not audio
    assert result.measured == len(listed) - 2
    assert result.audio_ms.likely == pytest.approx(truth_ms, rel=0.1)


def test_a_prefix_and_its_uploaded_folder_have_the_same_estimate(
    store: S3Store, prefix: str, listed: list[ObjectInfo]
) -> None:
    there, here = (
        estimate([source], output="s3://transcripts/x/", upload="s3://audio/x/")
        for source in (prefix, str(SAMPLES))
    )
    assert there.files == here.files == len(listed)
    assert there.bytes == here.bytes
    assert there.audio_ms == here.audio_ms
    assert there.rtfx_basis == "assumed"
