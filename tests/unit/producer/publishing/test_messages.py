"""Rows put into a template are the shard that they would have made themselves."""

import json

from contract.job import Shard
from producer.planning.parts import planned_row
from producer.publishing.messages import ShardTemplate
from tests.unit.examples import a_ref, a_shard


def test_a_body_holds_the_very_shard() -> None:
    refs = [
        a_ref("s3://in/电话.wav", index=0, etag='"e"', bytes=7),
        a_ref("s3://in/b.wav", index=1, start_ms=5, end_ms=9, options={"language": "zh"}),
    ]
    shard = a_shard(*refs, overwrite=True, options={"formats": ["srt"], "hotwords": ["nine"]})
    rows = [planned_row(ref, ref.index) for ref in refs]
    (document,), named, _ = json.loads(ShardTemplate(shard).body(shard.shard, rows))
    assert Shard.from_message(document) == shard
    assert named == {}


def test_a_row_without_an_index_has_none() -> None:
    row = json.loads(planned_row(a_ref(), None))
    assert "index" not in row
