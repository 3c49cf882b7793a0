"""Message bodies are decompressed up to a limit; only zlib is accepted."""

import bz2
import lzma
import tracemalloc
import zlib

import pytest
from kombu import compression

from funasr_fleet.broker.message_size import (
    MAX_DEPTH,
    MAX_KEYS,
    MAX_MESSAGE_BYTES,
    MessageTooComplex,
    MessageTooLarge,
    check_message_size,
    check_structure,
    refuse_bombs,
    unpack,
)
from funasr_fleet.contract.job import Shard
from funasr_fleet.producer.publishing.messages import ShardTemplate
from tests.support.examples import a_shard


@pytest.fixture(autouse=True)
def guarded() -> None:
    refuse_bombs()
    refuse_bombs()  # as when a second application is created in one process


@pytest.mark.parametrize("size", [0, 1, 100_000, MAX_MESSAGE_BYTES])
def test_zlib_bodies_are_decompressed_up_to_the_limit(size: int) -> None:
    packed, kind = compression.compress(bytes(size), "zlib")
    assert compression.decompress(packed, kind) == bytes(size)
    assert len(compression.decompress(packed, "gzip")) == size


@pytest.mark.slow
def test_a_compression_bomb_is_not_decompressed_beyond_the_limit() -> None:
    bomb = zlib.compress(bytes(20 * MAX_MESSAGE_BYTES), 9)
    tracemalloc.start()
    with pytest.raises(MessageTooLarge, match="decompresses to more than"):
        compression.decompress(bomb, "zlib")
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 3 * MAX_MESSAGE_BYTES


@pytest.mark.parametrize(
    ("name", "packed"), [("bzip2", bz2.compress(b"x")), ("lzma", lzma.compress(b"x"))]
)
def test_compression_other_than_zlib_is_rejected(name: str, packed: bytes) -> None:
    with pytest.raises(ValueError, match="are not supported; use zlib"):
        compression.decompress(packed, name)


@pytest.mark.parametrize("packed", [b"", b"x", zlib.compress(b"x" * 99)[:-5]])
def test_invalid_or_truncated_zlib_bodies_are_rejected(packed: bytes) -> None:
    with pytest.raises(zlib.error):
        unpack(packed)


def test_an_uncompressed_body_above_the_limit_is_rejected() -> None:
    check_message_size(MAX_MESSAGE_BYTES)
    with pytest.raises(MessageTooLarge):
        check_message_size(MAX_MESSAGE_BYTES + 1)


def test_the_largest_possible_shard_fits_into_a_message() -> None:
    key = "\u6f22" * 300
    one = a_shard("s3://" + "b" * 63 + "/" + key).model_dump(mode="json", exclude_defaults=True)
    row = Shard.model_validate(one).files[0].model_dump_json(exclude_defaults=True).encode()
    body = ShardTemplate(a_shard()).body("s", [row] * 10_000)
    assert 18_000_000 < len(body) < MAX_MESSAGE_BYTES


def test_an_object_with_too_many_keys_is_rejected() -> None:
    check_structure([{str(number): 0 for number in range(MAX_KEYS)}] * 300)
    with pytest.raises(MessageTooComplex, match="an object in it has more than 100 keys"):
        check_structure([{"options": {str(number): 0 for number in range(MAX_KEYS + 1)}}])


@pytest.mark.parametrize("innermost", [[], {}, 7, "text", None])
def test_values_nested_deeper_than_the_limit_are_rejected(innermost: object) -> None:
    value = innermost
    for layer in range(MAX_DEPTH - isinstance(innermost, list | dict)):
        value = [value, 1] if layer % 2 else {"a": value, "b": "c"}
    check_structure(value)
    with pytest.raises(MessageTooComplex, match="more than 32 levels deep"):
        check_structure([value])
