"""Ranges of an object read like a file, and what they cost has an end."""

import io
import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from funasr_fleet.producer.estimate.ranges import (
    BLOCK_BYTES,
    MAX_HEADER_BYTES,
    MAX_READS,
    HeaderTooLong,
    RangeFile,
)
from tests.support.stores import CountingStore


def opened(body: bytes) -> tuple[CountingStore, RangeFile]:
    store = CountingStore("in")
    store.write("s3://in/a.bin", body, "audio/any")
    return store, RangeFile(store, "s3://in/a.bin", len(body))


def test_a_header_without_end_is_given_up() -> None:
    store, file = opened(bytes(3 * MAX_HEADER_BYTES))
    for _ in range(MAX_HEADER_BYTES // BLOCK_BYTES):
        file.read(BLOCK_BYTES)
    with pytest.raises(HeaderTooLong):
        file.read(1)
    assert store.fetched_bytes == MAX_HEADER_BYTES


def test_a_parser_that_lost_its_way_is_stopped() -> None:
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
def test_ranges_read_like_any_file(steps: list[tuple[str, int, int]]) -> None:
    (_, ranges), plain = opened(BODY), io.BytesIO(BODY)
    for what, number, whence in steps:
        if what == "seek":
            assert ranges.seek(number, whence) == plain.seek(number, whence)
        else:
            assert ranges.read(number) == plain.read(number)
        assert ranges.tell() == plain.tell()


def test_what_was_fetched_is_not_fetched_again() -> None:
    store, file = opened(BODY)
    for _ in range(3):
        file.seek(10)
        assert file.read(4) == BODY[10:14]
    assert (store.requests, store.fetched_bytes) == (1, BLOCK_BYTES)
    file.seek(0)
    assert file.read() == BODY
    assert (store.requests, store.fetched_bytes) == (2, len(BODY))
