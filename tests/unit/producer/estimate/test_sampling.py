"""Headers are read by ranges up to a limit; files are measured in their order, or unknown."""

import io
import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from funasr_fleet.contract.job import AudioRef
from funasr_fleet.embedded.samples import SAMPLES
from funasr_fleet.producer.estimate.ranges import (
    BLOCK_BYTES,
    MAX_HEADER_BYTES,
    MAX_READS,
    HeaderTooLong,
    RangeFile,
)
from funasr_fleet.producer.estimate.sampling import measure
from funasr_fleet.storage.base import CredentialsRefused, MemoryStore, StoreUnavailable
from tests.support.audio import silent_wav
from tests.support.examples import a_ref
from tests.support.stores import CountingStore


def stored(store: MemoryStore, name: str, body: bytes) -> AudioRef:
    store.write(f"s3://in/{name}", body, "audio/any")
    return a_ref(f"s3://in/{name}", bytes=len(body))


def test_unreadable_files_are_unknown_and_the_others_are_measured_in_order() -> None:
    store = MemoryStore("in")
    refs = [
        stored(store, "no.mp3", b"this is no audio at all\n" * 99),
        stored(store, "screen.webm", (SAMPLES / "browser-recording.webm").read_bytes()),
        stored(store, "voice.amr", b"#!AMR\n" + bytes(3200)),
        stored(store, "cut.m4a", b"\0\0\0\x20ftypM4A " + bytes(20)),
        stored(store, "empty.wav", b""),
        a_ref("s3://in/missing.wav", bytes=99),
        a_ref("s3://in/missing-and-of-unknown-size.wav"),
        a_ref("s3://no-bucket/a.wav"),
        stored(store, "good.wav", silent_wav(32_000)),
    ]
    found = measure(refs, store)
    assert [one.ref for one in found] == refs
    assert [one.duration_ms for one in found] == [None] * 8 + [1_000]


def test_a_size_missing_from_the_manifest_is_looked_up() -> None:
    store = MemoryStore("in")
    size = stored(store, "a.wav", silent_wav(64_000)).size_bytes
    stored(store, "a.wav.json", b"something that begins with the same name")
    (found,) = measure([a_ref("s3://in/a.wav")], store)
    assert (found.size_bytes, found.duration_ms) == (size, 2_000)


@pytest.mark.parametrize("start", [0, BLOCK_BYTES])
@pytest.mark.parametrize("error", [StoreUnavailable("away"), CredentialsRefused("refused")])
def test_unavailable_storage_is_an_error(error: Exception, start: int) -> None:
    class Away(MemoryStore):
        def open_range(self, uri: str, start_: int, length: int) -> bytes:
            if start_ >= start:
                raise error
            return super().open_range(uri, start_, length)

    store = Away("in")
    movie = stored(store, "a.mp4", (SAMPLES / "screen-recording.mp4").read_bytes())
    with pytest.raises(type(error)):
        measure([movie], store)


def opened(body: bytes) -> tuple[CountingStore, RangeFile]:
    store = CountingStore("in")
    store.write("s3://in/a.bin", body, "audio/any")
    return store, RangeFile(store, "s3://in/a.bin", len(body))


def test_reading_stops_at_the_maximum_header_size() -> None:
    store, file = opened(bytes(3 * MAX_HEADER_BYTES))
    for _ in range(MAX_HEADER_BYTES // BLOCK_BYTES):
        file.read(BLOCK_BYTES)
    with pytest.raises(HeaderTooLong):
        file.read(1)
    assert store.fetched_bytes == MAX_HEADER_BYTES


def test_reading_stops_at_the_maximum_number_of_reads() -> None:
    _, file = opened(bytes(5 * MAX_READS))
    for _ in range(MAX_READS):
        assert len(file.read(4)) == 4
    with pytest.raises(HeaderTooLong):
        file.read(4)


BODY = bytes(range(256)) * 1024
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("seek"), st.integers(0, len(BODY) + 10), st.just(os.SEEK_SET)),
        st.tuples(st.just("seek"), st.integers(-len(BODY), 10), st.just(os.SEEK_END)),
        st.tuples(st.just("read"), st.integers(-1, 200_000), st.just(0)),
    ),
    max_size=20,
)


@given(STEPS)
def test_ranges_read_like_a_file(steps: list[tuple[str, int, int]]) -> None:
    (_, ranges), plain = opened(BODY), io.BytesIO(BODY)
    for what, number, whence in steps:
        if what == "seek":
            assert ranges.seek(number, whence) == plain.seek(number, whence)
        else:
            assert ranges.read(number) == plain.read(number)
        assert ranges.tell() == plain.tell()


def test_fetched_blocks_are_cached() -> None:
    store, file = opened(BODY)
    for _ in range(3):
        file.seek(10)
        assert file.read(4) == BODY[10:14]
    assert (store.requests, store.fetched_bytes) == (1, BLOCK_BYTES)
    file.seek(0)
    assert file.read() == BODY
    assert (store.requests, store.fetched_bytes) == (2, len(BODY))
