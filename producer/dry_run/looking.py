"""What a backlog would take, before any of it is published: files, hours, time and cost."""

import contextlib
import itertools
import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from contract.ledger import Ledger, connect
from contract.ledger.values import WorkerSeen
from contract.queues import BrokerUnavailable
from contract.s3 import S3Store
from contract.settings import Settings
from contract.store import ObjectStore
from producer.dry_run.effort import DryRun, Span, choose_rtfx
from producer.dry_run.extrapolating import Estimate, Key, Strata, ratio_estimate
from producer.dry_run.sampling import Headers, Measured, measure
from producer.dry_run.unsent import HeadersHereOrThere, unsent_folder
from producer.planning.estimating import Rates, estimate_ms
from producer.planning.naming import Names
from producer.sources import open_source
from producer.sources.filters import Filters
from producer.sources.interface import BadRow, Found

SAMPLE_FILES = 64
"""Headers read of a backlog of any size; rare formats add some of theirs."""

_DEVIATIONS = 2.0
"""Standard errors to each side: about 95 % of a normal distribution."""

_BAD_ROWS_KEPT = 5


@dataclass(kw_only=True)
class _Tally:
    """What walking over the sources counts."""

    files: int = 0
    bytes: int = 0
    files_of_unknown_size: int = 0
    bad_rows: int = 0
    bad_examples: list[str] = field(default_factory=list)
    known_ms: int = 0


def look_at_sources(  # noqa: PLR0913 - the keywords of enqueue
    sources: Sequence[str],
    upload: str | None = None,
    *,
    since: float | None = None,
    limit: int | None = None,
    suffixes: Sequence[str] = (),
    gpus: int = 1,
    rtfx: float | None = None,
    gpu_hour_price: float | None = None,
    settings: Settings | None = None,
    store: ObjectStore | None = None,
) -> DryRun:
    """What `enqueue` with the same arguments would find; nothing is published or uploaded.

    Files that have their result already are not left out.

    Args:
        sources: as of enqueue.
        upload: where local folders would be uploaded to; may be left out.
        since: as of enqueue.
        limit: as of enqueue.
        suffixes: as of enqueue.
        gpus: see dry_run.
        rtfx: see dry_run.
        gpu_hour_price: see dry_run.
        settings: where workers have left their speed; by default read from the environment.
        store: by default S3.

    Raises:
        BadSource: a source cannot be read.
        StoreError: S3 fails.
    """
    store = store or S3Store()
    wanted = Filters(suffixes=tuple(suffixes) or None, since=since)
    folders = [unsent_folder(text, upload, wanted) for text in sources]
    opened = [
        folder or open_source(text, store, upload, wanted)
        for text, folder in zip(sources, folders, strict=True)
    ]
    with Names() as names:
        found = itertools.chain.from_iterable(source.after("") for source in opened)
        return dry_run(
            _at_most(limit, names.tell_apart(found)),
            HeadersHereOrThere(store, [folder for folder in folders if folder]),
            gpus=gpus,
            rtfx=rtfx,
            gpu_hour_price=gpu_hour_price,
            workers=_workers(settings or Settings.load()),
        )


def _at_most(limit: int | None, found: Iterable[Found]) -> Iterator[Found]:
    """Bad rows do not count."""
    left = math.inf if limit is None else limit
    for one in found:
        yield one
        left -= not isinstance(one.item, BadRow)
        if left <= 0:
            return


def _workers(settings: Settings) -> list[WorkerSeen]:
    """Their measurements are welcome, but looking needs no broker."""
    with contextlib.suppress(BrokerUnavailable):
        return Ledger(connect(settings), settings.key_prefix).workers()
    return []


def dry_run(  # noqa: PLR0913 - each is an option of the command
    found: Iterable[Found],
    store: Headers,
    *,
    gpus: int = 1,
    rtfx: float | None = None,
    gpu_hour_price: float | None = None,
    workers: Iterable[WorkerSeen] = (),
    seed: int = 0,
) -> DryRun:
    """Count a backlog and estimate what transcribing all of it takes; nothing is published.

    Args:
        found: what the sources yield.
        store: where headers are read.
        gpus: how many would work on it; at least 1.
        rtfx: audio seconds per second of one of them, above 0; by default as measured by workers.
        gpu_hour_price: of one GPU, in any currency.
        workers: what the ledger knows of worker children.
        seed: of the sample.

    Raises:
        BadSource: a source cannot be read.
        StoreError: S3 fails.
    """
    strata, tally = Strata(SAMPLE_FILES, seed), _Tally()
    _walk(found, strata, tally)
    sample = {key: measure(refs, store) for key, refs in strata.sample().items()}
    estimates = {key: _estimate(strata, key, some) for key, some in sample.items()}
    speed, basis = choose_rtfx(rtfx, workers)
    return DryRun(
        **vars(tally),
        sampled=sum(map(len, sample.values())),
        measured=sum(one.duration_ms is not None for some in sample.values() for one in some),
        typical_ms=round(
            sum(strata.by_key[key].typical_ms for key, one in estimates.items() if one is None)
        ),
        audio_ms=_total(tally, strata, estimates),
        bytes_per_second=_rates(sample),
        gpus=gpus,
        rtfx=speed,
        rtfx_basis=basis,
        gpu_hour_price=gpu_hour_price,
    )


def _walk(found: Iterable[Found], strata: Strata, tally: _Tally) -> None:
    rates = Rates()
    for _, item, duration_ms in found:
        if isinstance(item, BadRow):
            tally.bad_rows += 1
            if len(tally.bad_examples) < _BAD_ROWS_KEPT:
                tally.bad_examples.append(str(item))
            continue
        tally.files += 1
        if item.size_bytes is None:
            tally.files_of_unknown_size += 1
        else:
            tally.bytes += item.size_bytes
        if duration_ms is not None or item.end_ms is not None:
            tally.known_ms += estimate_ms(item, duration_ms, rates)
        elif item.size_bytes != 0:  # an empty file has no audio, and no header to measure
            strata.add(item)


def _estimate(strata: Strata, key: Key, some: list[Measured]) -> Estimate | None:
    sized, stratum = key[1], strata.by_key[key]
    pairs = [
        (
            float(one.ref.size_bytes or 0) if sized else 1.0,
            float(max(0, one.duration_ms - (one.ref.start_ms or 0))),
        )
        for one in some
        if one.duration_ms is not None
    ]
    return ratio_estimate(pairs, stratum.files, stratum.weight)


def _total(tally: _Tally, strata: Strata, estimates: dict[Key, Estimate | None]) -> Span:
    likely, variance = float(tally.known_ms), 0.0
    for key, estimate in estimates.items():
        likely += estimate.audio_ms if estimate else strata.by_key[key].typical_ms
        variance += estimate.variance if estimate else 0.0
    margin = _DEVIATIONS * math.sqrt(variance)
    return Span(likely=likely, low=max(0.0, likely - margin), high=likely + margin)


def _rates(sample: dict[Key, list[Measured]]) -> dict[str, int]:
    """Bytes per second by suffix, for packing what comes next and for people to wonder at."""
    sums: dict[str, list[int]] = {}
    for (suffix, _), some in sample.items():
        for one in some:
            if suffix and one.size_bytes and one.duration_ms:
                total = sums.setdefault(suffix, [0, 0])
                total[0] += one.size_bytes
                total[1] += one.duration_ms
    return {suffix: max(1, round(1000 * size / ms)) for suffix, (size, ms) in sorted(sums.items())}
