"""The parser raises only MalformedShard, and the shards that it accepts are safe."""

import json
import random
import unicodedata
from typing import Any

from funasr_fleet.contract.job import AudioRef, MalformedShard, Shard
from funasr_fleet.contract.layout import MAX_KEY_BYTES, check_relative, error_uri, output_uri
from funasr_fleet.contract.shard_message import read_shard
from tests.fuzz.changing_json import changed, valid
from tests.fuzz.tally import Tally


def run_shards(first: int, count: int, seed: int) -> Tally:
    """Parse documents number first to first + count."""
    tally = Tally()
    for number in range(first, first + count):
        random_ = random.Random(f"shard {seed} {number}")
        document = (valid if number % 100 == 0 else changed)(random_)
        name = f"shard {number} of seed {seed}"
        tally.run_input(name, lambda document=document: _check(document), (MalformedShard,))  # type: ignore[misc]
    tally.record_memory()
    return tally


def _check(document: Any) -> None:
    """Parse it as a worker does, and check the result.

    Raises:
        MalformedShard: it is not a valid shard.
        AssertionError: an unsafe shard was accepted.
    """
    shard, invalid = read_shard(document)
    bad = {entry.position for entry in invalid}
    for position, entry in enumerate(document["files"]):
        is_kept = position in bad or AudioRef.model_validate(entry) in shard.files
        assert is_kept, "an entry was lost"
    for entry in invalid:
        assert entry.relative.isprintable() or _is_output_name(entry.relative)
        entry.relative.encode()
        json.dumps(entry.document)
    names = [ref.relative for ref in shard.files] + [one.relative for one in invalid if one.is_safe]
    assert len(names) == len(set(names)), "two files have one output name"
    if shard.files:
        again = Shard.from_message(json.loads(json.dumps(shard.to_message())))
        assert again == shard, "a shard changed when written and parsed again"
    for ref in shard.files:
        shard.options.overlaid(ref)
    for name in names:
        for uri in (output_uri(shard.output, name, "json"), error_uri("s3://o/", "x")):
            uri.encode()
        parts = unicodedata.normalize("NFKC", name).split("/")
        assert not {".", ".."} & {*parts, *name.split("/")}, "an output is outside its prefix"
        assert name.isprintable() or not set(name) & set("\0\n\r\u202e\u2028")
        assert len(name.encode()) <= MAX_KEY_BYTES, "an output name is too long"


def _is_output_name(name: str) -> bool:
    """Whether it is a valid name; an unassigned character may be part of one."""
    try:
        return bool(check_relative(name))
    except ValueError:
        return False
