"""Files of a window -> shards: each once, none beyond a limit, the longest first."""

import itertools

from hypothesis import given
from hypothesis import strategies as st

from funasr_fleet.producer.planning.packing import PlannedFile, ShardLimits, pack, shard_name

LIMITS = ShardLimits(files=4, seconds=100, total_bytes=1000, unknown_bytes=300)


def a_file(
    index: int, seconds: float = 10, size: int | None = 10, *, done: bool = False
) -> PlannedFile:
    return PlannedFile(index, b"{}", round(seconds * 1000), size, done)


files = st.lists(
    st.tuples(st.floats(0, 300), st.none() | st.integers(0, 3000), st.booleans()), max_size=60
).map(lambda some: [a_file(n, s, b, done=d) for n, (s, b, d) in enumerate(some)])


@given(files)
def test_every_file_that_is_to_be_done_is_in_one_shard(some: list[PlannedFile]) -> None:
    packed = list(itertools.chain.from_iterable(pack(some, LIMITS)))
    assert sorted(one.index for one in packed) == [one.index for one in some if not one.done]


@given(files)
def test_no_shard_passes_a_limit_but_for_a_file_that_does_so_alone(
    some: list[PlannedFile],
) -> None:
    for group in pack(some, LIMITS):
        assert group
        if len(group) > 1:
            assert len(group) <= LIMITS.files
            assert sum(one.estimated_ms for one in group) <= 100_000
            sizes = [300 if one.size_bytes is None else one.size_bytes for one in group]
            assert sum(sizes) <= LIMITS.total_bytes


@given(files)
def test_the_longest_come_first_so_that_the_tail_is_short(some: list[PlannedFile]) -> None:
    lengths = [one.estimated_ms for group in pack(some, LIMITS) for one in group]
    assert lengths == sorted(lengths, reverse=True)


@given(files, st.randoms())
def test_the_same_files_make_the_same_shards(some: list[PlannedFile], dice: object) -> None:
    again = list(some)
    getattr(dice, "shuffle")(again)  # noqa: B009 - hypothesis' type says nothing
    assert list(pack(some, LIMITS)) == list(pack(again, LIMITS))


def test_a_file_of_unknown_size_is_taken_for_a_middling_one() -> None:
    groups = list(pack([a_file(n, size=None) for n in range(4)], LIMITS))
    assert [len(group) for group in groups] == [3, 1]


def test_names_sort_as_shards_were_planned() -> None:
    names = [shard_name("job", window, number) for window in (0, 1, 11) for number in (0, 9, 10)]
    assert names == sorted(names)
    assert len(set(names)) == 9
