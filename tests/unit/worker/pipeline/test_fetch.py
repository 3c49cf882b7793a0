"""Only one file is fetched ahead, and the queues between threads are bounded."""

import threading
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from typing import BinaryIO

import pytest

from funasr_fleet.contract.abilities import Abilities
from funasr_fleet.storage.base import ObjectInfo, ObjectMissing
from funasr_fleet.worker.audio.decoding.input_checks import Limits
from funasr_fleet.worker.errors import UndecodableAudio
from funasr_fleet.worker.pipeline.bounded_queue import BoundedQueue, ConsumerGone, prefetch
from funasr_fleet.worker.pipeline.fetch import FetchedFile, Fetcher
from tests.support.audio import tone, wav
from tests.support.examples import a_shard
from tests.support.fake_pipeline import decoders
from tests.support.memory_store import MemoryStore

URIS = [f"s3://in/{name}.wav" for name in "abcd"]


class CountingStore(MemoryStore):
    """Records which downloads have begun."""

    def __init__(self) -> None:
        super().__init__("in", "out")
        self.begun: list[str] = []
        self.changed = threading.Condition()
        for n, uri in enumerate(URIS):
            self.write(uri, wav(tone(0.5 + 0.25 * n)), "")

    def download(self, uri: str, into: BinaryIO, limit_bytes: int | None = None) -> ObjectInfo:
        with self.changed:
            self.begun.append(uri)
            self.changed.notify_all()
        return super().download(uri, into, limit_bytes)

    def wait_for(self, count: int) -> list[str]:
        with self.changed:
            assert self.changed.wait_for(lambda: len(self.begun) >= count, timeout=5)
        return self.begun


@pytest.fixture
def store() -> CountingStore:
    return CountingStore()


def _fetcher(store: MemoryStore) -> Fetcher:
    return Fetcher(
        store=store,
        decoders=decoders(),
        model_revision="sha256:m",
        abilities=Abilities(),
        limits=Limits(audio_s=500),
    )


def _fetch(store: MemoryStore, *uris: str) -> Generator[FetchedFile, None, None]:
    shard = a_shard(*uris)
    return _fetcher(store).fetch_ahead(shard, shard.files)


def _lengths(fetched: FetchedFile) -> list[int]:
    """The number of samples in each block."""
    return [block.shape[1] for block in fetched.blocks]


def test_files_come_in_the_given_order(store: CountingStore) -> None:
    for uri, fetched in zip(URIS, _fetch(store, *URIS), strict=True):
        assert fetched.file_job.ref.audio == uri
        (length,) = _lengths(fetched)
        assert fetched.facts
        assert fetched.facts.duration_ms * 16 == length


def test_one_file_is_fetched_ahead_and_no_more(store: CountingStore) -> None:
    coming = _fetch(store, *URIS)
    next(coming)
    assert sorted(store.wait_for(2)) == URIS[:2]
    next(coming)
    assert sorted(store.wait_for(3)) == URIS[:3]
    coming.close()
    assert sorted(store.begun) == URIS[:3]


def test_a_long_file_is_decoded_minute_by_minute(store: CountingStore) -> None:
    store.write(URIS[0], wav(tone(190, rate=8_000), 8_000), "")
    coming = _fetch(store, URIS[0])
    assert _lengths(next(coming)) == [960_000, 960_000, 960_000, 160_000]


def test_closing_the_fetcher_early_does_not_block(store: CountingStore) -> None:
    """Seven minutes exceed the decode-ahead limit: the waiting decoder must be released."""
    store.write(URIS[0], wav(tone(420, rate=8_000), 8_000), "")
    coming = _fetch(store, *URIS)
    fetched = next(coming)
    next(iter(fetched.blocks))
    coming.close()


def test_a_thread_that_cannot_start_leaves_no_reservation_behind(
    store: CountingStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as patched:
        patched.setattr(ThreadPoolExecutor, "submit", fail)
        with pytest.raises(RuntimeError, match="can't start new thread"):
            next(_fetch(store, *URIS))
    assert _lengths(next(_fetch(store, URIS[0])))


def test_an_error_belongs_to_its_file_and_the_next_is_fetched(store: CountingStore) -> None:
    store.write("s3://in/text.wav", b"text", "")
    coming = _fetch(store, "s3://in/gone.wav", "s3://in/text.wav", URIS[0])
    gone = next(coming)
    with pytest.raises(ObjectMissing):
        list(gone.blocks)
    assert gone.info is None
    text = next(coming)
    with pytest.raises(UndecodableAudio):
        list(text.blocks)
    assert text.info is not None
    assert text.facts is None
    assert _lengths(next(coming)) == [8_000]


def test_fetching_and_decoding_are_timed(store: CountingStore) -> None:
    coming = _fetch(store, URIS[0])
    one = next(coming)
    list(one.blocks)
    assert set(one.file_job.stopwatch.seconds) == {"fetch", "decode"}


def test_prefetched_items_come_in_order() -> None:
    with ThreadPoolExecutor(1) as threads:
        assert list(prefetch((n for n in range(1000)), 3, threads)) == list(range(1000))


def test_an_error_comes_after_the_items_before_it() -> None:
    def things() -> Generator[int, None, None]:
        yield 1
        raise ValueError("broken")

    with ThreadPoolExecutor(1) as threads:
        coming = prefetch(things(), 3, threads)
        assert next(coming) == 1
        with pytest.raises(ValueError, match="broken"):
            next(coming)


def test_the_producer_stays_within_the_bound_of_the_queue() -> None:
    made: list[int] = []
    third = threading.Event()

    def things() -> Generator[int, None, None]:
        for n in range(100):
            made.append(n)
            if n == 3:
                third.set()
            yield n

    with ThreadPoolExecutor(1) as threads:
        coming = prefetch(things(), 2, threads)
        assert next(coming) == 0
        assert third.wait(5)  # two items wait in the queue, and a third was made but does not fit
        coming.close()
    assert made == [0, 1, 2, 3]


def test_putting_into_an_abandoned_queue_raises() -> None:
    handover: BoundedQueue[int] = BoundedQueue(1)
    handover.put(1)
    handover.abandon()
    with pytest.raises(ConsumerGone):
        handover.put(2)


def test_the_generator_is_closed_with_its_consumer() -> None:
    closed = threading.Event()

    def things() -> Generator[int, None, None]:
        try:
            while True:
                yield 0
        finally:
            closed.set()

    with ThreadPoolExecutor(1) as threads:
        coming = prefetch(things(), 1, threads)
        next(coming)
        coming.close()
        assert closed.is_set()
