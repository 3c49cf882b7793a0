"""ETags that look like the MD5s of their objects, but are something else."""

import hashlib
import io

import pytest

from funasr_fleet.storage.base import ObjectIncomplete, ObjectInfo
from funasr_fleet.worker.audio.source import ListedDownloads
from tests.support.examples import a_ref
from tests.support.wrong_bodies import URI, WHOLE, WrongBodies

OTHER_ETAG = f'"{"0" * 32}"'


def downloaded(downloads: ListedDownloads, number: int) -> ObjectInfo:
    """Download one of several objects, which are not listed."""
    return downloads.download(a_ref(f"s3://in/{number}.ogg"), io.BytesIO())


def test_etags_that_look_like_md5s_but_are_none_are_recognised_at_the_third_object() -> None:
    answers = [(body.encode(), OTHER_ETAG) for body in "aaabbbccde"]
    head = ObjectInfo(uri=URI, etag=OTHER_ETAG, size_bytes=1)
    store = WrongBodies(*answers, head=head, states_md5=True)
    downloads = ListedDownloads(store, None)
    for number in range(2):
        with pytest.raises(ObjectIncomplete, match="do not match their ETag"):
            downloaded(downloads, number)
    accepted = [downloaded(downloads, number) for number in (2, 3, 4)]
    assert all(one.is_unverified for one in accepted)
    received = accepted[-1]
    assert store.fetches == 3 + 3 + 2 + 1 + 1
    downloads.confirm(a_ref(URI), received, io.BytesIO(WHOLE), io.BytesIO())


def test_an_object_whose_md5_matches_ends_the_acceptance_of_others() -> None:
    answers = [(body.encode(), OTHER_ETAG) for body in "aaabbbcc"]
    right = (b"d", f'"{hashlib.md5(b"d", usedforsecurity=False).hexdigest()}"')
    head = ObjectInfo(uri=URI, etag=OTHER_ETAG, size_bytes=1)
    store = WrongBodies(*answers, right, *answers, head=head, states_md5=True)
    downloads = ListedDownloads(store, None)
    for number in range(2):
        with pytest.raises(ObjectIncomplete):
            downloaded(downloads, number)
    assert downloaded(downloads, 2).is_unverified
    assert not downloaded(downloads, 3).is_unverified
    with pytest.raises(ObjectIncomplete, match="do not match their ETag"):
        downloaded(downloads, 4)


def test_the_same_bytes_for_several_objects_do_not_show_that_etags_are_no_md5s() -> None:
    head = ObjectInfo(uri=URI, etag=OTHER_ETAG, size_bytes=1)
    store = WrongBodies(*[(b"a", OTHER_ETAG)] * 99, head=head, states_md5=True)
    downloads = ListedDownloads(store, None)
    for number in range(5):
        with pytest.raises(ObjectIncomplete, match="do not match their ETag"):
            downloaded(downloads, number)
