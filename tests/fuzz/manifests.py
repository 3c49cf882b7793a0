"""Every row of a manifest gives a file that workers accept, or an invalid row with its line."""

import json
import random

from funasr_fleet.broker.message_size import check_message_size, check_structure
from funasr_fleet.contract.job import MAX_INDEX, AudioRef
from funasr_fleet.contract.shard_message import read_shard
from funasr_fleet.producer.discovery.interface import BadRow, BadSource, Found
from funasr_fleet.producer.discovery.manifest import MAX_LINE_BYTES, Manifest
from funasr_fleet.producer.planning.discover import Window, plan
from funasr_fleet.producer.planning.estimating import estimate_ms
from funasr_fleet.producer.planning.output_names import OutputNames
from funasr_fleet.producer.planning.packing import ShardLimits, pack, shard_name
from funasr_fleet.producer.planning.parts import Cursor, Part, read_part, refs_of, write_part
from funasr_fleet.producer.planning.request import JobRequest
from funasr_fleet.producer.publishing.messages import ShardTemplate
from funasr_fleet.producer.publishing.publication import template_shard
from tests.fuzz.changing_rows import FuzzedManifest, changed_manifest
from tests.fuzz.tally import Tally
from tests.support.memory_store import MemoryStore

OUTPUT = "s3://out/prefix/"
_JOB = "night"
_MOST_REASON_CHARS = 5_000
"""Length of a reason: up to ten fields, 200 characters each for the name and the error."""
_LIMITS = ShardLimits(files=2)


class RowRejected(Exception):
    """The row is invalid: the message has its line number."""


class HeaderRejected(Exception):
    """The header of the table is invalid."""


def run_rows(first: int, count: int, seed: int) -> Tally:
    """Read and plan manifests number first to first + count."""
    tally = Tally()
    for number in range(first, first + count):
        manifest = changed_manifest(random.Random(f"row {seed} {number}"))
        name = f"row {number} of seed {seed}"
        tally.run_input(name, lambda one=manifest: check(one), (RowRejected, HeaderRejected))  # type: ignore[misc]
    tally.record_memory()
    return tally


def check(manifest: FuzzedManifest) -> None:
    """Read a manifest, and plan, store and pack its rows as `fleet enqueue` does.

    Raises:
        RowRejected: the changed row is invalid; the other two have been checked.
        HeaderRejected: the header of the table is invalid.
        AssertionError: a valid row was lost, or a worker would not accept the message.
    """
    store = MemoryStore("in", "out")
    uri = f"s3://in/{manifest.name}"
    store.write(uri, manifest.body, "")
    try:
        found = list(Manifest(uri, store).after(""))
    except BadSource as error:
        raise _rejected_header(error, manifest) from None
    bad = [one.item for one in found if isinstance(one.item, BadRow)]
    for one in bad:
        _check_reason(one, uri)
    refs = _check_rows(found, manifest)
    _check_messages(refs, store)
    if bad:
        raise RowRejected(str(bad[0]))


def _rejected_header(error: BadSource, manifest: FuzzedManifest) -> HeaderRejected:
    assert manifest.head, "a manifest without a header was rejected"
    assert len(str(error)) < _MOST_REASON_CHARS, "a long message"
    return HeaderRejected(str(error))


def _check_rows(found: list[Found], manifest: FuzzedManifest) -> list[tuple[AudioRef, int | None]]:
    """The references; the valid rows must have their line numbers."""
    line = 1 + bool(manifest.head)
    items = {int(one.position): one for one in found}
    assert len(items) == len(found), "two items have one position"
    assert set(items) <= {line, line + 1, line + 2}, "a position is no line"
    for place in (line, line + 2):
        is_kept = place in items and isinstance(items[place].item, AudioRef)
        assert is_kept, "a valid row was lost"
    return [(one.item, one.duration_ms) for one in found if isinstance(one.item, AudioRef)]


def _check_reason(bad: BadRow, uri: str) -> None:
    prefix, _, number = bad.where.rpartition(" ")
    assert (prefix, number.isdigit()) == (f"{uri}, line", True), "an invalid row without a line"
    assert 0 < len(bad.reason) < _MOST_REASON_CHARS, "an empty or a long reason"
    bad.reason.encode()


def _check_messages(refs: list[tuple[AudioRef, int | None]], store: MemoryStore) -> None:
    """Plan the references, store the plan, and read each message as a worker does."""
    with OutputNames("s3://out/") as names:
        kept = [pair for pair in refs if isinstance(_reserved(names, pair[0]), AudioRef)]
    if not kept:
        return
    window = Window(refs=kept, next_cursor=Cursor(0, "9", len(kept)))
    part = plan(window, 0, [False] * len(kept), estimate_ms)
    assert part.estimated_ms * MAX_INDEX < 1 << 63, "sums do not fit into Redis"
    write_part(store, OUTPUT, _JOB, part)
    assert read_part(store, OUTPUT, _JOB, 0) == part, "a part changed in S3"
    planned = {ref.index: ref for ref in refs_of(part)}
    assert list(planned.values()) == [
        ref.model_copy(update={"index": index}) for index, (ref, _) in enumerate(kept)
    ], "a reference changed when planned"
    _check_shards(part, planned)


def _reserved(names: OutputNames, ref: AudioRef) -> object:
    found = names.reserve(Found("1", ref))
    return found and found.item


def _check_shards(part: Part, planned: dict[int | None, AudioRef]) -> None:
    template = ShardTemplate(template_shard(_JOB, JobRequest(sources=(), output=OUTPUT)))
    for number, files in enumerate(pack(part.files, _LIMITS)):
        body = template.body(shard_name(_JOB, 0, number), (file.row for file in files))
        check_message_size(len(body))
        ((document,), *_) = json.loads(body)
        check_structure(document)
        shard, invalid = read_shard(document)
        assert not invalid, f"a worker rejects the file: {invalid[0].reason}"
        assert [planned[ref.index] for ref in shard.files] == list(shard.files)
        assert max(len(file.row) for file in files) < MAX_LINE_BYTES, "a very large file"
