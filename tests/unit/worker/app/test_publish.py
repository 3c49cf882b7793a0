"""A shard that took its worker down comes again file by file."""

from funasr_fleet.contract.job import Shard
from funasr_fleet.worker.app.publish import split
from tests.support.examples import a_shard


def test_every_file_gets_a_shard_of_its_own_with_all_else_the_same() -> None:
    shard = a_shard("s3://in/a.wav", "s3://in/b.wav", overwrite=True)
    parts = split(shard)
    assert [part.files for part in parts] == [(ref,) for ref in shard.files]
    for part in parts:
        assert part.model_copy(update={"shard": shard.shard, "files": shard.files}) == shard


def test_the_names_are_the_same_each_time_and_all_different() -> None:
    shard = a_shard(*(f"s3://in/{number}.wav" for number in range(200)))
    names = [part.shard for part in split(shard)]
    assert names == [part.shard for part in split(shard)]
    assert len(set(names)) == 200
    assert all(name.startswith(shard.shard) for name in names)


def test_parts_of_a_shard_with_the_longest_name_are_shards_still() -> None:
    shard = a_shard("s3://in/a.wav", "s3://in/b.wav").model_copy(update={"shard": "x" * 200})
    for part in split(shard):
        assert Shard.from_message(part.to_message()) == part
