"""Fetching: in order, one file ahead of the caller and no more, errors as values."""

import threading
from collections.abc import Iterator
from typing import BinaryIO

import pytest

from contract.store import MemoryStore, ObjectInfo, ObjectMissing
from tests.unit.examples import a_shard
from tests.unit.worker.sounds import tone, wav
from worker.failures import UndecodableAudio
from worker.fetching import Fetched, Fetcher

URIS = [f"s3://in/{name}.wav" for name in "abcd"]


class CountingStore(MemoryStore):
    """Says which downloads have begun."""

    def __init__(self) -> None:
        super().__init__("in", "out")
        self.begun: list[str] = []
        self.changed = threading.Condition()
        for n, uri in enumerate(URIS):
            self.write(uri, wav(tone(0.5 + 0.25 * n)), "")

    def download(self, uri: str, into: BinaryIO) -> ObjectInfo:
        with self.changed:
            self.begun.append(uri)
            self.changed.notify_all()
        return super().download(uri, into)

    def wait_for(self, count: int) -> list[str]:
        with self.changed:
            assert self.changed.wait_for(lambda: len(self.begun) >= count, timeout=5)
        return self.begun


@pytest.fixture
def store() -> CountingStore:
    return CountingStore()


def _fetch(store: MemoryStore, *uris: str) -> Iterator[Fetched]:
    fetcher = Fetcher(store=store, model_revision="sha256:m", max_audio_s=30)
    return fetcher.fetch_ahead(a_shard(*uris))


def test_files_come_in_the_order_of_the_shard(store: CountingStore) -> None:
    fetched = list(_fetch(store, *URIS))
    assert [one.task.ref.audio for one in fetched] == URIS
    assert [one.audio.duration_ms for one in fetched if one.audio] == [500, 750, 1000, 1250]


def test_the_next_file_is_fetched_while_this_one_is_at_work_and_no_further(
    store: CountingStore,
) -> None:
    coming = _fetch(store, *URIS)
    next(coming)
    assert store.wait_for(2) == URIS[:2]
    next(coming)
    assert store.wait_for(3) == URIS[:3]
    coming.close()  # type: ignore[attr-defined]
    assert store.begun == URIS[:3]


def test_an_error_belongs_to_its_file_and_the_next_is_fetched_all_the_same(
    store: CountingStore,
) -> None:
    store.write("s3://in/text.wav", b"text", "")
    gone, text, good = _fetch(store, "s3://in/gone.wav", "s3://in/text.wav", URIS[0])
    assert isinstance(gone.error, ObjectMissing)
    assert gone.info is None
    assert isinstance(text.error, UndecodableAudio)
    assert text.info is not None
    assert good.error is None


def test_what_became_of_a_file_is_one_of_three(store: CountingStore) -> None:
    for one in _fetch(store, URIS[0], "s3://in/gone.wav"):
        assert [one.audio is not None, one.done, one.error is not None].count(True) == 1


def test_fetching_and_decoding_are_timed(store: CountingStore) -> None:
    (one,) = _fetch(store, URIS[0])
    assert set(one.task.stopwatch.seconds) == {"fetch", "decode"}
