"""Headers are read by range up to a limit; totals are extrapolated with an error margin."""

import io
import math
import os
import random
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from funasr_fleet.contract.job import AudioRef
from funasr_fleet.embedded.samples import SAMPLES
from funasr_fleet.producer.estimate.durations import measure
from funasr_fleet.producer.estimate.headers import (
    BLOCK_BYTES,
    MAX_HEADER_BYTES,
    MAX_READS,
    HeaderTooLong,
    RangeFile,
)
from funasr_fleet.producer.estimate.stratified import LEAST_PER_FORMAT, Strata, ratio_estimate
from funasr_fleet.storage.base import CredentialsRefused, StoreUnavailable
from tests.support.audio import silent_wav
from tests.support.examples import a_ref
from tests.support.memory_store import MemoryStore
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


def test_files_of_one_rate_have_no_variance() -> None:
    sample = [(32_000.0 * s, 1000.0 * s) for s in (1, 5, 30)]
    found = ratio_estimate(sample, 1000, 32_000.0 * 20_000)
    assert found
    assert found.audio_ms == pytest.approx(20_000_000)
    assert found.variance == pytest.approx(0, abs=1e-3)


def test_a_full_census_has_no_variance() -> None:
    population = [(100.0, 1000.0), (200.0, 9000.0), (50.0, 10.0)]
    found = ratio_estimate(population, 3, 350.0)
    assert found
    assert found.audio_ms == pytest.approx(10_010)
    assert found.variance == 0.0


@pytest.mark.parametrize(("sample", "files"), [([], 5), ([(1.0, 9.0)], 2), ([(0.0, 0.0)] * 3, 9)])
def test_a_sample_that_is_too_small_gives_no_estimate(
    sample: list[tuple[float, float]], files: int
) -> None:
    assert ratio_estimate(sample, files, 100.0) is None


def test_the_variance_is_that_of_the_textbook() -> None:
    # computed by hand: ratio 6, residuals -2, 4, -2; n 3 of N 30; X = 30 times the mean
    sample = [(2.0, 10.0), (3.0, 22.0), (4.0, 22.0)]
    found = ratio_estimate(sample, 30, 90.0)
    assert found
    assert found.audio_ms == pytest.approx(540)
    assert found.variance == pytest.approx(30**2 * (1 - 3 / 30) * ((4 + 16 + 4) / 2) / 3)


def test_the_interval_covers_the_truth_as_often_as_stated() -> None:
    chance = random.Random(1)
    held = 0
    for _ in range(300):
        sizes = [chance.lognormvariate(13, 1) for _ in range(2000)]
        population = [(size, size / chance.choice([8, 16, 32])) for size in sizes]
        truth = sum(audio_ms for _, audio_ms in population)
        found = ratio_estimate(chance.sample(population, 64), 2000, sum(sizes))
        assert found
        held += abs(found.audio_ms - truth) <= 2 * math.sqrt(found.variance)
    assert 0.85 <= held / 300 <= 0.99


@pytest.mark.parametrize(
    ("limit", "others", "drawn_each"), [(4, [], 4), (16, ["s3://in/huge.mp4"], LEAST_PER_FORMAT)]
)
def test_every_file_is_drawn_as_often_as_every_other(
    limit: int, others: list[str], drawn_each: int
) -> None:
    """Even if fewer files are measured than kept, beside a format with most of the audio."""
    drawn: Counter[str] = Counter()
    for seed in range(2000):
        strata = Strata(limit, seed)
        for uri in others:
            strata.add(a_ref(uri, bytes=1 << 40))
        for n in range(10):
            strata.add(a_ref(f"s3://in/{n}.amr", bytes=1000))
        drawn.update(ref.audio for ref in strata.sample()["amr", True])
    assert (len(drawn), sum(drawn.values())) == (10, drawn_each * 2000)
    assert all(700 < count < 900 for count in drawn.values())  # 800, standard deviation 22


def test_formats_are_sampled_by_their_share_of_audio_and_rare_ones_too() -> None:
    strata = Strata(64, 0)
    for n in range(1000):
        strata.add(a_ref(f"s3://in/{n}.mp3", bytes=16_000 * 60))
    for n in range(9):
        strata.add(a_ref(f"s3://in/{n}.m4a", bytes=12_000))
        strata.add(a_ref(f"s3://in/{n}.mp3"))
        strata.add(a_ref(f"s3://in/odd.{n}", bytes=16_000))
    counts = {key: len(some) for key, some in strata.sample().items()}
    assert counts == {("mp3", True): 63, ("m4a", True): 4, ("mp3", False): 4, ("", True): 4}


def test_memory_is_bounded_by_formats_not_by_files() -> None:
    strata = Strata(64, 0)
    for n in range(5000):
        strata.add(a_ref(f"s3://in/a.{n}", bytes=n))
    assert len(strata.by_key) == 1
    assert [len(one.drawn) for one in strata.by_key.values()] == [64]
    assert [one.files for one in strata.by_key.values()] == [5000]
