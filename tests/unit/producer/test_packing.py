"""Packing: every reference once and in order, and no limit passed but by a single file."""

import itertools
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract.job import AudioRef, Options, Shard
from producer.packing import ShardLimits, make_shards, number, pack
from tests.unit.examples import OUTPUT, a_ref

SIZES = st.lists(st.none() | st.integers(0, 300), max_size=60)
LIMITS = st.builds(
    ShardLimits,
    files=st.integers(1, 9),
    total_bytes=st.integers(1, 500),
    unknown_bytes=st.integers(0, 300),
)


def _refs(sizes: list[int | None]) -> list[AudioRef]:
    return [a_ref(f"s3://in/{i}.wav", bytes=size) for i, size in enumerate(sizes)]


def _weight(group: tuple[AudioRef, ...], limits: ShardLimits) -> int:
    sizes = (ref.size_bytes for ref in group)
    return sum(limits.unknown_bytes if size is None else size for size in sizes)


@given(SIZES, LIMITS)
def test_every_reference_is_packed_once_and_in_order(
    sizes: list[int | None], limits: ShardLimits
) -> None:
    refs = _refs(sizes)
    assert [ref for group in pack(refs, limits) for ref in group] == refs


@given(SIZES, LIMITS)
def test_no_limit_is_passed_except_by_a_single_file(
    sizes: list[int | None], limits: ShardLimits
) -> None:
    for group in pack(_refs(sizes), limits):
        assert 1 <= len(group) <= limits.files
        assert len(group) == 1 or _weight(group, limits) <= limits.total_bytes


@given(SIZES, LIMITS)
def test_no_shard_is_closed_before_it_is_full(sizes: list[int | None], limits: ShardLimits) -> None:
    groups = list(pack(_refs(sizes), limits))
    for group, following in itertools.pairwise(groups):
        bigger = (*group, following[0])
        assert len(bigger) > limits.files or _weight(bigger, limits) > limits.total_bytes


@pytest.mark.parametrize(
    ("sizes", "groups"),
    [
        ([], []),
        ([4, 6], [[4, 6]]),
        ([4, 7], [[4], [7]]),
        ([99, 1], [[99], [1]]),
        ([1, 99], [[1], [99]]),
        ([None, 5], [[None, 5]]),
        ([None, 6], [[None], [6]]),
        ([0, 0, 0, 0], [[0, 0, 0], [0]]),
    ],
)
def test_groups_at_the_edge_of_a_limit(
    sizes: list[int | None], groups: list[list[int | None]]
) -> None:
    limits = ShardLimits(files=3, total_bytes=10, unknown_bytes=5)
    packed = pack(_refs(sizes), limits)
    assert [[ref.size_bytes for ref in group] for group in packed] == groups


def test_packing_does_not_wait_for_the_whole_backlog() -> None:
    seen: list[int] = []

    def endless() -> Iterator[AudioRef]:
        while True:
            seen.append(len(seen))
            yield a_ref()

    next(pack(endless(), ShardLimits(files=2)))
    assert len(seen) == 3


def test_references_are_numbered_in_order() -> None:
    refs = [a_ref("s3://in/b.wav"), a_ref("s3://in/a.wav")]
    assert [(r.index, r.audio) for r in number(refs)] == [
        (0, "s3://in/b.wav"),
        (1, "s3://in/a.wav"),
    ]
    assert [ref.index for ref in number(refs, start=7)] == [7, 8]


def _shards() -> list[Shard]:
    groups = [(a_ref("s3://in/a.wav"),), (a_ref("s3://in/b.wav"), a_ref("s3://in/c.wav"))]
    options = Options(formats=("srt",))
    return list(make_shards(groups, "night", OUTPUT, options, overwrite=True))


def test_shards_are_named_by_job_and_number_the_same_each_time() -> None:
    assert [shard.shard for shard in _shards()] == ["night-000000", "night-000001"]
    assert _shards() == _shards()


def test_every_shard_says_what_the_job_wants() -> None:
    for shard in _shards():
        assert (shard.job, shard.output, shard.overwrite) == ("night", OUTPUT, True)
        assert shard.options.formats == ("srt",)
    assert [len(shard.files) for shard in _shards()] == [1, 2]


def test_the_default_limits_stay_within_what_a_message_may_hold() -> None:
    assert 1 <= ShardLimits().files <= 10_000
