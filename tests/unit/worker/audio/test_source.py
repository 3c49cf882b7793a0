"""Bytes that differ from the listed object are fetched again, and never accepted."""

import io

import pytest

from funasr_fleet.storage.base import (
    ObjectDenied,
    ObjectIncomplete,
    ObjectInfo,
    ObjectMissing,
    StoreUnavailable,
)
from funasr_fleet.worker.audio.source import FETCHES, ListedDownloads
from funasr_fleet.worker.error_handling import Retry, decide
from tests.support.examples import a_ref
from tests.support.wrong_bodies import ETAG, URI, WHOLE, WrongBodies

WEB = "https://example.com/a.ogg"


def cutting(*shares: float, head: ObjectInfo | Exception | None = None) -> WrongBodies:
    """Truncates successive downloads to these shares of the object; later ones are complete."""
    parts = [(WHOLE[: int(len(WHOLE) * share)], ETAG) for share in shares]
    return WrongBodies(*parts, head=head)


def fetched(
    store: WrongBodies, size_bytes: int | None, uri: str = URI, etag: str | None = None
) -> bytes:
    into = io.BytesIO()
    ref = a_ref(uri, size_bytes=size_bytes, etag=etag)
    info = ListedDownloads(store, 1000).download(ref, into)
    assert info.size_bytes == len(into.getvalue())
    assert into.tell() == 0
    return into.getvalue()


def test_a_part_is_fetched_again() -> None:
    store = cutting(0.9, 0.5)
    assert fetched(store, 10) == WHOLE
    assert store.fetches == 3


def test_parts_alone_are_never_accepted_and_retried_later() -> None:
    store = cutting(*[0.5] * 99)
    with pytest.raises(ObjectIncomplete, match="received 5 of 10 bytes, 3 times") as caught:
        fetched(store, 10)
    assert store.fetches == FETCHES
    assert isinstance(decide(caught.value, 0), Retry)


@pytest.mark.parametrize("size_bytes", [10, None])
def test_storage_is_not_asked_when_the_size_is_as_listed_or_none_is_listed(
    size_bytes: int | None,
) -> None:
    store = cutting(head=AssertionError("HEAD"))
    assert fetched(store, size_bytes) == WHOLE
    assert store.fetches == 1


def test_an_object_that_was_replaced_since_it_was_listed_is_accepted() -> None:
    store = cutting()
    assert fetched(store, 999) == WHOLE
    assert store.fetches == 1


def test_a_part_is_rejected_when_storage_refuses_to_report_the_size() -> None:
    store = cutting(*[0.5] * 99, head=ObjectDenied("no"))
    with pytest.raises(ObjectIncomplete):
        fetched(store, 10)


@pytest.mark.parametrize(
    "head",
    [ObjectInfo(uri=WEB, etag="", size_bytes=0), ObjectDenied("405"), StoreUnavailable("501")],
)
def test_a_part_from_a_web_server_that_reports_no_size_is_rejected(
    head: ObjectInfo | Exception,
) -> None:
    with pytest.raises(ObjectIncomplete):
        fetched(cutting(*[0.5] * 99, head=head), 10, WEB)


def test_an_object_that_was_replaced_by_an_empty_one_is_accepted() -> None:
    empty = ObjectInfo(uri=URI, etag="", size_bytes=0)
    assert fetched(cutting(0.0, head=empty), 10) == b""


def test_storage_that_is_away_when_it_is_asked_for_the_size_is_retried() -> None:
    with pytest.raises(StoreUnavailable, match="away"):
        fetched(cutting(0.5, head=StoreUnavailable("away")), 10)


OLD = b"9876543210", '"old"'


def test_an_old_version_of_the_same_size_is_fetched_again() -> None:
    store = WrongBodies(OLD, OLD)
    assert fetched(store, 10, etag=ETAG) == WHOLE
    assert store.fetches == 3


def test_a_version_that_storage_reports_too_is_accepted() -> None:
    store = WrongBodies(OLD, head=ObjectInfo(uri=URI, etag='"old"', size_bytes=10))
    assert fetched(store, 10, etag=ETAG) == OLD[0]


def test_an_old_version_alone_is_never_accepted() -> None:
    with pytest.raises(ObjectIncomplete, match='received ETag "old" instead of'):
        fetched(WrongBodies(*[OLD] * 99), 10, etag=ETAG)


@pytest.mark.parametrize("head", [ObjectDenied("no"), ObjectMissing("none")])
def test_another_version_than_listed_is_rejected_when_storage_does_not_report_its_etag(
    head: Exception,
) -> None:
    with pytest.raises(ObjectIncomplete, match='received ETag "old" instead of'):
        fetched(WrongBodies(*[OLD] * 99, head=head), 10, etag=ETAG)


ZEROS = bytes(10), ETAG


def test_bytes_that_differ_from_their_md5_are_fetched_again() -> None:
    store = WrongBodies(ZEROS, states_md5=True)
    assert fetched(store, None) == WHOLE
    assert store.fetches == 2


def test_bytes_that_differ_from_their_md5_are_never_accepted_where_etags_are_md5s() -> None:
    store = WrongBodies((WHOLE, ETAG), *[ZEROS] * 99, states_md5=True)
    downloads = ListedDownloads(store, None)
    downloads.download(a_ref(URI), io.BytesIO())
    with pytest.raises(ObjectIncomplete, match="do not match their ETag, 3 times"):
        downloads.download(a_ref(URI), io.BytesIO())


def test_a_part_that_differs_from_its_md5_is_compared_with_the_size_that_storage_reports() -> None:
    with pytest.raises(ObjectIncomplete, match="received 5 of 10 bytes, 3 times"):
        fetched(WrongBodies(*[(WHOLE[:5], ETAG)] * 99, states_md5=True), None)


@pytest.mark.parametrize("size_bytes", [10, None])
def test_the_same_wrong_bytes_every_time_are_rejected_where_no_md5_matched_yet(
    size_bytes: int | None,
) -> None:
    with pytest.raises(ObjectIncomplete, match="do not match their ETag, 3 times"):
        fetched(WrongBodies(*[ZEROS] * 99, states_md5=True), size_bytes, etag=ETAG)


def confirmed(store: WrongBodies) -> int:
    """Fetch, confirm as for a file that cannot be decoded, and return the number of fetches."""
    downloads, file = ListedDownloads(store, None), io.BytesIO()
    received = downloads.download(a_ref(URI), file)
    downloads.confirm(a_ref(URI), received, file, io.BytesIO())
    return store.fetches


def test_a_file_whose_md5_matches_is_not_fetched_again_to_confirm_it() -> None:
    assert confirmed(WrongBodies(states_md5=True)) == 1


def test_the_same_bytes_twice_confirm_a_file_without_an_md5() -> None:
    assert confirmed(WrongBodies()) == 2


@pytest.mark.parametrize("store", [WrongBodies(ZEROS), WrongBodies(*[ZEROS] * 3, states_md5=True)])
def test_other_bytes_than_the_object_do_not_fail_the_file(store: WrongBodies) -> None:
    with pytest.raises(ObjectIncomplete) as caught:
        confirmed(store)
    assert isinstance(decide(caught.value, 0), Retry)


def test_a_weak_etag_of_web_audio_is_the_strong_one() -> None:
    weak = [(WHOLE, 'W/"x"')]
    store = WrongBodies(*weak, head=ObjectInfo(uri=WEB, etag='"x"', size_bytes=10))
    assert fetched(store, 10, WEB, etag='"x"') == WHOLE
    assert store.fetches == 1
