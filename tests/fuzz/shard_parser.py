"""No document makes the parser raise anything but MalformedShard; what it takes is safe."""

import json
import random
import unicodedata
from typing import Any

from funasr_fleet.contract.job import MalformedShard, Shard
from funasr_fleet.contract.layout import MAX_KEY_BYTES, error_uri, output_uri
from tests.fuzz.changing_json import changed, valid
from tests.fuzz.tally import Tally


def run_shards(first: int, count: int, seed: int) -> Tally:
    """Parse documents number first to first + count."""
    tally = Tally()
    for number in range(first, first + count):
        random_ = random.Random(f"shard {seed} {number}")
        document = (valid if number % 100 == 0 else changed)(random_)
        name = f"shard {number} of seed {seed}"
        tally.judge(name, lambda document=document: _take(document), (MalformedShard,))  # type: ignore[misc]
    tally.weigh()
    return tally


def _take(document: Any) -> None:
    """Parse it as a worker does, and look at what is made of it.

    Raises:
        MalformedShard: it is none.
        AssertionError: it was taken, and should not have been.
    """
    shard = Shard.from_message(document)
    again = Shard.from_message(json.loads(json.dumps(shard.to_message())))
    assert again == shard, "a shard changed on its way through a message"
    for ref in shard.files:
        for uri in (output_uri(shard.output, ref.relative, "json"), error_uri("s3://o/", "x")):
            uri.encode()
        parts = unicodedata.normalize("NFKC", ref.relative).split("/")
        assert not {".", ".."} & {*parts, *ref.relative.split("/")}, "it leaves its prefix"
        assert ref.relative.isprintable() or not set(ref.relative) & set("\0\n\r\u202e\u2028")
        assert len(ref.relative.encode()) <= MAX_KEY_BYTES, "its name is too long"
        shard.options.overlaid(ref)
